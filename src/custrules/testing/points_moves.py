"""Moves of points and levels: spent, set aside, sent, brought along, given by hand."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

from custrules import kernel
from custrules.brought import packed
from custrules.calendars import start_of_day
from custrules.errors import CustrulesError
from custrules.policies.points import Redemption
from custrules.policy import StatusFact
from custrules.program import Program
from custrules.state import State
from custrules.testing.value_moves import card_transfer, opened_value, stores, value_adjustment, value_capture, value_hold
from custrules.testing.writing import MICROSECOND, Data, Picks, Writing


def _account(writer: Writing, picks: Picks) -> tuple[str, Data]:
    """An account, and how events name it: not at all where it is the first."""
    account = picks.one(tuple(writer.program.rulebook.accounts))
    return account, {} if account == writer.program.rulebook.first_account else {"account": account}


def redemption(writer: Writing, picks: list[Picks]) -> Data:
    """Points are spent, or a reward is asked for; where levels have benefits, one of them is used as often as not."""
    if benefits(writer.program) and (picks[3].yes() or not writer.program.rulebook.accounts):
        return _benefit(writer, picks)
    account, named = _account(writer, picks[0])
    rewards = _rewards(writer, account)
    if rewards and picks[2].yes():
        return {"type": "redemption", "reward": picks[2].one(rewards), "quantity": picks[2].one((1, 1, 2)), **named}
    return {"type": "redemption", "points": writer.quantity(writer.points(picks[1], account), account), **named}


def _rewards(writer: Writing, account: str) -> list[str]:
    rules = writer.program.rulebook
    policies = [policy for policy in rules.parts.policies if isinstance(policy, Redemption) and rules.resolve(policy.account) == account]
    return list(dict.fromkeys(reward.name for policy in policies for reward in policy.rewards))


def hold(writer: Writing, picks: list[Picks]) -> Data:
    if stores(writer.program, "amount", "visits") and (picks[3].yes() or not writer.program.rulebook.accounts):
        return value_hold(writer, picks)
    account, named = _account(writer, picks[0])
    after = picks[2].one((None, None, timedelta(minutes=30), timedelta(days=1), timedelta(days=40), MICROSECOND))
    until = {} if after is None else {"until": writer.now + after}
    return {"type": "hold", "points": writer.quantity(writer.points(picks[1], account), account), **until, **named}


def _held(writer: Writing, picks: Picks) -> Data | None:
    holds = [event for event in writer.known if event["type"] == "hold"]
    return picks.one((holds[-1], *holds[-3:])) if holds else None


def capture(writer: Writing, picks: list[Picks]) -> Data:
    held = _held(writer, picks[0])
    if held is None:
        return hold(writer, picks)
    if "points" not in held:
        return value_capture(writer, held, picks[1])
    part = picks[1].one((None, None, Fraction(1, 2), Fraction(9, 10), Fraction(2)))
    account = str(held.get("account") or writer.program.rulebook.first_account)
    units = int(Fraction(held["points"]) * 10 ** writer.program.rulebook.accounts[account][1] * part) if part is not None else 0
    return {"type": "capture", "of": held["id"]} | ({"points": writer.quantity(units, account)} if units else {})


def void(writer: Writing, picks: list[Picks]) -> Data:
    held = _held(writer, picks[0])
    return {"type": "void", "of": held["id"]} if held is not None else hold(writer, picks)


def redemption_cancelled(writer: Writing, picks: list[Picks]) -> Data:
    spent = [event for event in writer.known if event["type"] in ("redemption", "hold") or (event["type"] == "visit" and "of" in event)]
    if not spent:
        return redemption(writer, picks)
    of = picks[0].one(spent[-3:])
    part: Data = {}
    if picks[1].yes(3):  # a part, at times more than there is, or told by the wrong number
        part = picks[1].one(({"quantity": 1}, {"quantity": 2}, {"points": "1"}, {"points": "10"}))
    return {"type": "redemption_cancelled", "of": of["id"]} | part


def _benefit(writer: Writing, picks: list[Picks]) -> Data:
    """A benefit is used, at times more of it than there may be."""
    data: Data = {"type": "redemption", "reward": picks[0].one(benefits(writer.program))}
    return data | ({"quantity": picks[1].one((2, 3))} if picks[1].yes(4) else {})


def benefits(program: Program) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for policy in program.rulebook.companions for name in policy.gives_rewards()))


def transfer(writer: Writing, picks: list[Picks]) -> Data:
    """Points for a friend, at times back to her, or from her; or a whole card."""
    if stores(writer.program, "amount") and (picks[3].yes() or not writer.program.rulebook.accounts):
        return card_transfer(writer, picks)
    account = picks[0].one(tuple(writer.program.rulebook.accounts))
    data: Data = {"type": "transfer", "account": account}
    points = writer.quantity(writer.points(picks[1], account), account)
    if picks[0].yes(3):
        lots = [_moved_lot(writer, part, points) for part in picks[2 : 2 + picks[0].one((1, 2))]]
        return data | {"sender": "f-1", "lots": lots}
    back = {"back": True} if picks[0].yes(4) else {}
    return data | {"to": picks[0].one(("f-1", "f-2", writer.customer_id)), "points": points} | back


def _moved_lot(writer: Writing, picks: Picks, quantity: str) -> Data:
    day = writer.today - timedelta(days=picks.one((5, 30, 365)))  # by the day on which an event that comes late happened
    last = picks.one((day + timedelta(days=400), "never", writer.today, writer.today + timedelta(days=1), day))
    extra: Data = picks.one(({}, {"source": "purchase"}, {"provenance": writer.customer_id}))
    return {"quantity": quantity, "day": day, "last_day": last, **extra}


def opening(writer: Writing, picks: list[Picks]) -> Data:
    """What comes from elsewhere, where nothing has happened yet; else, now and then, one that is refused."""
    if writer.events and not picks[0].yes(4):
        return {"type": "visit"}
    rules = writer.program.rulebook
    if stores(writer.program, "amount") and picks[3].yes():
        return {"type": "opening", "balances": {stores(writer.program, "amount")[0].name: opened_value(writer, picks)}, "complete": picks[0].yes()}
    account = picks[0].one(tuple(rules.accounts))
    lots = [_moved_lot(writer, part, writer.quantity(writer.points(part, account), account)) for part in picks[1:3]]
    balance: Data = {"lots": [lot for lot in lots if lot["last_day"] == "never" or lot["last_day"] >= lot["day"]], "owed": picks[3].one((0, 5, 50))}
    statuses = [] if not ladders(writer.program) else [picks[3].one(tuple(ladders(writer.program).items()))]
    levels = {status: {"level": picks[3].one(names), **_term(writer, picks[3])} for status, names in statuses}
    return {"type": "opening", "balances": {account: balance}, "levels": levels, "complete": picks[0].yes()}


def _term(writer: Writing, picks: Picks) -> Data:
    until = picks.one((None, 30, 0))
    return {} if until is None else {"until": writer.today + timedelta(days=until), "since": writer.today - timedelta(days=100)}


def closure(writer: Writing, picks: list[Picks]) -> Data:
    """Rarely, for little happens after it."""
    return {"type": "closure", "reason": "asked"} if picks[0].yes(5) else {"type": "visit"}


def merge(writer: Writing, picks: list[Picks]) -> Data:
    """Another card comes in; rarely this one ends in another, for nothing happens after that."""
    if picks[0].yes(5):
        return {"type": "merge", "into": "f-1"}
    if not picks[0].yes():
        return {"type": "visit"}
    other = State.new("f-2")
    for number, part in enumerate(picks[1:]):
        at = start_of_day(writer.today - timedelta(days=part.one((3, 40, 100))), writer.program.zone) + timedelta(minutes=number)
        head = {"id": f"{len(writer.events)}-{number}", "customer_id": "f-2", "occurred_at": at}
        kind = "top_up" if stores(writer.program, "amount") and part.yes() else "purchase"
        event = writer.program.event({"type": kind, "amount": writer.shown(writer.amount(part)), **head})
        with suppress(CustrulesError):
            other = kernel.step(writer.program.rulebook, other, event).state
    return {"type": "merge", "of": "f-2", "brought": packed(other)} if other.day is not None else {"type": "visit"}


def adjustment(writer: Writing, picks: list[Picks]) -> Data:
    if stores(writer.program, "amount", "visits") and (picks[3].yes() or not writer.program.rulebook.accounts):
        return value_adjustment(writer, picks)
    account = picks[0].one(tuple(writer.program.rulebook.accounts))
    quantity = Decimal(writer.quantity(writer.points(picks[1], account), account))
    return {"type": "adjustment", "account": account, "quantity": picks[0].one((1, 10, 1, -1)) * quantity, "reason": "by hand"}


def ladders(program: Program) -> dict[str, tuple[str, ...]]:
    """The statuses that hold levels, with their levels."""
    given = program.rulebook.given.values()
    return {fact.status: fact.type.values for fact in given if isinstance(fact, StatusFact) and fact.granted}


def tier_grant(writer: Writing, picks: list[Picks]) -> Data:
    status, levels = picks[0].one(tuple(ladders(writer.program).items()))
    until = picks[0].one((None, 30, 365, 0, -1))
    data = {"type": "tier_grant", "status": status, "level": picks[0].one(levels), "reason": "match"}
    return data | ({"until": writer.today + timedelta(days=until)} if until is not None else {})
