"""What customers say: ``feedback.complaints`` and ``feedback.survey``."""

from custrules.policies.feedback.complaints import Complaints

__all__ = ["Complaints"]
