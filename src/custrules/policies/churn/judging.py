"""What each signal says of a customer as of a day: flagged, not flagged, or not evaluable; with the numbers, and when that may change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal, NamedTuple

from custrules.calendars import ONE_DAY, Length
from custrules.conditions.tables import Table
from custrules.conditions.tree import Condition
from custrules.facts import FactType, FactValue
from custrules.money import Rounding, from_units, rounded
from custrules.policies.churn.cells import fits
from custrules.policies.churn.signals import Signal
from custrules.policy import Reason, View, reason
from custrules.shown import shown_value

Said = Literal["flagged", "not_flagged", "not_evaluable"]
WHOLE, NUMBER = FactType("whole"), FactType("number")


class Finding(NamedTuple):
    """What one signal says: with which code and numbers where it flags, and for which reason it cannot be evaluated."""

    signal: Signal
    said: Said
    code: str = ""
    params: Mapping[str, Any] = {}

    @property
    def why(self) -> Reason:
        """The reason of a flag, or of why there is no answer."""
        return reason(self.code, signal=self.signal.name, level=self.signal.level, **self.params)


class Threshold(NamedTuple):
    """How long a customer may be silent, in days, and which limit says so."""

    days: Fraction
    limit: str
    gap: Fraction | None = None


class Judge:
    """The signals of one flag on one customer, as of the day of the view. ``prefix`` stands before the names of its own measures."""

    view: View
    prefix: str

    def __init__(self, policy_id: str, view: View) -> None:
        self.view, self.prefix = view, f"{policy_id}."
        self._known: dict[str, FactValue | None] = {}

    def own(self, name: str) -> FactValue | None:
        """One of the flag's own measures."""
        if name not in self._known:
            self._known[name] = self.view.value(self.prefix + name)
        return self._known[name]

    def findings(self, signals: Iterable[Signal]) -> tuple[Finding, ...]:
        return tuple(self.found(signal) for signal in signals)

    def found(self, signal: Signal) -> Finding:
        """What a signal says now. One that is narrowed by a condition that does not hold says nothing."""
        if signal.head == "when":
            return self._condition(signal)
        found = _JUDGES[signal.head](self, signal)
        narrowed = found.said != "not_flagged" and signal.when is not None and not self.view.test(signal.when)
        return Finding(signal, "not_flagged") if narrowed else found

    def changes(self, signal: Signal) -> Iterator[date]:
        """Days after the view's on which time alone may change that; none where it never does."""
        found = [*_CHANGES[signal.head](self, signal)]
        found += [self.changed(signal.when)] if signal.when is not None else []
        return (day for day in found if day is not None)

    def changed(self, what: Condition | Table | str) -> date | None:
        return self.view.next_change(what)

    # -- inactivity --------------------------------------------------------------------------------------------------

    def _inactive(self, signal: Signal) -> Finding:
        days, threshold = self.own(signal.since), self.threshold(signal)
        if not isinstance(days, int):
            return _unknown(signal, "there has been none yet")
        if threshold is None:
            return _unknown(signal, "too few gaps" if signal.bands is None else "no band holds so many")
        if days <= threshold.days:
            return Finding(signal, "not_flagged")
        told: dict[str, Any] = {"of": signal.of, "days": days, "threshold": _number(threshold.days)}
        if threshold.gap is not None:
            told |= {"gap": _number(threshold.gap), "times": _number(signal.times)}
        if threshold.limit == "band":
            told |= {"number": self.own(signal.number)}
        return Finding(signal, "flagged", f"churn.inactivity.{threshold.limit}", told)

    def threshold(self, signal: Signal) -> Threshold | None:
        """How long silence is usual: by the own gaps within floor and cap, else the fallback; by bands, that of the band."""
        if signal.bands is not None:
            number = self.own(signal.number)
            found = next((length for cell, length in signal.cells if fits(cell, number, WHOLE)), None)
            return Threshold(self._days(signal, found), "band") if found is not None else None
        gap = self.own(signal.gap)
        if not isinstance(gap, int | Fraction):
            return Threshold(self._days(signal, signal.instead), "fallback") if signal.instead else None
        floor, cap = (self._days(signal, limit) if limit else None for limit in (signal.shortest, signal.longest))
        return clipped(Fraction(gap) * signal.times, floor, cap, Fraction(gap))

    def _days(self, signal: Signal, length: Length) -> Fraction:
        """A length in days, counted from the last event."""
        since = self.own(signal.since)
        last = self.view.day - timedelta(days=since) if isinstance(since, int) else self.view.day
        return Fraction((length.after(last) - last).days)

    def _when_inactive(self, signal: Signal) -> Iterator[date | None]:
        """The day after the last quiet one, and when the customer's own rhythm is another."""
        since, threshold = self.own(signal.since), self.threshold(signal)
        if isinstance(since, int) and threshold is not None and since <= threshold.days:
            yield self.view.day + ONE_DAY * (int(threshold.days) - since + 1)
        yield self.changed(self.prefix + (signal.number if signal.bands is not None else signal.gap))

    # -- conditions and single facts -----------------------------------------------------------------------------------

    def _condition(self, signal: Signal) -> Finding:
        assert signal.when is not None
        if self.view.test(signal.when):
            return Finding(signal, "flagged", "churn.signal.condition", {"facts": self._facts(signal.when)})
        missing = sorted(name for name in signal.when.facts if self.view.value(name) is None)
        return _unknown(signal, "{} is not known", ", ".join(missing)) if missing else Finding(signal, "not_flagged")

    def _facts(self, when: Condition) -> str:
        """Every fact that a condition reads, with its value: ``bill_ratio 5/12 (0.3..0.5]``."""
        rows = [(name, cell.text, self.shown(name)) for name, cell in when.leaves()]
        return ", ".join(f"{name} {'-' if value is None else value} ({cell})" for name, cell, value in rows)

    def shown(self, name: str) -> Any:
        value, kind = self.view.value(name), self.view.type_of(name)
        return shown_value(value, kind, self.view.currency) if kind is not None else value

    def _banded(self, name: str, signal: Signal, code: str, **told: Any) -> Finding:
        """A fact within the band of a signal."""
        value, kind = self.view.value(name), self.view.type_of(name)
        assert signal.band is not None
        if value is None or kind is None:
            return _unknown(signal, "{} is not known", name)
        if not fits(signal.band, value, kind):
            return Finding(signal, "not_flagged")
        return Finding(signal, "flagged", code, {"fact": name, "value": self.shown(name), "band": signal.band.text, **told})

    def _score(self, signal: Signal) -> Finding:
        return self._banded(str(signal.score), signal, "churn.score.low")

    def _usage(self, signal: Signal) -> Finding:
        return self._banded(str(signal.usage), signal, "churn.usage.band")

    def _external(self, signal: Signal) -> Finding:
        """The last score read, for as long as it says something: its horizon, or less."""
        name, age = str(signal.external), self.own(signal.read)
        horizon = self.view.horizon(name)
        if not isinstance(age, int) or horizon is None:
            return _unknown(signal, "{} is not known", name)
        if age > self._fresh(signal, horizon):
            return _unknown(signal, "{} is too old", name)
        return self._banded(name, signal, "churn.external.score", days=age, horizon=str(horizon))

    def _fresh(self, signal: Signal, horizon: Length) -> int:
        """For how many days a score that was read so long ago counts."""
        age = self.own(signal.read)
        read = self.view.day - timedelta(days=age) if isinstance(age, int) else self.view.day
        return ((signal.no_older_than or horizon).after(read) - read).days

    def _when_external(self, signal: Signal) -> Iterator[date | None]:
        age, horizon = self.own(signal.read), self.view.horizon(str(signal.external))
        if isinstance(age, int) and horizon is not None and age <= self._fresh(signal, horizon):
            yield self.view.day + ONE_DAY * (self._fresh(signal, horizon) - age + 1)

    # -- the others ----------------------------------------------------------------------------------------------------

    def _activation(self, signal: Signal) -> Finding:
        asked, number, joined = signal.activation, self.own(signal.started), self.view.state.joined
        assert asked is not None
        if not isinstance(number, int) or joined is None:
            return _unknown(signal, "what came before is not known")
        if number >= asked.times or asked.within.after(joined) >= self.view.day:
            return Finding(signal, "not_flagged")
        told = {"of": asked.of, "number": number, "times": asked.times, "joined": joined, "days": (self.view.day - joined).days}
        return Finding(signal, "flagged", "churn.activation.missing", told)

    def _when_activation(self, signal: Signal) -> Iterator[date | None]:
        asked, joined = signal.activation, self.view.state.joined
        assert asked is not None
        if joined is not None and asked.within.after(joined) >= self.view.day:
            yield asked.within.after(joined) + ONE_DAY

    def _decline(self, signal: Signal) -> Finding:
        recent, earlier = self.own(signal.recently), self.own(signal.before)
        kind = self.view.type_of(self.prefix + signal.before) or NUMBER
        if not isinstance(recent, int | Fraction) or not isinstance(earlier, int | Fraction):
            return _unknown(signal, "what came before is not known")
        usual = Fraction(earlier) / signal.spans
        if usual <= 0 or (signal.base is not None and not fits(signal.base, usual, kind)):
            return _unknown(signal, "too little to compare with")
        share = Fraction(recent) / usual
        assert signal.ratio is not None
        if not fits(signal.ratio, share, NUMBER):
            return Finding(signal, "not_flagged")
        told = {"of": signal.decline, "recent": self._amount(recent, kind), "usual": self._amount(usual, kind), "share": _number(share, 4)}
        return Finding(signal, "flagged", "churn.decline.fallen", told | {"ratio": signal.ratio.text})

    def _amount(self, value: int | Fraction, kind: FactType) -> Any:
        return shown_value(value, kind, self.view.currency)

    def _when_decline(self, signal: Signal) -> Iterator[date | None]:
        yield self.changed(self.prefix + signal.recently)
        yield self.changed(self.prefix + signal.before)

    def _count(self, signal: Signal) -> Finding:
        number = self.own(signal.number)
        if not isinstance(number, int):
            return _unknown(signal, "what came before is not known")
        if number < (signal.at_least or 1):
            return Finding(signal, "not_flagged")
        told = {"of": signal.count, "number": number, "at_least": signal.at_least, "window": str(signal.window)}
        return Finding(signal, "flagged", "churn.count.reached", told)

    def _ends(self, signal: Signal) -> Finding:
        end = self.view.value(str(signal.ends))
        assert signal.within is not None
        if not isinstance(end, date):
            return _unknown(signal, "{} is not known", str(signal.ends))
        if not signal.within.before(end) <= self.view.day <= end:
            return Finding(signal, "not_flagged")
        return Finding(signal, "flagged", "churn.contract.ends", {"date": end, "days": (end - self.view.day).days})

    def _when_ends(self, signal: Signal) -> Iterator[date | None]:
        end = self.view.value(str(signal.ends))
        assert signal.within is not None
        if isinstance(end, date):
            yield from (day for day in (signal.within.before(end), end + ONE_DAY) if day > self.view.day)

    def _balance(self, signal: Signal) -> Finding:
        last, before = (self.own(name) for name in signal.held)
        kind = self.view.type_of(self.prefix + signal.held[0]) or NUMBER
        if not isinstance(last, int | Fraction) or not isinstance(before, int | Fraction):
            return _unknown(signal, "what came before is not known")
        if before <= 0:
            return _unknown(signal, "too little to compare with")
        share = Fraction(last) / Fraction(before)
        assert signal.month_average_ratio is not None
        if not fits(signal.month_average_ratio, share, NUMBER):
            return Finding(signal, "not_flagged")
        told = {"balance": signal.balance, "last": self._amount(last, kind), "before": self._amount(before, kind), "share": _number(share, 4)}
        return Finding(signal, "flagged", "churn.balance.run_off", told | {"ratio": signal.month_average_ratio.text})

    def _when_balance(self, signal: Signal) -> Iterator[date | None]:
        yield from (self.changed(self.prefix + name) for name in signal.held)

    def _when_count(self, signal: Signal) -> Iterator[date | None]:
        yield self.changed(self.prefix + signal.number)

    def _when_fact(self, signal: Signal) -> Iterator[date | None]:
        yield self.changed(str(signal.score or signal.usage))

    def _never(self, signal: Signal) -> Iterator[date | None]:
        yield from ()


def clipped(own: Fraction, floor: Fraction | None, cap: Fraction | None, gap: Fraction | None = None) -> Threshold:
    """A multiple of the own gap, between a floor and a cap (None: there is none); and which of the three it is."""
    if floor is not None and own < floor:
        return Threshold(floor, "floor", gap)
    return Threshold(cap, "cap", gap) if cap is not None and own > cap else Threshold(own, "own_gap", gap)


def _unknown(signal: Signal, why: str, what: str = "") -> Finding:
    return Finding(signal, "not_evaluable", "churn.signal.not_evaluable", {"reason": why.replace("{}", what)})


def _number(value: Fraction, places: int = 1) -> int | Decimal:
    """A number as people read it: whole where it is, else rounded half up. What is compared is exact."""
    return value.numerator if value.denominator == 1 else from_units(rounded(value * 10**places, Rounding.half_up), places)


_JUDGES: Mapping[str, Callable[[Judge, Signal], Finding]] = {
    "of": Judge._inactive,
    "activation": Judge._activation,
    "decline": Judge._decline,
    "count": Judge._count,
    "score": Judge._score,
    "usage": Judge._usage,
    "external": Judge._external,
    "ends": Judge._ends,
    "balance": Judge._balance,
}
_CHANGES: Mapping[str, Callable[[Judge, Signal], Iterator[date | None]]] = {
    "when": Judge._never,  # its condition is asked in any case
    "of": Judge._when_inactive,
    "activation": Judge._when_activation,
    "decline": Judge._when_decline,
    "count": Judge._when_count,
    "score": Judge._when_fact,
    "usage": Judge._when_fact,
    "external": Judge._when_external,
    "ends": Judge._when_ends,
    "balance": Judge._when_balance,
}
