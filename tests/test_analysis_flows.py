"""What a posting is called, and what it changes."""

from __future__ import annotations

from datetime import date

import pytest

import custrules as cr
from custrules.analysis.flows import Account, Accounts, change
from custrules.policy import Posting, reason

SHOP = cr.Program(
    id="shop",
    zone="UTC",
    currency="CNY",
    policies=[
        {"kind": "points.account", "id": "points", "expiry": "never"},
        {"kind": "points.accrual", "id": "earn", "points_per_unit": 1},
    ],
)


def flows(source: str, target: str, policy: str = "earn") -> list[tuple[str, str, int]]:
    posting = Posting(source, target, "points", 0, 7)
    decision = cr.Decision(
        policy, date(2026, 1, 1), "e", "APPLIED", (reason("points.moved"),), (posting, cr.Status("tier", "gold", date(2026, 1, 1)))
    )
    return [(account.name, name, units) for account, name, units in Accounts(SHOP).flows([decision])]


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("world.issued", "points", [("points", "issued", 7)]),
        ("world.issued", "points.pending", [("points", "issued", 7)]),
        ("world.issued", "points.owed", [("points", "issued", 7), ("points", "settled", 7)]),
        ("points.pending", "points", []),
        ("points.pending", "points.owed", [("points", "settled", 7)]),
        ("points", "points.held", []),
        ("points", "world.spent", [("points", "redeemed", 7)]),
        ("points.held", "world.spent", [("points", "redeemed", 7)]),
        ("points", "world.expired", [("points", "expired", 7)]),
        ("points.pending", "world.reversed", [("points", "reversed", 7)]),
        ("points.owed", "world.reversed", [("points", "shortfall", 7)]),
        ("points.owed", "world.adjusted", [("points", "shortfall", 7)]),
        ("world.adjusted", "points", [("points", "adjusted", 7)]),
        ("points", "world.adjusted", [("points", "adjusted", -7)]),
        ("world.spent", "points", [("points", "given_back", 7)]),
        ("world.spent", "points.owed", [("points", "given_back", 7), ("points", "settled", 7)]),
        ("world.spent", "world.expired", [("points", "given_back", 7), ("points", "expired", 7)]),
        ("world.expired", "world.reversed", [("points", "forgiven", 7)]),
        ("world.paid", "world.withdrawn", []),
        ("world.paid", "card.principal", [("card", "paid", 7)]),
        ("card.principal", "world.withdrawn", [("card", "withdrawn", -7)]),
        ("points", "card.bonus", [("points", "transferred", -7), ("card", "transferred", 7)]),
        ("points.owed", "points", [("points", "shortfall", 7), ("points", "transferred", 7)]),
    ],
)
def test_a_posting_has_the_name_of_where_it_comes_from_or_goes_to(source: str, target: str, expected: list[tuple[str, str, int]]) -> None:
    assert flows(source, target) == expected


def test_a_posting_between_outsides_by_a_policy_of_no_account_is_of_none() -> None:
    assert flows("world.spent", "world.expired", policy="stranger") == []


@pytest.mark.parametrize(
    ("name", "expected"), [("issued", 7), ("adjusted", 7), ("redeemed", -7), ("settled", -7), ("shortfall", 0), ("forgiven", 0), ("paid", 7)]
)
def test_what_leaves_lowers_what_is_held_and_what_is_owed_or_gone_does_not(name: str, expected: int) -> None:
    assert change(name, 7) == expected


def test_the_accounts_of_a_program_are_known_with_unit_and_decimals() -> None:
    assert Accounts(SHOP).known == (Account("points", "points", 0),)
    assert Accounts(SHOP).of_policy == {"earn": "points", "points": "points"}
