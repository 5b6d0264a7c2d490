"""Generated churn flags: silence by the own rhythm or by bands, activation, a decline, counts, a balance that runs off; gates and actions."""

from __future__ import annotations

from hypothesis import strategies as st

from custrules.testing.value_strategies import Data

SIGNALS: tuple[Data, ...] = (
    {"name": "silent", "level": "watch", "of": "purchase", "times_own_gap": "2", "floor": "3 days", "cap": "20 days", "fallback": "10 days"},
    {"name": "away", "level": "critical", "of": "purchase", "bands": {"1": "25 days", "[2..3]": "15 days", ">= 4": "8 days"}},
    {"name": "never", "level": "watch", "activation": {"of": "purchase", "times": 2, "within": "12 days"}},
    {"name": "fallen", "level": "critical", "decline": "spend", "recent": "7 days", "earlier": "3 weeks", "base": ">= 20", "ratio": "< 0.5"},
    {"name": "brought_back", "level": "watch", "count": "return", "window": "30 days", "at_least": 2},
    {"name": "cold", "level": "watch", "when": {"idle": "> 15"}},
    {"name": "runs_off", "level": "watch", "balance": "points", "month_average_ratio": "< 0.5"},
)
DAYS: tuple[Data, ...] = ({"every": "day"}, {"every": "week", "weekday": "wednesday"}, {"every": "month", "day": 5})
GATES: tuple[Data, ...] = (
    {"enter": {"confirm": 2}},
    {"exit": {"confirm": 3}},
    {"exit": {"when": {"orders": ">= 1"}, "confirm": 2}},
    {"dwell": "10 days"},
    {"cool_down": "15 days"},
)
ACTIONS: tuple[Data, ...] = (
    {"when": {"churn": "critical"}, "task": {"channel": "phone", "within": "24 hours", "template": "call"}, "category": "warning"},
    {"when": {"spend": ">= 50"}, "send": {"channel": "sms", "within": "3 days", "template": "miss_you"}, "purpose": "marketing"},
)


@st.composite
def flags(draw: st.DrawFn) -> Data:
    """A flag with one to three signals, and at times gates and actions."""
    chosen = draw(st.lists(st.sampled_from(range(len(SIGNALS))), min_size=1, max_size=3, unique=True))
    flag: Data = {
        "id": "leaving",
        "kind": "churn.flag",
        "evaluate": draw(st.sampled_from(DAYS)),
        "levels": [{"name": "watch"}, {"name": "critical"}],
        "signals": [SIGNALS[place] for place in chosen],
    }
    for gate in draw(st.lists(st.sampled_from(GATES), max_size=2, unique_by=str)):
        flag |= gate
    return flag | draw(st.sampled_from(({}, {"actions": list(ACTIONS)}, {"actions": [ACTIONS[1]]})))
