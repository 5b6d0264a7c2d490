"""Cases: a generated program with toys, and a history of one customer that it can read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

import custrules as cr
from custrules.events import AnyEvent
from custrules.testing.strategies import histories
from custrules.testing.value_strategies import Data
from properties.programs import made, program_data

CUSTOMER = "c/1"  # with a slash, which ids have to escape


@dataclass(frozen=True)
class Case:
    """A program and a history of one customer; the data that they were made of are what a failure shows."""

    document: Data
    events: tuple[AnyEvent, ...]
    program: cr.Program

    def __repr__(self) -> str:
        lines = ",\n  ".join(event.to_json().decode() for event in self.events)
        return f"Case(document={self.document!r},\n events=[\n  {lines}])"


@st.composite
def cases(draw: st.DrawFn, late: bool = False, most: int = 25, wanted: str = "", kinds: Sequence[str] | None = None) -> Case:
    """A program, with the toy that is wanted among others, and a history of some kinds of events that it can read."""
    document = draw(program_data(wanted))
    program = made(document)
    return Case(document, draw(histories(program, customer_id=CUSTOMER, kinds=kinds, late=late, min_size=2, max_size=most)), program)
