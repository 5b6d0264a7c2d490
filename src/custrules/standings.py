"""Where a customer stands: ladders, accounts and rewards, each with what is missing and what time will bring; as data and in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal, Protocol

from custrules.codec import canonical
from custrules.explaining import Compared, Rule, Value
from custrules.messages import Speaker, speak
from custrules.money import Money
from custrules.policy import Reason
from custrules.standing import Beside, Entitled

Quantity = int | Decimal | Money


@dataclass(frozen=True, slots=True)
class Drop:
    """On a day, part of what is counted now leaves its window: ``before`` becomes ``after`` if nothing happens."""

    fact: str
    on: date
    before: Value
    after: Value
    lost: Value

    def to_data(self) -> dict[str, Any]:
        return {"fact": self.fact, "on": self.on, "before": self.before, "after": self.after, "lost": self.lost}


@dataclass(frozen=True, slots=True)
class Goal:
    """A level to reach or to keep: whether what is counted so far is enough, and if not, what is missing.

    ``by`` is the day on which it is judged (None: as soon as it is met), ``holds_from`` the day from which it would hold. ``deadline``
    is the last day on which something may be done for it: before the review, the end of the year that is judged, or the end of the
    period after which nothing of what is counted now counts any more. ``drops`` tell when what is counted now leaves its window.
    """

    level: str
    met: bool
    by: date | None
    missing: tuple[Compared, ...]
    tree: Rule | None
    holds_from: date | None = None
    deadline: date | None = None
    drops: tuple[Drop, ...] = ()

    def to_data(self) -> dict[str, Any]:
        told = {"level": self.level, "met": self.met, "by": self.by, "holds_from": self.holds_from, "deadline": self.deadline}
        lists = {"missing": [row.to_data() for row in self.missing], "drops": [drop.to_data() for drop in self.drops]}
        return told | lists | {"tree": self.tree.to_data() if self.tree is not None else None}


@dataclass(frozen=True, slots=True)
class LevelChange:
    """What time alone decides about a level on a day: the level then held (None: none), until which last day, and why."""

    on: date
    level: str | None
    until: date | None
    reasons: tuple[Reason, ...]

    def to_data(self) -> dict[str, Any]:
        return {"on": self.on, "level": self.level, "until": self.until, "reasons": [why.to_data() for why in self.reasons]}


@dataclass(frozen=True, slots=True)
class LadderProgress:
    """Where a customer stands on one ladder: the level held, or ``why`` there is none; the next one, and what keeping this one asks for.

    ``review`` is the next day on which the level is judged, ``coming`` what will be decided by then and later if nothing happens,
    ``benefits`` what the level entitles to, with what is left of it. ``beside``: a watch, or the terms of an older version.
    """

    policy_id: str
    level: str | None
    since: date | None
    until: date | None
    next: Goal | None
    keep: Goal | None
    why: Reason | None = None
    review: date | None = None
    coming: tuple[LevelChange, ...] = ()
    benefits: tuple[Entitled, ...] = ()
    beside: tuple[Beside, ...] = ()

    def to_data(self) -> dict[str, Any]:
        held = {"policy_id": self.policy_id, "level": self.level, "since": self.since, "until": self.until, "review": self.review}
        goals = {"next": self.next.to_data() if self.next else None, "keep": self.keep.to_data() if self.keep else None}
        lists = {"coming": _data_of(self.coming), "benefits": _data_of(self.benefits), "beside": _data_of(self.beside)}
        return held | goals | lists | {"why": self.why.to_data() if self.why is not None else None}


@dataclass(frozen=True, slots=True)
class AccountProgress:
    """A points account: what can be spent, is pending and owed; what will lapse unused, by last usable day; what becomes usable when.

    ``purpose`` is that of the account: credits for ``rank`` are there to be counted, and cannot be spent.
    """

    account: str
    available: Quantity
    pending: Quantity
    owed: Quantity
    expiring: tuple[tuple[date, Quantity], ...] = ()
    usable: tuple[tuple[date, Quantity], ...] = ()
    purpose: Literal["spend", "rank"] = "spend"

    def to_data(self) -> dict[str, Any]:
        told = {"account": self.account, "available": self.available, "pending": self.pending, "owed": self.owed, "purpose": self.purpose}
        dated = {"expiring": self.expiring, "usable": self.usable}
        return told | {name: [[day, quantity] for day, quantity in rows] for name, rows in dated.items()}


@dataclass(frozen=True, slots=True)
class RewardProgress:
    """A reward that points buy: whether it can be had now, and if not, how many points and which conditions are missing.

    ``money`` is paid beside the points; ``reasons`` tell what else stands against it: its dates, its limits, the level.
    """

    policy_id: str
    reward: str
    met: bool
    points: Decimal | None
    short: Quantity | None
    missing: tuple[Compared, ...]
    tree: Rule | None
    money: Money | None = None
    reasons: tuple[Reason, ...] = ()

    def to_data(self) -> dict[str, Any]:
        told = {"policy_id": self.policy_id, "reward": self.reward, "met": self.met, "points": self.points, "short": self.short, "money": self.money}
        tree = self.tree.to_data() if self.tree is not None else None
        return told | {"missing": [row.to_data() for row in self.missing], "tree": tree, "reasons": [why.to_data() for why in self.reasons]}


class _Row(Protocol):
    def to_data(self) -> dict[str, Any]: ...


def _data_of(rows: Iterable[_Row]) -> list[dict[str, Any]]:
    return [row.to_data() for row in rows]


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a customer stands as of the state's day, and what time alone brings up to ``until``. Read it from an advanced state."""

    customer_id: str
    day: date | None
    ladders: tuple[LadderProgress, ...]
    accounts: tuple[AccountProgress, ...] = ()
    rewards: tuple[RewardProgress, ...] = ()
    until: date | None = None

    def to_data(self) -> dict[str, Any]:
        lists = {"ladders": _data_of(self.ladders), "accounts": _data_of(self.accounts), "rewards": _data_of(self.rewards)}
        return {"customer_id": self.customer_id, "day": self.day, "until": self.until, **lists}

    def to_json(self) -> bytes:
        return canonical(self.to_data())


# -- words -------------------------------------------------------------------------------------------------------------


@speak.register
def _(progress: Progress, speaker: Speaker) -> str:
    """Per ladder the level held, the next one, what keeping this one asks for, what comes, benefits; then points and rewards."""
    lines = [line for ladder in progress.ladders for line in _ladder_lines(ladder, speaker)]
    lines += [line for account in progress.accounts for line in _account_lines(account, speaker)]
    return "\n".join(lines + [line for reward in progress.rewards for line in _reward_lines(reward, speaker)])


def _ladder_lines(ladder: LadderProgress, speaker: Speaker) -> Iterator[str]:
    told: Mapping[str, Any] = {"policy": ladder.policy_id, "level": ladder.level, "since": ladder.since, "until": ladder.until}
    head = speaker.word("progress_none" if ladder.level is None else "progress_held" if ladder.until else "progress_open", told)
    yield f"{head}{'' if speaker.lang == 'zh' else ' '}{speaker.say(ladder.why)}" if ladder.why is not None else head
    for name, goal in (("next", ladder.next), ("keep", ladder.keep)):
        if goal is not None:
            yield from _goal_lines(name, goal, speaker)
    yield from ("  " + speaker.word(f"progress_{note.name}_{note.value}", note.to_data()) for note in ladder.beside)
    for change in ladder.coming[:1]:
        word = "progress_coming" if change.level is not None else "progress_coming_none"
        yield "  " + speaker.word(word, {"on": change.on, "level": change.level})
    yield from ("  " + _benefit_line(benefit, speaker) for benefit in ladder.benefits)


def _goal_lines(name: str, goal: Goal, speaker: Speaker) -> Iterator[str]:
    word = f"progress_{name}_met" if goal.met else f"progress_{name}_by" if goal.by else f"progress_{name}"
    yield "  " + speaker.word(word, {"level": goal.level, "by": goal.by})
    yield from ("    " + speaker.say(row) for row in goal.missing)
    if not goal.met and goal.deadline not in (None, goal.by) and (name == "keep" or not goal.drops):
        yield "    " + speaker.word("progress_deadline", {"on": goal.deadline})
    if name == "next" and not goal.met:
        yield from ("    " + speaker.say(drop) for drop in goal.drops)


def _benefit_line(benefit: Entitled, speaker: Speaker) -> str:
    title = benefit.title
    name = title if isinstance(title, str) else title.get(speaker.lang) or next(iter(title.values()))
    told = {field: getattr(benefit, field) for field in ("quantity", "left", "per", "until", "again", "factor", "points", "response")}
    told["benefit"] = name or benefit.name
    word = f"progress_benefit_{benefit.kind}"
    if benefit.quantity is not None and benefit.left is None:
        word += "_unknown"
    elif benefit.quantity is not None:
        word += "_again" if benefit.again is not None else "_until" if benefit.until is not None else ""
    line = speaker.word(f"{word}_within" if benefit.response is not None else word, told)
    return line if benefit.holds else speaker.word("progress_benefit_not_now", {"benefit": line})


def _account_lines(account: AccountProgress, speaker: Speaker) -> Iterator[str]:
    told = {"account": account.account, "available": account.available, "pending": account.pending, "owed": account.owed}
    yield speaker.word("progress_account" if account.purpose == "spend" else "progress_account_rank", told)
    for word, rows in (("progress_usable", account.usable), ("progress_expiring", account.expiring)):
        yield from ("  " + speaker.word(word, {"points": quantity, "on": day}) for day, quantity in rows[:3])


def _reward_lines(reward: RewardProgress, speaker: Speaker) -> Iterator[str]:
    told = {"policy": reward.policy_id, "reward": reward.reward, "points": reward.points, "short": reward.short}
    yield speaker.word("progress_reward_met" if reward.met else "progress_reward_short" if reward.short else "progress_reward", told)
    yield from ("    " + speaker.say(row) for row in (*reward.missing, *reward.reasons))


@speak.register
def _(drop: Drop, speaker: Speaker) -> str:
    told = {"fact": drop.fact, "on": drop.on, "before": drop.before, "after": drop.after, "lost": drop.lost}
    return speaker.word("progress_drop", told)
