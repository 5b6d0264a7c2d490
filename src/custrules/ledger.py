"""Quantities with an origin: lots in accounts, moved by postings and never edited.

Account names are dotted: the id of the account's policy, then the bucket (``points``, ``points.pending``, ``points.held``,
``points.owed``; of stored value ``card.principal``, ``card.bonus``, ``card.held``, ``card.owed``). ``.owed`` is the debt: postings
out of it raise what is owed, postings into it settle it. Outsides are named ``world.…`` and hold nothing. Quantities are whole
numbers of the unit's smallest part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from custrules.accounts import Account
from custrules.lots import (
    ADJUSTED,
    DECAYED,
    DISPUTED,
    EXPIRED,
    FEES,
    FORFEITED,
    GRANTED,
    ISSUED,
    MAX_UNITS,
    MERGED,
    OPENED,
    PAID,
    REFUND,
    REFUNDED,
    REVERSED,
    SPENT,
    TRANSFERRED,
    WORLD,
    WRITTEN_OFF,
    LedgerFault,
    Lot,
    LotOrder,
    LotPart,
    Move,
    escaped,
    text,
    whole,
)
from custrules.money import MAX_DIGITS

BUCKETS = ("", ".pending", ".held", ".owed")
VALUE_BUCKETS = (".principal", ".bonus", ".held", ".owed")
_ONLY = {".principal": PAID, ".bonus": GRANTED}

__all__ = [
    "ADJUSTED",
    "BUCKETS",
    "DECAYED",
    "DISPUTED",
    "EXPIRED",
    "FEES",
    "FORFEITED",
    "GRANTED",
    "ISSUED",
    "MAX_UNITS",
    "MERGED",
    "OPENED",
    "PAID",
    "REFUND",
    "REFUNDED",
    "REVERSED",
    "SPENT",
    "TRANSFERRED",
    "VALUE_BUCKETS",
    "WORLD",
    "WRITTEN_OFF",
    "Account",
    "Ledger",
    "LedgerFault",
    "Lot",
    "LotOrder",
    "LotPart",
    "Move",
    "escaped",
    "text",
    "whole",
]


class Ledger:
    """All accounts of one customer. Read it through ``state``; it changes only by folding moves."""

    __slots__ = ("_owner", "accounts", "first")
    accounts: dict[str, Account]
    first: Mapping[str, str]

    def __init__(self, accounts: dict[str, Account] | None = None, first: Mapping[str, str] | None = None) -> None:
        self.accounts = accounts if accounts is not None else {}
        self.first = first if first is not None else {}
        self._owner = object()

    def fork(self) -> Ledger:
        """A copy that shares every account until it is changed."""
        return Ledger(self.accounts.copy(), self.first)

    def open(self, name: str, unit: str, scale: int) -> None:
        """Make sure that a points account and its buckets exist."""
        self._open(name, unit, scale, BUCKETS)
        if "points" not in self.first:
            self.first = {**self.first, "points": name}

    def open_value(self, name: str, unit: str, scale: int) -> None:
        """Make sure that the buckets of a stored value account exist."""
        self._open(name, unit, scale, VALUE_BUCKETS)
        if "stored_value" not in self.first:
            self.first = {**self.first, "stored_value": name}

    def _open(self, name: str, unit: str, scale: int, buckets: Sequence[str]) -> None:
        for bucket in buckets:
            if f"{name}{bucket}" not in self.accounts:
                self.accounts[f"{name}{bucket}"] = Account(unit, scale, self._owner, only=_ONLY.get(bucket, ""))

    def resolve(self, name: str) -> str:
        """The account a name stands for: ``points`` and ``stored_value`` also name the program's first account of their kind."""
        if name in self.accounts:
            return name
        head, dot, bucket = name.partition(".")
        return self.first[head] + dot + bucket if head in self.first else name

    def usable(self, account: str, day: date) -> int:
        """What can be spent on a day: the only gate, whether expired lots were swept or not."""
        return self.accounts[account].usable(day)

    def keep(self, name: str, kept: date | None, ends: date | None) -> None:
        """Say up to when nothing lapses in an account and its buckets, and when lots without a date of their own do."""
        for bucket in (name, f"{name}.pending", f"{name}.held"):
            account = self.accounts[bucket]
            if (account.kept, account.ends) != (kept, ends):
                account = self.own(bucket)
                account.kept, account.ends = kept, ends

    def own(self, name: str) -> Account:
        account = self.accounts[name]
        if account.owner is not self._owner:
            account = self.accounts[name] = account.copy(self._owner)
        return account

    def fold(self, move: Move) -> None:
        """Make one move, after every check that can fail."""
        if not self._sound(move):
            self._check(move)
        for name, sign in ((move.source, -1), (move.target, 1)):
            if name.startswith(WORLD):
                continue
            account = self.own(name)
            if name.endswith(".owed"):
                account.owed -= sign * move.quantity
                if account.owed < 0:
                    raise LedgerFault(f"{name} would be settled by more than is owed")
                continue
            for lot, quantity in move.parts:
                account.change(lot, sign * quantity)

    def _sound(self, move: Move) -> bool:
        """Whether a move passes every check; where this says no, ``_check`` says why."""
        source, target, quantity, parts = move
        out = self.accounts.get(source)
        into = self.accounts.get(target)
        unit = out.unit if out is not None else into.unit if into is not None else ""
        if type(quantity) is not int or quantity <= 0 or (out is None and not source.startswith(WORLD)):
            return False
        if (into is None and not target.startswith(WORLD)) or (into is not None and into.unit != unit):
            return False
        left, only = quantity, into.only if into is not None else ""
        for lot, part in parts:
            if part <= 0 or lot.unit != unit or (only and lot.source != only):
                return False
            left -= part
        return not left

    def _check(self, move: Move) -> None:
        """LedgerFault where a move cannot be made, with the reason."""
        sides = [name for name in (move.source, move.target) if not name.startswith(WORLD)]
        unknown = [name for name in sides if name not in self.accounts]
        if unknown:
            raise LedgerFault(f"there is no account {unknown[0]}")
        if isinstance(move.quantity, bool) or not isinstance(move.quantity, int):
            raise LedgerFault(f"a posting moves a whole number of smallest units, not {type(move.quantity).__name__}")
        if move.quantity <= 0:
            raise LedgerFault(f"a posting moves more than nothing, not {move.quantity}")
        units = {self.accounts[name].unit for name in sides} | {part.lot.unit for part in move.parts}
        if len(units) > 1:
            raise LedgerFault(f"one posting, one unit, not {', '.join(sorted(units))}")
        needs_lots = any(not name.endswith(".owed") for name in sides)
        if (needs_lots or move.parts) and sum(part.quantity for part in move.parts) != move.quantity:
            raise LedgerFault(f"the lots sum to {sum(part.quantity for part in move.parts)}, the posting moves {move.quantity}")
        if any(part.quantity <= 0 for part in move.parts):
            raise LedgerFault("a posting names a lot without taking any of it")
        only = self.accounts[move.target].only if move.target in self.accounts else ""
        if any(part.lot.source != only for part in move.parts if only):
            raise LedgerFault(f"only what was {only} enters {move.target}")

    def merge(self, closed: Callable[[str], bool], day: date, lots: Sequence[Lot] = ()) -> None:
        """Lots that no rule and no order can tell apart become one.

        ``closed`` tells whether an origin can be undone no more; ``lots`` are those for which that has become so by ``day``.
        """
        for name, account in self.accounts.items():
            if name.endswith(".held"):
                continue  # a hold goes back into the lots it came from: its record tells them apart
            if account.parts and account.may_join(lots):
                self.own(name).join(closed, day, lots)

    def to_data(self) -> dict[str, Any]:
        """Accounts by name: unit, scale, and lots as rows (the lot's fields, then what remains); empty ones by name alone."""
        return {
            "first": self.first,
            "accounts": {
                name: {"unit": account.unit, "scale": account.scale, "owed": account.owed, "lots": [part.to_row() for _, part in account.parts]}
                for name, account in self.accounts.items()
            },
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Ledger:
        ledger = cls({}, {text(kind): text(name) for kind, name in data["first"].items()})
        for name, row in data["accounts"].items():
            only = _ONLY.get(name[name.rfind(".") :], "")
            account = Account(text(row["unit"]), whole(row["scale"]), ledger._owner, owed=whole(row["owed"]), only=only)
            if not 0 <= account.scale <= MAX_DIGITS or not 0 <= account.owed < 10**MAX_DIGITS:
                raise ValueError(f"account {name}: a scale from 0 to {MAX_DIGITS}, and a debt of as many digits that is not negative")
            account.read(row["lots"])
            if not all(quantity > 0 for _, quantity in account) or account.total >= 10**MAX_DIGITS:
                raise ValueError(f"account {name}: a lot of which nothing is left, or lots of more than {MAX_DIGITS} digits")
            ledger.accounts[name] = account
        return ledger
