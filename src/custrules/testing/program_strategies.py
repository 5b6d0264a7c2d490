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
    pending = draw(st.sampled_from((None, None, "1 day", "7 days", "1 month")))
    return {"id": "points", "kind": "points.account", "expiry": draw(st.sampled_from(EXPIRIES)), "scale": scale} | (
        {"pending": pending} if pending else {}
    )


@st.composite
def accruals(draw: st.DrawFn, policy_id: str) -> Data:
    accrual: Data = {"id": policy_id, "kind": "points.accrual", "rounding": draw(st.sampled_from(("floor", "ceil", "half_up", "half_even")))}
    accrual |= draw(bases())
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
    if draw(st.booleans()):
        accrual["counts"] = draw(counts())
    if draw(st.booleans()) and draw(st.booleans()):
        accrual["gratis"] = draw(st.booleans())
    return accrual


@st.composite
def bases(draw: st.DrawFn) -> Data:
    """What an award is computed from: a rate, steps, or several bases together."""
    found: Data = {}
    if draw(st.booleans()):
        rates = st.sampled_from(("1", "2", "1/3", "0.1", {"basic": 1, "silver": "1.25", "none": "0.5"}, {"silver": "3"}))
        found["points_per_unit"] = draw(rates)
    if not found or (draw(st.booleans()) and draw(st.booleans())):
        steps: Data = {"each": draw(st.sampled_from(("10", "7.5", "0.3", {"basic": 20, "silver": 10}))), "whole": draw(st.booleans())}
        found["points_per"] = steps | {"points": draw(st.sampled_from(("1", "3", {"silver": 2, "none": 1})))}
        if draw(st.booleans()) and draw(st.booleans()):
            found["points_per"] |= {"of": "quantity", "each": 2}
    if draw(st.booleans()) and draw(st.booleans()):
        found |= {"points": draw(st.sampled_from((5, {"silver": 3}))), "points_per_quantity": draw(st.sampled_from((1, "0.5")))}
    return found


@st.composite
def caps(draw: st.DrawFn) -> Data:
    at_most = draw(st.sampled_from((1, 20, 99, 100, 101, 250, {"silver": 50}, {"basic": 30, "silver": 300})))
    per = draw(st.sampled_from((*PERIODS, "campaign", "2012-01-15..2012-03-01")))
    cap = {"at_most": at_most, "per": per, "over": draw(st.sampled_from(("clip", "soft", "decline")))}
    more: list[Data] = [{}, {}, {"group": "g"}, {"when": {"channel": "app"}}, {"when": {"day_of_month": "< 15"}, "group": "g"}]
    return cap | draw(st.sampled_from(more))


@st.composite
def counts(draw: st.DrawFn) -> Data:
    """Switches of what earns."""
    switches = draw(st.lists(st.sampled_from(("discounts", "coupons", "tax", "delivery", "gift_cards", "top_ups")), max_size=3, unique=True))
    found: Data = {name: draw(st.booleans()) for name in switches}
    tenders = draw(st.lists(st.sampled_from(("cash", "card", "points")), max_size=2, unique=True))
    return found | ({"tenders": {name: draw(st.booleans()) for name in tenders}} if tenders else {})


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
        "coupons": draw(st.sampled_from(("keep_share", "requalify"))),
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
        "activities": {"check_in": {"steps": "number"}},
        "measures": draw(measures()),
        "policies": drawn,
    }


def made(data: Data, kinds: Mapping[str, type[Policy]] | None = None) -> Program:
    """The program of a document in data."""
    sections = {name: value for name, value in data.items() if name != "program"}
    return Program(id=data["program"], kinds=kinds, **sections)
