"""What the account says of its lots: until when all of them are kept, by activity or by a condition, and when lots without a date end.

It stands in the status ``<account>_expiry`` (``kept`` or ``suspended``), from which the ledger reads it; lots keep their dates.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from custrules.calendars import ONE_DAY
from custrules.policies.points.expiry import GIVEN
from custrules.policy import Reason, Status, View, reason
from custrules.state import EXPIRY_STATUS
from custrules.state_parts import StatusValue

if TYPE_CHECKING:
    from custrules.policies.points.account import Account

SUSPENDED, KEPT = "suspended", "kept"


def status_name(account: str) -> str:
    return account + EXPIRY_STATUS


@dataclass(frozen=True, slots=True)
class Keeping:
    """``value`` is suspended (without end), kept (up to ``until``) or none; ``undated_until`` is the last day of lots that have none."""

    value: str | None = None
    until: date | None = None
    undated_until: date | None = None

    @classmethod
    def of(cls, known: StatusValue | None) -> Keeping:
        if known is None:
            return cls()
        ends = known.data.get("undated_until")
        return cls(str(known.value) if known.value is not None else None, known.until, date.fromisoformat(str(ends)) if ends is not None else None)

    @property
    def kept(self) -> date | None:
        return date.max if self.value == SUSPENDED else self.until

    def status(self, account: str, before: StatusValue | None, day: date) -> Status:
        since = before.since if before is not None and before.value == self.value else day
        data: dict[str, Any] = {"undated_until": self.undated_until.isoformat()} if self.undated_until is not None else {}
        return Status(status_name(account), self.value, since, self.until, data=data)

    def told(self, before: Keeping, account: str) -> list[Reason]:
        """What has changed, in words."""
        if self.value == SUSPENDED:
            code = "points.expiry.suspended"
        elif before.value == SUSPENDED:
            code = "points.expiry.resumed"
        elif self.until != before.until:
            return [reason("points.expiry.kept" if self.until is not None else "points.expiry.not_kept", account=account, until=self.until)]
        else:
            return [reason("points.expiry.begins", account=account, until=self.undated_until)]
        return [reason(code, account=account)]


def known_keeping(account: Account, view: View) -> StatusValue | None:
    return view.state.statuses.get((status_name(account.id), ""))


def keeping_now(account: Account, view: View, *, given: bool = False) -> Keeping:
    """What the account says of its lots as things stand; with ``given``, something was just given by hand."""
    known = known_keeping(account, view)
    undated = any(view.state.ledger.accounts[account.id + bucket].has_undated for bucket in ("", ".pending", ".held"))
    if known is None and account.plain and not (undated and account.expiry is not None):
        return Keeping()
    versions = list(_versions(account, view))
    ends = _undated_until(versions) if undated or (known is not None and "undated_until" in known.data) else None
    if account.suspended is not None and view.test(account.suspended, view.settled):
        return Keeping(SUSPENDED, None, ends)
    days = [day for version, last in versions for day in _carried(version, last, view)]
    if given and account.expiry is not None and GIVEN in account.expiry.moves:
        days.append(account.expiry.carries(view.day))
    before = Keeping.of(known)
    if before.value == KEPT and before.until is not None and before.until < view.settled and before.until > max(days, default=date.min):
        return Keeping(KEPT, before.until, ends)  # what is over stays what it was: that its activity is counted no more is no news
    return Keeping(KEPT, max(days), ends) if days else Keeping(None, None, ends)


def _versions(account: Account, view: View) -> Iterator[tuple[Account, date]]:
    """The versions of an account up to the day that is settled, the latest first, each with the last day that it is looked at for."""
    day = view.settled
    version: Any = account if view.day == view.settled else view.in_force(account.id, day)
    while version is not None:
        yield version, day
        day = version.effective_from - ONE_DAY
        version = view.in_force(account.id, day)


def _carried(version: Account, upto: date, view: View) -> Iterator[date]:
    """Up to when activity under a version carries everything."""
    if version.expiry is None:
        return
    for name in version.expiry.facts():
        days = view.value(f"{version.id}.{name}", upto)
        active = upto - timedelta(days=int(str(days))) if days is not None else None
        if active is not None and active >= version.effective_from:
            yield version.expiry.carries(active)


def _undated_until(versions: list[tuple[Account, date]]) -> date | None:
    """One full period from the first day of the version that switched expiry on; None where nothing ever expires, or all lots have dates."""
    first = None
    for version, _ in versions:
        if version.expiry is None:
            return first.expiry.last_day(first.effective_from) if first is not None and first.expiry is not None else None
        first = version
    return None
