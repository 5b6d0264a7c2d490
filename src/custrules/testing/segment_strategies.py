"""Generated policies that say what a customer is: bands, a matrix, RFM, stages, the quality of a record; as data, under names of their own."""

from __future__ import annotations

from hypothesis import strategies as st

from custrules.testing.value_strategies import Data


@st.composite
def segment_policies(draw: st.DrawFn) -> list[Data]:
    """One to three of them, in any order: one that reads another may stand before it."""
    kinds = draw(st.lists(st.sampled_from((bands, matrices, scores, stages, records)), min_size=1, max_size=3, unique=True))
    return [draw(kind()) for kind in kinds]


@st.composite
def bands(draw: st.DrawFn) -> Data:
    cells: Data = {
        "spend": {"low": "< 50", "mid": "[50..150)", "high": ">= 150"},
        "idle": {"fresh": "<= 9", "cool": "(9..40]"},  # beyond, and before the first purchase, there is none
        "points": {"few": "< 20", "many": "-"},
        "aum": {"none_known": "missing", "some": ">= 0"},
        "orders": {"odd": ["1", "3", "5"], "even": "not(1, 3, 5)"},
    }
    measure = draw(st.sampled_from(sorted(cells)))
    return {"id": "worth", "kind": "segments.bands", "measure": measure, "bands": cells[measure]}


@st.composite
def matrices(draw: st.DrawFn) -> Data:
    output: Data = draw(st.sampled_from(({"name": "s"}, {"name": "s", "default": "rest"})))
    rows = [[">= silver", "<= 15", "key"], ["-", "<= 30", "core"]]
    table: Data = {"hit": draw(st.sampled_from(("FIRST", "UNIQUE"))), "inputs": ["tier", "idle"], "outputs": [output], "rows": rows}
    return {"id": "group", "kind": "segments.matrix", "status": "group", "table": table}


@st.composite
def scores(draw: st.DrawFn) -> Data:
    parts = {"recency": "idle", "frequency": "orders", "monetary": "spend"}
    cuts = {"recency": [2, 9, 20, 40], "frequency": [2, 3, 4, 6], "monetary": [10, "99.50", 150, 300]}
    high = {"recency": draw(st.sampled_from((10, "< 10"))), "frequency": 2, "monetary": draw(st.sampled_from((100, "> 100")))}
    more: Data = draw(
        st.sampled_from(({"cuts": cuts}, {"cuts": cuts, "map": "rf_map", "at_cut": "below"}, {"high": high}, {"cuts": cuts, "high": high}))
    )
    return {"id": "rfm", "kind": "segments.rfm", "status": "rfm", **parts, **more}


@st.composite
def stages(draw: st.DrawFn) -> Data:
    rows: list[Data] = [
        {"name": "begun", **draw(st.sampled_from(({}, {"from": "none"})))},
        {"name": "lost", "when": {"idle": "> 40"}},
        {"name": "risk", "when": {"idle": "> 15"}, "from": ["active", "back"]},
        {"name": "active", "when": {"orders": ">= 1"}, "from": ["none", "begun", "risk", "back"]},
        {"name": "back", "when": {"idle": "<= 15"}, "from": "lost", "stays": draw(st.sampled_from(("1 day", "10 days", "1 month")))},
    ]
    return {"id": "life", "kind": "lifecycle.stages", "stages": rows}


@st.composite
def records(draw: st.DrawFn) -> Data:
    rows: list[Data] = [
        {"name": "segment", "weight": 2, "required": draw(st.booleans())},
        {"name": "birthday", "check": "birthday"},
        {"name": "household"},
    ]
    ask: Data = draw(st.sampled_from(({}, {"ask_when": "< 75%"}, {"ask_when": "visit"})))
    return {"id": "record", "kind": "profile.quality", "fields": rows, **ask}
