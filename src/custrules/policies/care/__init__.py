"""Care: whom to contact, when, why and over what; and whom not."""

from custrules.policies.care.contact_plan import ContactPlan

__all__ = ["ContactPlan"]
