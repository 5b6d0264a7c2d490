"""Levels: who reaches one, how long it is held, how it is lost, what it entitles to."""

from custrules.policies.tiers.benefits import Benefit
from custrules.policies.tiers.entitlements import Entitlements
from custrules.policies.tiers.ladder import Ladder
from custrules.policies.tiers.legacy import Legacy
from custrules.policies.tiers.reviews import Watch
from custrules.policies.tiers.rising import Bought
from custrules.policies.tiers.rollover import Rollover
from custrules.policies.tiers.rules import Downgrade, Exclusion, LevelRule, ReviewCycle
from custrules.policies.tiers.terms import Term

__all__ = [
    "Benefit",
    "Bought",
    "Downgrade",
    "Entitlements",
    "Exclusion",
    "Ladder",
    "Legacy",
    "LevelRule",
    "ReviewCycle",
    "Rollover",
    "Term",
    "Watch",
]
