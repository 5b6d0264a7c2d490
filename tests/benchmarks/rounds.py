"""Contestants timed in turns (processor time), so that a noisy machine troubles all of them alike."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from statistics import median
from time import process_time

Row = tuple[str, str, str]
"""A measure, its value and its goal, as they are printed."""


def medians(contestants: Mapping[str, Callable[[], object]], rounds: int = 5) -> dict[str, float]:
    """Median seconds of each contestant, over rounds in which each runs once."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, run in contestants.items():
            gc.collect()
            gc.disable()
            start = process_time()
            run()
            times[name].append(process_time() - start)
            gc.enable()
    return {name: median(seconds) for name, seconds in times.items()}


def show(rows: list[Row]) -> None:
    for measure, value, goal in rows:
        print(f"{measure:72} {value:>12}   {goal}")
