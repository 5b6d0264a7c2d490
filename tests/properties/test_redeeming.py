"""The invariants of spending and of holds; each with a wrong rule that it finds out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custrules.draft import Draft, GivenBack
from custrules.ledger import LotPart
from custrules.orders import Order, Record
from custrules.policies.points import Redemption
from custrules.policies.points import holds as holding
from custrules.policy import View
from custrules.settling import Settling
from properties import redeeming
from properties.finding_out import fails, found_out
from properties.histories import Case, cases
from properties.mutants import Mutant, changed

ANY, POINTS = cases(late=True), st.sampled_from((1, 10, 25, 100))
SPENDING = ("purchase", "adjustment", "redemption", "hold", "capture", "void", "redemption_cancelled", "return")
OVER_LIMITS = cases(most=12, kinds=("adjustment", "adjustment", "redemption", "redemption", "hold"))
LOTS = cases(most=6, kinds=("adjustment", "adjustment", "purchase"))
OF_HOLDS = cases(kinds=("adjustment", "hold", "hold", "capture", "void"))


@given(ANY, POINTS)
def test_held_and_let_go_is_nothing(case: Case, points: int) -> None:
    redeeming.held_and_let_go_is_nothing(case, points)


@given(ANY, POINTS)
def test_held_and_captured_is_redeemed(case: Case, points: int) -> None:
    redeeming.held_and_captured_is_redeemed(case, points)


@given(OF_HOLDS)
def test_a_hold_is_resolved_once(case: Case) -> None:
    redeeming.a_hold_is_resolved_once(case)


@given(ANY)
def test_a_hold_is_resolved_once_whatever_else_happens(case: Case) -> None:
    redeeming.a_hold_is_resolved_once(case)


@given(st.one_of(cases(kinds=SPENDING), OVER_LIMITS))
def test_spending_never_exceeds_its_limits(case: Case) -> None:
    redeeming.spending_never_exceeds_its_limits(case)


def _one_is_forgotten(right: Callable[..., Iterator[LotPart]], parts: Iterable[LotPart], quantity: int) -> Iterator[LotPart]:
    whole = list(parts)
    return iter(list(right(whole, quantity + 1)) or right(whole, quantity))


def _holds_are_not_counted(right: Any, self: Redemption, order: Order, record: Record, view: View) -> Any:
    return right(self, order, record, view) if order.type != "hold" else {}


def _nothing_lapses(right: Any, self: Draft, account: str, parts: Iterable[LotPart], grace: Any = None, *, of: str = "world.spent") -> GivenBack:
    right(self, account, list(parts)[:1], grace, of=of)
    return GivenBack((), 0)


WRONG = (
    Mutant("one point stays held", redeeming.held_and_let_go_is_nothing, st.tuples(ANY, POINTS), changed(holding, "rest", _one_is_forgotten)),
    Mutant(
        "what was held counts under no limit",
        redeeming.held_and_captured_is_redeemed,
        st.tuples(LOTS, POINTS),
        changed(Redemption, "comes_to", _holds_are_not_counted),
    ),
    Mutant("one lot alone goes back", redeeming.a_hold_is_resolved_once, st.tuples(OF_HOLDS), changed(Draft, "give_back", _nothing_lapses)),
    Mutant("nothing counts", redeeming.spending_never_exceeds_its_limits, st.tuples(OVER_LIMITS), changed(Settling, "recount", lambda *_: None)),
)


@pytest.mark.thorough
@pytest.mark.parametrize("mutant", WRONG, ids=lambda mutant: mutant.name.replace(" ", "_"))
def test_a_wrong_rule_of_spending_is_found_out(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant.patch(monkeypatch)
    found_out(mutant.name, mutant.among, lambda case: fails(mutant.check, *case))
