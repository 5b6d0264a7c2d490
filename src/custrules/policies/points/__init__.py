"""Points: accounts that expire, accrual by what was bought, redemption as money off; each exact under returns."""

from custrules.policies.points.account import Account
from custrules.policies.points.accrual import Accrual
from custrules.policies.points.redemption import Redemption
from custrules.policies.points.transfer import Transfer

__all__ = ["Account", "Accrual", "Redemption", "Transfer"]
