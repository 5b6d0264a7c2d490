"""Balances day by day, for policies that read their averages over calendar months: what an account held at the end of each day.

A row is written when a day is over on which a balance changed; days before the first value are not counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from custrules.calendars import Length, Window
from custrules.counting import Counted, Declarations
from custrules.facts import FactType
from custrules.measures import Measure, Meter
from custrules.metering import Compiler
from custrules.meters import ReadingMeter, SkipMeter
from custrules.state import State
from custrules.stores import Store

LAST_MONTH = Window.parse("last calendar month")


class Averages:
    """``meters`` of averages by name, and the ``balances`` that are kept for them: ledger accounts by the key of the tally."""

    meters: dict[str, Meter]
    balances: dict[str, tuple[str, ...]]

    def __init__(self, declared: Declarations, accounts: Mapping[str, tuple[str, int]], stores: Mapping[str, Store]) -> None:
        self.meters, self.balances = {}, {}
        self._declared, self._accounts, self._stores = declared, accounts, stores

    def add(self, name: str, balance: str, back: int) -> None:
        """The average of a reading or of an account (by its own name) over the calendar month ``back`` months before the last one."""
        skip = Length.parse(f"{back} months") if back else None
        if balance in self._declared.readings:
            measure = Measure(average=balance, window=LAST_MONTH, skip=skip)
            self.meters[name] = Compiler({name: measure}, self._declared).meters[name]
        elif (found := self._kept(balance)) is not None:
            counted, factor = found
            meter = ReadingMeter((counted,), LAST_MONTH, counted.type, best=False, factor=factor)
            self.meters[name] = meter if skip is None else SkipMeter(meter, LAST_MONTH, skip)

    def _kept(self, balance: str) -> tuple[Counted, int] | None:
        """What is tallied of an account, and how many smallest units make one; None where there is no such account."""
        key, store = f"balance:{balance}", self._stores.get(balance)
        if store is not None and store.form != "period":
            self.balances[key] = (f"{balance}.principal", f"{balance}.bonus")
            kind = FactType("money", scale=store.scale) if store.form == "amount" else FactType("number")
            return Counted(key, "", None, "latest", kind), 1
        if balance not in self._accounts:
            return None
        self.balances[key] = (balance,)
        return Counted(key, "", None, "latest", FactType("number")), 10 ** self._accounts[balance][1]


def note_balances(balances: Mapping[str, Sequence[str]], state: State) -> None:
    """Write down what accounts hold as the state's day is over, where that is not what they held before."""
    for key, names in balances.items():
        kept = state.activity.latest(key)
        if kept is None or state.day is None:
            continue
        held = sum(state.ledger.accounts[name].total for name in names if name in state.ledger.accounts)
        if held != kept.rows[-1][2] if kept.rows else held:
            state.activity.put(key, state.day, "", held)
