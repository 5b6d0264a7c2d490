"""Thresholds of inactivity chosen on the past alone: its first part has to tell its second. Nothing after the cutoff is looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from itertools import product
from typing import Any, NamedTuple

from pydantic_core import PydanticCustomError

from custrules.analysis.backtest import Fitted
from custrules.analysis.backtesting import Asked, Run, known_at
from custrules.analysis.confusion import Confusion
from custrules.analysis.refusal import refuse
from custrules.calendars import end_of_day, local_day
from custrules.documents.sections import policy_data
from custrules.events import AnyEvent
from custrules.fields import describe, rate_text, read_rate
from custrules.policies.churn import Flag
from custrules.policies.churn.judging import Finding, Judge, clipped
from custrules.policies.churn.signals import Limit, Signal
from custrules.program import Program
from custrules.replaying import Given, event_of
from custrules.state import State

FIELDS = ("times_own_gap", "floor", "cap", "fallback")
GRID: Mapping[str, tuple[str, ...]] = {
    "times_own_gap": ("2", "2.5", "3", "3.5", "4", "5"),
    "floor": ("28 days", "56 days", "84 days", "112 days", "140 days"),
    "cap": ("126 days", "154 days", "182 days", "224 days", "280 days"),
    "fallback": ("28 days", "56 days", "84 days", "112 days", "140 days", "182 days"),
}
MOST_COMBINATIONS = 5_000
LEAST_DAYS = 14  # of either part of the past


class Thresholds(NamedTuple):
    """One combination; a limit that is None is none."""

    times: Fraction
    floor: Limit
    cap: Limit
    fallback: Limit


class Silence(NamedTuple):
    """What inactivity looks at: the last event, the days since, the own mean gap (None: too few gaps); whether another signal flags anyway."""

    last: date | None
    days: int
    gap: Fraction | None
    otherwise: bool

    def flagged(self, by: Thresholds) -> bool:
        if self.otherwise or self.last is None:
            return self.otherwise
        if self.gap is None:
            return bool(by.fallback) and self.days > self._days(by.fallback)
        floor, cap = (Fraction(self._days(limit)) if limit else None for limit in (by.floor, by.cap))
        return self.days > clipped(self.gap * by.times, floor, cap).days

    def _days(self, length: Limit) -> int:
        if not length.months:
            return length.days
        assert self.last is not None
        return (length.after(self.last) - self.last).days


def fitted(program: Program, events: Sequence[Given], asked: Asked, fit: Mapping[str, Sequence[Any]] | bool, target: str) -> Fitted:
    """The combination that tells the second half of the past best from the first; of equals the one that changes least."""
    flag, place, signal = _target(program, asked)
    grid = _grid(signal, fit)
    past = _past(program, events, asked)
    inner = _halved(program, past, asked)
    seen = _seen(program, past, inner, flag, signal)
    before = Thresholds(signal.times, signal.shortest, signal.longest, signal.instead)
    best = _best(seen, before, grid, target)
    revised = program.revise(flag.id, effective_from=flag.effective_from, signals=_rewritten(flag, place, best))
    told = {name: (_text(was), _text(now)) for name, was, now in zip(FIELDS, before, best, strict=True)}
    return Fitted(
        signal.name,
        target,
        inner.cutoff,
        inner.horizon,
        {name: was for name, (was, _) in told.items()},
        {name: now for name, (_, now) in told.items()},
        len(grid),
        _confusion(seen, before),
        _confusion(seen, best),
        revised,
        Run(revised, asked).over(events),
    )


# -- what is fitted ----------------------------------------------------------------------------------------------------


def _target(program: Program, asked: Asked) -> tuple[Flag, int, Signal]:
    """The flag that judges at the cutoff, and its first signal of inactivity by the own rhythm."""
    flag = program.rulebook.in_force(asked.flag, asked.cutoff) if asked.flag is not None else None
    signals = flag.signals if isinstance(flag, Flag) else ()
    place = next((place for place, signal in enumerate(signals) if signal.head == "of" and signal.bands is None), None)
    if not isinstance(flag, Flag) or place is None:
        refuse("analysis.nothing_to_fit", "fit", flag=asked.called)
    return flag, place, signals[place]


def _grid(signal: Signal, fit: Mapping[str, Sequence[Any]] | bool) -> list[Thresholds]:
    """Every combination of the values to try whose floor is not above its cap."""
    asked: Mapping[str, Sequence[Any]] = GRID if isinstance(fit, bool) else fit
    for name in asked:
        if name not in FIELDS:
            refuse("analysis.unknown_choice", f"fit.{name}", found=str(name)[:40], choices=", ".join(FIELDS))
    own = (signal.times, signal.shortest, signal.longest, signal.instead)
    values: list[list[Any]] = [[_value(name, one) for one in asked[name]] if name in asked else [now] for name, now in zip(FIELDS, own, strict=True)]
    combinations = 1
    for found in values:
        combinations *= len(found)
    if not 0 < combinations <= MOST_COMBINATIONS:
        refuse("analysis.too_many_combinations", "fit", found=combinations, most=MOST_COMBINATIONS)
    rows = [Thresholds(*row) for row in product(*values)]
    return [row for row in rows if not (row.floor and row.cap and row.floor.at_most_days > row.cap.at_most_days)]


def _value(name: str, value: Any) -> Any:
    """One value to try; a whole number stands for days."""
    expected = "a rate above 0" if name == "times_own_gap" else Limit.grammar
    try:
        if name != "times_own_gap":
            return Limit.parse(f"{value} days" if isinstance(value, int) else value if isinstance(value, str) else str(value))
        rate = read_rate(value)
    except PydanticCustomError:
        refuse("analysis.wrong_type", f"fit.{name}", expected=expected, found=describe(value))
    if rate <= 0:
        refuse("analysis.wrong_type", f"fit.{name}", expected=expected, found=describe(value))
    return rate


def _rewritten(flag: Flag, place: int, best: Thresholds) -> list[Any]:
    """The signals of the flag in their document form, with the values chosen."""
    signals: list[Any] = policy_data(flag)["signals"]
    signals[place] = signals[place] | {name: _text(value) for name, value in zip(FIELDS, best, strict=True)}
    return signals


def _text(value: Any) -> str:
    return rate_text(value) if isinstance(value, Fraction) else str(value)


# -- the past, cut in two ----------------------------------------------------------------------------------------------


def _past(program: Program, events: Sequence[Given], asked: Asked) -> list[AnyEvent]:
    """The events that were known by the end of the cutoff."""
    end = end_of_day(asked.cutoff, program.zone)
    read = (event_of(program.event, given, number) for number, given in enumerate(events))
    return [event for event in read if known_at(event) <= end]


def _halved(program: Program, past: Sequence[AnyEvent], asked: Asked) -> Asked:
    """The question of the past: its middle as the cutoff, and the rest of it as the horizon."""
    first = min((local_day(event.occurred_at, program.zone) for event in past), default=asked.cutoff)
    half = (asked.cutoff - first).days // 2
    if half < LEAST_DAYS:
        refuse("analysis.past_too_short", "fit", days=(asked.cutoff - first).days, least=2 * LEAST_DAYS)
    return replace(asked, cutoff=asked.cutoff - timedelta(days=half), last_day=asked.cutoff)


Seen = Counter[tuple[Silence, bool]]


def _seen(program: Program, past: Sequence[AnyEvent], inner: Asked, flag: Flag, signal: Signal) -> Seen:
    """How many customers looked how at the middle of the past, and were gone in its second half or not."""
    found: Seen = Counter()
    least = flag.names.index(inner.level) if inner.level in flag.names else 0
    run = Run(program, inner, lambda state, gone: found.update([(_silence(run, flag, signal, least, state), gone)]), judge=flag)
    run.pass_over(past)
    if not found:
        refuse("analysis.nobody", "events", cutoff=inner.cutoff.isoformat())
    return found


def _silence(run: Run, flag: Flag, signal: Signal, least: int, state: State) -> Silence:
    view = run.view(state)
    judge = Judge(flag.id, view)
    others = [one for one in judge.findings([other for other in flag.signals if other is not signal]) if _counts(flag, one, least)]
    days, gap = judge.own(signal.since), judge.own(signal.gap)
    narrowed = signal.when is not None and not view.test(signal.when)
    asked = not narrowed and flag.names.index(signal.level) >= least
    last = view.day - timedelta(days=days) if isinstance(days, int) and asked else None
    known = Fraction(gap) if isinstance(gap, int | Fraction) else None
    return Silence(last, days if isinstance(days, int) else 0, known, bool(others))


def _counts(flag: Flag, found: Finding, least: int) -> bool:
    return found.said == "flagged" and flag.names.index(found.signal.level) >= least


# -- the search --------------------------------------------------------------------------------------------------------


def _confusion(seen: Seen, by: Thresholds) -> Confusion:
    total = Confusion()
    for (silence, gone), times in seen.items():
        total += Confusion.of(silence.flagged(by), gone, times)
    return total


def _best(seen: Seen, before: Thresholds, grid: Sequence[Thresholds], target: str) -> Thresholds:
    """Exactly the best; of equals the one that changes the fewest thresholds, then the first."""
    candidates = [before, *grid]
    return max(enumerate(candidates), key=lambda row: (_worth(_confusion(seen, row[1]), target), -_changed(before, row[1]), -row[0]))[1]


def _changed(before: Thresholds, after: Thresholds) -> int:
    return sum(was != now for was, now in zip(before, after, strict=True))


def _worth(found: Confusion, target: str) -> Fraction:
    """What is to be made as large as it gets: the accuracy, or the MCC by its square, with its sign."""
    if target == "accuracy":
        return Fraction(found.tp + found.tn, found.total)
    part = found.tp * found.tn - found.fp * found.fn
    whole = found.flagged * found.gone * (found.tn + found.fp) * (found.tn + found.fn)
    return Fraction(part * abs(part), whole) if whole else Fraction(0)
