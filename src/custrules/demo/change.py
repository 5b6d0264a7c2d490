"""The changed rule of the demo: what gold from a higher spend would have done to the same customers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from custrules.analysis.comparing import Experiment
from custrules.analysis.comparison import Comparison, Figure
from custrules.cli.passing import end_of
from custrules.demo.figures import HERE, LAST_DAY, PROGRAM, Standing, Standings
from custrules.events import AnyEvent
from custrules.program import Program, loads

CHANGED = "changed.yaml"
ENTER = "6,000"
_NOW = 'enter: {spend_12m: ">= 5000"}, keep: {spend_12m: ">= 4000"}'
_THEN = 'enter: {spend_12m: ">= 6000"}, keep: {spend_12m: ">= 4800"}'


def changed_text() -> str:
    """The demo's document with one line changed: gold is reached at 6,000 and kept from 4,800."""
    return HERE.joinpath(PROGRAM).read_text("utf-8").replace(_NOW, _THEN)


def changed_program() -> Program:
    return loads(changed_text(), source=CHANGED)


def compared(program: Program, changed: Program, events: Iterable[AnyEvent], last_day: date = LAST_DAY) -> tuple[Mapping[str, Standing], Comparison]:
    """Where everybody stands, and how that compares with the changed program, in one pass."""
    noted = Standings(program)
    until = end_of(last_day.isoformat(), program.zone)
    return noted.found, Experiment(program, changed, until=until, top=1, watcher=noted).run(events)


def differing(comparison: Comparison) -> dict[str, Figure]:
    """Figures that differ, by their name: customers by level, the highest first, then points."""
    (movement,), (account,) = comparison.total.levels, comparison.total.accounts
    closing = {side: {name: sum(row.customers for row in movement.rows if getattr(row, side) == name) for name in movement.base} for side in _SIDES}
    levels = {name: Figure.of("customers", 0, *(closing[side][name] for side in _SIDES)) for name in reversed(movement.base)}
    return {name: figure for name, figure in {**levels, **account.moved, **account.held}.items() if figure.difference}


_SIDES = ("base", "candidate")
