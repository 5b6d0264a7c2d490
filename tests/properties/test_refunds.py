"""The facts about refunds that hold for every ladder, history, currency and rounding; each finds out a rule that is wrong on purpose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from custrules.policies.stored_value import bases, charges, payout, reckoning
from custrules.policies.stored_value.history import TopUpHistory
from custrules.policies.stored_value.payout import to_tenders
from properties import refunds
from properties.finding_out import fails, found_out
from properties.refunds import PROVENANCE, Case, cases, in_parts

# -- the facts -------------------------------------------------------------------------------------------------------------


def sandwich(case: Case) -> None:
    """Of the principal that remains there is least where it is spent first and most where bonus is; pro rata it is the ratio.

    The share is rounded as it is spent, the ratio as it is refunded: they may be one unit apart.
    """
    for top_up in case.top_ups:
        remaining = [
            case.refund([replace(top_up, order=order).history()], basis="principal_remaining", pooled=False, bonus="forfeit").most
            for order in ("principal_first", "pro_rata", "bonus_first")
        ]
        assert remaining == sorted(remaining)
        ratio = case.refund([top_up.history()], basis="paid_minus_ratio", pooled=False, bonus="forfeit").most
        assert abs(remaining[1] - ratio) <= 1
        assert remaining[0] <= ratio <= remaining[2]
        assert remaining[0] == max(top_up.paid - top_up.face, 0)
        assert remaining[2] - min(top_up.face, top_up.granted) == top_up.paid - top_up.face or top_up.face > top_up.paid


def list_below_ratio(case: Case) -> None:
    """The consumer's own fault never pays better than anybody else's."""
    rows = case.histories()
    found = [case.refund(rows, basis=basis).most for basis in ("paid_minus_list", "paid_minus_face", "paid_minus_ratio")]
    assert found == sorted(found)


def never_grows_with_consumption(case: Case) -> None:
    """One more purchase never raises a refund, and never by more than what it cost lowers it at face."""
    for place, top_up in enumerate(case.top_ups):
        face = min(1 + top_up.paid // 7, top_up.paid + top_up.granted - top_up.face)
        more = [*case.top_ups[:place], top_up.spends(face, face), *case.top_ups[place + 1 :]]
        before, after = case.refund(case.histories()), case.refund([one.history() for one in more])
        assert after.most <= before.most
        assert after.net <= before.net or case.bonus in ("surrender_pro_rata", "requalify")


def spend_then_return_is_nothing(case: Case) -> None:
    """What was bought and given back leaves no trace in a refund, under any basis and spending order."""
    for top_up in case.top_ups:
        face = min(1 + top_up.paid // 3, top_up.paid + top_up.granted - top_up.face)
        back = top_up.spends(face, face + 5).returns()
        assert case.refund([back.history()]) == case.refund([top_up.history()])


def parts_are_the_whole(case: Case) -> None:
    """Refunds in part pay, keep back, charge and take out of the account what one in full does.

    But for fees where something is kept back for bonus: what is nothing after that bears none.
    """
    if case.basis == "face_remaining" and case.bonus != "forfeit":
        case = replace(case, bonus="forfeit")
    parts, rows = in_parts(case)
    whole = case.refund(case.histories())
    for name in ("gross", "kept") if whole.kept else ("gross", "kept", "fee", "net"):
        assert sum(getattr(part, name) for part in parts) == getattr(whole, name), name
    assert all(row.principal == row.bonus == 0 for row, line in zip(rows, whole.lines, strict=True) if line.closes)


def never_more_than_was_paid(case: Case) -> None:
    """Of no top-up, and to none of its tenders, goes back more than was paid, whatever was charged back before."""
    case = replace(case, basis="paid_minus_ratio") if case.basis == "face_remaining" else case
    rows, back = case.histories(), Counter[tuple[str, str, int]]()
    rows = [row._replace(disputed=min(row.tenders[0][1], row.principal) // 2) for row in rows]
    rows = [row._replace(principal=row.principal - row.disputed) for row in rows]
    disputed = {row.id: row.disputed for row in rows}
    for share in (*case.parts, None):
        most = case.refund(rows).most
        result = case.refund(rows, None if share is None else most * share // 10)
        for line in result.lines:
            for how in ("pro_rata", "lifo"):
                paid = to_tenders(line.history, line.gross, line.gross, how)
                assert sum(part.amount for part in paid) == line.gross
                back.update({(how, part.top_up, _place(line.history, part)): part.amount for part in paid})
        rows = [refunds.applied(row, line) for row, line in zip(rows, result.lines, strict=True)]
    for row in rows:
        assert row.refunded + row.disputed <= row.paid
        for place, (_, amount, _) in enumerate(row.tenders):
            gone = disputed[row.id] if place == 0 else 0
            assert max(back["lifo", row.id, place], back["pro_rata", row.id, place]) + gone <= amount


def _place(history: TopUpHistory, part: payout.Paid) -> int:
    return [kind for kind, _, _ in history.tenders].index(part.tender)


TWO_TENDERS = cases(most=2).filter(lambda case: all(len(top_up.tenders) < 3 for top_up in case.top_ups))
FACTS: dict[Callable[[Case], None], st.SearchStrategy[Case]] = {
    sandwich: cases(),
    list_below_ratio: cases(),
    never_grows_with_consumption: cases(bases=PROVENANCE),
    spend_then_return_is_nothing: cases(),
    parts_are_the_whole: cases(),
    never_more_than_was_paid: TWO_TENDERS,
}


@given(cases())
def test_principal_first_then_pro_rata_then_bonus_first(case: Case) -> None:
    sandwich(case)


@given(cases())
def test_a_refund_at_list_price_is_never_above_one_by_the_ratio(case: Case) -> None:
    list_below_ratio(case)


@given(cases(bases=PROVENANCE))
def test_a_refund_never_grows_with_consumption(case: Case) -> None:
    never_grows_with_consumption(case)


@given(cases())
def test_spending_and_returning_changes_no_refund(case: Case) -> None:
    spend_then_return_is_nothing(case)


@given(cases())
def test_refunds_in_part_are_one_in_full(case: Case) -> None:
    parts_are_the_whole(case)


@given(TWO_TENDERS)
def test_refunds_never_exceed_what_was_paid(case: Case) -> None:
    never_more_than_was_paid(case)


# -- rules that are wrong on purpose -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wrong:
    """A wrong rule, where it stands, and the fact that it breaks."""

    name: str
    fact: Callable[[Case], None]
    module: object
    attribute: str
    rule: object


def _returned_as_bonus(top_up: refunds.TopUp) -> refunds.TopUp:
    """What was spent of the principal comes back as bonus: the order in which it is spent has changed."""
    return replace(top_up, spent=top_up.spent[:-1], granted=top_up.granted + 1)


def _each_part_rounded(history: TopUpHistory, share: bases.Share, terms: reckoning.Terms) -> reckoning.Line:
    line = _opened(history, share, terms)
    return line._replace(most=max(line.most - (history.refunded > 0), 0))


def _list_forgotten(history: TopUpHistory, basis: bases.Basis, served: bases.Served, rate: Fraction) -> Fraction:
    return Fraction(history.face) * (rate if basis == "paid_minus_list" else 1)


_opened = reckoning._opened
WRONG = [
    Wrong("the ratio forgets the bonus", sandwich, bases, "_rate", lambda rows: Fraction(1)),
    Wrong("list prices are not looked at", list_below_ratio, bases, "_deducted", _list_forgotten),
    Wrong("big spenders are forgiven", never_grows_with_consumption, bases, "consumed", lambda history: history.face % 1000),
    Wrong("a return goes into the other bucket", spend_then_return_is_nothing, refunds.TopUp, "returns", _returned_as_bonus),
    Wrong("every part is rounded", parts_are_the_whole, reckoning, "_opened", _each_part_rounded),
    Wrong("every part costs the least fee", parts_are_the_whole, charges.FeeTerms, "between", lambda fee, a, b, how: fee.on(b - a, how)),
    Wrong("tenders forget disputes", never_more_than_was_paid, payout, "_room", lambda history: [amount for _, amount, _ in history.tenders]),
]
SEARCH = settings(max_examples=300, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.name.replace(" ", "_"))
def test_a_wrong_rule_of_refunds_is_found_out(wrong: Wrong, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wrong.module, wrong.attribute, wrong.rule)
    found_out(wrong.name, FACTS[wrong.fact], lambda case: fails(wrong.fact, case), SEARCH)


def test_every_fact_has_a_wrong_rule_to_find_out() -> None:
    assert {wrong.fact for wrong in WRONG} == FACTS.keys()
