"""What a program would like to remember of a customer and a state does not: after a change of the program, or of its tolerance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Literal

from custrules.activity import ActivityLog, Rows
from custrules.adopting import adopt, check_state
from custrules.calendars import ONE_DAY, Window, local_day
from custrules.codec import canonical
from custrules.measures import DifferenceMeter, Meter, RatioMeter, Source
from custrules.messages import Speaker, speak
from custrules.moment import Moment
from custrules.money import exactly
from custrules.policies.points import Accrual, Transfer
from custrules.policies.points.caps import Dates
from custrules.policy import Policy, StatusFact
from custrules.rulebook import Rulebook
from custrules.shown import shown as spoken
from custrules.state import State
from custrules.state_parts import shown
from custrules.tallies import Tally

GapKind = Literal["tally_missing", "tally_short", "ids_forgotten", "account_vanished", "status_vanished", "level_vanished", "policy_vanished"]
SLACK = 40  # days beyond the reach of a window, whose months are not all of one length
LAST_DAY = date(2199, 12, 31)


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that a program misses in a state.

    ``tally_missing``, ``tally_short``: a tally (``name`` its key) is not kept, or does not reach back as far as it should; ``since`` is
    the first day that it knows, ``complete_on`` the day on which everything that reads it is whole again (None: never, or only with the
    next event), ``measures`` and ``policies`` what reads it. ``ids_forgotten``: of events up to ``since`` it cannot be told any more whether
    they were accepted. ``account_vanished``, ``status_vanished``, ``level_vanished``, ``policy_vanished``: the state holds something of
    an account, a status, a level or (in its orders) a policy that the program has no more; ``holds`` says how much or what.
    """

    kind: GapKind
    name: str
    since: date | None = None
    complete_on: date | None = None
    measures: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    holds: str = ""

    def to_data(self) -> dict[str, Any]:
        lists = {"measures": list(self.measures), "policies": list(self.policies)}
        return {"kind": self.kind, "name": self.name, "since": self.since, "complete_on": self.complete_on, "holds": self.holds, **lists}


@dataclass(frozen=True, slots=True)
class Gaps:
    """What one program misses in one state, as of the state's day. False where there is nothing: ``if program.gaps(state): ...``."""

    customer_id: str
    day: date | None
    gaps: tuple[Gap, ...] = ()

    def __iter__(self) -> Iterator[Gap]:
        return iter(self.gaps)

    def __len__(self) -> int:
        return len(self.gaps)

    def to_data(self) -> dict[str, Any]:
        return {"customer_id": self.customer_id, "day": self.day, "gaps": [gap.to_data() for gap in self.gaps]}

    def to_json(self) -> bytes:
        return canonical(self.to_data())


@exactly
def gaps(rules: Rulebook, state: State) -> Gaps:
    """See ``Program.gaps``."""
    check_state(rules, state)
    if state.day is None:
        return Gaps(state.customer_id, None)
    kinds = (_of_measures, _of_caps, _of_limits, _of_sending)
    tallies = [gap for kind in kinds for gap in kind(rules, state, state.day)]
    found = (*tallies, *_ids(rules, state), *_vanished(rules, state))
    return Gaps(state.customer_id, state.day, found)


# -- tallies -----------------------------------------------------------------------------------------------------------


def _of_measures(rules: Rulebook, state: State, day: date) -> Iterator[Gap]:
    """One gap for each tally that some measure cannot read as far back as its window goes."""
    log, source = _as_of_now(rules, state), Moment(rules, state, day).source
    parts = {name: list(_parts(meter)) for name, meter in rules.meters.items()}
    for key in rules.tallies:
        readers = [(name, part, replace(source, log=_alone(part, key, log))) for name, own in parts.items() for part in own if key in _keys(part)]
        short = [(name, part, source) for name, part, source in readers if not part.evaluable(source, day)]
        if short:
            measures = tuple(dict.fromkeys(name for name, _, _ in short))
            whole = latest(_whole_on(part, source, day) for _, part, source in short)
            yield _gap(state, log, key, whole, measures, tuple(_readers(rules, set(measures), day)))


def _as_of_now(rules: Rulebook, state: State) -> ActivityLog:
    """The tallies as the next step will find them: those that are missing begin tomorrow."""
    twin = state.fork()
    adopt(rules, twin)
    return twin.activity


def _parts(meter: Meter) -> Iterator[Meter]:
    """The measures that another is made of; any other stands for itself."""
    if isinstance(meter, RatioMeter):
        yield from _parts(meter.over)
        yield from _parts(meter.under)
    elif isinstance(meter, DifferenceMeter):
        for part in meter.parts:
            yield from _parts(part)
    else:
        yield meter


def _keys(meter: Meter) -> set[str]:
    return {counted.key for counted in meter.counted}


def _alone(meter: Meter, key: str, log: ActivityLog) -> ActivityLog:
    """The tallies of a measure, all but one of them without any gap: so that it is this one that the measure stumbles over."""
    whole = ActivityLog()
    for counted in meter.counted:
        whole.open(counted.key, counted.what == "latest", None, counted.what == "each")
    whole.tallies[key] = log.tallies[key]
    return whole


def _whole_on(meter: Meter, source: Source, day: date) -> date | None:
    """The first day after ``day`` on which a measure is whole by time alone; None where that never comes."""
    if meter.reach is None:
        return None
    low, high = day, min(day + timedelta(days=meter.reach + SLACK), LAST_DAY)
    if not meter.evaluable(source, high):
        return None
    while (high - low).days > 1:  # once whole, whole for good: windows only move forward
        middle = low + (high - low) // 2
        low, high = (low, middle) if meter.evaluable(source, middle) else (middle, high)
    return high


def latest(days: Iterable[date | None]) -> date | None:
    """The last of some days; None where one of them never comes."""
    found = list(days)
    return None if None in found else max(day for day in found if day is not None)


def _versions(rules: Rulebook, policy_id: str, day: date) -> list[Policy]:
    """The version of a policy in force on a day, and those that come later."""
    in_force = rules.in_force(policy_id, day)
    return [policy for policy in rules.versions[policy_id] if policy is in_force or policy.effective_from > day]


def _readers(rules: Rulebook, measures: set[str], day: date) -> Iterator[str]:
    for policy_id in rules.versions:
        if any(measures & rules.tables.roots(policy.reads()) for policy in _versions(rules, policy_id, day)):
            yield policy_id


def _gap(state: State, log: ActivityLog, key: str, whole: date | None, measures: tuple[str, ...], policies: tuple[str, ...]) -> Gap:
    return Gap("tally_short" if key in state.activity.tallies else "tally_missing", key, _since(log.tallies[key]), whole, measures, policies)


def _since(kept: Rows) -> date | None:
    """The first day of which a tally knows the row."""
    days = [kept.held_from, kept.cut + 1 if kept.cut is not None else None]
    first = max((day for day in days if day is not None), default=None)
    return date.fromordinal(first) if first is not None else None


def _of_caps(rules: Rulebook, state: State, day: date) -> Iterator[Gap]:
    """Awards that a cap would count and that were not kept."""
    log = _as_of_now(rules, state)
    for key, policies in _awarding(rules).items():
        windows = [window for policy_id in policies for policy in _versions(rules, policy_id, day) for window in _periods(rules, policy, key, day)]
        yield from _uncounted(state, log, key, windows, policies)


def _uncounted(state: State, log: ActivityLog, key: str, windows: Sequence[Window], policies: tuple[str, ...]) -> Iterator[Gap]:
    """A gap where a tally does not reach back as far as windows go; none where it is not kept at all."""
    kept, day = log.tally(key), state.day
    assert day is not None
    if kept is not None and not all(kept.reaches(window.bounds(day)[0]) for window in windows):
        yield _gap(state, log, key, latest(_covered_on(window, kept, day) for window in windows), (), policies)


def _of_limits(rules: Rulebook, state: State, day: date) -> Iterator[Gap]:
    """What a limit would count and that was not kept."""
    log = _as_of_now(rules, state)
    for policy_id, keys in rules.own_tallies.items():
        for name, key in keys.items():
            windows = [window for policy in _versions(rules, policy_id, day) for window in policy.tallies().get(name, ())]
            yield from _uncounted(state, log, key, windows, (policy_id,))


def _of_sending(rules: Rulebook, state: State, day: date) -> Iterator[Gap]:
    """What a customer sent to others that a limit would count and that was not kept: how much, and how often."""
    log = _as_of_now(rules, state)
    for policy_id, keys in rules.sent_tallies.items():
        for key, field in zip(keys, ("at_most", "times"), strict=True):
            windows = [window for policy in _versions(rules, policy_id, day) for window in _limiting(policy, field, day)]
            yield from _uncounted(state, log, key, windows, (policy_id,))


def _limiting(policy: Policy, field: str, day: date) -> Iterator[Window]:
    """The periods over which a policy limits how much (``at_most``) or how often (``times``) is sent, and that are not over."""
    for limit in policy.send.limits if isinstance(policy, Transfer) and policy.send is not None else ():
        window = limit.per.window
        if getattr(limit, field) is not None and window is not None and not (isinstance(window, Dates) and window.last < day):
            yield window


def _awarding(rules: Rulebook) -> dict[str, tuple[str, ...]]:
    """The tallies of awards by key, each with the policies whose caps read it."""
    own = {key: (policy_id,) for policy_id, key in rules.awards.own.items()}
    return own | {key: rules.awards.members[group] for group, key in rules.awards.groups.items()}


def _periods(rules: Rulebook, policy: Policy, key: str, day: date) -> list[Window]:
    """The periods of a policy's caps that read a tally, and are not over."""
    if isinstance(policy, Accrual):
        own = [cap for cap in policy.caps if rules.awards.key(policy, cap.group) == key]
        windows = [cap.per.window for cap in own if cap.per.window is not None]
        return [window for window in windows if not isinstance(window, Dates) or window.last >= day]
    days = policy.counts_awards()
    return [Window.parse(f"{days} days")] if days else []


def _covered_on(window: Window, kept: Tally, day: date) -> date | None:
    """The first day from ``day`` on whose period was counted whole, or is over; None for all that was ever awarded."""
    if window.kind == "lifetime":
        return None
    if isinstance(window, Dates):
        return window.last + ONE_DAY
    while not kept.reaches(window.bounds(day)[0]):
        day += ONE_DAY
    return day


# -- what is gone ------------------------------------------------------------------------------------------------------


def _ids(rules: Rulebook, state: State) -> Iterator[Gap]:
    """Ids that a less tolerant program let go of: this one would still know them."""
    if state.known_from is not None and state.as_of is not None and state.known_from > state.as_of - rules.late:
        yield Gap("ids_forgotten", "", local_day(state.known_from, rules.zone), local_day(state.known_from + rules.late, rules.zone))


def _vanished(rules: Rulebook, state: State) -> Iterator[Gap]:
    """What the state holds of accounts, statuses, levels and policies that there are no more."""
    kept = {name.partition(".")[0] for name in (*rules.accounts, *rules.stores)}
    for name, account in sorted(state.ledger.accounts.items()):
        held = account.owed if name.endswith(".owed") else account.total
        if held and name.partition(".")[0] not in kept:
            yield Gap("account_vanished", name, holds=f"{spoken(shown(held, account.unit, account.scale))} {account.unit}")
    yield from _vanished_statuses(rules, state)
    orders = [policy_id for order in state.orders.values() for policy_id in order.records if policy_id not in rules.versions]
    for policy_id, number in sorted(Counter(orders).items()):
        yield Gap("policy_vanished", policy_id, holds=str(number))


def _vanished_statuses(rules: Rulebook, state: State) -> Iterator[Gap]:
    written = {name for policy in rules.parts.policies for name in policy.writes()} | ({rules.complaint_status} if rules.open_tallies else set())
    levels = {given.status: given.type.values for given in rules.given.values() if isinstance(given, StatusFact) and given.type.kind == "level"}
    for (name, subject), held in sorted(state.statuses.items()):
        if held.value is None:
            continue
        label = f"{name}.{subject}" if subject else name
        if name not in written:
            yield Gap("status_vanished", label, held.since, holds=str(held.value))
        elif name in levels and held.value not in levels[name]:
            yield Gap("level_vanished", label, held.since, holds=str(held.value))


# -- words -------------------------------------------------------------------------------------------------------------


@speak.register
def _(gaps: Gaps, speaker: Speaker) -> str:
    """One line for each gap."""
    about = {"customer": gaps.customer_id, "day": gaps.day}
    if not gaps.gaps:
        return speaker.word("gaps_none", about)
    return "\n".join([speaker.word("gaps_some", about), *(f"  {speaker.say(gap)}" for gap in gaps)])


@speak.register
def _(gap: Gap, speaker: Speaker) -> str:
    told = {"name": gap.name, "since": gap.since, "on": gap.complete_on, "holds": gap.holds}
    told |= {"measures": ", ".join(gap.measures) or "-", "policies": ", ".join(gap.policies) or "-"}
    if gap.kind not in ("tally_missing", "tally_short"):
        return speaker.word(f"gap_{gap.kind}", told)
    pause = "" if speaker.lang == "zh" else " "
    whole = speaker.word("gap_whole_on" if gap.complete_on is not None else "gap_not_by_time", told)
    return speaker.word(f"gap_{gap.kind}", told) + pause + whole
