"""What changed from one document to the next, and what that means for states and history."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

import custrules as cr

DOCUMENT = """program: shop
zone: Asia/Shanghai
currency: CNY
defaults: {effective_from: 2026-01-01}
measures:
  spend_90d: {sum: spend, window: 90 days}
policies:
  - id: levels
    kind: tiers.ladder
    levels:
      - {name: member}
      - {name: silver, enter: {spend_90d: ">= 2000"}}
      - {name: gold, enter: {spend_90d: ">= 8000"}}
    downgrade: one_level
  - {id: points, kind: points.account, expiry: never}
  - {id: earn, kind: points.accrual, points_per_unit: {member: 1, gold: 2}}
"""
LATER = '  - {id: earn, kind: points.accrual, effective_from: 2026-07-01, points_per_unit: {member: 1, gold: "1.5"}}\n'


def changes(*replaced: tuple[str, str], more: str = "", **options: Any) -> list[cr.Change]:
    text = DOCUMENT
    for before, after in replaced:
        assert before in text
        text = text.replace(before, after)
    return list(cr.diff(cr.loads(DOCUMENT, source="old.yaml"), cr.loads(text + more, source="new.yaml"), **options))


def told(found: list[cr.Change]) -> list[str]:
    return [change.code.removeprefix("check.") for change in found]


def flagged(found: list[cr.Change]) -> list[str]:
    return [change.code.removeprefix("check.") for change in found if change.severity == "warning"]


def test_the_same_document_written_otherwise_has_no_changes() -> None:
    assert changes(("points_per_unit: {member: 1, gold: 2}", 'points_per_unit: {gold: "2", member: "1"}')) == []


def test_a_field_that_changed_is_told_with_both_values_and_its_place() -> None:
    found = changes((">= 2000", ">= 2500"))
    assert told(found) == ["field_changed", "version_rewritten"]
    assert cr.render(found[0]) == "new.yaml:12:32 check.field_changed: levels.levels.silver.enter.spend_90d was >= 2000 and is now >= 2500."
    assert cr.render(found[0], "zh") == "new.yaml:12:32 check.field_changed: levels.levels.silver.enter.spend_90d 由 >= 2000 改为 >= 2500。"


def test_a_field_that_is_gone_has_its_place_in_the_old_document() -> None:
    (found, *_) = changes((", gold: 2}", "}"))
    assert (found.code, found.source, found.line) == ("check.field_gone", "old.yaml", 16)
    assert (found.params["field"], found.params["before"]) == ("earn.points_per_unit.gold", "2")


def test_a_field_that_is_added_is_told_on_one_line() -> None:
    (found, *_) = changes(("expiry: never}", "expiry: never, pending: 7 days}"))
    assert cr.render(found).endswith("points.pending is now 7 days; it was not said.")


def test_levels_go_by_their_names() -> None:
    found = changes(("      - {name: member}\n", '      - {name: member}\n      - {name: bronze, enter: {spend_90d: ">= 500"}}\n'))
    assert [change.params.get("field") for change in found] == ["levels.levels.bronze", None]


def test_a_new_version_is_no_rewriting() -> None:
    assert told(changes(more=LATER)) == ["version_added"]


def test_a_version_that_begins_in_the_past_is_told_on_a_day() -> None:
    assert flagged(changes(more=LATER, on=date(2026, 7, 1))) == []
    assert flagged(changes(more=LATER, on=date(2026, 7, 2))) == ["begins_in_the_past"]


def test_a_version_that_has_not_begun_may_be_rewritten() -> None:
    assert flagged(changes(("gold: 2}", "gold: 3}"), on=date(2025, 12, 31))) == []
    assert flagged(changes(("gold: 2}", "gold: 3}"), on=date(2026, 1, 1))) == ["version_rewritten"]


@pytest.mark.parametrize("field", ["note: say it", "reference: Terms", "title: Earning"])
def test_words_are_no_rewriting(field: str) -> None:
    assert flagged(changes(("{id: earn, kind", f"{{id: earn, {field}, kind"))) == []


def level_after(program: cr.Program, state: cr.State, *days: str) -> str | None:
    """The level after a purchase of 3,000 on each day."""
    for day in days:
        state = program.step(state, _bought(program, day, day)).state
    level = state.tier()
    return level.name if level is not None else None


def _bought(program: cr.Program, event_id: str, day: str) -> Any:
    return program.event({"type": "purchase", "id": event_id, "customer_id": "c", "occurred_at": f"{day}T12:00:00+08:00", "amount": "3000"})


def test_a_window_that_grows_beyond_what_states_hold_is_flagged() -> None:
    """The states of the old program hold 90 days, the time in which returns are taken, and a day more."""
    assert flagged(changes(("window: 90 days", "window: 100 days"))) == []
    found = changes(("window: 90 days", "window: 3 years"))
    assert flagged(found) == ["window_grows"]
    old, wide = cr.loads(DOCUMENT), cr.loads(DOCUMENT.replace("window: 90 days", "window: 3 years"))
    state = cr.State.new("c")
    for day in ("2026-02-01", "2027-12-01"):
        state = old.step(state, _bought(old, day, day)).state
    assert level_after(wide, state, "2027-12-02") == "silver"  # of the 9,000 that were spent, the state does not hold the first part
    assert level_after(wide, cr.State.new("c"), "2026-02-01", "2027-12-01", "2027-12-02") == "gold"


def test_a_measure_of_what_was_not_counted_is_flagged() -> None:
    found = changes(("measures:\n", "measures:\n  orders: {count: purchase, window: 90 days}\n"))
    assert flagged(found) == ["lacks_data"]


def test_a_measure_of_what_was_counted_already_is_not() -> None:
    assert flagged(changes(("measures:\n", "measures:\n  spend_30d: {sum: spend, window: 30 days}\n"))) == []


def test_a_level_that_vanishes_is_flagged() -> None:
    found = changes(('      - {name: gold, enter: {spend_90d: ">= 8000"}}\n', ""), (", gold: 2", ""))
    assert "level_gone" in flagged(found)
    assert next(change for change in found if change.code == "check.level_gone").params == {"level": "gold", "ladder": "levels"}


def test_an_account_that_vanishes_is_flagged_and_its_policy_with_it() -> None:
    found = changes(("  - {id: points, kind: points.account, expiry: never}\n", "  - {id: stars, kind: points.account, expiry: never}\n"))
    assert {"account_gone", "policy_gone"} <= set(flagged(found))


def test_what_makes_stored_states_unusable_is_flagged() -> None:
    assert "changed_for_states" in flagged(changes(("currency: CNY", "currency: HKD")))
    assert "changed_for_states" in flagged(changes(("program: shop", "program: store")))
    assert "changed_for_states" in flagged(changes(("expiry: never}", "expiry: never, scale: 2}")))


def test_a_version_that_was_taken_out_is_flagged() -> None:
    old = cr.loads(DOCUMENT + LATER)
    assert [change.code for change in cr.diff(old, cr.loads(DOCUMENT))] == ["check.version_gone"]


def test_an_accepted_finding_is_a_change_too() -> None:
    accepted = "accept: [{finding: check.cliff, reason: wanted, until: 2026-12-31}]\n"
    assert told(changes(more=accepted)) == ["field_added"]


def test_changes_are_written_as_diagnostics_are() -> None:
    (found, *_) = changes((">= 2000", ">= 2500"))
    assert found.to_data() == {
        "code": "check.field_changed",
        "severity": "info",
        "source": "new.yaml",
        "path": "policies[0].levels[1].enter.spend_90d",
        "line": 12,
        "column": 32,
        "params": {"field": "levels.levels.silver.enter.spend_90d", "before": ">= 2000", "after": ">= 2500"},
    }
