"""Canonical JSON: sorted keys, no spaces, UTC, no floats; and its strict reader."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Never

from custrules.errors import Diagnostic, Faults
from custrules.fields import encodable, instant_text, plain, rate_text
from custrules.money import Money

MAX_BYTES = 64 * 1024 * 1024
MAX_DEPTH = 64
_LONG = b"0" * 40
_DIGITS = bytes(ord("0") if chr(code).isascii() and chr(code).isdigit() else ord(" ") for code in range(256))
_NEITHER = bytes(code for code in range(256) if code not in b'[]{}"')  # neither a bracket nor a quote


def canonical(data: object) -> bytes:
    """The one JSON text of plain data; Money, decimals, fractions and dates as their exact text, a float never."""
    return json.dumps(_plain(data), ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def canonical_plain(data: object) -> bytes:
    """``canonical`` of data that is known to hold dicts of text, lists, text, whole numbers, flags and None alone."""
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return scalar_text(value)


def scalar_text(value: object) -> str:
    """The exact text of a scalar that JSON has no type for."""
    if isinstance(value, Money):
        return str(value)
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, Fraction):
        return rate_text(value)
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no canonical JSON; a float never has")


def parse_json(text: bytes | str, error: type[Faults], source: str = "") -> Any:
    """Plain data out of JSON text: decimals stay text, repeated keys, NaN, bad UTF-8, great size and depth are refused."""

    def refuse(code: str, line: int = 0, column: int = 0, **params: object) -> Never:
        raise error([Diagnostic(code, params=params, source=source, line=line, column=column)])

    if not isinstance(text, bytes | str):
        refuse("document.wrong_type", expected="JSON text", found=type(text).__name__)
    if len(text) > MAX_BYTES:
        refuse("document.too_large", found=len(text), most=MAX_BYTES)
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8-sig")
        raw = text.encode("utf-8", "replace")
        whole = _whole if _LONG in raw.translate(_DIGITS) else None  # most texts have no long number, and are read much faster for it
        data = _loaded(text, whole, refuse)
    except UnicodeDecodeError as fault:
        refuse("document.not_utf8", byte=fault.start)
    except json.JSONDecodeError as fault:
        refuse("document.syntax", line=fault.lineno, column=fault.colno, reason=fault.msg)
    except RecursionError:
        refuse("document.too_deep", most=MAX_DEPTH)
    if not _is_shallow(raw) and _depth(data) > MAX_DEPTH:
        refuse("document.too_deep", most=MAX_DEPTH)
    if not encodable(text) or (("\\ud" in text or "\\uD" in text) and not encodable(json.dumps(data, ensure_ascii=False))):
        refuse("document.syntax", reason="half of a surrogate pair")
    return data


def _loaded(text: str, whole: Callable[[str], int | str] | None, refuse: Callable[..., Never]) -> Any:
    def constant(name: str) -> Never:
        refuse("document.not_a_number", found=name)

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(items)
        if len(result) != len(items):
            refuse("document.repeated_key", key=Counter(key for key, _ in items).most_common(1)[0][0])
        return result

    return json.loads(text, parse_float=str, parse_int=whole, parse_constant=constant, object_pairs_hook=pairs)


def _whole(text: str) -> int | str:
    return int(text) if len(text) <= 40 else text  # the running total of a tally may be longer than any amount


def _is_shallow(raw: bytes) -> bool:
    """Whether a glance at its brackets tells that a text is not too deep: no escapes, and no bracket stands inside a string."""
    if b"\\" in raw:
        return False
    left = raw.translate(None, _NEITHER).replace(b'""', b"")
    for _ in range(MAX_DEPTH - 2):
        if not left:
            return True
        left = left.replace(b"[]", b"").replace(b"{}", b"")
    return False


def _depth(data: Any) -> int:
    """Nesting of plain data, found without recursion; what stands inside the innermost list counts too."""
    deepest, level = 1, [data]
    while deepest <= MAX_DEPTH:
        inside = [item for outer in level for item in _containers(outer)]
        if not inside:
            return deepest + any(isinstance(outer, dict | list) and bool(outer) for outer in level)
        deepest, level = deepest + 1, inside
    return deepest


def _containers(data: Any) -> list[Any]:
    if not isinstance(data, dict | list):
        return []
    return [item for item in (data.values() if isinstance(data, dict) else data) if isinstance(item, dict | list)]
