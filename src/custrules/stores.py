"""Stored value accounts of a program, and which value its policies answer for: two that would both take it are a fault."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from custrules.deposits import VISITS
from custrules.facts import FactType
from custrules.policy import BalanceFact, Policy


class Store(NamedTuple):
    """A stored value account: its name, unit (the currency, or visits), decimals, and form (amount, visits, period)."""

    name: str
    unit: str
    scale: int
    form: str


def stores_of(policies: Iterable[Policy], currency: str, scale: int) -> dict[str, Store]:
    """The stored value accounts that policies keep, by name, in document order."""
    found: dict[str, Store] = {}
    for policy in policies:
        form = policy.stores()
        if form is not None:
            found.setdefault(policy.id, Store(policy.id, currency, scale, form) if form != VISITS else Store(policy.id, VISITS, 0, form))
    return found


def balances_of(store: Store) -> dict[str, BalanceFact]:
    """The facts of a stored value account: what there is of it in all, and in each bucket."""
    if store.form == "period":
        return {}
    kind, name = FactType("money" if store.form == "amount" else "number", scale=store.scale), store.name
    buckets = {f"{name}.{bucket}": BalanceFact(kind, f"{name}.{bucket}") for bucket in ("principal", "bonus", "held", "owed")}
    return {name: BalanceFact(kind, f"{name}.principal", f"{name}.bonus")} | buckets


class TwoServers(NamedTuple):
    """Two policies that answer for the same value; ``account`` None: both give a reward of that name."""

    second: Policy
    what: str
    first: str
    account: str | None


def two_servers(policies: Iterable[Policy], resolve: Callable[[str], str]) -> Iterator[TwoServers]:
    """Value that is brought is answered by one policy: two on the same account would both take it."""
    servers: dict[tuple[str, str], str] = {}
    for policy in policies:
        account = policy.works_on()
        for what in policy.answers_for() if account is not None else ():
            first = servers.setdefault((what, resolve(account or "")), policy.id)
            if first != policy.id:
                yield TwoServers(policy, what, first, account)
                break


def two_givers(policies: Iterable[Policy]) -> Iterator[TwoServers]:
    """A reward is given by one policy; those of accounts are told apart by their account."""
    givers: dict[str, str] = {}
    for policy in policies:
        of_account = policy.works_on() is not None
        for name in policy.gives_rewards():
            first = givers.get(name, policy.id) if of_account else givers.setdefault(name, policy.id)
            if first != policy.id:
                yield TwoServers(policy, name, givers[name], None)
