"""Levels: who reaches one, how long it is held, how it is lost, what it entitles to."""

from custrules.policies.tiers.benefits import Benefit
from custrules.policies.tiers.entitlements import Entitlements
from custrules.policies.tiers.ladder import Ladder
from custrules.policies.tiers.rules import Exclusion, LevelRule, ReviewCycle

__all__ = ["Benefit", "Entitlements", "Exclusion", "Ladder", "LevelRule", "ReviewCycle"]
