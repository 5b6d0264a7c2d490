"""Rounds that take turns, processor time, medians, and ratios taken round by round: what else the machine does falls on all alike."""

from __future__ import annotations

import gc
import resource
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from time import thread_time_ns
from typing import Any


@dataclass(frozen=True)
class Contender:
    """One implementation: ``run`` is called with each of ``items``, which were prepared; ``told`` reads its output for comparison.

    An item holds ``each`` evaluations.
    """

    run: Callable[[Any], Any]
    items: Sequence[Any]
    told: Callable[[Any], Any] = lambda output: output
    each: int = 1


@dataclass(frozen=True)
class Figure:
    """Nanoseconds per evaluation, and how many times the baseline's."""

    name: str
    nanoseconds: float
    ratio: float


@dataclass(frozen=True)
class Goal:
    """A ratio that was wanted and what was found; ``at_least`` where more is better."""

    measure: str
    wanted: float
    found: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        return self.found >= self.wanted if self.at_least else self.found <= self.wanted


@dataclass(frozen=True)
class Report:
    """What one benchmark found: a table of figures (the first is the baseline), goals, and remarks."""

    title: str
    figures: Sequence[Figure]
    goals: Sequence[Goal] = ()
    remarks: Sequence[str] = ()

    def ratio(self, name: str) -> float:
        return next(figure.ratio for figure in self.figures if figure.name == name)


Clock = Callable[[], int]


def of_children() -> int:
    """Processor time of the processes that were started and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return int((used.ru_utime + used.ru_stime) * 1_000_000_000)


def race(contenders: Mapping[str, Contender], rounds: int, clock: Clock = thread_time_ns) -> list[Figure]:
    """Every contender once a round, in turn; the first is the baseline of the ratios."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for contender in contenders.values():
        _one_round(contender, clock)  # code warms up, results are interned
    for _ in range(rounds):
        for name, contender in contenders.items():
            times[name].append(_one_round(contender, clock))
    baseline = next(iter(times.values()))
    return [Figure(name, median(found), median(each / base for each, base in zip(found, baseline, strict=True))) for name, found in times.items()]


def _one_round(contender: Contender, clock: Clock) -> float:
    run, items = contender.run, contender.items
    gc.collect()
    gc.disable()
    begun = clock()
    for item in items:
        run(item)
    ended = clock()
    gc.enable()
    return (ended - begun) / (len(items) * contender.each)


def check_outputs(contenders: Mapping[str, Contender], exact: Sequence[Any]) -> None:
    """AssertionError where an implementation says anything else than exact arithmetic does."""
    for name, contender in contenders.items():
        for place, (item, wanted) in enumerate(zip(contender.items, exact, strict=True)):
            told = contender.told(contender.run(item))
            assert told == wanted, f"{name}, row {place}: {told!r}, exact {wanted!r}"
