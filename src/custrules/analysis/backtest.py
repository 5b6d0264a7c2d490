"""What a backtest tells: whom a flag named on a day, who came back after it, and how that compares with naming everybody or nobody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from custrules.analysis.confusion import PLACES, Confusion, share
from custrules.codec import canonical
from custrules.messages import Speaker, speak
from custrules.messages.columns import grouped, table
from custrules.money import Rounding, from_units, rounded
from custrules.program import Program

DAYS_PER_YEAR = 365


@dataclass(frozen=True, slots=True)
class CauseFigures:
    """The customers whom one cause flagged: how many, how many of them went, and whom no other cause flagged. ``customers``: of how many."""

    cause: str
    flagged: int
    gone: int
    alone: int
    not_evaluable: int
    customers: int
    base: int

    @property
    def precision(self) -> Decimal | None:
        return share(self.gone, self.flagged)

    @property
    def confidence(self) -> Decimal | None:
        """The share of those flagged that went, as careful as their number: (gone + 1) / (flagged + 2), after Laplace."""
        return share(self.gone + 1, self.flagged + 2)

    @property
    def lift(self) -> Decimal | None:
        """How many times as often those flagged went as all did (``confidence`` over the base rate); None where nobody went."""
        if not self.base:
            return None
        found = Fraction((self.gone + 1) * self.customers, (self.flagged + 2) * self.base)
        return from_units(rounded(found * 10**PLACES, Rounding.half_even), PLACES)

    def to_data(self) -> dict[str, Any]:
        counts = {"cause": self.cause, "flagged": self.flagged, "gone": self.gone, "alone": self.alone, "not_evaluable": self.not_evaluable}
        return counts | {"precision": self.precision, "confidence": self.confidence, "lift": self.lift}


@dataclass(frozen=True, slots=True)
class Fitted:
    """Thresholds that would have told the second part of the past from the first, chosen among ``tried`` combinations.

    ``values`` are those chosen, ``before`` those that the program has; ``cutoff`` and ``horizon`` where the past was cut in two, and how
    many days its second part has. ``program`` has the values in it, and ``backtest`` is the same backtest of it.
    """

    signal: str
    target: str
    cutoff: date
    horizon: int
    before: Mapping[str, str]
    values: Mapping[str, str]
    tried: int
    past_before: Confusion
    past: Confusion
    program: Program
    backtest: Backtest

    def to_data(self) -> dict[str, Any]:
        told = {"signal": self.signal, "target": self.target, "cutoff": self.cutoff, "horizon": self.horizon, "tried": self.tried}
        values = {"before": dict(self.before), "values": dict(self.values)}
        past = {"past_before": self.past_before.to_data(), "past": self.past.to_data()}
        return told | values | past | {"document": self.program.document_data(), "backtest": self.backtest.to_data()}


@dataclass(frozen=True, slots=True)
class Backtest:
    """Whom a flag named at the end of the day ``cutoff``, held against who came back up to ``last_day``. ``cr.render`` puts it into words.

    A customer is ``gone`` who did none of ``returned`` (events or activities) after the cutoff. ``customers`` are all of whom something was
    known by then; ``left_out`` came later, ``closed`` had left already. ``changes`` are those of the flag's level up to the cutoff,
    over ``customer_days``. Shares are rounded half to even at four places, None where they are shares of nothing.
    """

    program: str
    digest: str
    flag: str
    level: str | None
    cutoff: date
    horizon: int
    last_day: date
    returned: tuple[str, ...]
    confusion: Confusion
    left_out: int
    closed: int
    changes: int | None
    customer_days: int
    causes: tuple[CauseFigures, ...] = ()
    fitted: Fitted | None = None

    @property
    def customers(self) -> int:
        """How many customers were judged: something was known of them by the cutoff, and their account was open."""
        return self.confusion.total

    @property
    def tp(self) -> int:
        """Flagged, and did not come back."""
        return self.confusion.tp

    @property
    def fp(self) -> int:
        """Flagged, and came back all the same."""
        return self.confusion.fp

    @property
    def fn(self) -> int:
        """Not flagged, and did not come back."""
        return self.confusion.fn

    @property
    def tn(self) -> int:
        """Not flagged, and came back."""
        return self.confusion.tn

    @property
    def base_rate(self) -> Decimal | None:
        """The share of customers who did not come back: (tp + fn) / customers."""
        return self.confusion.base_rate

    @property
    def accuracy(self) -> Decimal | None:
        """The share of customers about whom the flag was right: (tp + tn) / customers."""
        return self.confusion.accuracy

    @property
    def precision(self) -> Decimal | None:
        """Of those flagged, the share that did not come back: tp / (tp + fp)."""
        return self.confusion.precision

    @property
    def recall(self) -> Decimal | None:
        """Of those who did not come back, the share that was flagged: tp / (tp + fn)."""
        return self.confusion.recall

    @property
    def specificity(self) -> Decimal | None:
        """Of those who came back, the share that was not flagged: tn / (tn + fp)."""
        return self.confusion.specificity

    @property
    def mcc(self) -> Decimal | None:
        """Matthews' correlation coefficient, from -1 to 1; 0 is chance."""
        return self.confusion.mcc

    @property
    def flag_share(self) -> Decimal | None:
        """The share of customers who were flagged: (tp + fp) / customers."""
        return self.confusion.flag_share

    @property
    def changes_per_customer_year(self) -> Decimal | None:
        """Changes of level in a year (365 days) of one customer; None where the flag is no status that changes."""
        return share(self.changes * DAYS_PER_YEAR, self.customer_days) if self.changes is not None else None

    def to_data(self) -> dict[str, Any]:
        head: dict[str, Any] = {"program": self.program, "digest": self.digest, "flag": self.flag, "level": self.level, "cutoff": self.cutoff}
        head |= {"horizon": self.horizon, "last_day": self.last_day, "returned": list(self.returned)}
        counts = {"customers": self.customers, "left_out": self.left_out, "closed": self.closed, "confusion": self.confusion.to_data()}
        changes = {"changes": self.changes, "customer_days": self.customer_days, "changes_per_customer_year": self.changes_per_customer_year}
        lists = {"causes": [cause.to_data() for cause in self.causes], "fitted": self.fitted.to_data() if self.fitted is not None else None}
        return head | counts | self.confusion.figures() | changes | lists

    def to_json(self) -> bytes:
        """Canonical JSON: sorted keys, shares as exact text; never a float."""
        return canonical(self.to_data())


# -- words -------------------------------------------------------------------------------------------------------------


@speak.register
def _(found: Backtest, speaker: Speaker) -> str:
    """Who was judged, the four counts, the figures, the causes, and what a fit would change."""
    return "\n".join(_told(found, speaker))


def _told(found: Backtest, speaker: Speaker) -> Iterator[str]:
    named = {"flag": found.flag, "cutoff": found.cutoff, "horizon": found.horizon, "last_day": found.last_day}
    yield speaker.word("backtest_head", named)
    counts = {"customers": grouped(found.customers), "gone": grouped(found.confusion.gone), "returned": ", ".join(found.returned)}
    yield speaker.word("backtest_customers", {**counts, "base_rate": _figure(found.base_rate)})
    for name in ("left_out", "closed"):
        if getattr(found, name):
            yield speaker.word(f"backtest_{name}", {"customers": grouped(getattr(found, name))})
    yield ""
    yield from _counts(found.confusion, speaker)
    yield ""
    yield from _figures(found, speaker)
    if found.causes:
        yield ""
        yield from _causes(found, speaker)
    if found.fitted is not None:
        yield ""
        yield from _fitted(found.fitted, speaker)


def _counts(confusion: Confusion, speaker: Speaker) -> list[str]:
    head = ["", speaker.word("backtest_gone", {}), speaker.word("backtest_back", {})]
    rows = [[speaker.word("backtest_flagged", {}), grouped(confusion.tp), grouped(confusion.fp)]]
    rows += [[speaker.word("backtest_unflagged", {}), grouped(confusion.fn), grouped(confusion.tn)]]
    return table([head, *rows], right=(1, 2))


def _figures(found: Backtest, speaker: Speaker) -> list[str]:
    names = ("accuracy", "precision", "recall", "mcc", "flag_share")
    rows = [[speaker.word(f"backtest_{name}", {}), _figure(getattr(found, name))] for name in names]
    if found.changes is not None:
        rows.append([speaker.word("backtest_changes", {}), _figure(found.changes_per_customer_year)])
    return table(rows, right=(1,))


def _causes(found: Backtest, speaker: Speaker) -> list[str]:
    head = [speaker.word(f"backtest_cause{name}", {}) for name in ("", "_flagged", "_gone", "_alone", "_precision", "_unknown")]
    rows = [
        [one.cause, *(grouped(count) for count in (one.flagged, one.gone, one.alone)), _figure(one.precision), grouped(one.not_evaluable)]
        for one in found.causes
    ]
    return table([head, *rows], right=range(1, 6))


def _fitted(fitted: Fitted, speaker: Speaker) -> Iterator[str]:
    past_days = {"cutoff": fitted.cutoff, "horizon": fitted.horizon}
    yield speaker.word("backtest_fitted", {"signal": fitted.signal, "tried": grouped(fitted.tried), **past_days})
    head = ["", speaker.word("backtest_before", {}), speaker.word("backtest_after", {})]
    rows = [[name, fitted.before[name], value] for name, value in fitted.values.items()]
    past = [
        speaker.word("backtest_past", {"target": speaker.word(f"backtest_{fitted.target}", {})}),
        *(_figure(getattr(one, fitted.target)) for one in (fitted.past_before, fitted.past)),
    ]
    yield from table([head, *rows, past], right=(1, 2))
    yield speaker.word("backtest_then", {"accuracy": _figure(fitted.backtest.accuracy), "mcc": _figure(fitted.backtest.mcc)})


def _figure(value: Decimal | None) -> str:
    return "-" if value is None else str(value)
