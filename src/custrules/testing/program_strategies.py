"""Generated programs, as data: a ladder, an account, accruals, a redemption and returns settings, each in one or more versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from custrules.policy import Policy
from custrules.program import Program
from custrules.testing.churn_strategies import flags
from custrules.testing.ladder_strategies import ladders, later_levels, levels, measures
from custrules.testing.segment_strategies import segment_policies
from custrules.testing.value_strategies import Data, cards, versions

# Offsets of every kind: none, half hours, summer time at midnight (Havana, Sao Paulo), and a day that was left out (Apia).
ZONES = ("UTC", "Asia/Shanghai", "Europe/London", "America/New_York", "Asia/Kolkata", "America/Sao_Paulo", "America/Havana", "Pacific/Apia")
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
BY_LEVEL: Mapping[str, str] = {"basic": "1", "silver": "2"}


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
    others: Data = {"over": "clip", "with_coupon": False, "on_return": "full_return_only", "hold": {"length": "30 minutes"}}
    chosen = draw(st.lists(st.sampled_from(sorted(limits)), max_size=2, unique=True))
    also = draw(st.lists(st.sampled_from(sorted(others)), max_size=2, unique=True))
    redemption: Data = {"id": "pay", "kind": "points.redemption", "value": {"points": 10, "money": draw(st.sampled_from(("1", "1", dict(BY_LEVEL))))}}
    redemption |= {name: limits[name] for name in chosen} | {name: others[name] for name in also}
    if draw(st.booleans()):
        redemption["limits"] = draw(st.lists(spending_limits(("at_most", "money", "times")), min_size=1, max_size=2))
    if draw(st.booleans()):
        redemption["rewards"] = [draw(rewards("mug")), draw(rewards("cap"))][: draw(st.integers(1, 2))]
    return redemption


@st.composite
def spending_limits(draw: st.DrawFn, measures: tuple[str, ...]) -> Data:
    most: Data = {"at_most": (50, 100, {"basic": 20, "silver": 200}), "money": (5, 20), "times": (1, 3), "quantity": (1, 2)}
    measure = draw(st.sampled_from(measures))
    return {measure: draw(st.sampled_from(most[measure])), "per": draw(st.sampled_from((*PERIODS, "lifetime")))}


@st.composite
def rewards(draw: st.DrawFn, name: str) -> Data:
    """A reward for points, or for points and money; at times for some, for a while, or so many of it."""
    reward: Data = {"name": name, "points": draw(st.sampled_from((10, 50, {"basic": 40, "silver": 25}, {"silver": 25})))}
    more: Data = {
        "money": "2",
        "when": {"segment": "vip"},
        "last_day": "2012-03-31",
        "first_day": "2012-01-15",
        "limits": [draw(spending_limits(("at_most", "times", "quantity")))],
    }
    return reward | {part: more[part] for part in draw(st.lists(st.sampled_from(sorted(more)), max_size=2, unique=True))}


@st.composite
def transfers(draw: st.DrawFn) -> Data:
    limit = {"at_most": draw(st.sampled_from((50, 100, 150))), "times": draw(st.sampled_from((1, 3))), "per": draw(st.sampled_from(PERIODS[1:]))}
    send: Data = {"minimum": 10, "maximum": 100, "fee": {"points": 1, "share": "1%"}, "limits": [limit], "sources": ["purchase"], "received": False}
    chosen = draw(st.lists(st.sampled_from(sorted(send)), max_size=3, unique=True))
    when = draw(st.sampled_from(({}, {}, {"when": {"spend": ">= 100"}})))
    parts = {
        "send": {name: send[name] for name in chosen} | when,
        "pool": {"to": "household"} | draw(st.sampled_from(({}, {"when": {"orders": ">= 2"}}))),
        "sell": {"lines": {"sku": "B"}, "points_per_quantity": draw(st.sampled_from(("10", "1/3"))), "limits": [{"at_most": 100, "per": "30 days"}]},
    }
    kept = draw(st.sets(st.sampled_from(sorted(parts)), min_size=1))
    return {"id": "gifts", "kind": "points.transfer"} | {name: part for name, part in parts.items() if name in kept}


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


OCCASIONS: tuple[Any, ...] = (
    "birthday",
    {"anniversary": "joined", "every": "1 month"},
    {"anniversary": "first_purchase", "every": "10 days"},
    {"festival": ["spring_festival", "easter", "christmas"]},
    {"solar_term": ["立春", "start_of_summer"]},
    {"date": ["2011-12-30", "2012-02-29"]},
    {"after": "purchase", "by": ["1 day", "3 days", "1 month"], "again": "restart"},
    {"after": "check_in", "by": ["1 day", "10 days"], "again": "parallel", "stop": "return"},
    {"after": "purchase", "by": ["2 days", "7 days"], "again": "after_end"},
    {"after": "referral", "by": "3 days", "again": "never"},
    {"before": "points_expiry", "by": ["30 days", "3 days"]},
    {"before": "level_end", "by": ["1 month", "7 days"]},
    {"before": "birthday", "by": "7 days"},
    {"absent": "purchase", "for": "10 days"},
    {"absent": "check_in", "for": "7 days", "repeat": "1 month"},
    {"visit_every": {"silver": "20 days", "basic": "1 month"}, "since": "purchase"},
    {"visit_every": {"when": "spend", ">= 100": "10 days", "-": "30 days"}, "since": "contact"},
    {"reachable": "next_level", "within": "30%"},
    {"status": "tier", "rises_to": ">= silver"},
)


@st.composite
def triggers(draw: st.DrawFn, name: str = "care") -> Data:
    occasion = draw(st.sampled_from(OCCASIONS))
    late = isinstance(occasion, dict) and not {"visit_every", "reachable"} & occasion.keys()
    when = ({"spend": ">= 100"}, {"tier": ">= silver"}, {"birthday_month": True}, {"weekday": ["monday", "sunday"]}, {"points": ">= 50"})
    options = {"when": draw(st.sampled_from(when))} if draw(st.booleans()) else {}
    options |= {"validity": draw(st.sampled_from(("0 days", "5 days")))} if draw(st.booleans()) else {}
    options |= {"grace": "3 days", "belated": "late"} if late and draw(st.booleans()) else {}
    fixed = {"category": "daily", "purpose": draw(st.sampled_from(("service", "greeting", "marketing"))), "channels": ["sms"], "template": name}
    return {"id": name, "kind": "care.trigger", "occasion": occasion, **fixed, **options}


@st.composite
def program_documents(draw: st.DrawFn, policies: st.SearchStrategy[list[Data]] | None = None) -> Data:
    """A program in document form, behind the policies that ``policies`` draws."""
    rows = draw(levels())
    years = draw(st.sampled_from(("calendar", "membership")))
    scale = draw(st.sampled_from((0, 0, 0, 2)))
    drawn = [
        *(draw(policies) if policies is not None else ()),
        *versions(draw, draw(ladders(rows, years)), later_levels(rows).flatmap(lambda later: ladders(later, years))),
        *versions(draw, draw(accounts(scale)), accounts(scale)),
        *versions(draw, draw(accruals("earn")), accruals("earn")),
        *(versions(draw, draw(accruals("extra")), accruals("extra")) if draw(st.booleans()) else ()),
        *versions(draw, draw(redemptions()), redemptions()),
        *(versions(draw, draw(transfers()), transfers()) if draw(st.booleans()) else ()),
        *(draw(cards()) if draw(st.booleans()) else ()),
        *(draw(segment_policies()) if draw(st.booleans()) and draw(st.booleans()) else ()),
        *(versions(draw, draw(triggers()), triggers()) if draw(st.booleans()) else ()),
        *(versions(draw, draw(flags()), flags()) if draw(st.booleans()) and draw(st.booleans()) else ()),
    ]
    return {
        "program": "generated",
        "zone": draw(st.sampled_from(ZONES)),
        "currency": draw(st.sampled_from(("CNY", "CNY", "JPY"))),
        "late": draw(st.sampled_from(("3 days", "3 days", "36 hours", "0 days"))),
        "returns": draw(returns_rules()),
        "profile": {
            "segment": {"type": "text", "values": ["staff", "regular", "vip"]},
            "birthday": {"type": "birthday"},
            "household": {"type": "text"},
        },
        "activities": {"check_in": {"steps": "number"}, "delivered": {"order": "text"}},
        "readings": {"aum": {"type": "money"}},
        "measures": draw(measures()),
        "policies": drawn,
    }


def made(data: Data, kinds: Mapping[str, type[Policy]] | None = None) -> Program:
    """The program of a document in data."""
    sections = {name: value for name, value in data.items() if name != "program"}
    return Program(id=data["program"], kinds=kinds, **sections)
