"""Random conditions with their meaning, built by enumeration: what a cell accepts is picked out of a list of values by position.

No comparison, no parser and no tree of the library takes part, so that the meaning is an independent oracle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from custrules.facts import FactType, FactValue

Row = Mapping[str, FactValue | None]
Meaning = Callable[[Row], bool]
Example = tuple[dict[str, Any], Meaning]


@dataclass(frozen=True)
class Domain:
    """Values of one fact in ascending order, each with the text that a cell may write for it ("" where there is none)."""

    type: FactType
    values: tuple[tuple[FactValue, str], ...]
    ordered: bool = True

    @property
    def all(self) -> list[FactValue]:
        return [value for value, _ in self.values]


DOMAINS: dict[str, Domain] = {
    "spend": Domain(
        FactType("money", scale=2),
        (
            (-100, "-1"),
            (0, "0.00"),
            (1, "0.01"),
            (Fraction(2499, 2), ""),
            (1250, "12.5"),
            (1251, "12.51"),
            (Fraction(10**7, 3), ""),
            (10**9, "10000000"),
        ),
    ),
    "ratio": Domain(FactType("number"), ((-1, "-1"), (0, "0"), (Fraction(1, 3), "1/3"), (Fraction(1, 2), "50%"), (Fraction(4, 5), "0.80"), (2, "2"))),
    "orders": Domain(FactType("whole"), ((0, "0"), (1, "1"), (5, "5"), (6, "6"), (15, "15"))),
    "channel": Domain(
        FactType("text", values=("app", "wechat", "store")), (("app", "app"), ("wechat", "wechat"), ("store", '"store"')), ordered=False
    ),
    "profile.city": Domain(
        FactType("text"),
        (
            ("北京", "北京"),
            ("New York", "New York"),
            ("a, b", '"a, b"'),
            ("missing", '"missing"'),
            ("any", '"any"'),
            ('6" [x..y)', '"6\\" [x..y)"'),
            ("x", ""),
        ),
        ordered=False,
    ),
    "member_day": Domain(FactType("flag"), ((False, "false"), (True, "true")), ordered=False),
    "joined": Domain(
        FactType("date"),
        ((date(1999, 12, 31), "1999-12-31"), (date(2024, 2, 29), "2024-02-29"), (date(2026, 1, 1), "2026-01-01"), (date(2026, 1, 2), "")),
    ),
    "tier": Domain(
        FactType("level", values=("zinc", "银卡", "gold", "apex")), (("zinc", "zinc"), ("银卡", "银卡"), ("gold", "gold"), ("apex", "apex"))
    ),
}

TABLE: dict[str, FactType] = {name: domain.type for name, domain in DOMAINS.items()}

Accepted = list[FactValue | None]


@st.composite
def positive_tests(draw: st.DrawFn, domain: Domain) -> tuple[str, Accepted]:
    """One test and the values that it accepts (None: missing)."""
    values = domain.all
    writable = [index for index, (_, text) in enumerate(domain.values) if text]
    forms = ["value", "missing"] + (["sign", "interval"] if domain.ordered else []) + (["none"] if domain.type.kind == "level" else [])
    form = draw(st.sampled_from(forms))
    if form in ("missing", "none"):
        return form, [None]
    at = draw(st.sampled_from(writable))
    text = domain.values[at][1]
    if form == "value":
        return text, [values[at]]
    if form == "sign":
        sign, kept = draw(st.sampled_from([(">=", values[at:]), (">", values[at + 1 :]), ("<=", values[: at + 1]), ("<", values[:at])]))
        return f"{sign}{draw(st.sampled_from(['', ' ']))}{text}", list(kept)
    return draw(intervals(domain, writable))


@st.composite
def intervals(draw: st.DrawFn, domain: Domain, writable: list[int]) -> tuple[str, Accepted]:
    low, high = sorted(draw(st.lists(st.sampled_from(writable), min_size=2, max_size=2, unique=True)))
    opening, first = draw(st.sampled_from([("[", low), ("(", low + 1), ("]", low + 1)]))
    closing, last = draw(st.sampled_from([("]", high), (")", high - 1), ("[", high - 1)]))
    return f"{opening}{domain.values[low][1]}..{domain.values[high][1]}{closing}", list(domain.all[first : last + 1])


@st.composite
def cells(draw: st.DrawFn, domain: Domain) -> tuple[str | list[str], Accepted]:
    """One cell of any form, and the values that it accepts."""
    everything: Accepted = [*domain.all, None]
    form = draw(st.sampled_from(["test", "test", "text", "list", "not", "always"]))
    if form == "always":
        return draw(st.sampled_from(["-", "any"])), everything
    tests = draw(st.lists(positive_tests(domain), min_size=1, max_size=1 if form == "test" else 3))
    accepted: Accepted = [value for _, some in tests for value in some]
    texts = [text for text, _ in tests]
    if form == "list":
        return texts, accepted
    if form == "not":
        return f"not({', '.join(texts)})", [value for value in everything if value not in accepted]
    return ", ".join(texts), accepted


def _one_fact(name: str, accepted: Accepted) -> Meaning:
    return lambda row: row[name] in accepted


def _no_longer(inner: Meaning) -> Meaning:
    return lambda row: [True, False][inner(row)]


def _every(inner: list[Meaning]) -> Meaning:
    return lambda row: sum(not meaning(row) for meaning in inner) == 0


def _some(inner: list[Meaning]) -> Meaning:
    return lambda row: sum(meaning(row) for meaning in inner) > 0


@st.composite
def conditions(draw: st.DrawFn, depth: int = 3) -> Example:
    """A condition in document form, and its meaning."""
    keys = draw(st.lists(st.sampled_from([*DOMAINS, "all", "any", "not"] if depth else [*DOMAINS]), min_size=1, max_size=3, unique=True))
    document: dict[str, Any] = {}
    meanings: list[Meaning] = []
    for key in keys:
        if key == "not":
            document[key], inner = draw(conditions(depth=depth - 1))
            meanings.append(_no_longer(inner))
        elif key in ("all", "any"):
            parts = draw(st.lists(conditions(depth=depth - 1), min_size=1, max_size=3))
            document[key] = [part for part, _ in parts]
            meanings.append((_every if key == "all" else _some)([meaning for _, meaning in parts]))
        else:
            document[key], accepted = draw(cells(DOMAINS[key]))
            meanings.append(_one_fact(key, accepted))
    return document, _every(meanings)


ROWS: st.SearchStrategy[Row] = st.fixed_dictionaries({name: st.none() | st.sampled_from(domain.all) for name, domain in DOMAINS.items()})


class Still:
    """Facts by name that stand still."""

    def __init__(self, facts: Mapping[str, FactValue | None]) -> None:
        self.facts = facts

    def value(self, name: str) -> FactValue | None:
        return self.facts[name]

    def next_change(self, name: str) -> None:
        return None


class Given:
    """Facts that stand still, and a note of which were read."""

    def __init__(self, **values: Any) -> None:
        self.values: Mapping[str, Any] = values
        self.read: list[str] = []

    @classmethod
    def of(cls, row: Row) -> Given:
        return cls(**row)

    def value(self, name: str) -> FactValue | None:
        self.read.append(name)
        value: FactValue | None = self.values.get(name)
        return value

    def next_change(self, name: str) -> date | None:
        return None
