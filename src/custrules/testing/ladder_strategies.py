"""Strategies of measures and ladders: levels with their thresholds and benefits, terms, reviews; as parts of generated programs."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from custrules.testing.value_strategies import Data

WINDOWS = ("1 day", "7 days", "30 days", "1 month", "3 months", "12 months", "this calendar month", "last calendar month", "this calendar quarter")
TERMS = ("none", "14 days", "1 month", "3 months", {"length": "3 months", "rounded_to": "end_of_month"}, "12 months")
ANCHORED = (  # terms that are counted from something else than the upgrade
    {"length": "3 months", "from": "join_date", "minimum": "1 month"},
    {"length": "30 days", "from": "join_date", "rounded_to": "end_of_month"},
    {"length": "3 months", "from": "01-31"},
    {"length": "1 year", "from": "03-01", "plus": "10 days", "minimum": "2 months"},
)
BENEFIT_PERIODS = ("calendar month", "birthday year", "10 days", "membership year", "calendar day", "lifetime")

FURTHER: tuple[dict[str, Any], ...] = (
    {"average": "aum", "window": "30 days"},
    {"best": "aum", "window": "this calendar month"},
    {"best": "spend", "window": "3 months"},
    {"best": "spend", "per": "month", "window": "12 months"},
    {"average": "spend", "per": "week", "window": "last 4 calendar weeks"},
    {"average": "spend", "per": "month", "window": "last 2 calendar months", "skip": "1 month"},
    {"sum": "spend", "window": "30 days", "skip": "10 days"},
    {"gap": "purchase"},
    {"sum": "spend", "window": "qualifying year"},
    {"count": "purchase", "window": "membership year"},
    {"sum": "spend", "window": "since level"},
)


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
        "year_spend": {"sum": "spend", "window": "qualifying year"},
        "level_spend": {"sum": "spend", "window": "since level"},
        "food": {"sum": "spend", "window": draw(window), "lines": {"category": "food"}},
        "further": draw(st.sampled_from(FURTHER)),
    }


@st.composite
def levels(draw: st.DrawFn) -> list[Data]:
    names = ("basic", "silver", "gold", "diamond")[: draw(st.integers(2, 4))]
    rows: list[Data] = [{"name": "basic"}]
    if draw(st.booleans()) and draw(st.booleans()):
        rows = [{"name": "basic", "enter": {"orders": ">= 1"}}]
    for rank, name in enumerate(names[1:], 1):
        first = ({"spend": f">= {rank * 100}"}, {"orders": f">= {rank + 1}"}, {"visits": f">= {rank * 10}"}, {"year_spend": f">= {rank * 150}"})
        enter: Data = draw(st.sampled_from(first))
        if draw(st.booleans()):
            others = (
                {"referrals": f">= {rank}"},
                {"points": f">= {rank * 150}"},
                {"spend_before": f">= {rank * 50}"},
                {"level_spend": f">= {rank * 120}"},
                {"further": f">= {rank * 20}"},
                {"aum": f">= {rank * 100}"},
                {"weekday": "sunday", "spend": ">= 50"},
            )
            enter = {"any": [enter, draw(st.sampled_from(others))]}
        keep = [{}, {"keep": {"spend": f">= {rank * 50}"}}, {"keep": {"any": [{"orders": ">= 1"}, {"idle": "<= 20"}]}}]
        rows.append({"name": name, "enter": enter, **draw(st.sampled_from(keep))})
    return draw(benefits(rows)) if draw(st.booleans()) else rows


@st.composite
def benefits(draw: st.DrawFn, rows: list[Data]) -> list[Data]:
    """The levels with benefits: uses of one kind that grow with the level, a price, gifts for those that are reached."""
    per, once = draw(st.sampled_from(BENEFIT_PERIODS)), draw(st.sampled_from(("per term", "per level", "ever")))
    on_loss = draw(st.sampled_from(("keep", "take_back")))
    found = []
    for rank, row in enumerate(rows):
        own: list[Data] = [{"name": "upsize", "quantity": rank + 1, "per": per}] if rank or draw(st.booleans()) else []
        own += [{"name": "price", "factor": f"0.{9 - rank}"}] if draw(st.booleans()) else []
        own += [{"name": "gift", "points": rank * 20, "once": once, "on_loss": on_loss}] if rank and draw(st.booleans()) else []
        found.append({**row, "benefits": own} if own else row)
    return found


@st.composite
def later_levels(draw: st.DrawFn, rows: list[Data]) -> list[Data]:
    """The levels of a next version: as they were, with other thresholds, with another name for one, or with one more."""
    changed = [dict(row) for row in rows]
    top = changed[-1]
    if draw(st.booleans()):
        top["enter"] = {"spend": draw(st.sampled_from((">= 20", ">= 1000")))}
    if draw(st.booleans()):
        top["was"], top["name"] = top["name"], "best"
    if draw(st.booleans()):
        changed.insert(len(changed) - 1, {"name": "extra", "enter": {"orders": draw(st.sampled_from((">= 1", ">= 9")))}})
    return changed


@st.composite
def ladders(draw: st.DrawFn, rows: list[Data], years: str = "calendar") -> Data:
    ladder: Data = {"id": "tier", "kind": "tiers.ladder", "levels": rows, "qualifying_year": years}
    after_the_year = {"length": "2 months", "from": "end_of_qualifying_year"}
    ladder["term"] = draw(st.sampled_from((*TERMS, *ANCHORED, after_the_year)))
    ladder["downgrade"] = draw(st.sampled_from(("one_level", "to_earned")))
    if draw(st.booleans()) and draw(st.booleans()):
        ladder |= {"upgrade": "at_review", "review": draw(reviews())}
    elif draw(st.booleans()) and draw(st.booleans()):
        ladder |= {"term": "none", "review": draw(reviews())}
    if "review" in ladder and draw(st.booleans()):
        ladder["watch"] = draw(watches(any("'spend'" in str(row.get("enter")) for row in rows)))
    if draw(st.booleans()):
        ladder["lost_on_return"] = draw(st.sampled_from(("at_once", "at_review")))
    if draw(st.booleans()):
        ladder["exclude"] = [{"when": {"segment": "staff"}, "reason": "staff"}]
    if draw(st.booleans()) and draw(st.booleans()):
        length = draw(st.sampled_from(("10 days", "2 months", {"length": "1 month", "rounded_to": "end_of_month"})))
        ladder["bought"] = [{"event": "check_in", "level": rows[-1]["name"], "length": length}]
    asked = [row["name"] for row in rows if row.get("enter", {}).get("year_spend")]
    if asked and asked[-1] == rows[-1]["name"]:
        ladder["rollover"] = [{"measure": "year_spend", "above": "level_held", "from_level": rows[-1]["name"]}]
    if ladder["term"] != "none" and draw(st.booleans()):
        lounge = {"name": "lounge", "quantity": draw(st.sampled_from((1, 2))), "per": "term"}
        ladder["levels"] = [*rows[:-1], {**rows[-1], "benefits": [*rows[-1].get("benefits", ()), lounge]}]
    legacy = ("keep_until_term_end", "review_at_once", {"notice": "20 days"})
    return ladder | {"legacy": draw(st.sampled_from(legacy))}


@st.composite
def reviews(draw: st.DrawFn) -> Data:
    return {"every": draw(st.sampled_from(("month", "quarter"))), "day": draw(st.sampled_from((1, 5, 28)))}


@st.composite
def watches(draw: st.DrawFn, by_spend: bool) -> Data:
    """``by_spend``: the levels ask for what is spent, so that its best value can tell."""
    watch: Data = {"after": draw(st.sampled_from(("1 review below", "2 reviews below"))), "lasts": draw(st.sampled_from(("1 review", "3 reviews")))}
    then = draw(st.sampled_from((None, "one_level", *(({"to": "best_of", "measure": "spend"},) if by_spend else ()))))
    return watch if then is None else watch | {"then": then}
