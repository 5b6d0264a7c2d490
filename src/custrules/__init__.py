"""custrules: decide what a customer is entitled to, and say why.

Public names are resolved when they are first used, so that ``import custrules`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from custrules.calendars import Span, Window
    from custrules.conditions import Condition
    from custrules.errors import (
        ContractError,
        CustrulesError,
        Diagnostic,
        DocumentError,
        EventError,
        MissingExtra,
        MoneyError,
        ScenarioError,
        StateError,
    )
    from custrules.events import (
        Activity,
        Adjustment,
        ConsentUpdate,
        Enrolment,
        Event,
        Line,
        NewDay,
        ProfileUpdate,
        Purchase,
        Redemption,
        RedemptionCancelled,
        Referral,
        Return,
        ReturnLine,
        Tender,
        Tick,
        TierGrant,
        Visit,
    )
    from custrules.measures import Measure
    from custrules.messages import render
    from custrules.money import Money, Rounding
    from custrules.policy import Decision, Fact, Policy, Posting, Reason, Signal, Status, Touchpoint, View
    from custrules.program import Program, load, loads
    from custrules.replaying import replay
    from custrules.schemas import schema
    from custrules.state import State
    from custrules.steps import Step

    __version__: str

_HOMES = {
    "calendars": "Span Window",
    "conditions": "Condition",
    "errors": "ContractError CustrulesError Diagnostic DocumentError EventError MissingExtra MoneyError ScenarioError StateError",
    "events": "Activity Adjustment ConsentUpdate Enrolment Event Line NewDay ProfileUpdate Purchase Redemption RedemptionCancelled "
    "Referral Return ReturnLine Tender Tick TierGrant Visit",
    "measures": "Measure",
    "messages": "render",
    "money": "Money Rounding",
    "policy": "Decision Fact Policy Posting Reason Signal Status Touchpoint View",
    "program": "Program load loads",
    "replaying": "replay",
    "schemas": "schema",
    "state": "State",
    "steps": "Step",
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = [
    "Activity",
    "Adjustment",
    "Condition",
    "ConsentUpdate",
    "ContractError",
    "CustrulesError",
    "Decision",
    "Diagnostic",
    "DocumentError",
    "Enrolment",
    "Event",
    "EventError",
    "Fact",
    "Line",
    "Measure",
    "MissingExtra",
    "Money",
    "MoneyError",
    "NewDay",
    "Policy",
    "Posting",
    "ProfileUpdate",
    "Program",
    "Purchase",
    "Reason",
    "Redemption",
    "RedemptionCancelled",
    "Referral",
    "Return",
    "ReturnLine",
    "Rounding",
    "ScenarioError",
    "Signal",
    "Span",
    "State",
    "StateError",
    "Status",
    "Step",
    "Tender",
    "Tick",
    "TierGrant",
    "Touchpoint",
    "View",
    "Visit",
    "Window",
    "__version__",
    "load",
    "loads",
    "render",
    "replay",
    "schema",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415 - importing the package stays cheap

        return version("custrules")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'custrules' has no attribute {name!r}")
    globals()[name] = found = getattr(import_module(f"custrules.{_HOME_OF[name]}"), name)
    return found


def __dir__() -> list[str]:
    return list(__all__)
