"""Consent by channel and purpose: since when, withdrawn when, and what follows for contacts and conditions."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

import custrules as cr
from custrules.consenting import Consent, of_both, said

PROGRAM = cr.loads("""
program: p
zone: Asia/Shanghai
currency: CNY
policies:
  - {id: wish, kind: care.trigger, occasion: {date: 2026-06-01}, category: greetings, purpose: greeting, channels: [sms, email], template: wish}
  - {id: sale, kind: care.trigger, occasion: {date: 2026-06-01}, category: offers, purpose: marketing, channels: [sms, email], template: sale}
  - {id: bill, kind: care.trigger, occasion: {date: 2026-06-01}, category: service, purpose: service, channels: [sms], template: bill}
  - {id: extra, kind: care.trigger, occasion: {date: 2026-06-01}, category: service, purpose: service, channels: [sms], template: extra,
     when: {consent.sms: greeting, consent.fax: none}}
  - {id: contact, kind: care.contact_plan}
""")


def lived(*updates: tuple[str, dict[str, str]], program: cr.Program = PROGRAM, customer: str = "c", **more: Any) -> cr.State:
    """A customer with updates of consent at noon of days of 2026."""
    state = cr.State.new(customer)
    for number, (day, consent) in enumerate(updates):
        head = {"type": "consent_update", "id": f"k{number}", "customer_id": customer, "occurred_at": f"2026-{day}T12:00:00+08:00"}
        step = program.step(state, program.event({**head, "consent": consent, **more}))
        assert step.accepted, step.refusal
        state = step.state
    return state


def outcomes(state: cr.State) -> dict[str, tuple[str, str, str]]:
    plan = cr.plan(PROGRAM, state, date(2026, 6, 1), days=1)
    return {item.trigger: (item.outcome, item.channel, item.codes[0]) for item in plan}


MARCH_1, MAY_5 = date(2026, 3, 1), date(2026, 5, 5)


def test_consent_to_marketing_allows_greetings_too_and_keeps_its_day() -> None:
    state = lived(("03-01", {"sms": "marketing"}))
    assert state.consent == {"sms": "marketing"}
    assert state.consented("sms", "greeting") == state.consented("sms", "marketing") == Consent(MARCH_1)
    assert {name: outcome for name, (outcome, *_) in outcomes(state).items()} == {"wish": "send", "sale": "send", "bill": "send"}


def test_consent_to_greetings_allows_them_alone() -> None:
    found = outcomes(lived(("03-01", {"sms": "greeting"})))
    assert found["wish"] == ("send", "sms", "care.planned.send")
    assert found["sale"] == ("drop", "", "care.consent.none")
    assert found["extra"][0] == "send"  # the fact of a channel reads what stands, and none where nothing was said


def test_each_purpose_takes_the_first_channel_that_has_consent_to_it() -> None:
    found = outcomes(lived(("03-01", {"sms": "greeting", "email": "marketing"})))
    assert (found["wish"][1], found["sale"][1]) == ("sms", "email")


def test_consent_that_is_narrowed_keeps_the_day_of_what_stays_and_notes_the_day_of_what_goes() -> None:
    state = lived(("03-01", {"sms": "marketing"}), ("05-05", {"sms": "greeting"}))
    assert state.consent == {"sms": "greeting"}
    assert state.consents["sms"] == {"greeting": Consent(MARCH_1), "marketing": Consent(MARCH_1, MAY_5)}


def test_a_withdrawal_is_told_with_its_day() -> None:
    state = lived(("03-01", {"sms": "marketing"}), ("05-05", {"sms": "none"}))
    assert state.consent == {"sms": "none"}
    assert state.consents["sms"] == {"greeting": Consent(MARCH_1, MAY_5), "marketing": Consent(MARCH_1, MAY_5)}
    (sale,) = [item for item in cr.plan(PROGRAM, state, date(2026, 6, 1), days=1) if item.trigger == "sale"]
    assert sale.reasons[0] == cr.Reason("care.consent.withdrawn", {"purpose": "marketing", "channel": "sms", "day": MAY_5})
    assert "2026-05-05" in cr.render(sale.reasons[0], "zh")


def test_consent_given_again_stands_since_then() -> None:
    state = lived(("03-01", {"sms": "marketing"}), ("04-01", {"sms": "none"}), ("05-05", {"sms": "marketing"}))
    assert state.consented("sms", "marketing") == Consent(MAY_5)


def test_consent_that_is_given_once_more_keeps_its_first_day() -> None:
    assert lived(("03-01", {"sms": "marketing"}), ("05-05", {"sms": "marketing"})).consented("sms", "marketing") == Consent(MARCH_1)


def test_a_refusal_has_a_day_though_nothing_was_given() -> None:
    state = lived(("05-05", {"sms": "none"}))
    assert state.consented("sms", "marketing") == Consent(None, MAY_5)
    assert state.consented("email", "marketing") == Consent()
    assert outcomes(state)["sale"] == ("drop", "", "care.consent.withdrawn")


def test_an_update_that_comes_late_does_not_undo_what_was_said_after_it() -> None:
    state = lived(("05-05", {"sms": "none"}), ("05-04", {"sms": "marketing", "email": "marketing"}))
    assert state.consent == {"sms": "none", "email": "marketing"}
    assert state.consented("email", "marketing") == Consent(date(2026, 5, 4))


def test_in_a_restated_history_the_same_update_stands_in_its_own_place() -> None:
    update = {"type": "consent_update", "customer_id": "c"}
    refusal = PROGRAM.event({**update, "id": "k", "occurred_at": "2026-03-01T04:00:00Z", "consent": {"sms": "none"}})
    late = PROGRAM.event({**update, "id": "z", "occurred_at": "2026-02-01T04:00:00Z", "consent": {"sms": "marketing"}})
    stamped = PROGRAM.step(cr.State.new("c"), refusal).event
    found = PROGRAM.restate(cr.State.new("c"), [stamped], late).state
    assert found.consented("sms", "marketing") == Consent(date(2026, 2, 1), MARCH_1)
    assert found.consent == {"sms": "none"}


def test_days_of_consent_are_stored_and_old_states_read_without_them() -> None:
    state = lived(("03-01", {"sms": "marketing"}), ("05-05", {"sms": "greeting"}))
    stored = json.loads(state.to_json())
    assert stored["consents"] == {"sms": {"greeting": ["2026-03-01", None], "marketing": ["2026-03-01", "2026-05-05"]}}
    assert cr.State.from_json(state.to_json()) == state
    del stored["consents"]
    old = cr.State.from_json(json.dumps(stored))
    assert (old.consent, old.consents) == ({"sms": "greeting"}, {})
    assert "consents" not in json.loads(old.to_json())
    assert outcomes(old)["sale"] == ("drop", "", "care.consent.none")
    assert outcomes(old)["wish"][0] == "send"


def test_consent_of_an_old_state_that_is_withdrawn_has_the_day_of_its_withdrawal() -> None:
    words, days = said({"sms": "marketing"}, {}, {"sms": "greeting"}, MAY_5)
    assert (words, days) == ({"sms": "greeting"}, {"sms": {"marketing": Consent(None, MAY_5)}})


@pytest.mark.parametrize("row", [["2026-03-01"], ["soon", None], 5])
def test_days_that_cannot_be_read_make_a_state_unreadable(row: object) -> None:
    stored = json.loads(lived(("03-01", {"sms": "marketing"})).to_json())
    stored["consents"]["sms"]["marketing"] = row
    with pytest.raises(cr.StateError):
        cr.State.from_json(json.dumps(stored))


def test_of_two_cards_of_one_person_what_was_said_later_counts() -> None:
    early, late = date(2026, 1, 1), date(2026, 2, 1)
    refused = ({"sms": "none"}, {"sms": {"greeting": Consent(None, late), "marketing": Consent(None, late)}})
    given = ({"sms": "marketing"}, {"sms": {"greeting": Consent(early), "marketing": Consent(early)}})
    again = ({"sms": "greeting"}, {"sms": {"greeting": Consent(MARCH_1)}})
    assert of_both(given, refused)[0] == of_both(refused, given)[0] == {"sms": "none"}
    assert of_both(refused, again)[0] == {"sms": "greeting"}
    assert of_both(({}, {}), given) == given
    assert of_both(({"sms": "marketing"}, {}), ({"sms": "none"}, {})) == ({"sms": "none"}, {})  # no days: the refusal


def test_a_merge_takes_the_other_cards_withdrawal_over() -> None:
    old = lived(("03-01", {"sms": "marketing"}), ("05-05", {"sms": "none"}), customer="old")
    new = lived(("03-02", {"sms": "marketing"}), customer="new")
    gone = PROGRAM.step(old, PROGRAM.event({"type": "merge", "id": "m", "customer_id": "old", "occurred_at": "2026-05-06T04:00:00Z", "into": "new"}))
    (signal,) = [effect for effect in gone.effects if isinstance(effect, cr.Signal)]
    kept = PROGRAM.step(new, PROGRAM.event(signal.delivered(datetime(2026, 5, 6, 5, tzinfo=UTC)))).state
    assert kept.consent == {"sms": "none"}
    assert kept.consented("sms", "marketing").withdrawn == MAY_5


def test_a_condition_on_a_channel_knows_the_words_of_consent() -> None:
    with pytest.raises(cr.DocumentError) as caught:
        cr.loads(PROGRAM.to_json().decode().replace('"consent.sms":"greeting"', '"consent.sms":"yes"'))
    assert [found.path for found in caught.value.diagnostics] == ["policies[3].when.consent.sms"]


def test_no_other_word_is_consent() -> None:
    with pytest.raises(cr.EventError) as caught:
        lived(("03-01", {"sms": "service"}))
    assert [found.path for found in caught.value.diagnostics] == ["consent.sms"]
