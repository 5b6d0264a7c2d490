"""Whose a state is: it is made one of a program, and checked to be one before anything is asked of it."""

from __future__ import annotations

from custrules.calendars import ONE_DAY
from custrules.errors import Diagnostic, StateError
from custrules.rulebook import Rulebook
from custrules.state import State


def adopt(rules: Rulebook, state: State) -> None:
    """Make a state one of this program: accounts that exist, tallies that are kept from now on (a new state: from the start)."""
    if state.adopted is rules:
        return
    state.adopted = rules
    state.program, state.digest, state.currency = rules.id, rules.digest, rules.currency
    for name, (unit, scale) in rules.accounts.items():
        state.ledger.open(name, unit, scale)
    for store in rules.stores.values():
        if store.form != "period":
            state.ledger.open_value(store.name, store.unit, store.scale)
    held_from = state.day + ONE_DAY if state.day is not None else None
    for key, counted in rules.tallies.items():
        state.activity.open(key, counted.what == "latest", held_from, counted.what == "each")
    own = (*rules.awards.days, *(key for keys in rules.own_tallies.values() for key in keys.values()))
    for key in (*own, *(key for keys in rules.sent_tallies.values() for key in keys)):
        state.activity.open(key, latest=False, held_from=held_from)


def check_state(rules: Rulebook, state: State, customer_id: str | None = None) -> None:
    """StateError for another program's state or another customer's event."""
    if isinstance(state, State) and state.adopted is rules and customer_id in (None, state.customer_id):
        return
    if not isinstance(state, State):
        raise StateError([Diagnostic("state.not_a_state", params={"found": type(state).__name__})])
    if state.program not in ("", rules.id):
        raise StateError([Diagnostic("state.other_program", params={"found": state.program, "expected": rules.id})])
    if state.currency not in ("", rules.currency):
        raise StateError([Diagnostic("state.other_currency", params={"found": state.currency, "expected": rules.currency})])
    stores = {f"{store.name}.principal": (store.unit, store.scale) for store in rules.stores.values()}
    for name, unit in (rules.accounts | stores).items():
        held = state.ledger.accounts.get(name)
        if held is not None and (held.unit, held.scale) != unit:
            found = f"{held.unit}, {held.scale}"
            raise StateError([Diagnostic("state.other_unit", params={"account": name, "found": found, "expected": f"{unit[0]}, {unit[1]}"})])
    if customer_id is not None and customer_id != state.customer_id:
        raise StateError([Diagnostic("state.other_customer", params={"found": customer_id, "expected": state.customer_id})])
