"""Top-ups that are spent, given back and refunded by a model of its own, for the properties of what refunds come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Literal

from hypothesis import strategies as st
from reckoning_examples import BARE, DAY

from custrules.money import Rounding, rounded
from custrules.policies.stored_value.bases import BASES, Basis, Served
from custrules.policies.stored_value.charges import FeeTerms
from custrules.policies.stored_value.history import TopUpHistory
from custrules.policies.stored_value.reckoning import Line, Reckoning, Terms, reckoned

Order = Literal["principal_first", "bonus_first", "pro_rata"]
PROVENANCE: tuple[Basis, ...] = ("paid_minus_ratio", "paid_minus_face", "paid_minus_list")


def from_principal(order: Order, face: int, paid: int, granted: int) -> int:
    """How much of a running total of consumption comes out of the principal: the share is rounded once, on the running total."""
    if order == "principal_first":
        return min(face, paid)
    if order == "bonus_first":
        return max(face - granted, 0)
    return max(min(rounded(Fraction(face * paid, paid + granted), Rounding.half_up), paid), face - granted) if paid + granted else 0


@dataclass(frozen=True)
class TopUp:
    """A top-up and the purchases that were paid out of it: face and list price of each."""

    paid: int
    granted: int
    tenders: tuple[int, ...]
    spent: tuple[tuple[int, int], ...] = ()
    order: Order = "pro_rata"
    name: str = "t1"

    @property
    def face(self) -> int:
        return sum(face for face, _ in self.spent)

    def history(self) -> TopUpHistory:
        taken = from_principal(self.order, self.face, self.paid, self.granted)
        tenders = tuple(("card" if place == 0 else "cash", amount, None) for place, amount in enumerate(self.tenders))
        return BARE._replace(
            id=self.name,
            paid=self.paid,
            counted=self.paid,
            granted=self.granted,
            face=self.face,
            listed=sum(listed for _, listed in self.spent),
            principal=self.paid - taken,
            bonus=self.granted - (self.face - taken),
            tenders=tenders,
        )

    def spends(self, face: int, listed: int) -> TopUp:
        return replace(self, spent=(*self.spent, (face, listed)))

    def returns(self) -> TopUp:
        """The last purchase is given back, into the lots and buckets that it came out of."""
        return replace(self, spent=self.spent[:-1])


@dataclass(frozen=True)
class Case:
    """Top-ups of one account, the rules of their refund, and the shares in which it is asked for."""

    scale: int
    top_ups: tuple[TopUp, ...]
    basis: Basis
    pooled: bool
    rounding: Rounding
    bonus: Literal["forfeit", "surrender_pro_rata", "requalify", "convert"]
    steps: tuple[tuple[int, int], ...]
    fee: FeeTerms
    parts: tuple[int, ...] = field(default=(1,))

    def histories(self) -> list[TopUpHistory]:
        return [one.history() for one in self.top_ups]

    def ladder(self, paid: int) -> int:
        return max((give for pay, give in self.steps if pay <= paid), default=0)

    def terms(self, **changed: Any) -> Terms:
        terms = Terms(
            self.basis,
            Served(DAY),
            pooled=self.pooled,
            bonus=self.bonus,
            convert=Fraction(1, 2),
            fee=self.fee,
            rounding=self.rounding,
            ladder=self.ladder,
        )
        return terms._replace(**changed)

    def refund(self, histories: Sequence[TopUpHistory], amount: int | None = None, **changed: object) -> Reckoning:
        return reckoned(histories, self.terms(**changed), amount)


def applied(history: TopUpHistory, line: Line) -> TopUpHistory:
    """A top-up after a refund of it."""
    return history._replace(
        principal=history.principal - line.principal,
        bonus=history.bonus - line.bonus,
        refunded=history.refunded + line.gross,
        surrendered=history.surrendered + line.given_up,
    )


def in_parts(case: Case) -> tuple[list[Reckoning], list[TopUpHistory]]:
    """The whole refund asked for in parts, one after the other, the last of all that is left."""
    rows, found = case.histories(), []
    whole = case.refund(rows).most
    for place, share in enumerate(case.parts):
        last = place == len(case.parts) - 1
        result = case.refund(rows, None if last else whole * share // sum(case.parts))
        found.append(result)
        rows = [applied(row, line) for row, line in zip(rows, result.lines, strict=True)]
    return found, rows


@st.composite
def top_ups(draw: st.DrawFn, unit: int, steps: tuple[tuple[int, int], ...], name: str) -> TopUp:
    """Paid by up to three tenders, with the bonus that the ladder gives; spent in up to six purchases."""
    tenders = tuple(draw(st.lists(st.integers(1, 1500 * unit), min_size=1, max_size=3)))
    paid = sum(tenders)
    granted = max((give for pay, give in steps if pay <= paid), default=0)
    made = TopUp(paid, granted, tenders, order=draw(st.sampled_from(("principal_first", "bonus_first", "pro_rata"))), name=name)
    for _ in range(draw(st.integers(0, 6))):
        left = paid + granted - made.face
        face = min(draw(st.integers(1, max(2 * (paid + granted) // 5, 1))), left)
        made = made.spends(face, face + draw(st.integers(0, face // 2 + 1))) if face else made
    return made


@st.composite
def cases(draw: st.DrawFn, bases: tuple[Basis, ...] = tuple(basis for basis in BASES if basis != "time_pro_rata"), most: int = 3) -> Case:
    scale = draw(st.sampled_from((0, 2, 3)))
    unit = 10**scale
    steps = tuple(draw(st.lists(st.tuples(st.integers(1, 3000 * unit), st.integers(0, 900 * unit)), max_size=3)))
    rows = tuple(draw(top_ups(unit, steps, f"t{place}")) for place in range(draw(st.integers(1, most))))
    return Case(
        scale=scale,
        top_ups=rows,
        basis=draw(st.sampled_from(bases)),
        pooled=draw(st.booleans()),
        rounding=draw(st.sampled_from(tuple(Rounding))),
        bonus=draw(st.sampled_from(("forfeit", "surrender_pro_rata", "requalify", "convert"))),
        steps=steps,
        fee=FeeTerms(Fraction(draw(st.integers(0, 20)), 100), draw(st.integers(0, 3 * unit)), draw(st.integers(0, 8 * unit)), 50 * unit),
        parts=tuple(draw(st.lists(st.integers(1, 9), min_size=1, max_size=4))),
    )
