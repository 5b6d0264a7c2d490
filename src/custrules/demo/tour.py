"""All that the demo finds out, in one pass over its transactions, and how it is shown: in words or as data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from custrules.analysis.comparison import Comparison
from custrules.analysis.plan import Plan
from custrules.cli.output import Output
from custrules.cli.telling import local
from custrules.demo import card, care, change, folder, leaving, telling
from custrules.demo.figures import Figures, demo_events, demo_program, figures
from custrules.demo.leaving import Leaving
from custrules.events import AnyEvent
from custrules.program import Program


@dataclass(frozen=True, slots=True)
class Tour:
    """The shop's figures, what a changed rule would have done, who is at risk, whom to contact, and the history that is told."""

    program: Program
    flagging: Program
    sums: Figures
    comparison: Comparison
    at_risk: Leaving
    contacts: Plan
    told: Sequence[AnyEvent]

    def to_data(self) -> dict[str, Any]:
        return self.sums.to_data() | {
            "changed": self.comparison.total.to_data(),
            "at_risk": self.at_risk.to_data(),
            "refund": card.told(card.card_program()),
            "care": self.contacts.to_data(),
            "source": telling.SOURCE,
        }

    def lines(self, output: Output) -> Iterator[str]:
        """Section by section, a blank line behind each."""
        sections = (
            telling.overview(output, self.program, self.sums),
            telling.changed(output, self.program, self.comparison),
            leaving.told_of(output, self.flagging, self.at_risk),
            care.planned(output, self.contacts),
            telling.history(output, self.program, self.told, self.sums.last_day.isoformat()),
            card.quoted(output, card.card_program()),
        )
        for section in sections:
            yield from section
            yield ""

    def what_next(self, output: Output, path: str, left: folder.Left) -> Iterator[str]:
        """What was left in a folder, and what to try there."""
        for key, names in (("written", left.written), ("kept", left.kept)):
            if names:
                yield output.say(f"demo_{key}", folder=path, files=", ".join(names))
        yield output.say("demo_try")
        yield from (f"  {command}" for command in folder.commands(path, self.sums.nearest))


def tour(output: Output) -> Tour:
    """The demo's programs over its transactions."""
    program, changed, flagging = demo_program(), change.changed_program(), leaving.at_risk_program()
    events = list(demo_events(program))
    found, comparison = change.compared(program, changed, output.counted(events))
    sums = figures(program, found, min(local(event, program.zone) for event in events))
    at_risk = leaving.leaving(flagging, events)
    told = [event for event in events if event.customer_id == sums.told]
    return Tour(program, flagging, sums, comparison, at_risk, care.fortnight(flagging, at_risk.states), told)
