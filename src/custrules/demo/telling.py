"""The demo in words: the figures in columns, and one customer's history, event by event."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap

from custrules.analysis.comparison import Comparison
from custrules.analysis.comparison_text import figure_table
from custrules.cli.output import Output
from custrules.cli.passing import end_of
from custrules.cli.telling import event_title, local
from custrules.demo import change
from custrules.demo.figures import Figures, LevelRow, Standing
from custrules.events import AnyEvent
from custrules.messages import Speaker
from custrules.messages.columns import beside, grouped, table, width
from custrules.money import Money
from custrules.policies.tiers import Ladder
from custrules.policy import Decision
from custrules.program import Program
from custrules.state import State
from custrules.steps import Step

SOURCE = "Online Retail II, UCI Machine Learning Repository, Chen, D. (2012/2019), CC BY 4.0"
_COLUMNS = 110
_INDENT = "              "


def overview(output: Output, program: Program, sums: Figures) -> Iterator[str]:
    """The title, levels, near misses, money and points."""
    titles = level_titles(program, output.lang)
    yield output.heading(in_language(program.title, output.lang) or program.id)
    counts = {"customers": grouped(sums.customers), "purchases": grouped(sums.purchases), "returns": grouped(sums.returns)}
    yield output.say("demo_data", **counts, first=sums.first_day, last=sums.last_day)
    yield output.say("demo_source", source=SOURCE)
    yield ""
    yield output.heading(output.say("demo_levels", last=sums.last_day))
    yield from table([_level_head(output), *(_level_cells(row, titles) for row in sums.levels)], right=(1, 2, 3, 4))
    yield ""
    yield output.heading(output.say("demo_nearly"))
    yield from table([_near_head(output), *(_near_cells(one, titles) for one in sums.near)], right=(3, 4))
    yield ""
    yield from beside(_money_block(output, sums), _points_block(output, sums))


def in_language(title: str | Mapping[str, str], lang: str) -> str:
    """A title in one language; another language's where there is none."""
    return title if isinstance(title, str) else title.get(lang) or next(iter(title.values()), "")


def level_titles(program: Program, lang: str) -> dict[str, str]:
    ladders = [policy for policy in program.policies if isinstance(policy, Ladder)]
    return {level.name: in_language(level.title, lang) or level.name for ladder in ladders for level in ladder.levels}


def _level_head(output: Output) -> list[str]:
    return [output.say(key) for key in ("level", "customers", "rose", "fell", "lost")]


def _level_cells(row: LevelRow, titles: Mapping[str, str]) -> list[str]:
    return [titles[row.name], *map(grouped, (row.customers, row.rose, row.fell, row.lost))]


def _near_head(output: Output) -> list[str]:
    return [output.say(key) for key in ("customer", "level", "next_level", "spend_12m", "missing")]


def _near_cells(one: Standing, titles: Mapping[str, str]) -> list[str]:
    spent, missing = one.short.observed if one.short is not None else None, one.missing
    money = [grouped(amount.amount) if isinstance(amount, Money) else "-" for amount in (spent, missing)]
    return [one.customer_id, titles[one.held or ""], titles[one.next_level or ""], *money]


def _money_block(output: Output, sums: Figures) -> list[str]:
    rows = [("bought", sums.bought), ("returned", sums.returned), ("net", sums.bought - sums.returned)]
    cells = [[output.say(key), grouped(amount.amount)] for key, amount in rows]
    return [output.say("demo_money", currency=sums.bought.currency), *table(cells, right=(1,))]


def _points_block(output: Output, sums: Figures) -> list[str]:
    cells = [[output.say(name), grouped(quantity)] for name, quantity in sums.points.items()]
    return [output.say("demo_points"), *table(cells, right=(1,))]


def changed(output: Output, program: Program, comparison: Comparison) -> Iterator[str]:
    """What the changed rule would have done: the figures that differ, and how many customers it touches."""
    titles = level_titles(program, output.lang)
    figures = {titles.get(name, name): figure for name, figure in change.differing(comparison).items()}
    title = output.heading(output.say("demo_changed", enter=change.ENTER, file=change.CHANGED))
    yield from figure_table(title, figures, Speaker(output.lang))
    moved = sum(movement.moved for movement in comparison.total.levels)
    yield f"  {output.say('demo_changed_whom', affected=comparison.total.affected, moved=moved)}"


# -- one customer ------------------------------------------------------------------------------------------------------


def history(output: Output, program: Program, events: Sequence[AnyEvent], last_day: str) -> Iterator[str]:
    """Every step of one customer, what was decided and why, up to the end of a day; then what comes next."""
    state = State.new(events[0].customer_id)
    yield output.heading(output.say("demo_history", customer=state.customer_id))
    for event in events:
        step = program.step(state, event)
        state = step.state
        yield from _event_lines(output, program, event, step)
    step = program.advance(state, end_of(last_day, program.zone))
    yield from _time_lines(output, step.decisions)
    yield output.heading(output.say("demo_standing", last=last_day))
    yield from ("  " + line for line in output.render(program.progress(step.state)).splitlines())


def _event_lines(output: Output, program: Program, event: AnyEvent, step: Step) -> Iterator[str]:
    yield from _time_lines(output, [decision for decision in step.decisions if decision.event_id != event.id])
    yield f"  {local(event, program.zone)}  {event_title(output, event)}"
    yield from _sentences(output, [decision for decision in step.decisions if decision.event_id == event.id])


def _time_lines(output: Output, decisions: Sequence[Decision]) -> Iterator[str]:
    """What time alone decided, by the day on which it did."""
    days = dict.fromkeys(decision.event_id for decision in decisions)
    for day in days:
        yield f"  {day.removeprefix('day:')}  {output.say('event_new_day')}"
        yield from _sentences(output, [decision for decision in decisions if decision.event_id == day])


def _sentences(output: Output, decisions: Sequence[Decision]) -> Iterator[str]:
    for decision in decisions:
        yield from folded(output.render(decision), _INDENT)


def folded(text: str, indent: str) -> list[str]:
    """A sentence over as many lines as it takes; Chinese breaks anywhere."""
    room = _COLUMNS - width(indent)
    if width(text) <= room:
        return [indent + text]
    return [indent + line for line in wrap(text, room * len(text) // width(text), subsequent_indent="  ")]
