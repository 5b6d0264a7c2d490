"""A flag over columns: its signals as conditions on given facts, where whole numbers alone tell what each says.

Not written: what depends on which day it is (activation, contract ends, external scores, lengths in months).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from custrules.branching import Branch, Together
from custrules.calendars import Length
from custrules.conditions import Bound, Cell, Leaf, Node
from custrules.conditions.binding import Ratio
from custrules.conditions.cells import Between, Equals, Missing
from custrules.evaluation import Answer
from custrules.facts import FactType
from custrules.policies.churn.assessing import highest, told
from custrules.policies.churn.cells import leaf_of
from custrules.policies.churn.judging import NUMBER, WHOLE, Finding, Said
from custrules.policies.churn.levels import NO_LEVEL
from custrules.policies.churn.signals import Signal
from custrules.policy import FactsView, reason

if TYPE_CHECKING:
    from custrules.policies.churn.flag import Flag

UNKNOWN = "churn.signal.not_evaluable"


class Clause(NamedTuple):
    """One answer that a signal may give, and the condition on which it does."""

    signal: Signal
    said: Said
    code: str
    parts: tuple[Bound | Ratio, ...]


class NoColumn(Exception):
    """A signal that whole numbers alone do not tell."""


def branches(flag: Flag, view: FactsView) -> tuple[Branch, ...] | None:
    """One branch, whose answer depends on what each signal says; None where a signal cannot be a column."""
    try:
        found = [clause for signal in flag.signals for clause in _Writer(flag, signal, view).clauses()]
    except NoColumn:
        return None
    return (Branch(None, tuple(Together(clause.parts) for clause in found), partial(_answer, flag, found)),)


def _answer(flag: Flag, clauses: Sequence[Clause], bits: int) -> Answer:
    """The level and the reasons, without the numbers of a row."""
    held = [clause for place, clause in enumerate(clauses) if bits >> place & 1]
    findings = [Finding(clause.signal, clause.said, clause.code) for clause in held]
    rank = highest(flag, findings)
    level = flag.names[rank] if rank != NO_LEVEL else None
    head = reason("churn.flag.raised", level=level) if level is not None else reason("churn.flag.none")
    return Answer("APPLIED" if level is not None else "DECLINED", level, (head, *told(findings)))


class _Writer:
    """The clauses of one signal."""

    def __init__(self, flag: Flag, signal: Signal, view: FactsView) -> None:
        self.flag, self.signal, self.view = flag, signal, view

    def clauses(self) -> Iterator[Clause]:
        writers = {"when": self._condition, "of": self._inactive, "count": self._count, "score": self._banded, "usage": self._banded}
        writer = (writers | {"decline": self._decline, "balance": self._balance}).get(self.signal.head)
        if writer is None:
            raise NoColumn
        yield from writer()

    def _clause(self, said: Said, code: str, *parts: Bound | Ratio) -> Clause:
        """An answer on some conditions together; one that is narrowed asks for its own too."""
        narrowed = [self.view.bound(self.signal.when)] if self.signal.when is not None and self.signal.head != "when" else []
        return Clause(self.signal, said, code, (*parts, *narrowed))

    def _own(self, name: str) -> str:
        return f"{self.flag.id}.{name}"

    # -- one head each ---------------------------------------------------------------------------------------------

    def _condition(self) -> Iterator[Clause]:
        assert self.signal.when is not None
        bound = self.view.bound(self.signal.when)
        missing = Node("any", tuple(_missing(name, self._type(name)) for name in sorted(self.signal.when.facts)))
        yield self._clause("flagged", "churn.signal.condition", bound)
        yield self._clause("not_evaluable", UNKNOWN, Node("not", (bound,)), missing)

    def _inactive(self) -> Iterator[Clause]:
        since = self._own(self.signal.since)
        yield self._clause("not_evaluable", UNKNOWN, _missing(since, WHOLE))
        if self.signal.bands is not None:
            yield from self._by_bands(since)
            return
        gap = self._own(self.signal.gap)
        if self.signal.instead:
            yield self._clause("flagged", "churn.inactivity.fallback", _missing(gap, NUMBER), _above(since, self._days(self.signal.instead)))
        else:
            yield self._clause("not_evaluable", UNKNOWN, _present(since, WHOLE), _missing(gap, NUMBER))
        yield from self._by_gap(since, gap)

    def _by_gap(self, since: str, gap: str) -> Iterator[Clause]:
        """``days > clip(times × gap, floor, cap)``, by which of the three it is."""
        times = self.signal.times
        floor, cap = (self._days(limit) if limit else None for limit in (self.signal.shortest, self.signal.longest))
        within = _between(gap, floor / times if floor is not None else None, cap / times if cap is not None else None)
        yield self._clause("flagged", "churn.inactivity.own_gap", within, Ratio(since, gap, _more(times)))
        if floor is None:  # all events on one day: any silence is longer than three times no time
            yield self._clause("flagged", "churn.inactivity.own_gap", _exactly(gap, 0), _above(since, Fraction(0)))
        if floor is not None:
            yield self._clause("flagged", "churn.inactivity.floor", _below(gap, floor / times), _above(since, floor))
        if cap is not None:
            yield self._clause("flagged", "churn.inactivity.cap", _above(gap, cap / times, NUMBER), _above(since, cap))

    def _by_bands(self, since: str) -> Iterator[Clause]:
        number, before = self._own(self.signal.number), list[Bound]()
        for cell, length in self.signal.cells:
            fits = self._fits(cell, number, WHOLE)
            yield self._clause("flagged", "churn.inactivity.band", *before, fits, _above(since, self._days(length)))
            before.append(Node("not", (fits,)))
        yield self._clause("not_evaluable", UNKNOWN, _present(since, WHOLE), *before)

    def _count(self) -> Iterator[Clause]:
        number = self._own(self.signal.number)
        yield self._clause("flagged", "churn.count.reached", _between(number, Fraction(self.signal.at_least or 1), None, WHOLE))
        yield self._clause("not_evaluable", UNKNOWN, _missing(number, WHOLE))

    def _banded(self) -> Iterator[Clause]:
        name = str(self.signal.score or self.signal.usage)
        kind = self._type(name)
        assert self.signal.band is not None
        code = "churn.score.low" if self.signal.score is not None else "churn.usage.band"
        yield self._clause("flagged", code, self._fits(self.signal.band, name, kind))
        yield self._clause("not_evaluable", UNKNOWN, _missing(name, kind))

    def _decline(self) -> Iterator[Clause]:
        recent, earlier = self._own(self.signal.recently), self._own(self.signal.before)
        kind = self._type(earlier)
        usual: list[Bound] = [_above(earlier, Fraction(0), kind)]
        usual += [_scaled(self._fits(self.signal.base, earlier, kind), self.signal.spans)] if self.signal.base is not None else []
        assert self.signal.ratio is not None
        share = _scaled(self._fits(self.signal.ratio, "", NUMBER), 1 / self.signal.spans)
        known = _all(_present(recent, self._type(recent)), *usual)
        yield self._clause("flagged", "churn.decline.fallen", known, Ratio(recent, earlier, share))
        yield self._clause("not_evaluable", UNKNOWN, Node("not", (known,)))

    def _balance(self) -> Iterator[Clause]:
        last, before = (self._own(name) for name in self.signal.held)
        assert self.signal.month_average_ratio is not None
        known = _all(_present(last, self._type(last)), _above(before, Fraction(0), self._type(before)))
        yield self._clause("flagged", "churn.balance.run_off", known, Ratio(last, before, self._fits(self.signal.month_average_ratio, "", NUMBER)))
        yield self._clause("not_evaluable", UNKNOWN, Node("not", (known,)))

    # -- parts -----------------------------------------------------------------------------------------------------

    def _type(self, name: str) -> FactType:
        kind = self.view.type_of(name)
        if kind is None:
            raise NoColumn
        return kind

    def _days(self, length: Length) -> Fraction:
        if length.months:
            raise NoColumn
        return Fraction(length.days)

    def _fits(self, cell: Cell, fact: str, kind: FactType) -> Leaf:
        """A cell on a present value: what is missing is within none, whatever the cell says of it."""
        leaf = leaf_of(cell, fact, kind)
        if leaf is None or leaf.negated or any(isinstance(test, Missing) for test in leaf.tests):
            raise NoColumn
        return leaf


def _all(*bounds: Bound) -> Node:
    return Node("all", bounds)


def _missing(fact: str, kind: FactType) -> Leaf:
    return Leaf(fact, "missing", kind, negated=False, tests=(Missing(),))


def _present(fact: str, kind: FactType) -> Leaf:
    return Leaf(fact, "not(missing)", kind, negated=True, tests=(Missing(),))


def _above(fact: str, end: Fraction, kind: FactType = WHOLE) -> Leaf:
    return Leaf(fact, f"> {end}", kind, negated=False, tests=(Between(end, False, None, False),))


def _below(fact: str, end: Fraction) -> Leaf:
    return Leaf(fact, f"< {end}", NUMBER, negated=False, tests=(Between(None, False, end, False),))


def _between(fact: str, low: Fraction | None, high: Fraction | None, kind: FactType = NUMBER) -> Leaf:
    return Leaf(fact, f"[{low}..{high}]", kind, negated=False, tests=(Between(low, True, high, True),))


def _exactly(fact: str, value: int) -> Leaf:
    return Leaf(fact, str(value), NUMBER, negated=False, tests=(Equals(value),))


def _more(times: Fraction) -> Leaf:
    return _above("", times, NUMBER)


def _scaled(leaf: Leaf, by: Fraction) -> Leaf:
    """The same cell on a value that is so many times as large."""

    def scaled(end: object) -> Fraction | None:
        return Fraction(end) * by if isinstance(end, int | Fraction) else None

    tests = tuple(
        Between(scaled(test.low), test.low_closed, scaled(test.high), test.high_closed)
        if isinstance(test, Between)
        else Equals(Fraction(test.value) * by)
        if isinstance(test, Equals) and isinstance(test.value, int | Fraction)
        else test
        for test in leaf.tests
    )
    return Leaf(leaf.fact, leaf.cell, leaf.type, leaf.negated, tests)
