"""What customers say: ``feedback.complaints`` and ``feedback.survey``."""

from custrules.policies.feedback.complaints import Complaints
from custrules.policies.feedback.survey import Survey

__all__ = ["Complaints", "Survey"]
