"""One refund by two causes, on a card that is invented: the transactions of the demo have none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from custrules.cli.output import Output
from custrules.demo.figures import HERE
from custrules.demo.telling import folded
from custrules.messages.columns import table
from custrules.program import Program, loads
from custrules.state import State
from custrules.steps import Step

CARD = "card.yaml"
CAUSES = ("consumer", "merchant")
_HISTORY = (
    {"type": "top_up", "id": "t1", "occurred_at": "2011-10-01T11:00:00Z", "amount": "1000.00", "tenders": {"card": "1000.00"}},
    {"type": "purchase", "id": "p1", "occurred_at": "2011-11-05T11:00:00Z", "list_amount": "375.00", "tenders": {"stored_value": "300.00"}},
)
_ASKED = {"type": "refund_request", "id": "r1", "occurred_at": "2011-12-09T11:00:00Z", "of": "t1"}


def card_text() -> str:
    return HERE.joinpath(CARD).read_text("utf-8")


def card_program() -> Program:
    return loads(card_text(), source=CARD)


def quotes(program: Program) -> dict[str, Step]:
    """What a step would answer to the same request by each cause."""
    state = State.new("invented")
    for event in _HISTORY:
        state = program.step(state, program.event({**event, "customer_id": "invented"})).state
    asked = {cause: program.event({**_ASKED, "customer_id": "invented", "cause": cause}) for cause in CAUSES}
    return {cause: program.step(state, event) for cause, event in asked.items()}


def amounts(step: Step) -> tuple[str, str]:
    """What is refunded, and what is deducted for what was used."""
    reasons = [why for decision in step.decisions for why in decision.reasons if "deducted" in why.params and "refund" in why.params]
    return str(reasons[0].params["refund"]), str(reasons[0].params["deducted"])


def quoted(output: Output, program: Program) -> Iterator[str]:
    """The two quotes side by side."""
    found = quotes(program)
    yield output.heading(output.say("demo_card", file=CARD))
    yield from folded(output.say("demo_card_invented"), "  ")
    head = [output.say(name) for name in ("demo_cause", "demo_deducted", "demo_refund")]
    rows = [[cause, *reversed(amounts(step))] for cause, step in found.items()]
    yield from ("  " + line for line in table([head, *rows], right=(1, 2)))


def told(program: Program) -> dict[str, Any]:
    """The same as plain data, which says that it is invented."""
    names = ("refund", "deducted")
    return {"invented": True} | {cause: dict(zip(names, amounts(step), strict=True)) for cause, step in quotes(program).items()}
