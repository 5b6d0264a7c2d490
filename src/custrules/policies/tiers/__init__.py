"""Levels: who reaches one, how long it is held, how it is lost."""

from custrules.policies.tiers.ladder import Ladder
from custrules.policies.tiers.rules import Exclusion, LevelRule, ReviewCycle

__all__ = ["Exclusion", "Ladder", "LevelRule", "ReviewCycle"]
