"""A comparison in words, in columns that also fit Chinese."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from custrules.calendars import local_day
from custrules.fields import instant_text
from custrules.messages import Speaker
from custrules.messages.columns import grouped, padded, table, width
from custrules.money import Money
from custrules.policy import Posting, Status
from custrules.state_parts import shown

if TYPE_CHECKING:
    from custrules.analysis.comparison import AccountFigures, Answer, Comparison, CustomerDifference, EventDifference, Figure, Movement, Part

EVENTS_SHOWN = 3  # of one customer
REFUSED_SHOWN = 3


def told(comparison: Comparison, speaker: Speaker) -> Iterator[str]:
    """The lines of a whole comparison."""
    yield from _head(comparison, speaker)
    if not comparison.differs:
        yield speaker.word("compare_same", {})
        return
    yield from _part(comparison.total, speaker)
    yield from _customers(comparison.total.most_affected, speaker)
    for segment in comparison.segments:
        yield ""
        value = segment.value if segment.value is not None else speaker.word("compare_no_value", {})
        yield speaker.word("compare_segment", {"field": comparison.by, "value": value, **_counts(segment.part)})
        yield from _indented(_part(segment.part, speaker))
        yield from _indented(_most_affected(segment.part.most_affected, speaker))


def _head(comparison: Comparison, speaker: Speaker) -> Iterator[str]:
    base, candidate = comparison.base, comparison.candidate
    sides = [(speaker.word("compare_base", {}), base), (speaker.word("compare_candidate", {}), candidate)]
    yield from table([[word, one.program, one.digest[:12]] for word, one in sides], indent="")
    if base.zone != candidate.zone:
        yield speaker.word("compare_zones", {"base": base.zone, "candidate": candidate.zone})
    if comparison.until is None:
        yield speaker.word("compare_open", {})
    else:
        yield speaker.word("compare_until", {"until": until_text(comparison.until, ZoneInfo(base.zone))})
    if comparison.left_out:
        yield speaker.word("compare_left_out", {"events": grouped(comparison.left_out)})
    yield speaker.word("compare_total", _counts(comparison.total))


def until_text(until: datetime, zone: ZoneInfo) -> str:
    """A local day where it is the last instant of one, else the instant."""
    day = local_day(until, zone)
    return day.isoformat() if local_day(until + timedelta(microseconds=1), zone) != day else instant_text(until)


def _counts(part: Part) -> dict[str, Any]:
    return {name: grouped(getattr(part, name)) for name in ("customers", "affected", "events", "differing")}


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"  {line}" if line else line for line in lines)


# -- figures -----------------------------------------------------------------------------------------------------------


def _part(part: Part, speaker: Speaker) -> Iterator[str]:
    for movement in part.levels:
        yield from ["", *_matrix(movement, speaker)]
    for account in part.accounts:
        title = speaker.word("compare_account", {"account": account.account.name, "unit": account.account.unit})
        yield from ["", *figure_table(title, {**account.moved, **account.held}, speaker)]
    if any(figure.base or figure.candidate for figure in part.money.values()):
        yield from ["", *figure_table(speaker.word("compare_money", {}), part.money, speaker)]
    for refusals in part.refused:
        side = speaker.word(f"compare_{refusals.under}", {})
        yield from ["", speaker.word("compare_refused", {"side": side, "events": grouped(refusals.events)})]
        yield from (f"  {one.customer_id} {one.event_id}: {speaker.say(one.why)}" for one in refusals.first[:REFUSED_SHOWN])


def _matrix(movement: Movement, speaker: Speaker) -> list[str]:
    """Base's levels down, the candidate's across, the highest first; last those without a level, where there are some."""
    none = speaker.word("no_level", {})
    down = _levels(movement.base, None in [row.base for row in movement.rows])
    across = _levels(movement.candidate, None in [row.candidate for row in movement.rows])
    rows = [["", *(level or none for level in across)]]
    rows += [[level or none, *(grouped(movement.count(level, other)) for other in across)] for level in down]
    title = speaker.word("compare_levels", {"status": movement.status, "moved": grouped(movement.moved)})
    return [title, *table(rows, right=range(1, len(across) + 1))]


def _levels(names: Sequence[str], some_without: bool) -> list[str | None]:
    return [*reversed(names), *([None] if some_without or not names else [])]


def figure_table(title: str, figures: Mapping[str, Figure], speaker: Speaker) -> list[str]:
    """A line for every figure that is not nothing under both programs."""
    head = ["", *(speaker.word(f"compare_{name}", {}) for name in ("base", "candidate", "difference"))]
    rows = [[flow_word(name, speaker), *_cells(figure)] for name, figure in figures.items() if figure.base or figure.candidate]
    return [title, *table([head, *rows], right=(1, 2, 3))] if rows else [title, f"  {speaker.word('compare_nothing', {})}"]


def flow_word(name: str, speaker: Speaker) -> str:
    """The word for a movement or balance; one that has none goes by its own name."""
    return speaker.optional(f"flow_{name}") or name


def _cells(figure: Figure) -> list[str]:
    sign = "+" if _number(figure.difference) > 0 else ""
    return [number_text(figure.base), number_text(figure.candidate), sign + number_text(figure.difference)]


def _number(value: Any) -> Any:
    return value.amount if isinstance(value, Money) else value


def number_text(value: Any) -> str:
    """A figure with separators: 1,234.50; an amount without its currency."""
    return grouped(_number(value))


# -- customers ---------------------------------------------------------------------------------------------------------


def _customers(customers: Sequence[CustomerDifference], speaker: Speaker) -> Iterator[str]:
    if customers:
        yield from ["", speaker.word("compare_most", {})]
    for customer in customers:
        yield f"  {_one(customer, speaker)}"
        for event in customer.events[:EVENTS_SHOWN]:
            yield from _event(event, speaker)
        if customer.differing > EVENTS_SHOWN:
            yield f"    {speaker.word('compare_more', {'events': grouped(customer.differing - EVENTS_SHOWN)})}"


def _most_affected(customers: Sequence[CustomerDifference], speaker: Speaker) -> Iterator[str]:
    if customers:
        yield from ["", speaker.word("compare_most", {})]
        yield from (f"  {_one(customer, speaker)}" for customer in customers)


def _one(customer: CustomerDifference, speaker: Speaker) -> str:
    """``14911: tier gold → silver; points usable 1,200 → 900; 12 events``"""
    none = speaker.word("no_level", {})
    moved = [f"{status} {before or none} → {after or none}" for status, (before, after) in customer.levels.items() if before != after]
    held = [text for account in customer.accounts for text in _held(account, speaker)]
    events = speaker.word("compare_events", {"events": grouped(customer.differing)})
    gap = "；" if speaker.lang == "zh" else "; "
    return f"{customer.customer_id}  {gap.join([*moved, *held, events])}"


def _held(account: AccountFigures, speaker: Speaker) -> Iterator[str]:
    for name, figure in account.held.items():
        if figure.difference:
            yield f"{account.account.name} {flow_word(name, speaker)} {number_text(figure.base)} → {number_text(figure.candidate)}"


def _event(event: EventDifference, speaker: Speaker) -> Iterator[str]:
    named = "compare_time" if event.event_id.startswith(("day:", "at:")) else "compare_event"
    yield f"    {event.day.isoformat()}  {speaker.word(named, {'event': event.event_id})}"
    words = [speaker.word(f"compare_{side}", {}) for side in ("base", "candidate")]
    columns = max(map(width, words))
    answers = (event.base, event.candidate)
    lines = [_answer(answer, speaker) for answer in answers]
    if lines[0] == lines[1]:  # said in the same words: what follows is what differs
        lines = [[*said, *_effects(answer, speaker)] for said, answer in zip(lines, answers, strict=True)]
    for word, said in zip(words, lines, strict=True):
        yield from (f"      {padded('' if place else word, columns)}  {line}" for place, line in enumerate(said))


def _effects(answer: Answer, speaker: Speaker) -> Iterator[str]:
    """Lots with the days on which they may be used, and statuses with their last day."""
    for effect in (effect for decision in answer.decisions for effect in decision.effects):
        if isinstance(effect, Status):
            value = " ".join([str(effect.value), *(f"{name}={item}" for name, item in effect.data.items())])
            yield "  " + speaker.word("compare_status", {"name": effect.name, "value": value, "until": effect.until})
        elif isinstance(effect, Posting):
            yield from _lots(effect, speaker)


def _lots(posting: Posting, speaker: Speaker) -> Iterator[str]:
    for lot, units in posting.lots:
        said = {"quantity": shown(units, lot.unit, posting.scale), "first": lot.usable_from, "last": lot.last_day}
        yield "  " + speaker.word("compare_lot", {"source": posting.source, "target": posting.target, **said})


def _answer(answer: Answer, speaker: Speaker) -> list[str]:
    if answer.faults:
        return [speaker.word("compare_unreadable", {}), *(speaker.say(fault) for fault in answer.faults)]
    lines = [speaker.say(decision) for decision in answer.decisions if decision.reasons != (answer.refusal,)]
    if answer.refusal is not None:
        verdict = speaker.word(f"verdict_{answer.verdict}", {})
        return [speaker.word("compare_refusal", {"verdict": verdict, "reason": speaker.say(answer.refusal)}), *lines]
    return lines or [speaker.word("compare_nothing", {})]
