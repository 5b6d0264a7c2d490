"""Who may import what: the core stands on pydantic and python-dateutil alone."""

from __future__ import annotations

import json
import subprocess
import sys

OPTIONAL = ("yaml", "polars", "narwhals", "pytest", "hypothesis", "holidays", "altair", "pyspark", "_pytest", "_hypothesis_pytestplugin")
DOCUMENT = {
    "program": "a",
    "zone": "UTC",
    "currency": "GBP",
    "measures": {"spend_12m": {"sum": "spend", "window": "12 months"}},
    "policies": [
        {
            "id": "levels",
            "kind": "tiers.ladder",
            "downgrade": "one_level",
            "levels": [{"name": "member"}, {"name": "gold", "enter": {"spend_12m": ">= 5"}}],
        },
        {"id": "points", "kind": "points.account", "expiry": "never"},
        {"id": "earn", "kind": "points.accrual", "points_per_unit": 1},
    ],
}
EVENT = {"type": "purchase", "id": "1", "customer_id": "c", "occurred_at": "2026-01-01T00:00:00Z", "amount": "7"}
USE = f"""
import custrules as cr
program = cr.loads({json.dumps(DOCUMENT)!r})
event = program.event({json.dumps(EVENT)!r})
step = program.step(cr.State.new("c"), event)
assert step.state.points().available == 7 and step.state.tier().name == "gold"
cr.render(step, "zh"), program.explain(cr.State.new("c"), event), program.progress(step.state), step.to_json()
list(cr.replay(program, [event]))
"""


def modules_after(code: str) -> set[str]:
    printed = subprocess.run([sys.executable, "-c", f"{code}\nimport sys\nprint(*sorted(sys.modules))"], capture_output=True, text=True, check=True)
    return set(printed.stdout.split())


def test_importing_the_package_loads_nothing_of_it_until_it_is_used() -> None:
    loaded = modules_after("import custrules")
    assert {name for name in loaded if name.startswith("custrules.")} == set()
    assert "pydantic" not in loaded


def test_using_the_core_loads_no_optional_package() -> None:
    loaded = modules_after(USE)
    assert "custrules.kernel" in loaded
    assert loaded.isdisjoint(OPTIONAL)


def test_python_dateutil_comes_in_by_one_door() -> None:
    loaded = modules_after("import custrules.calendars.days")
    assert "dateutil.relativedelta" in loaded
