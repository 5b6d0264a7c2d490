"""iCalendar (RFC 5545): writing events so that every calendar reads them, and the yearly rule of a day that not every year has.

All-day care is a date without a zone: it floats, and ``DTEND`` is the day after. What has a time is written in UTC. Lines end with CRLF and hold
at most 75 octets, folded between characters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from custrules.calendars import ONE_DAY
from custrules.calendars.birthdays import Feb29

OCTETS = 75
PRODID = "-//custrules//care//EN"
KEPT = ("DTSTAMP", "SEQUENCE")


class CalendarEvent(NamedTuple):
    """One event: all day on ``day``, or from ``at`` for ``lasts``; ``rule`` (RRULE) or ``also`` (RDATE) repeat it."""

    uid: str
    summary: str
    day: date
    at: datetime | None = None
    lasts: timedelta = timedelta(minutes=30)
    description: str = ""
    category: str = ""
    rule: str = ""
    also: tuple[date, ...] = ()
    alarm: timedelta | None = None
    """How long before its start a reminder comes; of an all-day event before the midnight with which it begins."""

    def lines(self) -> Iterator[str]:
        """Its content, without stamp and sequence."""
        yield f"UID:{self.uid}"
        yield from self._when()
        yield f"SUMMARY:{escaped(self.summary)}"
        if self.description:
            yield f"DESCRIPTION:{escaped(self.description)}"
        if self.category:
            yield f"CATEGORIES:{escaped(self.category)}"
        if self.alarm is not None:
            yield from ("BEGIN:VALARM", "ACTION:DISPLAY", f"DESCRIPTION:{escaped(self.summary)}", f"TRIGGER:-{duration(self.alarm)}", "END:VALARM")

    def _when(self) -> Iterator[str]:
        if self.at is not None:
            yield f"DTSTART:{instant(self.at)}"
            yield f"DURATION:{duration(self.lasts)}"
            return
        yield f"DTSTART;VALUE=DATE:{self.day:%Y%m%d}"
        yield f"DTEND;VALUE=DATE:{self.day + ONE_DAY:%Y%m%d}"
        yield "TRANSP:TRANSPARENT"
        if self.rule:
            yield f"RRULE:{self.rule}"
        if self.also:
            yield f"RDATE;VALUE=DATE:{','.join(f'{day:%Y%m%d}' for day in self.also)}"


class Foreign(ValueError):
    """The file of before is none that ``calendar`` wrote."""


def calendar(
    events: Iterable[CalendarEvent], stamp: datetime, previous: bytes | None = None, *, since: date | None = None, until: date | None = None
) -> bytes:
    """A calendar file of some events; ``stamp`` is when it is written.

    ``previous`` is the file that this function wrote before: an event that is as it was keeps its sequence and stamp, one that has changed
    gets the next sequence, and one that is gone is cancelled. What began before ``since`` is left out, what begins after ``until`` stays as it was.
    Foreign for a file that it did not write.
    """
    before = _blocks(previous) if previous is not None else {}
    made = {event.uid: _block(event, stamp, before.get(event.uid)) for event in events}
    gone = [block for uid, block in before.items() if uid not in made and (since is None or _begins(block) >= since)]
    gone = [block if until is not None and _begins(block) > until else _cancelled(block, stamp) for block in gone]
    head = ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{PRODID}", "CALSCALE:GREGORIAN", "METHOD:PUBLISH"]
    body = [line for block in (*made.values(), *gone) for line in ("BEGIN:VEVENT", *block, "END:VEVENT")]
    return "".join(f"{folded(line)}\r\n" for line in (*head, *body, "END:VCALENDAR")).encode()


Block = tuple[str, ...]


def _block(event: CalendarEvent, stamp: datetime, before: Block | None) -> Block:
    content = (*event.lines(), "STATUS:CONFIRMED")
    if before is None:
        return (f"DTSTAMP:{instant(stamp)}", "SEQUENCE:0", *content)
    if _content(before) == content:
        return before
    return (f"DTSTAMP:{instant(stamp)}", f"SEQUENCE:{_sequence(before) + 1}", *content)


def _cancelled(block: Block, stamp: datetime) -> Block:
    if "STATUS:CANCELLED" in block:
        return block
    content = tuple("STATUS:CANCELLED" if line.startswith("STATUS:") else line for line in _content(block))
    return (f"DTSTAMP:{instant(stamp)}", f"SEQUENCE:{_sequence(block) + 1}", *content)


def _content(block: Block) -> Block:
    return tuple(line for line in block if line.partition(":")[0] not in KEPT)


def _sequence(block: Block) -> int:
    return next(int(line.partition(":")[2]) for line in block if line.startswith("SEQUENCE:"))


def _begins(block: Block) -> date:
    text = next(line.partition(":")[2] for line in block if line.startswith("DTSTART"))
    return date(int(text[:4]), int(text[4:6]), int(text[6:8]))


def _blocks(text: bytes) -> Mapping[str, Block]:
    """The events of a file that ``calendar`` wrote, by uid."""
    try:
        lines = text.decode().replace("\r\n ", "").split("\r\n")
    except (UnicodeDecodeError, AttributeError):
        raise Foreign from None
    if lines[0] != "BEGIN:VCALENDAR" or f"PRODID:{PRODID}" not in lines:
        raise Foreign
    found: dict[str, Block] = {}
    begun: list[str] | None = None
    for line in lines:
        if line == "BEGIN:VEVENT":
            begun = []
        elif line == "END:VEVENT" and begun is not None:
            found[_uid(begun)], begun = tuple(begun), None
        elif begun is not None:
            begun.append(line)
    return found


def _uid(block: Sequence[str]) -> str:
    """The id of an event that has all that is looked for later."""
    uid, number, day = (next((line for line in block if line.startswith(name)), "") for name in ("UID:", "SEQUENCE:", "DTSTART"))
    digits = day.partition(":")[2][:8]
    if not uid or not number.removeprefix("SEQUENCE:").isdecimal() or not (digits.isascii() and digits.isdecimal() and len(digits) == 8):
        raise Foreign
    return uid.removeprefix("UID:")


# -- days that repeat --------------------------------------------------------------------------------------------------


def yearly(day: date, feb29: Feb29 = "backward") -> str:
    """The rule of a day that is kept every year, which every calendar understands: 29 February without RSCALE and SKIP."""
    if (day.month, day.day) != (2, 29) or feb29 == "omit":
        return "FREQ=YEARLY"
    return "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1" if feb29 == "backward" else "FREQ=YEARLY;BYYEARDAY=60"


def repeating(day: date, feb29: Feb29 = "backward", every: int = 1) -> str:
    """The same of a day that is kept every so many years."""
    return yearly(day, feb29).replace("FREQ=YEARLY", f"FREQ=YEARLY;INTERVAL={every}") if every > 1 else yearly(day, feb29)


# -- text --------------------------------------------------------------------------------------------------------------


def escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\r\n", "\\n").replace("\n", "\\n")


def instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def duration(length: timedelta) -> str:
    """``PT15H``, ``PT30M``, ``P1D``."""
    minutes, seconds = divmod(int(length.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    clock = "".join(f"{number}{unit}" for number, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if number)
    return "P" + (f"{days}D" if days else "") + (f"T{clock}" if clock else "" if days else "T0S")


def folded(line: str) -> str:
    """A line in pieces of at most 75 octets, each but the first after a blank; no character is split."""
    pieces, piece, size = [], "", 0
    for character in line:
        octets = len(character.encode())
        if size + octets > OCTETS:
            pieces.append(piece)
            piece, size = " ", 1
        piece += character
        size += octets
    return "\r\n".join([*pieces, piece])
