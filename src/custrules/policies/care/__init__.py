"""Care: whom to contact, when and why (``care.trigger``)."""

from custrules.policies.care.trigger import Trigger

__all__ = ["Trigger"]
