"""Moves of orders: what is bought and how it is paid, and what comes back."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from custrules.order_lines import LINE_KINDS
from custrules.testing.writing import Data, Picks, Writing

SKUS, CATEGORIES, CHANNELS = ("A", "B", "C"), ("food", "gift"), ("app", "shop")


def purchase(writer: Writing, picks: list[Picks]) -> Data:
    head, *parts = picks
    channel = head.one((*CHANNELS, None, *writer.marks.words.get("channel", ())))
    data: Data = {"type": "purchase"} | ({"channel": channel} if channel else {})
    if head.yes():
        lines = [_line(writer, part) for part in parts[: head.one((1, 2, 3))]]
        data["lines"] = [line | {"amount": writer.shown(line["amount"])} for line in lines]
        total = sum(line["amount"] for line in lines)
    else:
        total = writer.amount(parts[0])
        data["amount"] = writer.shown(total)
    if head.yes(3):
        data["tenders"] = [row | {"amount": writer.shown(row["amount"])} for row in _tenders(writer, parts[-1], total)]
    return data


def _line(writer: Writing, picks: Picks) -> Data:
    words = writer.marks.words
    sku, category = picks.one((*SKUS, *words.get("sku", ()))), picks.one((*CATEGORIES, None, *words.get("category", ())))
    line: Data = {"sku": sku, "quantity": picks.one(("1", "2", "3", "0.5")), "amount": writer.amount(picks)}
    return line | ({"category": category} if category else {}) | _more_of(writer, picks, line["amount"])


def _more_of(writer: Writing, picks: Picks, amount: int) -> Data:
    """What a line may say beside: the kind of line it is, its tax, its list price."""
    more: Data = {"tags": [picks.one(LINE_KINDS)]} if picks.yes(8) else {}
    if picks.yes(4):
        more["tax"] = writer.shown(amount * picks.one((10, 20, 100)) // 110)
    if picks.yes(4):
        more["list_amount"] = writer.shown(amount + picks.one((0, 100, 5000)))
    return more


def _tenders(writer: Writing, picks: Picks, total: int) -> list[Data]:
    """Ways to pay a total of smallest units: points first or last, a coupon, a gift card, the rest in cash or by card."""
    rows: list[Data] = []
    left = total
    account = writer.program.rulebook.first_account
    for kind in picks.one((("points",), (), ("coupon",), ("gift_card",), ("points", "coupon"), ("coupon", "points"), ("stored_value",))):
        if kind == "points" and account is None:
            continue
        units = writer.points(picks, account) if kind == "points" and account is not None else 0
        amount = min(left, picks.one((*(max(1, left // part) for part in (1, 2, 10)), _worth(writer, units))))
        if amount <= 0:
            continue
        left -= amount
        extra = {"quantity": writer.quantity(units, account)} if kind == "points" and account is not None else {}
        if kind == "coupon" and picks.yes():
            extra["minimum"] = writer.shown(picks.one((total, total // 2)))
        rows.append({"type": kind, "amount": amount, **extra, **({"reference": picks.one(("G1", "X1"))} if kind == "gift_card" else {})})
    if left or not rows:
        rows.insert(picks.one(range(len(rows) + 1)), {"type": picks.one(("cash", "card")), "amount": left})
    return rows


def _worth(writer: Writing, units: int) -> int:
    """What points are worth where the program lets them be spent, in smallest units; the units themselves where it does not."""
    for policy in writer.program.policies:
        value = getattr(policy, "value", None)
        points, money = getattr(value, "points", None), getattr(value, "money", None)
        if isinstance(points, Decimal) and isinstance(money, Decimal) and writer.program.rulebook.first_account is not None:
            scale = writer.program.rulebook.accounts[writer.program.rulebook.first_account][1]
            return int(Fraction(units, 10**scale) * Fraction(money) * 10**writer.program.rulebook.scale / Fraction(points))
    return units


def returned(writer: Writing, picks: list[Picks]) -> Data:
    head, part = picks[0], picks[1]
    bought = [event for event in writer.known if event["type"] == "purchase" or (event["type"] == "hold" and "amount" in event)]
    amount = writer.shown(writer.amount(part))
    if not bought:
        return {"type": "return", "amount": amount}
    order = head.one((bought[-1], *bought[-3:]))
    how = head.one(("all", "all", "amount", "amount", "line", "line", "sku", "unnamed", "unnamed", "unnamed", "unknown"))
    if how == "unnamed":
        return _unnamed(order, amount, part)
    answer: Data = {"type": "return", "of": "no-such-order" if how == "unknown" else order["id"]} | ({"withdrawal": True} if head.yes(6) else {})
    if how == "amount":
        return answer | {"amount": amount}
    if how not in ("line", "sku") or "lines" not in order:
        return answer
    place = part.one(range(len(order["lines"])))
    line: Data = {"line": place + 1} if how == "line" else {"sku": order["lines"][place]["sku"]}
    return answer | {"lines": [line | part.one(({}, {"quantity": "1"}, {"quantity": "0.5"}, {"amount": amount}))]}


def _unnamed(order: Data, amount: str, picks: Picks) -> Data:
    """A return that names no purchase: of an article of one that is known, at its price or at another."""
    if "lines" not in order:
        return {"type": "return", "amount": picks.one((order["amount"], amount))}
    line = picks.one(order["lines"])
    return {"type": "return", "lines": [{"sku": line["sku"], "amount": picks.one((line["amount"], amount)), "quantity": line["quantity"]}]}
