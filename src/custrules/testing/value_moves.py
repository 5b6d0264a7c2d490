"""Moves of stored value: paid in, set aside, used visit by visit, corrected by hand, taken back by a bank."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from fractions import Fraction

from custrules import kernel
from custrules.errors import CustrulesError
from custrules.money import from_units
from custrules.policy import Signal
from custrules.program import Program
from custrules.state import State
from custrules.stores import Store
from custrules.testing.writing import MICROSECOND, Data, Picks, Writing


def stores(program: Program, *forms: str) -> tuple[Store, ...]:
    """The stored value accounts of a program, of some forms."""
    return tuple(store for store in program.rulebook.stores.values() if not forms or store.form in forms)


def _named(writer: Writing, store: Store) -> Data:
    return {} if store.name == next(iter(writer.program.rulebook.stores)) else {"account": store.name}


def _units(writer: Writing, store: Store, picks: Picks) -> int:
    """A quantity of an account: a round one, what it holds, or one less or more."""
    one = int(10**store.scale)
    if not picks.yes():
        return picks.one((10, 1, 100, 3, 33)) * one
    accounts = writer.state.ledger.accounts
    held = sum(accounts[f"{store.name}.{bucket}"].total for bucket in ("principal", "bonus") if f"{store.name}.{bucket}" in accounts)
    return max(1, picks.one((held, held // 2, held - 1, held + 1, 1)))


def _shown(units: int, store: Store) -> str:
    return format(from_units(units, store.scale), "f")


def top_up(writer: Writing, picks: list[Picks]) -> Data:
    store = picks[0].one(stores(writer.program))
    one = int(10**writer.program.rulebook.scale)
    amount = writer.shown(picks[1].one((100 * one, 500 * one, 1000 * one, 333 * one + 1, 50 * one, writer.amount(picks[1]))))
    data: Data = {"type": "top_up", "amount": amount, **_named(writer, store)}
    if store.form == "visits":
        data |= {"paid": picks[2].one((10, 3, 80)), "list_price": writer.shown(one * 30)}
    elif store.form == "period" and picks[2].yes():
        data["starts"] = writer.today + timedelta(days=picks[2].one((0, 10)))
    if picks[3].yes(3) and store.form != "period":
        data["given"] = picks[3].one((16, 1, 0))
    return data | ({"priority": picks[3].one((1, 90))} if picks[3].yes(4) else {})


def chargeback(writer: Writing, picks: list[Picks]) -> Data:
    paid = [event for event in writer.known if event["type"] == "top_up"]
    if not paid:
        return top_up(writer, picks)
    of = picks[0].one((paid[-1], *paid[-3:]))
    data: Data = {"type": "chargeback", "of": of["id"], "dispute": picks[1].one(("opened", "opened", "won", "lost"))}
    part = picks[2].one((None, None, Fraction(1, 2), Fraction(1, 3)))
    minor = int(Fraction(of["amount"]) * 10**writer.program.rulebook.scale * part) if part is not None else 0
    return data | ({"amount": writer.shown(minor)} if minor else {})


def card_update(writer: Writing, picks: list[Picks]) -> Data:
    """A card is lost, and more often comes back."""
    return {"type": "card_update", "stage": picks[0].one(("lost", "found", "reissued")), **_named(writer, picks[1].one(stores(writer.program)))}


def card_transfer(writer: Writing, picks: list[Picks]) -> Data:
    """A whole card for a friend, or hers, which she topped up before; nothing where her side refuses."""
    account = picks[0].one(stores(writer.program, "amount")).name
    if not picks[1].yes():
        return {"type": "transfer", "account": account, "to": picks[0].one(("f-1", "f-1", writer.customer_id))}
    friend, number, signals = State.new("f-1"), len(writer.events), list[Signal]()
    bought = {"type": "top_up", "amount": writer.shown(writer.amount(picks[2])), "account": account}
    for days, data in ((picks[2].one((3, 40)), bought), (1, {"type": "transfer", "account": account, "to": writer.customer_id})):
        head = {"id": f"f-{number}-{days}", "customer_id": "f-1", "occurred_at": writer.now - timedelta(days=days)}
        with suppress(CustrulesError):
            found = kernel.step(writer.program.rulebook, friend, writer.program.event({**head, **data}))
            friend = found.state
            effects = (effect for decision in found.decisions for effect in decision.effects)
            signals += [effect for effect in effects if isinstance(effect, Signal)] if found.verdict == "accepted" else []
    told = next((signal.delivered(writer.now) for signal in signals if signal.subject == writer.customer_id), None)
    return {name: told[name] for name in ("type", "account", "sender", "brought")} if told is not None else top_up(writer, picks)


def visit(writer: Writing, picks: list[Picks]) -> Data:
    """A visit, where there is a card for visits or a period one of it as often as not."""
    cards = stores(writer.program, "visits", "period")
    if not cards or not picks[0].yes():
        return {"type": "visit"}
    used = picks[1].one((None, 1, 2, 20))
    return {"type": "visit", "of": picks[0].one(cards).name} | ({"used": used} if used is not None else {})


def value_hold(writer: Writing, picks: list[Picks]) -> Data:
    store = picks[0].one(stores(writer.program, "amount", "visits"))
    after = picks[2].one((None, timedelta(minutes=30), timedelta(days=40), MICROSECOND))
    until = {} if after is None else {"until": writer.now + after}
    how_much = "amount" if store.form == "amount" else "used"
    return {"type": "hold", how_much: _shown(_units(writer, store, picks[1]), store), **until, **_named(writer, store)}


def value_capture(writer: Writing, held: Data, picks: Picks) -> Data:
    """A hold of stored value is captured, all of it, a part, or more than it."""
    part = picks.one((None, None, Fraction(1, 2), Fraction(2)))
    name = "amount" if "amount" in held else "used"
    scale = writer.program.rulebook.scale if name == "amount" else 0
    units = int(Fraction(held[name]) * 10**scale * part) if part is not None else 0
    return {"type": "capture", "of": held["id"]} | ({name: format(from_units(units, scale), "f")} if units else {})


def value_adjustment(writer: Writing, picks: list[Picks]) -> Data:
    store = picks[0].one(stores(writer.program, "amount", "visits"))
    units = _units(writer, store, picks[1]) * picks[2].one((1, -1))
    bucket = picks[0].one(("bonus", "principal"))
    return {"type": "adjustment", "account": f"{store.name}.{bucket}", "quantity": _shown(units, store), "reason": "a correction"}


def opened_value(writer: Writing, picks: list[Picks]) -> Data:
    """A balance as it comes from elsewhere: of a top-up that is told, or plain."""
    day = writer.today - timedelta(days=picks[1].one((5, 30, 400)))
    if picks[1].yes():
        return {"lots": [{"quantity": 100, "source": "paid"}, {"quantity": 20, "source": "granted", "day": day}], "owed": picks[2].one((0, 50))}
    left = picks[2].one((("70", "20"), ("0", "0"), ("100", "1")))
    return {"top_ups": [{"id": "old-1", "day": day, "paid": 100, "given": 20, "principal": left[0], "bonus": left[1], "last_day": "never"}]}
