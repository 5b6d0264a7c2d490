"""The kinds of policies: a literal table of kind -> "module:Class", each imported when a document first names it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from custrules.policy import Policy

KINDS: dict[str, str] = {
    "care.contact_plan": "custrules.policies.care:ContactPlan",
    "care.trigger": "custrules.policies.care:Trigger",
    "churn.flag": "custrules.policies.churn:Flag",
    "feedback.complaints": "custrules.policies.feedback:Complaints",
    "feedback.survey": "custrules.policies.feedback:Survey",
    "lifecycle.stages": "custrules.policies.lifecycle:Stages",
    "points.account": "custrules.policies.points:Account",
    "points.accrual": "custrules.policies.points:Accrual",
    "points.redemption": "custrules.policies.points:Redemption",
    "points.transfer": "custrules.policies.points:Transfer",
    "profile.quality": "custrules.policies.profile:Quality",
    "segments.bands": "custrules.policies.segments:Bands",
    "segments.matrix": "custrules.policies.segments:Matrix",
    "segments.rfm": "custrules.policies.segments:Rfm",
    "stored_value.account": "custrules.policies.stored_value:ValueAccount",
    "stored_value.refund": "custrules.policies.stored_value:Refund",
    "stored_value.spending": "custrules.policies.stored_value:Spending",
    "stored_value.top_up": "custrules.policies.stored_value:TopUp",
    "table": "custrules.policies.table:DecisionTable",
    "tiers.ladder": "custrules.policies.tiers:Ladder",
}

LATER_KINDS = (
    "referral.reward",
    "rewards.activity",
    "rewards.catalogue",
    "rewards.draw",
    "rewards.offer",
    "rewards.partners",
    "service.plan",
    "service.scorecard",
)
"""Kinds that later versions have: named so that they are told apart from a slip of the pen."""


def built_in(kind: str) -> type[Policy] | None:
    """The class of one of our own kinds; None when there is none of that name."""
    if kind not in KINDS:
        return None
    module, _, name = KINDS[kind].partition(":")
    return cast("type[Policy]", getattr(import_module(module), name))
