"""Whether a value of a customer record can be right: a closed list of checks, and the form in which equal values are equal texts.

A sentinel (1900-01-01, "unknown") is what systems and people write where they know nothing: it counts as missing, not as wrong.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from datetime import date

from custrules.facts import FactValue

SENTINEL_DATES = frozenset(
    date(*day)
    for day in (
        (1900, 1, 1),  # Excel, SQL Server, many CRMs
        (1899, 12, 30),  # the day 0 of OLE dates
        (1899, 12, 31),
        (1901, 1, 1),
        (1753, 1, 1),  # the least date of SQL Server
        (1970, 1, 1),  # the day 0 of Unix
        (1969, 12, 31),  # the same west of Greenwich
        (1980, 1, 1),  # the day 0 of DOS
        (2099, 12, 31),
        (2100, 1, 1),
        (9999, 12, 31),
    )
)
SENTINEL_WORDS = frozenset(
    (
        "-",
        "--",
        "?",
        "n/a",
        "na",
        "nil",
        "none",
        "null",
        "test",
        "tbd",
        "unknown",
        "xxx",
        "无",
        "未知",
        "不详",
        "暂无",
        "没有",
        "测试",
        "未填",
        "保密",
    )
)
OLDEST = 120  # years that a living customer is at most old
MOBILE_DIGITS, LEAST_DIGITS, MOST_DIGITS = 11, 7, 15  # of a Chinese mobile number; of any number (ITU E.164)
MAX_EMAIL, MAX_LOCAL, MAX_LABEL = 254, 64, 63  # RFC 5321, RFC 1035
_LOCAL = frozenset("abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-/=?^_`{|}~.")
_LABEL = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
_SEPARATORS = str.maketrans("", "", " -.()/\u00a0\u2010\u2011\u2013")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # of the digits of a Chinese identity number, GB 11643-1999
_CHECK_DIGITS = "10X98765432"


def is_sentinel(value: FactValue) -> bool:
    """Whether a value stands for none."""
    if isinstance(value, date):
        return value in SENTINEL_DATES
    return isinstance(value, str) and plain(value) in SENTINEL_WORDS


def plain(text: str) -> str:
    """A text as it is compared: of one width and case, with single blanks."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


# -- telephone numbers ---------------------------------------------------------------------------------------------------


def digits_of(text: str) -> str | None:
    """The digits of a telephone number, an international one with its ``+``; None for what is none."""
    bare = unicodedata.normalize("NFKC", text).translate(_SEPARATORS)
    international, bare = (True, bare[1:]) if bare.startswith("+") else (True, bare[2:]) if bare.startswith("00") else (False, bare)
    if not bare.isascii() or not bare.isdigit() or not LEAST_DIGITS <= len(bare) <= MOST_DIGITS or len(set(bare)) == 1:
        return None
    return f"+{bare}" if international else bare


def _is_phone(value: FactValue, day: date | None) -> bool:
    return isinstance(value, str) and digits_of(value) is not None


def mobile_of(text: str) -> str | None:
    """The eleven digits of a Chinese mobile number, written with +86, 86 or 0086 before it or without."""
    digits = digits_of(text)
    bare = digits.removeprefix("+") if digits is not None else ""
    bare = bare.removeprefix("86") if len(bare) == MOBILE_DIGITS + 2 else bare
    return bare if len(bare) == MOBILE_DIGITS and bare[0] == "1" and bare[1] in "3456789" else None


def _is_cn_mobile(value: FactValue, day: date | None) -> bool:
    return isinstance(value, str) and mobile_of(value) is not None


# -- e-mail --------------------------------------------------------------------------------------------------------------


def _is_email(value: FactValue, day: date | None) -> bool:
    """An address without comments, quotes or an address of a machine: what people have (a subset of RFC 5321)."""
    if not isinstance(value, str):
        return False
    local, at, domain = value.strip().lower().rpartition("@")
    labels = domain.split(".")
    return (
        bool(at) and len(value.strip()) <= MAX_EMAIL and _is_local(local) and len(labels) > 1 and labels[-1].isalpha() and all(map(_is_label, labels))
    )


def _is_local(text: str) -> bool:
    return 0 < len(text) <= MAX_LOCAL and set(text) <= _LOCAL and "" not in text.split(".")


def _is_label(text: str) -> bool:
    return 0 < len(text) <= MAX_LABEL and set(text) <= _LABEL and text[0] != "-" and text[-1] != "-"


# -- dates and numbers ---------------------------------------------------------------------------------------------------


def _is_date(value: FactValue, day: date | None) -> bool:
    return isinstance(value, date)


def _is_past(value: FactValue, day: date | None) -> bool:
    return isinstance(value, date) and (day is None or value <= day)


def _is_birthday(value: FactValue, day: date | None) -> bool:
    """The birthday of somebody who is alive: not ahead, and no more than 120 years ago."""
    return isinstance(value, date) and (day is None or (value <= day and value.year + OLDEST >= day.year))


def _is_cn_id(value: FactValue, day: date | None) -> bool:
    """A Chinese identity number of 18 places: its date and its check digit (GB 11643-1999, ISO 7064 MOD 11-2)."""
    text = unicodedata.normalize("NFKC", value).strip().upper() if isinstance(value, str) else ""
    if len(text) != len(_WEIGHTS) + 1 or not text.isascii() or not text[:-1].isdigit():
        return False
    try:
        born = date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    total = sum(int(digit) * weight for digit, weight in zip(text, _WEIGHTS, strict=False))
    return _is_birthday(born, day) and text[-1] == _CHECK_DIGITS[total % 11]


def _is_filled(value: FactValue, day: date | None) -> bool:
    return True


CHECKS: Mapping[str, Callable[[FactValue, date | None], bool]] = {
    "filled": _is_filled,
    "phone": _is_phone,
    "cn_mobile": _is_cn_mobile,
    "email": _is_email,
    "date": _is_date,
    "past": _is_past,
    "birthday": _is_birthday,
    "cn_id": _is_cn_id,
}
"""Each check by its name: a value (neither missing nor a sentinel) and the day on which it is looked at (None: none is known)."""

KINDS: Mapping[str, str] = {"date": "date", "past": "date", "birthday": "date"} | dict.fromkeys(("phone", "cn_mobile", "email", "cn_id"), "text")
"""The kind of profile field that a check is for; others are for any."""


def normalised(value: FactValue, check: str) -> str | None:
    """A value as the key by which two records are the same; None where it is no such value, and nobody's key.

    Telephone numbers lose their separators, Chinese mobile ones also their country code; texts their case, width and double blanks.
    """
    if is_sentinel(value):
        return None
    if not isinstance(value, str):
        return value.isoformat() if isinstance(value, date) else str(value)
    if check in ("phone", "cn_mobile"):
        return mobile_of(value) or digits_of(value)
    return plain(value) or None
