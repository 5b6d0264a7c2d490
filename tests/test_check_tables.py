"""Tables against brute force: overlaps, rows that never fire and gaps are told exactly when trying all facts finds them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from conditions_examples import Still
from hypothesis import given
from hypothesis import strategies as st

import custrules as cr
from custrules import messages
from custrules.analysis.check import rows
from custrules.conditions import BoundTable

COUNTS = (None, *range(8))
REGIONS = (None, "city", "county", "island")


EVERYTHING = [Still({"orders": orders, "region": region}) for orders, region in product(COUNTS, REGIONS)]
KNOWN = [facts for facts in EVERYTHING if None not in facts.facts.values()]
LIKELY = [facts for facts in EVERYTHING if facts.facts["orders"] is not None]  # a count is missing only from states that do not reach back

counts = st.integers(1, 5)
number_cells = st.one_of(
    st.just("-"),
    counts.map(lambda number: f">= {number}"),
    counts.map(lambda number: f"< {number}"),
    st.builds(lambda low, more: f"[{low}..{low + more}]", counts, st.integers(0, 2)),
)
text_cells = st.sampled_from(["-", "city", "county", "not(city)", "missing", ["city", "island"]])
table_rows = st.lists(st.tuples(number_cells, text_cells, st.sampled_from("abc")).map(list), min_size=1, max_size=4)


def checked(hit: str, written: Any) -> tuple[BoundTable, tuple[cr.Diagnostic, ...]]:
    outputs = [{"name": "owner", "values": ["a", "b", "c"]}]
    table = {"id": "who", "kind": "table", "hit": hit, "inputs": ["orders", "region"], "outputs": outputs, "rows": written}
    program = cr.Program(
        id="p",
        zone="UTC",
        currency="CNY",
        profile={"region": {"type": "text", "values": ["city", "county", "island"]}},
        measures={"orders": {"count": "purchase", "window": "90 days"}},
        policies=[table],
    )
    (bound,) = program.rulebook.bound_tables.values()
    return bound, cr.check(program)


def rows_told(found: tuple[cr.Diagnostic, ...], *codes: str) -> set[int]:
    return {int(finding.path.rpartition("[")[2].rstrip("]")) for finding in found if finding.code in codes}


def matches(table: BoundTable, facts: Still) -> tuple[int, ...]:
    """The rows that hold, whatever the hit policy makes of them."""
    return replace(table, hit="COLLECT").outcome(facts).matched


@given(st.sampled_from(["FIRST", "PRIORITY"]), table_rows)
def test_a_row_never_fires_exactly_when_it_is_chosen_for_no_facts(hit: str, written: Any) -> None:
    table, found = checked(hit, written)
    fired = {table.outcome(facts).rows[0] for facts in EVERYTHING if table.outcome(facts).rows}
    assert rows_told(found, "check.row_never_fires", "check.row_never_holds") == set(range(len(table.rows))) - fired


@given(st.sampled_from(["UNIQUE", "ANY"]), table_rows)
def test_rows_clash_exactly_when_some_facts_leave_the_table_without_an_answer(hit: str, written: Any) -> None:
    table, found = checked(hit, written)
    clashes = any(table.outcome(facts).clash for facts in LIKELY)
    assert bool(rows_told(found, "check.rows_overlap", "check.rows_differ")) == clashes
    assert all(finding.severity == "error" for finding in found if finding.code in ("check.rows_overlap", "check.rows_differ"))


@given(table_rows)
def test_a_gap_is_told_exactly_when_no_row_holds_for_some_facts(written: Any) -> None:
    table, found = checked("FIRST", written)
    codes = {finding.code for finding in found}
    known = any(not matches(table, facts) for facts in KNOWN)
    missing = any(not matches(table, facts) for facts in LIKELY)
    assert ("check.table_gap" in codes, "check.table_gap_of_missing" in codes) == (known, missing and not known)


def test_a_witness_of_a_gap_is_one() -> None:
    table, found = checked("FIRST", [["< 3", "-", "a"], [">= 5", "city", "b"], ["[3..5)", "not(city)", "c"]])
    witness = next(finding.params["witness"] for finding in found if finding.code == "check.table_gap")
    facts: dict[str, Any] = dict(part.split(" ") for part in witness.split(", "))
    assert matches(table, Still({"orders": int(facts["orders"]), "region": facts["region"]})) == ()


def test_a_default_closes_every_gap() -> None:
    table = {"id": "who", "kind": "table", "inputs": ["month"], "outputs": [{"name": "owner", "default": "x"}], "rows": [["1", "a"]]}
    assert cr.check(cr.Program(id="p", zone="UTC", currency="CNY", policies=[table])) == ()


def test_a_table_of_many_rows_is_checked_in_good_time() -> None:
    written = [[f"[{number}..{number + 1})", region, "a"] for number in range(300) for region in ("city", "not(city)")]
    _, found = checked("FIRST", [*written, ["-", "-", "b"]])
    assert [finding.code for finding in found] == []


def test_a_table_too_large_to_hold_every_row_against_every_other_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MOST_STEPS", 1)
    _, found = checked("UNIQUE", [["1", "city", "a"], ["2", "city", "b"]])
    assert [finding.code for finding in found] == ["check.gave_up"]


# -- sentences of other distributions ----------------------------------------------------------------------------------


class Stamp(cr.Policy):
    """A kind of another distribution."""

    kind = "acme.stamp"
    phase = "earn"

    def decide(self, event: cr.Event, view: cr.View, /) -> cr.Decision | None:
        return None


class Point:
    """An entry point that ships sentences in one language more than in the other."""

    def load(self) -> Any:
        return {"en": {"acme.stamp.given": "A stamp.", "acme.stamp.full": "The card is full."}, "zh": {"acme.stamp.given": "盖章一枚。"}}


@pytest.fixture(autouse=True)
def _forget_catalogues() -> Iterator[None]:
    yield
    messages._plugin_catalogue.cache_clear()


def test_sentences_that_a_plug_in_has_in_one_language_only_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    messages._plugin_catalogue.cache_clear()
    monkeypatch.setattr(messages, "entry_points", lambda group, name: [Point()] if name == "acme" else [])
    program = cr.Program(id="p", zone="UTC", currency="CNY", policies=[Stamp(id="stamp")])
    (found,) = cr.check(program)
    assert (found.code, found.params["language"], found.params["codes"]) == ("check.missing_sentence", "zh", "acme.stamp.full")
