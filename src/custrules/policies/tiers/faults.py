"""What is wrong with a ladder: names that are taken, parts that do not go together, measures that are not there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from custrules.errors import Diagnostic
from custrules.facts import FactType
from custrules.policies.tiers.benefits import benefit_faults
from custrules.policies.tiers.rollover import Rollover, mark, ranks_of
from custrules.policies.tiers.rules import Downgrade
from custrules.policy import Known
from custrules.validation import nearest

if TYPE_CHECKING:
    from custrules.policies.tiers.ladder import Ladder

_NOT_TO_BUY_BY = ("purchase", "return", "redemption", "redemption_cancelled", "activity", "adjustment", "new_day", "tick", "tier_grant")


def ladder_faults(ladder: Ladder, known: Known) -> Iterator[Diagnostic]:
    """Every fault, at paths that begin at the ladder's fields."""
    yield from _levels(ladder)
    yield from _reviews(ladder)
    if ladder.term is not None:
        yield from ladder.term.faults("term", ladder.qualifying_year is not None)
    yield from _windows(ladder, known)
    yield from benefit_faults(ladder, known)
    for path, downgrade in _downgrades(ladder):
        yield from downgrade.faults(path)
        yield from _best_of(ladder, path, downgrade, known)
    if ladder.legacy.notice is not None and "how" in ladder.legacy.model_fields_set:
        yield Diagnostic("document.not_with", "legacy.how", {"field": "how", "other": "notice"})
    for place in range(len(ladder.bought)):
        yield from _bought(ladder, place, known)
    for place, row in enumerate(ladder.rollover):
        yield from _rollover(ladder, f"rollover[{place}]", row, known)


def _levels(ladder: Ladder) -> Iterator[Diagnostic]:
    taken: set[str] = set()
    for index, level in enumerate(ladder.levels):
        path = f"levels[{index}]"
        if level.name in ladder.names[:index]:
            yield Diagnostic("document.name_taken", f"{path}.name", {"name": level.name})
        if level.name == "none":
            yield Diagnostic("document.reserved_id", f"{path}.name", {"id": level.name})
        for name in level.was:
            if name in taken or name in ladder.names:
                yield Diagnostic("document.name_taken", f"{path}.was", {"name": name})
            taken.add(name)
        if index and level.enter is None:
            yield Diagnostic("document.missing_field", path, {"field": "enter"})
        if level.keep is not None and level.enter is None:
            yield Diagnostic("document.not_with", f"{path}.keep", {"field": "keep", "other": "a level without enter"})


def _reviews(ladder: Ladder) -> Iterator[Diagnostic]:
    if ladder.review is None and (ladder.upgrade == "at_review" or ladder.watch is not None):
        yield Diagnostic("document.missing_field", "", {"field": "review"})
    if ladder.review is not None and ladder.upgrade == "at_once" and not ladder.rerates:
        yield Diagnostic("document.not_with", "review", {"field": "review", "other": "upgrade: at_once and a term"})


def _windows(ladder: Ladder, known: Known) -> Iterator[Diagnostic]:
    """A ladder that asks for a qualifying year says how its years run."""
    read = {name for level in ladder.levels for condition in (level.enter, level.keep) if condition is not None for name in condition.facts}
    if ladder.qualifying_year is None and any(_of_qualifying_year(name, known) for name in sorted(read)):
        yield Diagnostic("document.missing_field", "", {"field": "qualifying_year"})


def _of_qualifying_year(measure: str, known: Known) -> bool:
    found = known.measures.get(measure)
    return found is not None and found.window is not None and found.window.kind == "qualifying"


def _downgrades(ladder: Ladder) -> Iterator[tuple[str, Downgrade]]:
    yield "downgrade", ladder.downgrade
    if ladder.watch is not None and ladder.watch.then is not None:
        yield "watch.then", ladder.watch.then


def _best_of(ladder: Ladder, path: str, downgrade: Downgrade, known: Known) -> Iterator[Diagnostic]:
    measure = downgrade.measure
    if downgrade.to != "best_of" or measure is None:
        return
    if measure not in known.measures:
        yield _unknown_measure(f"{path}.measure", measure, known)
        return
    found = candidates(ladder, measure, known.facts)
    if measure in found and (ladder.review is None or (ladder.term is None and ladder.watch is None)):  # nothing to choose the best from
        yield Diagnostic("document.missing_field", "", {"field": "review" if ladder.review is None else "watch"})
    elif len(found) != 1:
        params = {"measure": measure, "found": ", ".join(found) or "none"}
        yield Diagnostic("document.best_of_what", f"{path}.measure", params)


def candidates(ladder: Ladder, measure: str, types: Mapping[str, FactType]) -> list[str]:
    """The facts that the levels ask for and a measure may stand in for: itself, or those of its kind."""
    asked = sorted({name for level in ladder.levels if level.enter is not None for name in level.enter.facts})
    kind = types.get(measure)
    return [measure] if measure in asked else [name for name in asked if kind is not None and types.get(name) == kind]


def _bought(ladder: Ladder, place: int, known: Known) -> Iterator[Diagnostic]:
    row, path = ladder.bought[place], f"bought[{place}]"
    if row.level not in ladder.names:
        params = {"found": row.level, "known": ", ".join(ladder.names), "nearest": nearest(row.level, ladder.names)}
        yield Diagnostic("document.unknown_level", f"{path}.level", params)
    events = [name for name in known.events if name not in _NOT_TO_BUY_BY]
    if row.event not in events:
        params = {"found": row.event, "known": ", ".join(events), "nearest": nearest(row.event, events)}
        yield Diagnostic("document.unknown_event", f"{path}.event", params)


def _rollover(ladder: Ladder, path: str, row: Rollover, known: Known) -> Iterator[Diagnostic]:
    if ladder.qualifying_year is None:
        yield Diagnostic("document.missing_field", "", {"field": "qualifying_year"})
    if ladder.status != "tier":
        yield Diagnostic("document.not_with", path, {"field": "rollover", "other": f"status: {ladder.status}"})
    measure = known.measures.get(row.measure)
    if measure is None:
        yield _unknown_measure(f"{path}.measure", row.measure, known)
        return
    if not _of_qualifying_year(row.measure, known) or (measure.sum is None and measure.count is None):
        params = {"expected": "a sum or count over the qualifying year", "found": row.measure}
        yield Diagnostic("document.wrong_type", f"{path}.measure", params)
        return
    if row.from_level is not None and ladder.rank_of(row.from_level) is None:
        params = {"found": row.from_level, "known": ", ".join(ladder.names), "nearest": nearest(row.from_level, ladder.names)}
        yield Diagnostic("document.unknown_level", f"{path}.from_level", params)
        return
    yield from _marks(ladder, path, row, known)


def _marks(ladder: Ladder, path: str, row: Rollover, known: Known) -> Iterator[Diagnostic]:
    """Each level from which something rolls over asks for one least amount of the measure."""
    kind = known.facts.get(row.measure)
    for rank in ranks_of(ladder, row):
        found = mark(ladder.levels[rank].enter, row.measure, kind) if kind is not None else []
        if len(found) != 1:
            yield Diagnostic("document.no_mark", f"{path}.measure", {"measure": row.measure, "level": ladder.names[rank]})


def _unknown_measure(path: str, name: str, known: Known) -> Diagnostic:
    return Diagnostic("document.unknown_measure", path, {"found": name, "known": ", ".join(known.measures), "nearest": nearest(name, known.measures)})
