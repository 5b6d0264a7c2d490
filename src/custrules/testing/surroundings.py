"""The program in which a policy is checked: a given one, or a small club with points and levels of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from custrules.errors import DocumentError
from custrules.policies import KINDS, built_in
from custrules.policy import Policy
from custrules.program import Program

CLUB: dict[str, Any] = {
    "id": "club",
    "zone": "Europe/London",
    "currency": "EUR",
    "profile": {"segment": {"type": "text", "values": ["staff", "regular", "vip"]}, "birthday": {"type": "birthday"}},
    "activities": {"check_in": {"steps": "number"}},
    "measures": {
        "spend": {"sum": "spend", "window": "12 months"},
        "orders": {"count": "purchase", "window": "12 months"},
        "lifetime_spend": {"sum": "spend", "window": "lifetime"},
        "lifetime_orders": {"count": "purchase", "window": "lifetime"},
        "referrals": {"count": "referral", "window": "12 months"},
        "idle": {"since": "purchase"},
    },
}
BESIDE: tuple[dict[str, Any], ...] = (
    {"id": "points", "kind": "points.account", "expiry": "6 months", "pending": "2 days"},
    {"id": "earn", "kind": "points.accrual", "points_per_unit": 1},
    {"id": "pay", "kind": "points.redemption", "value": {"points": 10, "money": "1.00"}},
    {"id": "give", "kind": "points.transfer", "send": {"minimum": 10, "fee": {"points": 1}}},
    {"id": "card", "kind": "stored_value.account", "form": "amount", "bonus_expiry": "2 months"},
    {"id": "top-up", "kind": "stored_value.top_up", "ladder": [{"pay": 100, "give": 20}], "mode": "highest"},
    {"id": "spend", "kind": "stored_value.spending", "order": "pro_rata"},
    {
        "id": "tier",
        "kind": "tiers.ladder",
        "levels": [{"name": "member"}, {"name": "silver", "enter": {"spend": ">= 100"}}, {"name": "gold", "enter": {"spend": ">= 300"}}],
        "term": "3 months",
        "downgrade": "one_level",
    },
)


def surrounded(policy: Policy, program: Program | None) -> Program:
    """A program that holds a policy: the given one where it does, the given one with it in the place of its id, or the club."""
    if program is not None and policy in program.policies:
        return program
    try:
        return _club(policy) if program is None else _with(policy, program)
    except DocumentError as error:
        error.add_note("check_policy(policy, program=...) takes a program that has what the policy refers to")
        raise


def _with(policy: Policy, program: Program) -> Program:
    data = program.document_data()
    others = [other for other in program.policies if other.id != policy.id]
    kinds = {other.kind: type(other) for other in (*others, policy) if built_in(other.kind) is not type(other)}
    sections = {name: value for name, value in data.items() if name not in ("custrules", "program", "policies")}
    return Program(id=program.id, policies=[*others, policy], kinds=kinds, **sections)


def _club(policy: Policy) -> Program:
    """The club, without those of its policies that would do the same work."""
    return Program(**CLUB, policies=[*_beside(policy), policy], kinds={policy.kind: type(policy)} if policy.kind not in KINDS else None)


def _beside(policy: Policy) -> Iterator[Policy]:
    for data in BESIDE:
        kind = built_in(data["kind"])
        assert kind is not None
        other = kind.read({name: value for name, value in data.items() if name != "kind"})
        same = other.id == policy.id or other.kind == policy.kind
        serves = set(other.serves) if other.works_with == policy.works_with else set()
        if not same and not set(other.writes()) & set(policy.writes()) and not serves & set(policy.serves):
            yield other
