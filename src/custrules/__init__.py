"""custrules: decide what a customer is entitled to, and say why.

Public names are resolved when they are first used, so that ``import custrules`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from custrules.analysis.backtest import Backtest
    from custrules.analysis.backtesting import backtest
    from custrules.analysis.check import Change, check, diff
    from custrules.analysis.cohorts import Breakage, breakage
    from custrules.analysis.comparing import compare
    from custrules.analysis.comparison import Comparison
    from custrules.analysis.deferral import allocate, recognise
    from custrules.analysis.duplicates import Duplicate, duplicates
    from custrules.analysis.feedback import Feedback, feedback
    from custrules.analysis.fitting import fit_abc, fit_bands, fit_rfm, population, quantile
    from custrules.analysis.foreseeing import PlanIndex
    from custrules.analysis.liability import Liability, liability
    from custrules.analysis.periodic import Metrics, metrics
    from custrules.analysis.plan import Plan, PlanItem
    from custrules.analysis.planning import plan, proofread, recheck
    from custrules.analysis.revenue import DeferredRevenue, deferred_revenue
    from custrules.analysis.settlement import Settlement, settlement
    from custrules.analysis.statement import Statement, statement
    from custrules.analysis.yearly import yearly_ics
    from custrules.calendars import Span, Window
    from custrules.conditions import Condition
    from custrules.errors import (
        AnalysisError,
        ContractError,
        CustrulesError,
        Diagnostic,
        DocumentError,
        EventError,
        FactsError,
        MissingExtra,
        MoneyError,
        ScenarioError,
        StateError,
    )
    from custrules.evaluation import Evaluation
    from custrules.event_parts import MovedLot, OpenedBalance, OpenedLevel, OpenedTally
    from custrules.events import (
        Activity,
        Adjustment,
        Attendance,
        Capture,
        CardUpdate,
        Chargeback,
        Closure,
        Complaint,
        ComplaintUpdate,
        ConsentUpdate,
        Contact,
        Enrolment,
        Event,
        Hold,
        Line,
        Merge,
        NewDay,
        Opening,
        ProfileUpdate,
        Purchase,
        Reading,
        Redemption,
        RedemptionCancelled,
        Referral,
        RefundDecision,
        RefundPaid,
        RefundRequest,
        Return,
        ReturnLine,
        SurveyResponse,
        Tender,
        Tick,
        TierGrant,
        TopUp,
        Transfer,
        Visit,
        Void,
    )
    from custrules.measures import Measure
    from custrules.messages import render
    from custrules.money import Money, Rounding
    from custrules.policy import Decision, Fact, Policy, Posting, Reason, Signal, Status, Touchpoint, View
    from custrules.program import Program, load, loads
    from custrules.remembering import Gap, Gaps
    from custrules.replaying import Entry, replay
    from custrules.restatement import DecisionChange, Flip, Restatement, StatusChange
    from custrules.schemas import schema
    from custrules.state import State
    from custrules.steps import Step
    from custrules.together import Together

    __version__: str

_HOMES = {
    "analysis.backtest": "Backtest",
    "analysis.backtesting": "backtest",
    "analysis.check": "Change check diff",
    "analysis.cohorts": "Breakage breakage",
    "analysis.comparing": "compare",
    "analysis.comparison": "Comparison",
    "analysis.deferral": "allocate recognise",
    "analysis.duplicates": "Duplicate duplicates",
    "analysis.feedback": "Feedback feedback",
    "analysis.fitting": "fit_abc fit_bands fit_rfm population quantile",
    "analysis.liability": "Liability liability",
    "analysis.periodic": "Metrics metrics",
    "analysis.plan": "Plan PlanItem",
    "analysis.foreseeing": "PlanIndex",
    "analysis.planning": "plan proofread recheck",
    "analysis.revenue": "DeferredRevenue deferred_revenue",
    "analysis.settlement": "Settlement settlement",
    "analysis.statement": "Statement statement",
    "analysis.yearly": "yearly_ics",
    "calendars": "Span Window",
    "conditions": "Condition",
    "errors": "AnalysisError ContractError CustrulesError Diagnostic DocumentError EventError FactsError MissingExtra MoneyError "
    "ScenarioError StateError",
    "evaluation": "Evaluation",
    "event_parts": "MovedLot OpenedBalance OpenedLevel OpenedTally",
    "events": "Activity Adjustment Attendance Capture CardUpdate Chargeback Closure Complaint ComplaintUpdate ConsentUpdate Contact Enrolment Event "
    "Hold Line Merge NewDay Opening ProfileUpdate Purchase Reading Redemption RedemptionCancelled Referral RefundDecision "
    "RefundPaid RefundRequest Return ReturnLine SurveyResponse Tender Tick TierGrant TopUp Transfer Visit Void",
    "measures": "Measure",
    "messages": "render",
    "money": "Money Rounding",
    "policy": "Decision Fact Policy Posting Reason Signal Status Touchpoint View",
    "program": "Program load loads",
    "remembering": "Gap Gaps",
    "replaying": "Entry replay",
    "restatement": "DecisionChange Flip Restatement StatusChange",
    "schemas": "schema",
    "state": "State",
    "steps": "Step",
    "together": "Together",
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = [
    "Activity",
    "Adjustment",
    "AnalysisError",
    "Attendance",
    "Backtest",
    "Breakage",
    "Capture",
    "CardUpdate",
    "Change",
    "Chargeback",
    "Closure",
    "Comparison",
    "Complaint",
    "ComplaintUpdate",
    "Condition",
    "ConsentUpdate",
    "Contact",
    "ContractError",
    "CustrulesError",
    "Decision",
    "DecisionChange",
    "DeferredRevenue",
    "Diagnostic",
    "DocumentError",
    "Duplicate",
    "Enrolment",
    "Entry",
    "Evaluation",
    "Event",
    "EventError",
    "Fact",
    "FactsError",
    "Feedback",
    "Flip",
    "Gap",
    "Gaps",
    "Hold",
    "Liability",
    "Line",
    "Measure",
    "Merge",
    "Metrics",
    "MissingExtra",
    "Money",
    "MoneyError",
    "MovedLot",
    "NewDay",
    "OpenedBalance",
    "OpenedLevel",
    "OpenedTally",
    "Opening",
    "Plan",
    "PlanIndex",
    "PlanItem",
    "Policy",
    "Posting",
    "ProfileUpdate",
    "Program",
    "Purchase",
    "Reading",
    "Reason",
    "Redemption",
    "RedemptionCancelled",
    "Referral",
    "RefundDecision",
    "RefundPaid",
    "RefundRequest",
    "Restatement",
    "Return",
    "ReturnLine",
    "Rounding",
    "ScenarioError",
    "Settlement",
    "Signal",
    "Span",
    "State",
    "StateError",
    "Statement",
    "Status",
    "StatusChange",
    "Step",
    "SurveyResponse",
    "Tender",
    "Tick",
    "TierGrant",
    "Together",
    "TopUp",
    "Touchpoint",
    "Transfer",
    "View",
    "Visit",
    "Void",
    "Window",
    "__version__",
    "allocate",
    "backtest",
    "breakage",
    "check",
    "compare",
    "deferred_revenue",
    "diff",
    "duplicates",
    "feedback",
    "fit_abc",
    "fit_bands",
    "fit_rfm",
    "liability",
    "load",
    "loads",
    "metrics",
    "plan",
    "population",
    "proofread",
    "quantile",
    "recheck",
    "recognise",
    "render",
    "replay",
    "schema",
    "settlement",
    "statement",
    "yearly_ics",
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
