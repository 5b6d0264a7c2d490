"""Generated programs, as data: a ladder, an account, accruals, a redemption and returns settings, each in one or more versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from custrules.policy import Policy
from custrules.program import Program

# Offsets of every kind: none, half hours, summer time at midnight (Havana, Sao Paulo), and a day that was left out (Apia).
ZONES = ("UTC", "Asia/Shanghai", "Europe/London", "America/New_York", "Asia/Kolkata", "America/Sao_Paulo", "America/Havana", "Pacific/Apia")
VERSIONS = ("2011-10-01", "2012-01-01", "2012-02-29", "2012-07-01")  # first days inside most histories
WINDOWS = ("1 day", "7 days", "30 days", "1 month", "3 months", "12 months", "this calendar month", "last calendar month", "this calendar quarter")
TERMS = ("none", "14 days", "1 month", "3 months", {"length": "3 months", "rounded_to": "end_of_month"}, "12 months")
EXPIRIES = ("never", "6 months", "10 days", "1 month", {"length": "2 months", "rounded_to": "end_of_month"}, {"length": "1 month", "plus": "3 days"})
ACCOUNT_OPTIONS: dict[str, tuple[Any, ...]] = {
    "expiry": (
        {"day_of_year": "02-29"},
        {"day_of_year": "12-31", "after": "1 month", "plus": "3 days"},
        "0 days",
        {"inactivity": "1 month"},
        {"inactivity": "10 days", "zero_point_purchase_extends": True, "goodwill_extends": True},
        {"inactivity": "1 month", "of": ["purchase", "check_in"], "zero_point_purchase_extends": False},
        {"length": "1 month", "inactivity": "14 days", "of": "check_in", "rounded_to": "end_of_month"},
    ),
    "pending": (
        {"until": "return_window", "expiry_from": "usable"},
        {"length": "3 days", "expiry_from": "usable"},
        {"until": "check_in"},
        {"until": "delivered", "by": "order", "time_out": "7 days"},
        {"until": "check_in", "time_out": "3 days", "otherwise": "cancelled"},
    ),
    "order": ("oldest", "newest"),
    "debt": (
        "from_refund",
        {"then": "from_refund", "value": {"points": 3, "money": 1}},
        "write_off",
        {"then": "write_off", "at_most": 50, "per": "1 month"},
        {"then": "write_off", "at_most": 10},
    ),
    "grace": ("3 days",),
    "suspended": ({"tier": ">= silver"}, {"spend": ">= 100"}, {"weekday": ["saturday", "sunday"]}),
    "decay": (
        {"share": "5%", "at_least": 5, "per": "week"},
        {"share": "1/3", "per": "month", "rounding": "half_up", "when": {"idle": ">= 10"}},
        {"share": "10%", "per": "day", "when": {"weekday": "monday"}},
    ),
    "reinstatement": (
        {"within": "10 days", "event": "check_in", "last_day": "1 month"},
        {"within": "1 month", "when": {"visits": ">= 10"}, "last_day": {"day_of_year": "12-31"}},
        {"within": "3 days", "when": {"weekday": "sunday"}, "last_day": "0 days"},
    ),
    "adjustments": ({"expiry": "3 days"}, {"without_approver": 50}),
}
PERIODS = ("event", "calendar day", "calendar week", "calendar month", "30 days")
MEASURES = ("spend", "spend_before", "orders", "referrals", "idle", "visits")

Data = dict[str, Any]


@st.composite
def measures(draw: st.DrawFn) -> Data:
    window = st.sampled_from(WINDOWS)
    return {
        "spend": {"sum": "spend", "window": draw(window)},
        "spend_before": {"sum": "spend", "window": draw(st.sampled_from(("last calendar month", "last 2 calendar months", "lifetime")))},
        "orders": {"count": "purchase", "window": draw(window)},
        "referrals": {"count": "referral", "window": draw(window)},
        "idle": {"since": "purchase"},
        "visits": {"sum": "check_in", "window": draw(window)},
        "food": {"sum": "spend", "window": draw(window), "lines": {"category": "food"}},
    }


@st.composite
def levels(draw: st.DrawFn) -> list[Data]:
    names = ("basic", "silver", "gold", "diamond")[: draw(st.integers(2, 4))]
    rows: list[Data] = [{"name": "basic"}]
    if draw(st.booleans()) and draw(st.booleans()):
        rows = [{"name": "basic", "enter": {"orders": ">= 1"}}]
    for rank, name in enumerate(names[1:], 1):
        enter: Data = draw(st.sampled_from(({"spend": f">= {rank * 100}"}, {"orders": f">= {rank + 1}"}, {"visits": f">= {rank * 10}"})))
        if draw(st.booleans()):
            others = (
                {"referrals": f">= {rank}"},
                {"points": f">= {rank * 150}"},
                {"spend_before": f">= {rank * 50}"},
                {"weekday": "sunday", "spend": ">= 50"},
            )
            enter = {"any": [enter, draw(st.sampled_from(others))]}
        keep = [{}, {"keep": {"spend": f">= {rank * 50}"}}, {"keep": {"any": [{"orders": ">= 1"}, {"idle": "<= 20"}]}}]
        rows.append({"name": name, "enter": enter, **draw(st.sampled_from(keep))})
    return rows


@st.composite
def ladders(draw: st.DrawFn, rows: list[Data]) -> Data:
    ladder: Data = {"id": "tier", "kind": "tiers.ladder", "levels": rows, "term": draw(st.sampled_from(TERMS))}
    ladder["downgrade"] = draw(st.sampled_from(("one_level", "to_earned")))
    if draw(st.booleans()) and draw(st.booleans()):
        ladder |= {"upgrade": "at_review", "review": {"every": draw(st.sampled_from(("month", "quarter"))), "day": draw(st.sampled_from((1, 5, 28)))}}
    if draw(st.booleans()):
        ladder["lost_on_return"] = draw(st.sampled_from(("at_once", "at_review")))
    if draw(st.booleans()):
        ladder["exclude"] = [{"when": {"segment": "staff"}, "reason": "staff"}]
    return ladder


@st.composite
def accounts(draw: st.DrawFn, scale: int) -> Data:
    """An account with a date for its lots; at times with one or two of the other things that it may do."""
    account: Data = {"id": "points", "kind": "points.account", "expiry": draw(st.sampled_from(EXPIRIES)), "scale": scale}
    pending = draw(st.sampled_from((None, None, "1 day", "7 days", "1 month")))
    account |= {"pending": pending} if pending else {}
    if draw(st.booleans()):
        chosen = draw(st.lists(st.sampled_from(sorted(ACCOUNT_OPTIONS)), min_size=1, max_size=3, unique=True))
        account |= {name: draw(st.sampled_from(ACCOUNT_OPTIONS[name])) for name in chosen}
    return account


@st.composite
def accruals(draw: st.DrawFn, policy_id: str) -> Data:
    accrual: Data = {"id": policy_id, "kind": "points.accrual", "rounding": draw(st.sampled_from(("floor", "ceil", "half_up", "half_even")))}
    accrual["points_per_unit"] = draw(st.sampled_from(("1", "2", "1/3", "0.1", {"basic": 1, "silver": "1.25", "none": "0.5"}, {"silver": "3"})))
    rows = ({"by": 2, "when": {"segment": "vip"}}, {"by": "1.5", "when": {"birthday_month": True}}, {"by": 3, "when": {"day_of_month": 8}})
    accrual["multiply"] = draw(st.lists(st.sampled_from(rows), max_size=2, unique_by=str))
    accrual["combine"] = draw(st.sampled_from(("best", "product", "sum_of_extras")))
    if draw(st.booleans()):
        accrual["bonuses"] = [{"points": draw(st.sampled_from((5, 50))), "when": draw(st.sampled_from(({"amount": ">= 50"}, {"channel": "app"})))}]
    if draw(st.booleans()):
        accrual["exclude_lines"] = {"category": "gift"}
    if draw(st.booleans()):
        accrual["multiply_lines"] = [{"by": 2, "lines": {"sku": "B"}}]
    if draw(st.booleans()):
        accrual["caps"] = draw(st.lists(caps(), min_size=1, max_size=2))
    return accrual


@st.composite
def caps(draw: st.DrawFn) -> Data:
    at_most, per = draw(st.sampled_from((1, 20, 99, 100, 101, 250))), draw(st.sampled_from(PERIODS))
    return {"at_most": at_most, "per": per, "over": draw(st.sampled_from(("clip", "soft", "decline")))}


@st.composite
def redemptions(draw: st.DrawFn) -> Data:
    limits: Data = {"minimum": 10, "maximum": 100, "step": 5, "max_share": "50%"}
    chosen = draw(st.lists(st.sampled_from(sorted(limits)), max_size=2, unique=True))
    return {"id": "pay", "kind": "points.redemption", "value": {"points": 10, "money": "1"}} | {name: limits[name] for name in chosen}


@st.composite
def returns_rules(draw: st.DrawFn) -> Data:
    rule: Data = {
        "window": draw(st.sampled_from(("366 days", "366 days", "30 days", "2 days"))),
        "tenders": draw(st.sampled_from(("reverse", "pro_rata"))),
    }
    if draw(st.booleans()):
        methods = draw(st.lists(st.sampled_from(("same_sku_latest", "same_price_latest")), min_size=1, max_size=2, unique=True))
        unmatched = draw(st.sampled_from(("spend_only", "decline", "to_person")))
        rule["matching"] = {"match": methods, "within": draw(st.sampled_from(("90 days", "10 days"))), "unmatched": unmatched}
    return rule


def versions(draw: st.DrawFn, first: Data, again: st.SearchStrategy[Data]) -> list[Data]:
    """A policy, and at times a next version of it, changed or retired."""
    kind = draw(st.sampled_from(("one",) * 5 + ("changed", "changed", "retired")))
    if kind == "one":
        return [first]
    day = draw(st.sampled_from(VERSIONS))
    return [first, (draw(again) if kind == "changed" else {**first, "retired": True}) | {"effective_from": day}]


@st.composite
def program_documents(draw: st.DrawFn, policies: st.SearchStrategy[list[Data]] | None = None) -> Data:
    """A program in document form, behind the policies that ``policies`` draws."""
    rows = draw(levels())
    scale = draw(st.sampled_from((0, 0, 0, 2)))
    drawn = [
        *(draw(policies) if policies is not None else ()),
        *versions(draw, draw(ladders(rows)), ladders(rows)),
        *versions(draw, draw(accounts(scale)), accounts(scale)),
        *versions(draw, draw(accruals("earn")), accruals("earn")),
        *(versions(draw, draw(accruals("extra")), accruals("extra")) if draw(st.booleans()) else ()),
        *versions(draw, draw(redemptions()), redemptions()),
    ]
    return {
        "program": "generated",
        "zone": draw(st.sampled_from(ZONES)),
        "currency": draw(st.sampled_from(("CNY", "CNY", "JPY"))),
        "late": draw(st.sampled_from(("3 days", "3 days", "36 hours", "0 days"))),
        "returns": draw(returns_rules()),
        "profile": {"segment": {"type": "text", "values": ["staff", "regular", "vip"]}, "birthday": {"type": "birthday"}},
        "activities": {"check_in": {"steps": "number"}, "delivered": {"order": "text"}},
        "measures": draw(measures()),
        "policies": drawn,
    }


def made(data: Data, kinds: Mapping[str, type[Policy]] | None = None) -> Program:
    """The program of a document in data."""
    sections = {name: value for name, value in data.items() if name != "program"}
    return Program(id=data["program"], kinds=kinds, **sections)
