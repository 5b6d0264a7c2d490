"""Strategies of stored value: accounts with what fills and empties them, in versions; as parts of generated programs."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

Data = dict[str, Any]
VERSIONS = ("2011-10-01", "2012-01-01", "2012-02-29", "2012-07-01")  # first days inside most histories


def versions(draw: st.DrawFn, first: Data, again: st.SearchStrategy[Data]) -> list[Data]:
    """A policy, and at times a next version of it, changed or retired."""
    kind = draw(st.sampled_from(("one",) * 5 + ("changed", "changed", "retired")))
    if kind == "one":
        return [first]
    day = draw(st.sampled_from(VERSIONS))
    return [first, (draw(again) if kind == "changed" else {**first, "retired": True}) | {"effective_from": day}]


@st.composite
def cards(draw: st.DrawFn) -> list[Data]:
    """A stored value account with what fills and empties it, and at times a card for visits beside it."""
    account: Data = {
        "id": "card",
        "kind": "stored_value.account",
        "form": "amount",
        "bonus_expiry": draw(st.sampled_from(("never", "10 days", "2 months"))),
    }
    account |= draw(
        st.sampled_from(({}, {}, {"limit": {"per_member": 1500}}, {"on_closure": "forfeit_bonus"}, {"dormancy": {"after": "9 days", "fee": 3}}))
    )
    found = [account, *versions(draw, draw(top_ups()), top_ups()), *versions(draw, draw(spendings("card")), spendings("card"))]
    if draw(st.booleans()):
        form = draw(st.sampled_from(({"form": "visits"}, {"form": "period", "length": "30 days"})))
        found += [
            {"id": "lessons", "kind": "stored_value.account", **form},
            {"id": "buy-lessons", "kind": "stored_value.top_up", "account": "lessons"},
            draw(spendings("lessons")),
        ]
    return found + (draw(refunds()) if draw(st.booleans()) else [])


@st.composite
def refunds(draw: st.DrawFn) -> list[Data]:
    """What goes back of every stored value account, in versions."""
    bases = st.sampled_from(("paid_minus_ratio", "paid_minus_list", "paid_minus_face", "principal_remaining"))
    fees: st.SearchStrategy[Data] = st.sampled_from(
        ({}, {"fee": {"percent": "3%", "min": 2}}, {"interest": {"rate": "4%", "from": "payment"}}, {"unless": "used"})
    )

    @st.composite
    def one(draw: st.DrawFn) -> Data:
        causes = {name: {"basis": draw(bases), **draw(fees)} for name in draw(st.sampled_from((("merchant",), ("consumer", "merchant"))))}
        policy: Data = {"id": "refund", "kind": "stored_value.refund", "causes": causes, "top_ups": draw(st.sampled_from(("each", "pooled")))}
        policy |= draw(st.sampled_from(({}, {"bonus": "surrender_pro_rata"}, {"bonus": "requalify"}, {"bonus": {"convert": "50%"}})))
        process: Data = {"freeze_on_request": draw(st.booleans()), "sla": "5 days"}
        process |= draw(st.sampled_from(({}, {"approval": [{"up_to": 60, "by": "boss"}, {"by": "head"}]}, {"documents": ["id_card"]})))
        process |= draw(st.sampled_from(({}, {"remind": [{"at": "50%", "to": "boss"}]})))
        return policy | draw(st.sampled_from(({}, {"process": process}, {"process": process})))

    return versions(draw, draw(one()), one())


@st.composite
def top_ups(draw: st.DrawFn) -> Data:
    rows: list[Data] = [
        {"pay": 100, "give": 20},
        {"pay": 500, "give": 80},
        {"pay": 50, "percent": "12.5%", "cap": 30},
        {"pay": 90, "give": 50, "first": True},
    ]
    chosen = draw(st.lists(st.sampled_from(rows), max_size=3, unique_by=str))
    top_up: Data = {"id": "top-up", "kind": "stored_value.top_up", "owed_on_chargeback": draw(st.sampled_from(("face", "ratio")))}
    return top_up | ({"ladder": chosen, "mode": draw(st.sampled_from(("highest", "per_multiple", "largest_first")))} if chosen else {})


@st.composite
def spendings(draw: st.DrawFn, account: str) -> Data:
    spending: Data = {"id": f"spend-{account}", "kind": "stored_value.spending", "account": account}
    spending["order"] = draw(st.sampled_from(("principal_first", "bonus_first", "pro_rata", "priority")))
    spending["top_ups"] = draw(st.sampled_from(("fifo", "lifo", "soonest_bonus")))
    return spending | draw(st.sampled_from(({}, {"hold": {"length": "30 minutes"}}, {"buys_gift_cards": True})))
