"""Programs as the library generates them, with toys among their policies."""

from __future__ import annotations

from hypothesis import strategies as st

import custrules as cr
from custrules.testing import program_strategies
from custrules.testing.program_strategies import program_documents
from custrules.testing.value_strategies import Data
from properties.toys import KINDS

CONDITIONS = (
    {"points": ">= 100"},
    {"points.owed": ">= 1"},
    {"tier": ">= silver"},
    {"idle": ">= 10"},
    {"spend": "< 100"},
    {"birthday_week": True},
    {"weekday": ["saturday", "sunday"]},
    {"all": [{"orders": ">= 1"}, {"points.pending": "0"}]},
)


@st.composite
def toys(draw: st.DrawFn, wanted: str = "") -> list[Data]:
    choices: list[Data] = [
        {"id": "timer", "kind": "toy.timer", "minutes": draw(st.sampled_from((1, 90, 1440, 100_000)))},
        {"id": "midnight", "kind": "toy.midnight"},
        {"id": "greeting", "kind": "toy.greeting", "born": draw(st.sampled_from(("1980-02-29", "1990-12-30", "1975-07-01")))},
        {"id": "herald", "kind": "toy.herald"},
        {"id": "cards", "kind": "toy.gift_cards"},
        {"id": "cashback", "kind": "toy.cashback", "base": draw(st.sampled_from(("spend", "food")))},
        {"id": "flag", "kind": "toy.flag", "when": draw(st.sampled_from(CONDITIONS))},
        {"id": "mark", "kind": "toy.flag", "when": draw(st.sampled_from((*CONDITIONS, {"flag": "yes"})))},
    ]
    names = {choice["id"] for choice in choices}
    chosen = draw(st.sets(st.sampled_from(sorted(names)), max_size=5)) | {wanted}
    return [choice for choice in choices if choice["id"] in (chosen | {"flag"} if "mark" in chosen else chosen)]


def program_data(wanted: str = "") -> st.SearchStrategy[Data]:
    """A program as a document, with the toy that is ``wanted`` among others."""
    return program_documents(toys(wanted))


def made(data: Data) -> cr.Program:
    """The program of a document in data."""
    return program_strategies.made(data, KINDS)
