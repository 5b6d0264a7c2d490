"""What a refund comes to: of which top-ups, how much of each, what is given up with it, and what is kept back. Pure arithmetic.

Amounts are whole numbers of smallest units. What remains of a top-up is rounded once, as a running total, and what went back before is
taken from it: so two refunds in part are one in full, and never more than was paid (but for ``face_remaining``, which pays out bonus).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Literal, NamedTuple

from custrules.money import Rounding, rounded
from custrules.policies.stored_value.amounts import Shares, share_at
from custrules.policies.stored_value.bases import REMAINING, Basis, Served, Share, consumed, shares_of
from custrules.policies.stored_value.charges import FeeTerms
from custrules.policies.stored_value.history import TopUpHistory

BonusTreatment = Literal["forfeit", "keep", "surrender_pro_rata", "requalify", "convert"]
GiftTreatment = Literal["return_or_pay", "discretionary", "none"]


class Terms(NamedTuple):
    """What the rules say about one refund. ``ladder`` tells the bonus for a payment (``requalify``), ``convert`` what one unit of bonus is
    worth; ``share`` is the part of what remains that is refunded, by what was paid."""

    basis: Basis
    served: Served
    pooled: bool = False
    bonus: BonusTreatment = "forfeit"
    convert: Fraction = Fraction(0)
    gifts: GiftTreatment = "none"
    returned: tuple[str, ...] = ()
    fee: FeeTerms | None = None
    rounding: Rounding = Rounding.half_up
    ladder: Callable[[int], int] | None = None
    share: Shares = ((None, Fraction(1)),)


class Line(NamedTuple):
    """What a refund takes of one top-up.

    ``deducted`` is the price of what was consumed, ``gifts`` what is kept back for gifts in kind, ``converted`` what bonus is worth in
    money, ``most`` what could be refunded, ``gross`` what is. Of ``gross``, ``kept`` is kept back for bonus that was used and should be
    given up. ``principal`` and ``bonus`` leave the account (in the account's unit): of the principal ``spent`` pays for what was
    consumed and not taken from it, the rest goes back; of the bonus, ``paid_out`` is paid in money. ``given_up`` counts as surrendered.
    """

    history: TopUpHistory
    deducted: int
    gifts: int
    converted: int
    most: int
    gross: int
    kept: int
    principal: int
    spent: int
    bonus: int
    paid_out: int
    given_up: int
    closes: bool


class Reckoning(NamedTuple):
    """A refund with each of its components; ``net`` is what the customer is paid, interest aside. ``visits``: how many of them were asked
    back in part, of those that are ``there``."""

    lines: tuple[Line, ...]
    most: int
    gross: int
    kept: int
    fee: int
    visits: int = 0
    there: int = 0

    @property
    def net(self) -> int:
        return self.gross - self.kept - self.fee

    def total(self, name: str) -> int:
        """A component over all lines."""
        return sum(getattr(line, name) for line in self.lines)


def reckoned(histories: Sequence[TopUpHistory], terms: Terms, amount: int | None = None, visits: int | None = None) -> Reckoning:
    """What a refund of these top-ups comes to: of all that is left of them, of an ``amount``, or of so many ``visits`` (the newest first).

    An amount above ``most`` is lowered to it, visits to what is left: whoever asks compares.
    """
    shares = shares_of(histories, terms.basis, terms.served, pooled=terms.pooled)
    rows = [_opened(history, share, terms) for history, share in zip(histories, shares, strict=True)]
    if terms.pooled:
        rows = _rounded_together(rows, [_entitled(history, share, terms) for history, share in zip(histories, shares, strict=True)], terms)
    most = sum(row.most for row in rows)
    there = sum(_refundable(history, terms) for history in histories)
    if visits is not None and visits < there:
        exact = [_entitled(history, share, terms) - _gone(history) for history, share in zip(histories, shares, strict=True)]
        return _summed(_by_visits(rows, exact, visits, terms), most, terms)._replace(visits=visits, there=there)
    wanted = most if amount is None else min(amount, most)
    closing = wanted == most
    lines, left = list[Line](), wanted
    for row in reversed(rows):  # the newest first
        gross = min(left, row.most)
        left -= gross
        lines.insert(0, _taken(row, gross, terms, closes=closing or (gross == row.most and gross > 0), whole=closing))
    return _summed(lines, most, terms)._replace(there=there)


def _summed(lines: Sequence[Line], most: int, terms: Terms) -> Reckoning:
    wanted, kept = sum(line.gross for line in lines), sum(line.kept for line in lines)
    before = sum(line.history.refunded for line in lines)
    fee = terms.fee.between(before, before + wanted, terms.rounding) if terms.fee is not None else 0
    return Reckoning(tuple(lines), most, wanted, kept, min(fee, wanted - kept))


# -- visits ------------------------------------------------------------------------------------------------------------


def visits_for(histories: Sequence[TopUpHistory], terms: Terms, amount: int) -> int:
    """The least number of visits that come to an amount, or to more where no number comes to it."""
    there = sum(_refundable(history, terms) for history in histories)
    return bisect_left(range(there), amount, key=lambda visits: reckoned(histories, terms, visits=visits).gross)


def _refundable(history: TopUpHistory, terms: Terms) -> int:
    """Those that were paid for, as long as there are any; what was given goes by ``bonus``, unless it is paid out too."""
    return history.principal + history.bonus if terms.basis == "face_remaining" else history.principal or history.bonus


def _by_visits(rows: Sequence[Line], exact: Sequence[Fraction], visits: int, terms: Terms) -> list[Line]:
    """Each visit takes its share of what all of its top-up would bring; what is left is rounded, so that the parts are the whole."""
    lines = list[Line]()
    for row, worth in zip(reversed(rows), reversed(exact), strict=True):  # the newest first
        there = _refundable(row.history, terms)
        taken = min(visits, there)
        visits -= taken
        gross = row.most - max(rounded(worth * (there - taken) / there, terms.rounding), 0) if taken else 0
        closes = taken == there and taken > 0
        lines.insert(0, _taken(row, gross, terms, closes=True, whole=False) if closes else _visits_taken(row, gross, taken, terms))
    return lines


def _visits_taken(row: Line, gross: int, visits: int, terms: Terms) -> Line:
    """So many visits of a line, the paid ones first, and of those that were given what goes with them."""
    history = row.history
    paid = min(visits, history.principal)
    given = visits - paid
    if terms.basis == "face_remaining":
        return row._replace(gross=gross, principal=paid, bonus=given, paid_out=given, given_up=given)
    forfeited = history.bonus if terms.bonus == "forfeit" and visits else min(_to_give_up(row, gross, terms), history.bonus)
    leaves = max(given, forfeited)
    return row._replace(gross=gross, principal=paid, bonus=leaves, given_up=leaves)


def _opened(history: TopUpHistory, share: Share, terms: Terms) -> Line:
    """A line of which nothing has been taken yet: what could be."""
    gifts, converted = _gifts_kept(history, terms), _converted(history, terms)
    most = max(rounded(_entitled(history, share, terms), terms.rounding) - _gone(history), 0)
    return Line(history, rounded(share.deducted, terms.rounding), gifts, rounded(converted, terms.rounding), most, 0, 0, 0, 0, 0, 0, 0, False)


def _rounded_together(rows: Sequence[Line], entitled: Sequence[Fraction], terms: Terms) -> list[Line]:
    """One ratio over all is rounded once: what each line brings is the step of a running total."""
    found, before = [], Fraction(0)
    for row, exact in zip(rows, entitled, strict=True):
        step = rounded(before + exact, terms.rounding) - rounded(before, terms.rounding)
        before += exact
        found.append(row._replace(most=max(step - _gone(row.history), 0)))
    return found


def _entitled(history: TopUpHistory, share: Share, terms: Terms) -> Fraction:
    """What a top-up brings in all, exact: with what it brought before."""
    remains = share.remains - (_converted_before(history, terms) if terms.basis in REMAINING else 0)
    entitled = max(remains * share_at(terms.share, history.paid) - _gifts_kept(history, terms), Fraction(0)) + _converted(history, terms)
    if terms.basis != "face_remaining":
        entitled = min(entitled, Fraction(history.paid))
    return entitled


def _gone(history: TopUpHistory) -> int:
    return history.refunded + history.disputed


def _gifts_kept(history: TopUpHistory, terms: Terms) -> int:
    """The fair value of gifts in kind that have not come back."""
    if terms.gifts != "return_or_pay":
        return 0
    return sum(value for item, value in history.gifts if item not in terms.returned)


def _converted(history: TopUpHistory, terms: Terms) -> Fraction:
    """What the bonus that is left, or was given up for money before, is worth."""
    if terms.bonus != "convert" or history.form != "amount" or terms.basis == "face_remaining":
        return Fraction(0)
    if not history.bonus:
        return Fraction(_converted_before(history, terms))
    return (history.bonus + history.surrendered) * terms.convert


def _converted_before(history: TopUpHistory, terms: Terms) -> int:
    """The money that earlier refunds gave for bonus: a unit of money takes the bonus that it costs, rounded up, as a running total."""
    return rounded(history.surrendered * terms.convert, Rounding.floor) if terms.bonus == "convert" else 0


def _taken(row: Line, gross: int, terms: Terms, *, closes: bool, whole: bool) -> Line:
    """A refund of so much of a line: what leaves the account for it; ``whole``: it is one of all that is left."""
    history, keeps = row.history, terms.bonus == "keep" and not whole
    if history.form != "amount":
        bonus = history.bonus if closes and not keeps else 0
        return row._replace(gross=gross, principal=history.principal if closes else 0, bonus=bonus, closes=closes)
    principal = min(history.principal, gross)
    if terms.basis == "face_remaining":
        return _paid_out(row, gross, principal, closes=closes)
    bonus = min(_to_give_up(row, gross, terms), history.bonus)
    kept = max(_kept(row, gross, terms), _kept(row, row.most, terms) - (row.most - gross))  # what is left must bear what is kept later
    spent = history.principal - principal if closes else 0
    leaves = history.bonus if (closes and not keeps) or (terms.bonus == "forfeit" and gross) else bonus
    return row._replace(
        gross=gross,
        kept=kept,
        principal=principal + spent,
        spent=spent,
        bonus=leaves,
        given_up=(bonus if terms.bonus == "convert" else leaves) + kept,
        closes=closes,
    )


def _paid_out(row: Line, gross: int, principal: int, *, closes: bool) -> Line:
    """Bonus that is paid in money."""
    bonus = min(row.history.bonus, gross - principal)
    leaves, spent = (row.history.bonus, row.history.principal - principal) if closes else (bonus, 0)
    return row._replace(gross=gross, principal=principal + spent, spent=spent, bonus=leaves, paid_out=bonus, given_up=leaves, closes=closes)


def _to_give_up(row: Line, gross: int, terms: Terms) -> int:
    """The bonus that goes with a refund, by the running total of what has been taken out of the top-up."""
    history, taken = row.history, row.history.refunded + gross
    if terms.bonus == "convert":
        return _for_money(row, gross, terms)
    if terms.bonus == "surrender_pro_rata":
        target = rounded(Fraction(history.granted * taken, history.paid), terms.rounding) if history.paid else 0
    elif terms.bonus == "requalify" and terms.ladder is not None:
        target = max(history.granted - terms.ladder(max(history.paid - taken, 0)), 0)
    else:
        return 0
    return max(target - history.surrendered, 0)


def _kept(row: Line, gross: int, terms: Terms) -> int:
    """What is kept back of a refund of so much for bonus that should be given up and was used: by a basis that does not price it itself."""
    if terms.basis != "principal_remaining":
        return 0
    missing = _to_give_up(row, gross, terms) - row.history.bonus
    return max(min(missing, _unpaid(row.history), gross), 0)


def _for_money(row: Line, gross: int, terms: Terms) -> int:
    """The bonus that is given up for the part of a refund that is above what remains of the money."""
    before = _converted_before(row.history, terms)
    over = gross - (row.most - min(row.converted - before, row.most))
    target = rounded((before + over) / terms.convert, Rounding.ceil) if over > 0 and terms.convert else 0
    return max(target - row.history.surrendered, 0)


def _unpaid(history: TopUpHistory) -> int:
    """The bonus that was used and not yet given up in money."""
    return max(history.granted - history.bonus - history.bonus_expired - history.surrendered, 0)


def used(history: TopUpHistory) -> bool:
    """Whether anything of a top-up has been used: its bonus counts as much as its principal, of a period each visit."""
    return consumed(history) > 0 or history.visits > 0
