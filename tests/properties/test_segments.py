"""What a customer is follows from how things stand: after any step and on any day, as ``evaluate`` says it of the facts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import custrules as cr
from custrules.testing.program_strategies import made, program_documents
from custrules.testing.segment_strategies import bands, scores
from custrules.testing.strategies import histories

KINDS = ("segments.bands", "segments.rfm", "segments.matrix", "lifecycle.stages", "profile.quality")


@st.composite
def cases(draw: st.DrawFn) -> tuple[cr.Program, list[Any]]:
    """A program with bands of a measure and RFM, and a history in order or late; nothing in it moves value after segments were found."""
    document = draw(program_documents())
    own = [draw(bands().filter(lambda policy: policy["measure"] != "points")), draw(scores())]
    others = [policy for policy in document["policies"] if policy["kind"] not in KINDS]
    program = made({**document, "policies": [*others, *own]})
    return program, list(draw(histories(program, customer_id="c", late=True, min_size=2, max_size=12)))


def agrees(program: cr.Program, state: cr.State) -> None:
    if state.closed is not None or state.day is None:
        return
    for policy in program.policies:
        if policy.kind in ("segments.bands", "segments.rfm"):
            (row,) = cr.population(program, [state], *program.facts(policy.id).types)
            (status,) = policy.writes()
            held = state.statuses.get((status, ""))
            assert (held.value if held is not None else None) == program.evaluate(policy.id, row).value, (policy.id, row)


@given(cases(), st.sampled_from((1, 9, 31, 200)))
@settings(max_examples=25)
def test_the_status_is_what_evaluate_says_of_the_facts_as_they_stand(case: tuple[cr.Program, list[Any]], days: int) -> None:
    program, events = case
    state = cr.State.new("c")
    for event in events:
        state = program.step(state, event).state
        agrees(program, state)
    if state.as_of is not None:
        agrees(program, program.advance(state, state.as_of + timedelta(days=days)).state)
