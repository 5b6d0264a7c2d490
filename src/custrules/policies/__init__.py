"""The kinds of policies: a literal table of kind -> "module:Class", each imported when a document first names it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from custrules.policy import Policy

KINDS: dict[str, str] = {
    "churn.flag": "custrules.policies.churn:Flag",
    "feedback.complaints": "custrules.policies.feedback:Complaints",
    "feedback.survey": "custrules.policies.feedback:Survey",
    "points.account": "custrules.policies.points:Account",
    "points.accrual": "custrules.policies.points:Accrual",
    "points.redemption": "custrules.policies.points:Redemption",
    "points.transfer": "custrules.policies.points:Transfer",
    "segments.bands": "custrules.policies.segments:Bands",
    "segments.matrix": "custrules.policies.segments:Matrix",
    "table": "custrules.policies.table:DecisionTable",
    "tiers.ladder": "custrules.policies.tiers:Ladder",
}

LATER_KINDS = (
    "care.contact_plan",
    "care.trigger",
    "churn.flag",
    "feedback.complaints",
    "lifecycle.stages",
    "profile.quality",
    "referral.reward",
    "rewards.activity",
    "rewards.catalogue",
    "rewards.draw",
    "rewards.offer",
    "rewards.partners",
    "segments.rfm",
    "service.plan",
    "service.scorecard",
    "stored_value.account",
    "stored_value.refund",
    "stored_value.spending",
    "stored_value.top_up",
)
"""Kinds that later versions have: named so that they are told apart from a slip of the pen."""


def built_in(kind: str) -> type[Policy] | None:
    """The class of one of our own kinds; None when there is none of that name."""
    if kind not in KINDS:
        return None
    module, _, name = KINDS[kind].partition(":")
    return cast("type[Policy]", getattr(import_module(module), name))
