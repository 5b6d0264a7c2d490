"""Care: whom to contact, when and why (``care.trigger``), over what, and whom not (``care.contact_plan``)."""

from custrules.policies.care.contact_plan import ContactPlan
from custrules.policies.care.trigger import Trigger

__all__ = ["ContactPlan", "Trigger"]
