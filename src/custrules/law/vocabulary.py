"""The rules that a law profile may have, by name, and how the value of each is read, kept and shown.

``RULES`` is the closed list. A value is one of:

- amount: a Decimal in the profile's currency (``"5000.00"``)
- share: an exact Fraction (``60%``)
- length: a calendar Length (``7 days``, ``12 months``)
- validity: a Length, or the word ``unlimited``
- window: Days (``7 days``, ``5 working days``)
- deadline: Deadline(count, working) (``15 days``, ``5 working days``)
- flag: true or false
- word: one out of a closed list

Rules about one cause of a refund are called ``refund.<cause>.<what>``: ``refund.merchant.basis``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple, TypeAlias

from custrules.calendars import Length
from custrules.calendars.clocks import Days
from custrules.fields import TextValue, describe, fault, plain, rate_text, read_decimal, read_flag, read_rate, wrong_type
from custrules.forms import within

CAUSES = ("cooling_off", "consumer", "merchant", "force_majeure", "closure", "expiry", "cash_out", "chargeback", "minor", "death")
"""Why a refund is asked."""

BASES = ("paid_minus_ratio", "paid_minus_face", "paid_minus_list", "principal_remaining", "time_pro_rata", "face_remaining")
"""How a refund is reckoned."""


class Deadline(TextValue):
    """Within so many days, counted from the day after: ``15 days`` by the calendar, ``5 working days``."""

    __slots__ = ("count", "working")
    grammar = "a number of days such as 15 days or 5 working days"
    count: int
    working: bool

    def __init__(self, count: int, working: bool) -> None:
        self.count, self.working = count, working

    @classmethod
    def parse(cls, text: str) -> Deadline:
        count, _, unit = text.partition(" ")
        if not (count.isascii() and count.isdigit() and count[0] != "0" and len(count) <= 4) or unit.removesuffix("s") not in ("day", "working day"):
            raise wrong_type(cls.grammar, text)
        return cls(int(count), unit.startswith("working"))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Deadline) and (self.count, self.working) == (other.count, other.working)

    def __hash__(self) -> int:
        return hash((self.count, self.working))

    def __str__(self) -> str:
        return f"{self.count} {'working ' if self.working else ''}day{'s' if self.count != 1 else ''}"


Value: TypeAlias = Decimal | Fraction | Length | Days | Deadline | bool | str


class Kind(NamedTuple):
    """How values of one kind are read from what a document says, and written back; ``choices`` of a word."""

    name: str
    read: Callable[[object], Any]
    write: Callable[[Any], str] = str
    choices: tuple[str, ...] = ()


def _validity(value: object) -> Length | str:
    return "unlimited" if value == "unlimited" else Length._validate(value)


_amount = within(read_decimal, "an amount that is not negative", lambda number: number >= 0)
_share = within(read_rate, "a share between 0% and 100%", lambda number: 0 <= number <= 1)


def word(*choices: str) -> Kind:
    def read(value: object) -> str:
        if isinstance(value, str) and value in choices:
            return value
        raise fault("document.unknown_choice", found=describe(value), choices=", ".join(choices))

    return Kind("word", read, str, choices)


AMOUNT = Kind("amount", _amount, plain)
SHARE = Kind("share", _share, rate_text)
LENGTH = Kind("length", Length._validate)
VALIDITY = Kind("validity", _validity)
DEADLINE = Kind("deadline", Deadline._validate)
WINDOW = Kind("window", Days._validate)
FLAG = Kind("flag", read_flag, lambda value: "true" if value else "false")
FEE = word("forbidden", "cost_based", "allowed")
GIFTS = word("return_or_pay", "discretionary", "none")

_OF_A_CAUSE: Mapping[str, Kind] = {
    "granted": FLAG,  # the law gives this refund, whether the terms list it or not
    "basis": word(*BASES),
    "within": WINDOW,  # asked for within this time of the top-up
    "unless": word("used", "experienced", "none"),  # what rules it out: any use, or having had the same thing before the contract
    "fee": FEE,
    "interest": word("lpr_1y", "deposit_1y", "none"),  # the reference rate, as the program's rates call it
    "interest_from": word("rescission", "request", "payment"),
    "sla": DEADLINE,  # paid out within
    "share": SHARE,  # the least share of what is left that is paid
    "share_large": SHARE,  # the same for a card for which more than refund.<cause>.large_face was paid
    "large_face": AMOUNT,
    "gifts": GIFTS,
    "claim_period": LENGTH,  # customers have at least so long to ask
}

RULES: Mapping[str, Kind] = {
    "limit.named": AMOUNT,  # the most that one named card may hold after a top-up
    "limit.anonymous": AMOUNT,
    "limit.named.other": AMOUNT,  # the same for an issuer that is no enterprise
    "limit.anonymous.other": AMOUNT,
    "limit.counts_bonus": FLAG,
    "limit.excess_refundable": FLAG,  # what is above the limit goes back, and what was promised for it stays
    "validity.named": VALIDITY,  # principal of a named card stays usable at least so long
    "validity.anonymous": VALIDITY,
    "validity.from": word("issue", "last_top_up"),
    "validity.covers_bonus": FLAG,
    "expired.balance": word("restored", "refund_or_extend"),  # what becomes of principal that is left when a card has expired
    "expired.fee": FEE,
    "dormancy.fee": FEE,
    "dormancy.after": LENGTH,  # of inactivity, before any fee
    "dormancy.per": LENGTH,  # at most one fee in this length
    "dormancy.at_most": AMOUNT,  # one fee
    "dormancy.balance_at_most": AMOUNT,  # only a balance up to this bears one
    "cash_out.below": AMOUNT,  # a balance smaller than this is paid out when the customer asks
    "cash_out.used_share": SHARE,  # what is left is paid out once so much of the card is used
    "cash_out.used_share_small": SHARE,  # the same for a card of a face up to cash_out.small_face
    "cash_out.small_face": AMOUNT,
    "cash_out.small_rest": FLAG,  # a balance too small for the cheapest item is paid out
    "refund.general": word("granted", "agreement", "prohibited"),  # whether the issuer pays back at all where no rule of a cause says so
    "refund.top_up_age": LENGTH,  # not before this length after the top-up
    "refund.sla": DEADLINE,
    "refund.roll": word("next_working_day", "none"),  # where the last day on which a refund can be asked for is a holiday
    "refund.tie_break": word("consumer"),  # doubts are settled in the customer's favour
    "refund.payout": word("original_tender", "same_name_account"),
    "refund.cash_up_to": AMOUNT,
    "refund.gifts": GIFTS,
    "refund.period_card.basis": word(*BASES),
    "refund.period_card.own_absence": word("counts", "credited"),  # whether days the customer stayed away count as served
    "refund.share_of_issue": SHARE,  # all refunds of a period, at most so much of what was issued in the last one
    "refund.share_of_unused": SHARE,  # or so much of the unused balance
    "closing.notice": LENGTH,  # announced so long before the shop closes or moves
    "records.kept": LENGTH,
    "card.reissued": FLAG,  # a lost named card is replaced with its balance
    "card.transferable": FLAG,
    "referral.depth": word("1"),  # rewards only for whom a member brought, never for whom those bring
    "registration.anonymous_from": AMOUNT,  # who buys is registered from this amount on
    "payment.not_cash_from_person": AMOUNT,
    "payment.not_cash_from_organisation": AMOUNT,
    "custody.share_of_unused": SHARE,  # of the unused balance that is to be deposited
    "custody.from_unused": AMOUNT,  # only where the unused balance is above this
    **{f"refund.{cause}.{what}": kind for cause in CAUSES for what, kind in _OF_A_CAUSE.items()},
}
