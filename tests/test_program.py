"""Programs: built from text or code, asked about events, let through time, replayed, stored and read back."""

from __future__ import annotations

import gc
import json
import pickle
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from toys import KINDS, Gate, Greeting, at, aurora, greeting_program, visit

import custrules as cr
from custrules import replaying
from custrules.counting import ActivityType
from custrules.measures import Measure
from custrules.returns import ReturnsRule


def faults(data: Any, program: cr.Program | None = None) -> list[tuple[str, str]]:
    with pytest.raises(cr.EventError) as caught:
        (program or aurora()).event(data)
    return [(fault.code, fault.path) for fault in caught.value.diagnostics]


def event(type: str = "purchase", **fields: Any) -> dict[str, Any]:
    return {"type": type, "id": "e1", "customer_id": "c-1", "occurred_at": "2026-03-01T12:00:00Z", **fields}


# --- built in code ----------------------------------------------------------------------------------------------------


def test_a_program_is_built_from_policies_and_sections_given_in_code() -> None:
    made = greeting_program(measures={"spend": {"sum": "spend", "window": "1 month"}}, late="2 hours", title="Hall")
    assert [policy.kind for policy in made.policies] == ["toys.greeting", "toys.gate"]
    assert (made.title, made.zone, made.rulebook.late) == ("Hall", ZoneInfo("UTC"), timedelta(hours=2))


def test_models_may_stand_for_their_data() -> None:
    measure, rule = Measure.model_validate({"sum": "spend", "window": "1 month"}), ReturnsRule.model_validate({"window": "30 days"})
    by_models = greeting_program(measures={"m": measure}, returns=rule)
    assert by_models == greeting_program(measures={"m": {"sum": "spend", "window": "1 month"}}, returns={"window": "30 days"})


def test_a_policy_may_stand_in_its_document_form() -> None:
    by_data = cr.Program(id="hall", zone="UTC", currency="EUR", kinds=KINDS, policies=[{"id": "greet", "kind": "toys.greeting"}, Gate(id="gate")])
    assert by_data == greeting_program()


def test_a_zone_may_be_given_as_a_zone() -> None:
    made = cr.Program(id="p", zone=ZoneInfo("Europe/Paris"), currency="EUR", policies=[])
    assert made == cr.Program(id="p", zone="Europe/Paris", currency="EUR", policies=[])


def test_zone_and_currency_must_be_said() -> None:
    with pytest.raises(TypeError, match="'zone' and 'currency'"):
        cr.Program(id="p", policies=[])  # type: ignore[call-arg]  # that is the fault


@pytest.mark.parametrize("zone", ["localtime", "../../etc/passwd", "/etc/localtime", "posixrules", "Mars", "", 5])
def test_a_zone_is_one_of_the_database_and_never_the_machines(zone: Any) -> None:
    with pytest.raises(cr.DocumentError, match=r"document\.unknown_zone"):
        cr.Program(id="p", zone=zone, currency="EUR", policies=[])


def test_the_message_of_an_error_tells_every_fault_in_words() -> None:
    with pytest.raises(cr.DocumentError) as caught:
        cr.Program(id="p", zone="UTC", currency="EURO", policies=[Greeting(id="a"), Greeting(id="b")])
    assert str(caught.value) == (
        "currency document.unknown_currency: 'EURO' is not an ISO 4217 currency code. Did you mean \"EUR\"?\n"
        'policies[1].kind document.two_writers: the status "greeted" is written by "a" and by "b"; '
        "a status has one writer. Name another one for the second with status:."
    )


class Loud(Greeting):
    """Greeting's kind, another class."""


class Whenever(Greeting):
    """Says no phase that there is."""

    kind = "toys.whenever"
    phase: ClassVar[Any] = "whenever"


def test_one_kind_is_one_class_in_a_program() -> None:
    with pytest.raises(cr.DocumentError, match=r"policies\[1\]\.kind document\.bad_plugin: .* another class of this kind"):
        cr.Program(id="p", zone="UTC", currency="EUR", policies=[Greeting(id="a"), Loud(id="b", status="other")])


def test_a_policy_given_in_code_keeps_the_contract() -> None:
    with pytest.raises(cr.DocumentError, match="phase 'whenever' is none of"):
        cr.Program(id="p", zone="UTC", currency="EUR", policies=[Whenever(id="a")])


def test_an_activity_type_may_stand_for_its_data() -> None:
    by_type = greeting_program(activities={"wave": ActivityType({"hands": "whole"}, "times")})
    assert by_type == greeting_program(activities={"wave": {"hands": "whole", "quantity": "times"}})


def test_a_program_does_not_change() -> None:
    with pytest.raises(AttributeError, match="make a new one"):
        aurora().rulebook = None  # type: ignore[assignment]  # that is the fault


# --- stored -----------------------------------------------------------------------------------------------------------


def test_a_program_pickles_as_its_document() -> None:
    club = aurora()
    again = pickle.loads(pickle.dumps(club))
    assert (again, again.policies, again.digest) == (club, club.policies, club.digest)


def test_a_policy_of_a_kind_that_is_not_ours_pickles_with_its_class() -> None:
    again = pickle.loads(pickle.dumps(greeting_program()))
    assert [type(policy) for policy in again.policies] == [Greeting, Gate]


def test_equal_programs_have_one_digest_and_one_hash() -> None:
    assert aurora() == aurora()
    assert hash(aurora()) == hash(aurora())
    assert aurora().digest != greeting_program().digest
    assert aurora() != "aurora"


def test_the_digest_does_not_depend_on_the_order_of_keys() -> None:
    data = aurora().document_data()
    turned = dict(reversed(data.items()))
    assert cr.Program.from_json(json.dumps(turned), kinds=KINDS).digest == aurora().digest


def test_the_same_program_has_the_same_json_in_another_process() -> None:
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); from toys import aurora; print(aurora().digest)"
    for seed in ("1", "2"):
        out = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed, "TZ": "Asia/Tokyo"}
        )
        assert out.stdout.strip() == aurora().digest


def test_from_json_refuses_what_is_no_document() -> None:
    with pytest.raises(cr.DocumentError):
        cr.Program.from_json("[1, 2]")
    with pytest.raises(cr.DocumentError):
        cr.Program.from_json("{")


def test_a_program_says_what_it_is() -> None:
    assert repr(greeting_program()) == f"<Program 'hall', 2 policies, {greeting_program().digest[:12]}>"


# --- events -----------------------------------------------------------------------------------------------------------


def test_a_bare_amount_takes_the_currency_of_the_program() -> None:
    read = aurora().event(event(amount="12.50"))
    assert isinstance(read, cr.Purchase)
    assert read.amount == cr.Money("12.50", "CNY")


def test_an_event_is_read_from_json_as_bytes_or_text() -> None:
    text = json.dumps(event(amount="12.50"))
    assert aurora().event(text) == aurora().event(text.encode()) == aurora().event(event(amount="12.50"))


def test_an_event_comes_back_as_it_is() -> None:
    assert aurora().event(visit()) == visit()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (event(amount="5 EUR"), [("event.other_currency", "amount")]),
        (
            event(lines=[{"amount": "5 EUR", "cost": "1 EUR"}]),
            [("event.other_currency", "lines[0].amount"), ("event.other_currency", "lines[0].cost")],
        ),
        (event(tenders={"cash": "5 EUR"}), [("event.other_currency", "tenders[0].amount")]),
        (event(list_amount="5 EUR", amount="4 EUR"), [("event.other_currency", "amount"), ("event.other_currency", "list_amount")]),
        (event("return", amount="5 EUR"), [("event.other_currency", "amount")]),
        (event("return", lines=[{"sku": "a", "amount": "5 EUR"}]), [("event.other_currency", "lines[0].amount")]),
        (event(tenders={"points": {"amount": "1", "quantity": "1.5"}}), [("event.too_many_decimals", "tenders[0].quantity")]),
        (event("redemption", points="0.5"), [("event.too_many_decimals", "points")]),
        (event("activity", name="chek_in"), [("event.unknown_activity", "name")]),
        (event("activity", name="check_in", quantity=3), [("event.unexpected_quantity", "quantity")]),
        (event("activity", name="check_in", attributes={"citty": "x"}), [("event.unknown_attribute", "attributes.citty")]),
        (event("activity", name="check_in", attributes={"stars": "1.5"}), [("event.bad_attribute", "attributes.stars")]),
        (event("activity", name="check_in", attributes={"stars": True}), [("event.bad_attribute", "attributes.stars")]),
        (event("activity", name="check_in", attributes={"indoors": "maybe"}), [("event.bad_attribute", "attributes.indoors")]),
        (event("activity", name="check_in", attributes={"on_day": "2026-02-30"}), [("event.bad_attribute", "attributes.on_day")]),
        (event("activity", name="check_in", attributes={"fee": "1.005"}), [("event.bad_attribute", "attributes.fee")]),
        (event("activity", name="check_in", attributes={"fee": "1 EUR"}), [("event.other_currency", "attributes.fee")]),
        (event("profile_update", profile={"shoe": 42}), [("event.unknown_profile_field", "profile.shoe")]),
        (event("profile_update", profile={"joined": "2020-01-01"}), [("event.unknown_profile_field", "profile.joined")]),
        (event("profile_update", profile={"segment": "stuff"}), [("event.unknown_choice", "profile.segment")]),
        (event("profile_update", profile={"children": "two"}), [("event.bad_profile_field", "profile.children")]),
        (event("enrolment", profile={"birthday": "20 May"}), [("event.bad_profile_field", "profile.birthday")]),
        (event("enrolment", profile={"zone": "Mars/Olympus"}), [("event.unknown_zone", "profile.zone")]),
        (event("adjustment", account="point", quantity=1, reason="x"), [("event.unknown_account", "account")]),
        (event("adjustment", account="points.lost", quantity=1, reason="x"), [("event.unknown_account", "account")]),
        (event("adjustment", account="points", quantity="0.5", reason="x"), [("event.too_many_decimals", "quantity")]),
        (event("tier_grant", level="gold", reason="x"), [("event.unknown_level", "level")]),
        (event("tier_grant", level="silver", reason="x", status="rank"), [("event.unknown_status", "status")]),
        (event("parade"), [("event.unknown_type", "type")]),
        ("{", [("event.syntax", "")]),
        ([], [("event.wrong_type", "")]),
    ],
)
def test_what_a_program_does_not_declare_is_refused_with_its_path(data: Any, expected: list[tuple[str, str]]) -> None:
    assert faults(data) == expected


@pytest.mark.parametrize(
    "data",
    [
        event(tenders={"points": {"amount": "1", "quantity": 100}}),
        event("redemption", points=10),
        event("activity", name="check_in", attributes={"city": "Wuhan", "fee": "12.50", "indoors": True, "on_day": "2026-03-01", "stars": 5}),
        event("activity", name="check_in", attributes={"fee": "12.50 CNY", "indoors": "false"}),
        event("activity", name="flight", quantity="812.5"),
        event("profile_update", profile={"segment": "staff", "children": 2, "income": "100.00", "phone": "139", "birthday": "1990-05-20"}),
        event("profile_update", profile={"segment": None}),
        event("enrolment", profile={"zone": "Europe/Paris"}),
        event("adjustment", account="points", quantity=-5, reason="x"),
        event("tier_grant", level="silver", reason="x"),
        event(attributes={"anything": "goes"}, amount=5),
    ],
)
def test_what_a_program_declares_passes(data: Any) -> None:
    assert aurora().event(data).id == "e1"


def test_every_fault_of_an_event_is_told() -> None:
    found = faults(event("activity", name="check_in", quantity=1, attributes={"stars": "x", "color": "red"}))
    assert [code for code, _ in found] == ["event.unexpected_quantity", "event.bad_attribute", "event.unknown_attribute"]


def test_the_message_of_an_event_error_says_what_was_meant() -> None:
    with pytest.raises(cr.EventError, match=r'name event\.unknown_activity: the activity "chek_in" is not declared\. Did you mean "check_in"\?'):
        aurora().event(event("activity", name="chek_in"))


def test_a_program_without_accounts_checks_no_decimals() -> None:
    assert greeting_program().event(event("redemption", points="0.5")).type == "redemption"


def test_an_account_with_decimals_takes_them() -> None:
    club = cr.Program(id="p", zone="UTC", currency="EUR", policies=[{"id": "miles", "kind": "points.account", "expiry": "never", "scale": 1}])
    assert club.event(event("redemption", points="0.5")).type == "redemption"
    assert faults(event("redemption", points="0.55"), club) == [("event.too_many_decimals", "points")]


# --- steps ------------------------------------------------------------------------------------------------------------


def test_a_step_answers_with_a_verdict_a_state_and_decisions() -> None:
    step = greeting_program().step(cr.State.new("c-1"), visit())
    assert (step.verdict, step.accepted, step.refusal) == ("accepted", True, None)
    assert step.state.status("greeted").value == "hello"
    assert [effect.id for effect in step.effects] == ["c-1/v1/greet/0"]
    assert step.event is not None
    assert step.event.decided_at == at(1)


def test_a_refused_event_leaves_the_state_as_it_is() -> None:
    state = greeting_program().step(cr.State.new("c-1"), visit()).state
    step = greeting_program().step(state, cr.Purchase(id="o", customer_id="c-1", occurred_at=at(9), amount=cr.Money("0", "EUR")))
    assert (step.verdict, step.accepted) == ("refused", False)
    assert step.state is state
    assert step.refusal is not None
    assert step.refusal.code == "toys.gate.free"


def test_a_step_checks_what_the_program_declares() -> None:
    foreign = cr.Purchase(id="o", customer_id="c-1", occurred_at=at(1), amount=cr.Money("5", "USD"))
    with pytest.raises(cr.EventError, match=r"event\.other_currency"):
        greeting_program().step(cr.State.new("c-1"), foreign)


@pytest.mark.parametrize("wrong", [{"type": "visit"}, "visit", None])
def test_a_step_takes_nothing_but_an_event(wrong: Any) -> None:
    with pytest.raises(cr.EventError, match=r"program\.event"):
        greeting_program().step(cr.State.new("c-1"), wrong)


@pytest.mark.parametrize("state", [None, {}, "c-1"])
def test_a_step_takes_nothing_but_a_state(state: Any) -> None:
    with pytest.raises(cr.StateError):
        greeting_program().step(state, visit())


def test_a_step_goes_through_json_and_pickle_unchanged() -> None:
    program = aurora()
    bought = program.step(cr.State.new("c-1"), program.event(event(amount="2500")))
    for step in (bought, program.step(bought.state, program.event(event(amount="2500"))), program.advance(bought.state, at(5, month=9))):
        again = cr.Step.from_json(step.to_json())
        assert again == step
        assert again.to_json() == step.to_json()
        assert pickle.loads(pickle.dumps(step)) == step


@pytest.mark.parametrize("text", ["{}", "[]", "5", '{"verdict": "maybe", "state": {}, "event": null, "decisions": [], "refusal": null}', "{"])
def test_what_is_no_step_is_refused(text: str) -> None:
    with pytest.raises(cr.StateError):
        cr.Step.from_json(text)


def test_a_step_in_words_tells_the_verdict_and_each_decision() -> None:
    program = greeting_program()
    step = program.step(cr.State.new("c-1"), visit())
    assert cr.render(step) == "Event v1: accepted.\n  greet: toys.greeting.said (words=hello)"
    assert cr.render(program.step(step.state, visit()), "zh") == "事件 v1：重复。事件 v1 已经登记过。"
    assert cr.render(program.advance(step.state, at(5))) == "Time passed.\n  greet: toys.greeting.over"


def test_a_decision_that_declines_says_so() -> None:
    made = cr.Program(id="p", zone="UTC", currency="EUR", policies=[Greeting.read({"id": "g", "when": {"weekday": "friday"}})])
    (decision,) = made.step(cr.State.new("c-1"), visit()).decisions
    assert cr.render(decision) == "g (declined): toys.greeting.no (words=hello)"


# --- time -------------------------------------------------------------------------------------------------------------


def test_time_settles_what_is_due() -> None:
    program = greeting_program()
    state = program.step(cr.State.new("c-1"), visit()).state
    assert program.next_due(state) == datetime(2026, 3, 2, tzinfo=UTC)
    step = program.advance(state, to=at(5))
    assert (step.verdict, step.event, step.state.status("greeted").value) == ("accepted", None, "over")
    assert program.next_due(step.state) is None


def test_nothing_is_due_before_the_first_event() -> None:
    assert greeting_program().next_due(cr.State.new("c-1")) is None


def test_advancing_to_a_passed_instant_gives_the_same_state() -> None:
    program = greeting_program()
    state = program.step(cr.State.new("c-1"), visit(day=5)).state
    assert program.advance(state, at(4)).state is state


@pytest.mark.parametrize("to", [datetime(2026, 3, 1), date(2026, 3, 1), "soon", None, datetime(9999, 1, 1, tzinfo=UTC)])  # noqa: DTZ001 - naive on purpose
def test_time_goes_to_an_aware_instant_only(to: Any) -> None:
    with pytest.raises(cr.EventError, match=r"^to event\."):
        greeting_program().advance(cr.State.new("c-1"), to)


def test_time_may_be_told_in_any_zone() -> None:
    program = greeting_program()
    state = program.step(cr.State.new("c-1"), visit()).state
    there = at(5).astimezone(ZoneInfo("Asia/Tokyo"))
    assert program.advance(state, there).to_json() == program.advance(state, at(5)).to_json()


# --- replay -----------------------------------------------------------------------------------------------------------


def test_a_replay_tells_what_became_of_every_event() -> None:
    events = [visit("v1", 1, "a"), visit("v2", 3, "a"), visit("v1", 1, "b")]
    told = [
        (customer, event_id, [decision.outcome for decision in decisions]) for customer, event_id, decisions in cr.replay(greeting_program(), events)
    ]
    assert told == [("a", "v1", ["APPLIED"]), ("a", "v2", ["APPLIED", "APPLIED"]), ("b", "v1", ["APPLIED"])]


def test_a_replay_closes_every_customer_at_the_end() -> None:
    closed: list[cr.State] = []
    journal = list(cr.replay(greeting_program(), [visit(customer="a"), visit(customer="b")], until=at(9), on_state=closed.append))
    assert [(entry.customer_id, entry.event_id) for entry in journal] == [("a", "v1"), ("a", ""), ("b", "v1"), ("b", "")]
    assert [(state.customer_id, state.as_of, state.status("greeted").value) for state in closed] == [("a", at(9), "over"), ("b", at(9), "over")]


def test_a_replay_is_the_steps_one_by_one() -> None:
    program = greeting_program()
    events = [visit(f"v{day}", day) for day in (1, 2, 5)]
    state, journal = cr.State.new("c-1"), []
    for one in events:
        step = program.step(state, one)
        state = step.state
        journal.append((one.customer_id, one.id, step.decisions))
    replayed = cr.replay(program, events).collect()
    assert list(replayed.journal) == journal
    assert replayed.states == {"c-1": state}


DAYS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 28), st.sampled_from(["visit", "free", "paid"])), max_size=12)


def happening(number: int, customer: str, day: int, what: str) -> Any:
    if what == "visit":
        return visit(f"e{number}", day, customer)
    return cr.Purchase(id=f"e{number}", customer_id=customer, occurred_at=at(day), amount=cr.Money("5" if what == "paid" else "0", "EUR"))


@given(DAYS)
def test_any_replay_is_the_steps_one_by_one(days: list[tuple[str, int, str]]) -> None:
    program = greeting_program()
    events = [happening(number, *one) for number, one in enumerate(sorted(days, key=lambda one: one[0]))]
    states = {}
    for customer, own in groupby(events, key=lambda one: one.customer_id):
        state = cr.State.new(customer)
        for one in own:
            state = program.step(state, one).state
        states[customer] = program.advance(state, at(28)).state
    replayed = cr.replay(program, events, until=at(28)).collect()
    assert replayed.states == states
    assert [entry.event_id for entry in replayed.journal if entry.event_id] == [one.id for one in events]


def test_events_that_are_refused_do_not_stop_a_replay() -> None:
    free = cr.Purchase(id="o", customer_id="c-1", occurred_at=at(2), amount=cr.Money("0", "EUR"))
    journal = cr.replay(greeting_program(), [visit("v1"), free, visit("v1"), visit("v2", 3)]).collect().journal
    assert [(entry.event_id, [decision.codes for decision in entry.decisions]) for entry in journal[1:3]] == [
        ("o", [("toys.gate.free",)]),
        ("v1", []),
    ]
    assert journal[3].event_id == "v2"


def test_events_of_a_replay_may_be_data_or_json() -> None:
    plain = json.loads(visit().to_json())
    assert cr.replay(greeting_program(), [plain]).collect() == cr.replay(greeting_program(), [visit().to_json()]).collect()


def test_a_customer_who_comes_back_is_an_error() -> None:
    run = cr.replay(greeting_program(), [visit(customer="a"), visit(customer="b"), visit("v2", customer="a")])
    with pytest.raises(cr.EventError, match=r"events\[2\]\.customer_id event\.customer_came_back"):
        run.collect()


def test_a_bad_event_in_a_replay_says_which_it_was() -> None:
    with pytest.raises(cr.EventError, match=r"events\[1\]\.occurred_at event\.missing_field"):
        cr.replay(greeting_program(), [visit(), {"type": "visit", "id": "x", "customer_id": "a"}]).collect()
    foreign = cr.Purchase(id="o", customer_id="c-1", occurred_at=at(1), amount=cr.Money("5", "USD"))
    with pytest.raises(cr.EventError, match=r"events\[1\]\.amount event\.other_currency"):
        cr.replay(greeting_program(), [visit(), foreign]).collect()


def test_a_replay_of_nothing_is_empty() -> None:
    assert cr.replay(greeting_program(), []).collect() == cr.replay(greeting_program(), iter([])).collect()


def test_the_end_of_a_replay_is_checked_at_once() -> None:
    with pytest.raises(cr.EventError, match=r"until event\.naive_instant"):
        cr.replay(greeting_program(), [], until=datetime(2026, 3, 1))  # noqa: DTZ001 - naive on purpose


def test_a_collected_replay_hands_its_states_over_as_well() -> None:
    closed: list[cr.State] = []
    replayed = cr.replay(greeting_program(), [visit()], on_state=closed.append).collect()
    assert closed == [replayed.states["c-1"]]


def test_a_replay_takes_events_only_when_they_are_asked_for() -> None:
    taken: list[int] = []

    def stream() -> Any:
        for number in range(3):
            taken.append(number)
            yield visit(customer=f"c{number}")

    run = cr.replay(greeting_program(), stream())
    assert taken == []
    next(run)
    assert len(taken) == 1


def test_a_replay_lets_go_of_a_customer_when_the_next_begins() -> None:
    held: list[int] = []

    def closed(state: cr.State) -> None:
        held.append(sum(isinstance(thing, cr.State) for thing in gc.get_objects()))

    for _ in cr.replay(greeting_program(), (visit(customer=f"c{number}") for number in range(6)), on_state=closed):
        gc.collect()
    assert max(held) <= held[0] + 1


# --- the package ------------------------------------------------------------------------------------------------------


def test_every_public_name_is_there_once_and_sorted() -> None:
    assert list(cr.__all__) == sorted(cr.__all__)
    assert all(getattr(cr, name) is not None for name in cr.__all__)
    assert dir(cr) == list(cr.__all__)


def test_an_unknown_public_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'lod'"):
        cr.lod  # noqa: B018 - looking it up is the fault


def test_importing_the_package_loads_nothing_else() -> None:
    code = "import sys, custrules; print(sorted(m for m in sys.modules if m.startswith(('custrules', 'pydantic', 'yaml'))))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "['custrules']"


def test_using_a_program_loads_no_optional_package() -> None:
    code = (
        "import sys, custrules as cr; cr.Program(id='p', zone='UTC', currency='EUR', policies=[]); cr.replay; "
        "print([m for m in ('yaml', 'polars', 'pytest', 'hypothesis') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_a_public_function_stays_a_function_when_its_module_is_imported() -> None:
    assert cr.replay is replaying.replay


def test_the_version_is_the_distributions() -> None:
    assert Decimal(cr.__version__.rpartition(".")[0]) >= 0
