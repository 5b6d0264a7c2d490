"""Orders that stay the text they were read from until somebody asks about them: most are never asked about again.

What is sealed matches, character for character, a grammar that is narrower than what ``Order.from_data`` reads: the canonical text
of an order of which nothing came back or expired and that names no tenders. Every other order is read at once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from operator import lt
from typing import Any, NamedTuple

from custrules.codec import MAX_BYTES, parse_json
from custrules.errors import StateError
from custrules.fields import encodable
from custrules.orders import Order

_YEAR = r"(?:19|20|21)[0-9]{2}"
_DAY = rf'"{_YEAR}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)'
_TEXT = r'"[^"\\\x00-\x1f]{0,2000}+"'
_WHOLE = r"(?:0|[1-9][0-9]{0,16})"
_STRUCTURE = ("effective_from", "facts", "moves")  # names that no policy or fact of a sealed order has
_NAME = rf'"(?!:|(?:{"|".join(_STRUCTURE)})")[^"\\\x00-\x1f]{{0,2000}}+"'


def _list(item: str) -> str:
    return rf"\[{item}(?:,{item})*+\]"


def _object(name: str, item: str) -> str:
    return rf"\{{(?:{name}:{item}(?:,{name}:{item})*+)?\}}"


_LINE = rf'\[(?:{_TEXT}|null),(?:{_TEXT}|null),"[1-9][0-9]{{0,11}}(?:\.[0-9]{{1,6}})?",{_WHOLE},{_WHOLE},0,"0"\]'
_PART = rf'\[{_TEXT},{_TEXT},{_TEXT},{_DAY}",{_DAY}",(?:{_DAY}"|null),{_WHOLE},{_TEXT},{_WHOLE}\]'
_MOVE = rf"\[{_TEXT},{_TEXT},{_WHOLE},\[(?:{_PART}(?:,{_PART})*+)?\]\]"
_FACTS = _object(_NAME, rf"(?:{_TEXT}|{_WHOLE}|true|false|null)")
_RECORD = rf'\{{"effective_from":{_DAY}","facts":{_FACTS},"moves":(?:\[\]|{_list(_MOVE)})\}}'
_INSTANT = rf'{_DAY}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z"'
_ORDER = re.compile(
    rf'(?:,|(?<=\{{))({_TEXT}):(\{{"day":({_DAY}"),(?:"lines":{_list(_LINE)},)?"occurred_at":{_INSTANT}'
    rf'(?:,"records":({_object(_NAME, _RECORD)}))?(?:,"tallied":{_list(_TEXT)})?,"type":{_TEXT}\}})(?=[,}}])'
)
_KEY = re.compile(r'"([^"]*+)":')  # no name begins with a colon, so that none is taken for the end of a text
_ORDERS = '"orders":{'


class Sealed(NamedTuple):
    """An order as its canonical text, and its day as a date is written."""

    day: str
    text: str

    def open(self, order_id: str) -> Order:
        return Order.from_data(order_id, json.loads(self.text))


class Split(NamedTuple):
    """A state's text without the orders that were sealed. ``mark`` stands among the rest of the orders: it tells that these were taken
    out of the state's own orders and not of something that is only called so."""

    text: str
    mark: str
    sealed: dict[str, Sealed]


def split(text: str) -> Split | None:
    """Take the orders that can be sealed out of the text of a state; None where none was found."""
    start = text.find(_ORDERS)
    mark = f"~{len(text)}~"
    if start < 0 or mark in text or not encodable(text):
        return None
    start += len(_ORDERS)
    sealed, end = {}, start
    for order_id, body, day, stop in _run(text, start):
        sealed[order_id], end = Sealed(day, body), stop
    return Split(f'{text[:start]}"{mark}":0{text[end:]}', mark, sealed) if sealed else None


def _run(text: str, place: int) -> Iterator[tuple[str, str, str, int]]:
    """Id, text, day and end of the orders that follow one another from a place on, for as long as each can be sealed and ids rise."""
    before = None
    while (found := _ORDER.match(text, place)) is not None:
        named, body, day, records = found.groups()
        order_id = named[1:-1]
        if (before is not None and order_id <= before) or (records is not None and not _in_order(tuple(_KEY.findall(records)))):
            return
        place, before = found.end(), order_id
        yield order_id, body, day[1:-1], place


@lru_cache(maxsize=1024)
def _in_order(keys: Sequence[str]) -> bool:
    """Whether the names of policies in an order's text, and those of facts in each of its records, rise."""
    policies: list[str] = []
    facts: list[str] = []
    for before, key in zip(("", *keys), keys, strict=False):
        if key == "effective_from":
            policies.append(before)
            facts = []
        elif key not in _STRUCTURE and before not in ("", "moves"):
            facts.append(key)
        if not _rises(facts):
            return False
    return _rises(policies)


def _rises(names: Sequence[str]) -> bool:
    return all(map(lt, names, names[1:]))


def parsed(text: bytes | str) -> tuple[Any, dict[str, Sealed]]:
    """The plain data of a state's text, and the orders in it that may stay sealed."""
    found = _split(text)
    if found is not None:
        data = parse_json(found.text, StateError)
        orders = data.get("orders") if isinstance(data, dict) else None
        if isinstance(orders, dict) and orders.pop(found.mark, None) == 0 and not orders.keys() & found.sealed.keys():
            return data, found.sealed
    return parse_json(text, StateError), {}


def _split(text: bytes | str) -> Split | None:
    if not isinstance(text, bytes | str) or len(text) > MAX_BYTES:
        return None
    try:
        return split(text.decode("utf-8-sig") if isinstance(text, bytes) else text)
    except UnicodeDecodeError:
        return None
