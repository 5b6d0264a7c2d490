"""Moves of refunds: asked for, completed, decided, paid; out of turn as often as in it."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

from custrules.policies.stored_value.refund import Refund
from custrules.program import Program
from custrules.testing.value_moves import stores, top_up
from custrules.testing.writing import Data, Maker, Picks, Writing


def refunds(program: Program) -> tuple[str, ...]:
    """The causes that the refunds of a program list; nothing for one without refunds."""
    found = (policy for policy in program.policies if isinstance(policy, Refund))
    return tuple(dict.fromkeys(name for policy in found for name in policy.causes.listed()))


def _asked(writer: Writing) -> list[Data]:
    return [event for event in writer.known if event["type"] == "refund_request" and event.get("documents") is None]


def request(writer: Writing, picks: list[Picks]) -> Data:
    """Of a top-up, or of all of an account; in part now and then; or what a request lacked."""
    paid = [event for event in writer.known if event["type"] == "top_up"]
    if not paid:
        return top_up(writer, picks)
    asked = _asked(writer)
    if asked and picks[0].yes(4):
        known = asked[-1]
        return {"type": "refund_request", "of": known["id"], "cause": known["cause"], "documents": ["id_card", "receipt"]}
    data: Data = {"type": "refund_request", "cause": picks[0].one((*refunds(writer.program), "consumer"))}
    data |= {"account": picks[1].one(stores(writer.program)).name} if picks[1].yes(3) else {"of": picks[1].one((paid[-1], *paid[-3:]))["id"]}
    if "paid" in paid[-1] and picks[2].yes():
        data |= {"visits": picks[2].one((1, 2, 5, 20))}
    elif picks[2].yes(3):
        part = int(Fraction(paid[-1]["amount"]) * 10**writer.program.rulebook.scale * picks[2].one((Fraction(1, 3), Fraction(1, 2), Fraction(2))))
        data |= {"amount": writer.shown(max(part, 1))}
    if picks[3].yes(4):
        data |= {"stopped": writer.today - timedelta(days=picks[3].one((0, 3, 30)))}
    return data


def decision(writer: Writing, picks: list[Picks]) -> Data:
    asked = _asked(writer)
    if not asked:
        return request(writer, picks)
    of = picks[0].one((asked[-1], *asked[-3:]))
    return {"type": "refund_decision", "of": of["id"], "approved": not picks[1].yes(3), "by": picks[2].one(("head", "boss", "nobody"))}


def payment(writer: Writing, picks: list[Picks]) -> Data:
    asked = _asked(writer)
    if not asked:
        return request(writer, picks)
    return {"type": "refund_paid", "of": picks[0].one((asked[-1], *asked[-3:]))["id"]}


REFUND_MAKERS: dict[str, Maker] = {"refund_request": request, "refund_decision": decision, "refund_paid": payment}
