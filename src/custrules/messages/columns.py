"""Text in columns that also fit Chinese: widths, tables, blocks beside one another, numbers with separators."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any


def width(text: str) -> int:
    """Columns that a text takes on a terminal: East Asian wide characters take two, combining ones none."""
    return sum(0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def padded(text: str, columns: int, right: bool = False) -> str:
    gap = " " * max(columns - width(text), 0)
    return gap + text if right else text + gap


def table(rows: Sequence[Sequence[str]], right: Iterable[int] = (), indent: str = "  ") -> list[str]:
    """Rows as aligned lines; the columns in ``right`` are flush right. All rows have as many cells as the first."""
    flush = set(right)
    widths = [max(width(row[place]) for row in rows) for place in range(len(rows[0]))] if rows else []
    lines = [[padded(cell, widths[place], place in flush) for place, cell in enumerate(row)] for row in rows]
    return [(indent + "  ".join(line)).rstrip() for line in lines]


def beside(left: Sequence[str], right: Sequence[str], gap: int = 4) -> list[str]:
    """Two blocks of lines next to each other."""
    columns = max(map(width, left), default=0) + gap
    count = max(len(left), len(right))
    pairs = zip([*left, *[""] * (count - len(left))], [*right, *[""] * (count - len(right))], strict=True)
    return [(padded(one, columns) + other).rstrip() for one, other in pairs]


def grouped(number: Any) -> str:
    """A whole number or decimal with separators: 1,234.50."""
    return f"{number:,}"
