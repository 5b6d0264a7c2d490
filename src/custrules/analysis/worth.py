"""What a point is worth and how much of what is issued will never be claimed: read out of arguments, or out of the program."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction

from custrules.analysis.flows import Account
from custrules.analysis.refusal import one_of, refuse, worded
from custrules.fields import read_day, read_rate
from custrules.money import SCALES, Money, Rounding, from_units, rounded
from custrules.policies.points import Account as KeptAccount
from custrules.policies.points import Redemption
from custrules.program import Program
from custrules.validation import read_argument

Rate = Fraction | str | int
Price = Money | Fraction | str | int


def read_share(value: object, path: str) -> Fraction:
    """A share between nothing and the whole; AnalysisError for anything else."""
    rate = _rate(value, path)
    if not 0 <= rate <= 1:
        refuse("analysis.wrong_type", path, expected="a share between 0% and 100%", found=str(value)[:40])
    return rate


def _rate(value: object, path: str) -> Fraction:
    return read_argument(read_rate, value, path, "analysis", worded)


def read_on(value: date | str) -> date:
    """A day, or its text."""
    return read_argument(read_day, value, "on", "analysis", worded)


def read_rounding(value: object) -> Rounding:
    return Rounding(one_of(value, Rounding, "rounding"))


class Worth:
    """What one smallest unit of an account is worth in smallest units of the currency: given, or what redemption pays for it on a day."""

    def __init__(self, program: Program, value: Price | Mapping[str, Price] | None) -> None:
        """``value`` is money per point, of the first points account, or by account."""
        self._program = program
        given = value if isinstance(value, Mapping) else {} if value is None else {"points": value}
        self._given = {self._known(name): self._minor(price, f"value.{name}") for name, price in given.items()}
        self._found: dict[tuple[str, date], Fraction | None] = {}

    def _known(self, name: str) -> str:
        accounts = self._program.rulebook.accounts
        account = self._program.rulebook.resolve(name)
        if account not in accounts:
            refuse("analysis.unknown_account", "value", account=name, known=", ".join(accounts))
        return account

    def _minor(self, price: Price, path: str) -> Fraction:
        """Money for one point in smallest units of the currency: an amount finer than these is a fraction of one."""
        currency = self._program.currency
        if isinstance(price, Money):
            if price.currency != currency:
                refuse("analysis.other_currency", path, base=currency, candidate=price.currency)
            return Fraction(price.minor)
        rate = _rate(price, path)
        if rate < 0:
            refuse("analysis.wrong_type", path, expected="a rate that is not negative", found=str(price)[:40])
        return rate * Fraction(10 ** SCALES[currency])

    def on(self, account: Account, day: date) -> Fraction | None:
        """For one smallest unit; None where nothing in force on that day redeems these points for money, and of credits that only rank."""
        keeper = self._program.rulebook.keeper(account.name, day)
        if isinstance(keeper, KeptAccount) and keeper.purpose == "rank":
            return None
        if account.name in self._program.rulebook.stores and account.unit == self._program.currency:
            return Fraction(1)
        if account.name in self._given:
            return self._given[account.name] / Fraction(10**account.scale)
        key = (account.name, day)
        if key not in self._found:
            self._found[key] = self._paid(account, day)
        return self._found[key]

    def _paid(self, account: Account, day: date) -> Fraction | None:
        rules = self._program.rulebook
        paying = (policy for policy in rules.phases(day)["pay"] if isinstance(policy, Redemption))
        found = next((policy for policy in paying if rules.resolve(policy.account) == account.name and policy.value is not None), None)
        value = found.value if found is not None else None
        if found is None or value is None:
            return None
        if not isinstance(value.money, Decimal):
            refuse("analysis.several_values", "value", account=account.name, policy=found.id)
        units = Fraction(10 ** SCALES[self._program.currency], 10**account.scale)
        return Fraction(value.money) / Fraction(value.points) * units


def percent(rate: Fraction) -> str:
    """A share for a table: 12.5%, half up to one decimal."""
    return f"{from_units(rounded(rate * 1000, Rounding.half_up), 1)}%"
