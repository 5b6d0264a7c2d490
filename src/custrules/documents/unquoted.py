"""Cells that people write without the quotes that YAML needs: ``spend: >= 200``, ``{channel: not(app, web)}``, ``[300..1000)``.

Some stop PyYAML, some it reads silently as something else. Each is found here by its text, never by guessing at values.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Mend = Literal["comparison", "interval", "not", "dash", "colon", "indicator"]

# No pattern here looks at a character twice: a stranger's line may be two million characters long.
_BOUND = r"[^\s,\[\]{}()\"'#./](?:[^,\[\]{}()\"'\n#.]|\.(?!\.))*+"
_INTERVAL = re.compile(rf"[\[(\]][ ]*{_BOUND}\.\.[ ]*{_BOUND}[\])\[]")
_NOT = re.compile(r"not[ ]*\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)")
_COMPARISON = re.compile(r">|<|!=|=")
_KEY_END = re.compile(r":(?=[ \t\r\n]|$)")
_BLOCK_END = re.compile(r"(?<=[ \t])#|[\r\n]|$")
_FLOW_END = re.compile(r"(?<=[ \t])#|[\r\n,\[\]{}]|$")
_AFTER_DASH = re.compile(r"-[ \t]*(?:#|[\r\n,\]}]|$)")
_KEY_ON_LINE = re.compile(r"""[ ]*(?:-[ ]+)*(?:"[^"\n]*"|'[^'\n]*'|[^"'\n#{\[][^\n]*?)[ ]*:[ ]+""")
_KEY_IN_BRACES = re.compile(r"""(?:"[^"\n]*"|'[^'\n]*'|[^"'\n,{}\[\]:]+)[ ]*:[ ]+(?=[^,{}\[\]\n]*$)""")


_LONGEST_LINE = 2_000  # beyond which a colon is not traced back to its key


@dataclass(frozen=True, slots=True)
class Cell:
    """A text from ``start`` to ``end`` that stands in the document without its quotes. ``broken``: what follows it is misread too."""

    start: int
    end: int
    found: str
    mend: Mend
    broken: bool = True

    @property
    def quoted(self) -> str:
        """How to write it."""
        if '"' in self.found or "\\" in self.found:
            return "'" + self.found.replace("'", "''") + "'"
        return f'"{self.found}"'


def interval_at(text: str, start: int) -> Cell | None:
    """``[300..1000)``, in every spelling of its brackets."""
    found = _INTERVAL.match(text, start)
    if not found:
        return None
    read_as_list = found[0][0] == "[" and found[0][-1] == "]"
    return Cell(start, found.end(), found[0], "interval", broken=not read_as_list)


def not_at(text: str, start: int) -> Cell | None:
    """``not(app, web)``, as far as its own closing bracket."""
    found = _NOT.match(text, start)
    return Cell(start, found.end(), found[0], "not", broken=bool(set("[]{}") & set(found[0]))) if found else None


def misread_in_braces(text: str, start: int, end: int) -> Cell | None:
    """The cell of which a plain scalar within brackets, from start to end, is only the beginning."""
    cell = not_at(text, start) or interval_at(text, start)
    return cell if cell and cell.end > end else None


def dash_at(text: str, start: int) -> Cell | None:
    """A bare ``-`` with nothing after it."""
    return Cell(start, start + 1, "-", "dash") if _AFTER_DASH.match(text, start) else None


def cell_from(text: str, start: int, flow: bool) -> Cell | None:
    """Whatever stands from start to the end of the value, or of the key when it is one; it begins with a sign that YAML keeps for itself."""
    stop = (_FLOW_END if flow else _BLOCK_END).search(text, start)
    found = text[start : stop.start() if stop else len(text)]
    line = text[text.rfind("\n", 0, start) + 1 : start].rstrip()
    if not line.endswith(":") and (key := _KEY_END.search(found)):
        found = found[: key.start()]
    found = found.rstrip()
    mend: Mend = "comparison" if _COMPARISON.match(found) else "indicator"
    return Cell(start, start + len(found), found, mend) if found else None


def colon_before(text: str, colon: int, flow: bool) -> Cell | None:
    """``VIP: gold`` after a key on the same line, by its own colon."""
    begin = text.rfind("\n", 0, colon) + 1
    if colon - begin > _LONGEST_LINE:
        return None
    key = _KEY_IN_BRACES.search(text, begin, colon) if flow else _KEY_ON_LINE.match(text, begin, colon)
    if not key or key.end() >= colon or text[key.end()] in "\"'[{#":
        return None
    stop = (_FLOW_END if flow else _BLOCK_END).search(text, colon)
    found = text[key.end() : stop.start() if stop else len(text)].rstrip()
    return Cell(key.end(), key.end() + len(found), found, "colon")
