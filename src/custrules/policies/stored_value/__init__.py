"""Stored value: accounts paid in advance, top-ups with a bonus, spending in a named order; each exact under returns."""

from custrules.policies.stored_value.account import ValueAccount
from custrules.policies.stored_value.refund import Refund
from custrules.policies.stored_value.spending import Spending
from custrules.policies.stored_value.top_up import TopUp

__all__ = ["Refund", "Spending", "TopUp", "ValueAccount"]
