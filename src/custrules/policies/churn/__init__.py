"""Churn: who seems to be leaving, why, and what is asked to be done about it."""

from custrules.policies.churn.actions import RetentionAction, RetentionMessage, RetentionTask
from custrules.policies.churn.flag import Flag
from custrules.policies.churn.hysteresis import Gate
from custrules.policies.churn.levels import FlagLevel
from custrules.policies.churn.schedule import EvaluationDays
from custrules.policies.churn.signals import Activation, Signal

__all__ = ["Activation", "EvaluationDays", "Flag", "FlagLevel", "Gate", "RetentionAction", "RetentionMessage", "RetentionTask", "Signal"]
