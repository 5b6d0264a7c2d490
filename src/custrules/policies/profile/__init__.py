"""Customer records: how complete and valid they are, what to ask for next, and which customers may be the same."""

from custrules.policies.profile.checks import CHECKS, normalised
from custrules.policies.profile.quality import AskWhen, Quality, QualityField

__all__ = ["CHECKS", "AskWhen", "Quality", "QualityField", "normalised"]
