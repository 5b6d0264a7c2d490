"""A history made right afterwards: an event that came too late, a correction, a withdrawal; and what that changes.

The history is replayed twice from where the change stands, as it was and as it is now. What both tell differs in decisions,
statuses and balances: that is the restatement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple, Never

from custrules import kernel
from custrules.adopting import check_state
from custrules.errors import Diagnostic, EventError, StateError
from custrules.events import AnyEvent, NewDay, Tick
from custrules.fields import Frozen, instant_text
from custrules.kernel import Verdict
from custrules.messages import render_all
from custrules.money import exactly
from custrules.policy import Decision, Reason, Touchpoint, reason
from custrules.restatement import DecisionChange, Flip, Restatement, StatusChange, event_data
from custrules.rulebook import Rulebook
from custrules.state import State
from custrules.state_parts import OWN, TouchpointAsked, shown

Read = Callable[[Any], AnyEvent]


# -- what is given -----------------------------------------------------------------------------------------------------


def _refuse(code: str, path: str, **params: object) -> Never:
    faults = [Diagnostic(code, path, params)]
    raise EventError(faults, render_all(faults, "en", plugins=False))


def checked_history(read: Read, opening: State, events: Iterable[object]) -> tuple[AnyEvent, ...]:
    """A stored history as it must be: stamped events of one customer, each id once, in order of acceptance, none in the opening yet."""
    history: list[AnyEvent] = []
    ids: set[str] = set()
    for number, event in enumerate(events):
        path = f"history[{number}]"
        found = _read(read, opening, event, path)
        if found.decided_at is None:
            _refuse("event.not_stamped", f"{path}.decided_at", id=found.id)
        if history and found.decided_at < _stamp(history[-1]):
            _refuse("event.out_of_order", path, id=found.id, decided_at=instant_text(found.decided_at), before=instant_text(_stamp(history[-1])))
        if found.id in ids:
            _refuse("event.repeated_id", f"{path}.id", id=found.id)
        _after_opening(opening, found, found.decided_at, path)
        ids.add(found.id)
        history.append(found)
    return tuple(history)


def _read(read: Read, opening: State, given: object, path: str) -> AnyEvent:
    """An event of this program and of the opening's customer."""
    try:
        event = read(given)
    except EventError as error:
        placed = [replace(fault, path=f"{path}.{fault.path}" if fault.path else path) for fault in error.diagnostics]
        raise EventError(placed, render_all(placed, "en", plugins=False)) from None
    if event.customer_id != opening.customer_id:
        faults = [Diagnostic("state.other_customer", f"{path}.customer_id", {"found": event.customer_id, "expected": opening.customer_id})]
        raise StateError(faults, render_all(faults, "en", plugins=False))
    return event


def _after_opening(opening: State, event: AnyEvent, decided_at: datetime, path: str) -> None:
    if opening.knows(event.id) or (opening.as_of is not None and decided_at < opening.as_of):
        as_of = instant_text(opening.as_of) if opening.as_of is not None else ""
        _refuse("event.before_opening", path, id=event.id, at=instant_text(decided_at), as_of=as_of)


def _stamp(event: AnyEvent) -> datetime:
    assert event.decided_at is not None
    return event.decided_at


class Change(NamedTuple):
    """A history before and after a change: at ``first`` they begin to differ; ``place`` is where the event stands now."""

    before: tuple[AnyEvent, ...]
    after: tuple[AnyEvent, ...]
    first: int
    place: int | None
    event: AnyEvent | None
    replaced: AnyEvent | None


def put_in(opening: State, history: tuple[AnyEvent, ...], event: AnyEvent) -> Change | None:
    """The history with an event at its own time, or in the place of the one of its id; None where it says nothing new."""
    if isinstance(event, NewDay | Tick):
        _refuse("event.not_restated", "event", id=event.id)
    known = next((number for number, other in enumerate(history) if other.id == event.id), None)
    if known is None:
        _after_opening(opening, event, event.occurred_at, "event")
        return _moved(history, event, None)
    old = history[known]
    if _content(old) == _content(event):
        return None
    if old.occurred_at == event.occurred_at:
        stamped = _stamped(event, _stamp(old))
        return Change(history, (*history[:known], stamped, *history[known + 1 :]), known, known, stamped, old)
    _after_opening(opening, event, event.occurred_at, "event")
    return _moved(history, event, known)


def _moved(history: tuple[AnyEvent, ...], event: AnyEvent, known: int | None) -> Change:
    """An event at its own time, behind what was decided up to then; the one that it takes the place of is gone."""
    rest = history if known is None else (*history[:known], *history[known + 1 :])
    stamped = _stamped(event, event.occurred_at)
    place = sum(_stamp(other) <= event.occurred_at for other in rest)  # stamps never fall: they all stand at the beginning
    first = place if known is None else min(place, known)
    return Change(history, (*rest[:place], stamped, *rest[place:]), first, place, stamped, None if known is None else history[known])


def take_out(history: tuple[AnyEvent, ...], event_id: str) -> Change:
    """The history without one event."""
    place = next((number for number, event in enumerate(history) if event.id == event_id), None)
    if place is None:
        _refuse("event.not_in_history", "withdraw", id=event_id)
    return Change(history, (*history[:place], *history[place + 1 :]), place, None, None, history[place])


def _content(event: AnyEvent) -> dict[str, Any]:
    """What an event says happened, whenever it was learned and decided."""
    data = event_data(event) or {}
    return {name: value for name, value in data.items() if name not in ("decided_at", "recorded_at")}


def _stamped(event: AnyEvent, decided_at: datetime) -> AnyEvent:
    return event.model_copy(update={"decided_at": decided_at})


# -- replaying it twice ------------------------------------------------------------------------------------------------


class Run:
    """A part of a history replayed from a state: the verdict of each event, and every decision by event and policy."""

    state: State
    decisions: dict[tuple[str, str], Decision]
    verdicts: dict[str, tuple[Verdict, Reason | None]]

    def __init__(self, rules: Rulebook, state: State) -> None:
        self._rules, self.state = rules, state
        self.decisions = {}
        self.verdicts = {}

    def play(self, events: Iterable[AnyEvent]) -> Run:
        for event in events:
            self._took(kernel.step(self._rules, self.state, event), event)
        return self

    def _took(self, result: kernel.Result, event: AnyEvent | None) -> None:
        if event is not None:
            self.verdicts[event.id] = result.verdict, result.refusal
        if result.verdict == "accepted":
            self.state = result.state
            self.decisions |= {(decision.event_id, decision.policy_id): decision for decision in result.decisions}

    def until(self, to: datetime | None) -> Run:
        """The same, with time passed up to an instant."""
        later = Run(self._rules, self.state)
        later.decisions, later.verdicts = dict(self.decisions), self.verdicts
        if to is not None:
            later._took(kernel.advance(self._rules, self.state, to), None)
        return later


@exactly
def restate(
    rules: Rulebook, read: Read, opening: State, history: Iterable[object], event: object | None, withdraw: str | None, current: State | None
) -> Restatement:
    """See ``Program.restate``. ``read`` makes an event of this program out of what is given, or raises EventError."""
    check_state(rules, opening)
    if current is not None:
        check_state(rules, current, opening.customer_id)
    if (event is None) == (withdraw is None):
        _refuse("event.event_or_withdraw", "")
    stored = checked_history(read, opening, history)
    if withdraw is not None:
        return _compared(rules, opening, take_out(stored, withdraw), current)
    found = _read(read, opening, event, "event")
    change = put_in(opening, stored, found)
    if change is None:
        known = next(other for other in stored if other.id == found.id)
        return _nothing(Run(rules, opening).play(stored), known, current, "duplicate", reason("event.duplicate", id=known.id))
    return _compared(rules, opening, change, current)


def _compared(rules: Rulebook, opening: State, change: Change, current: State | None) -> Restatement:
    common = Run(rules, opening).play(change.before[: change.first])
    before = Run(rules, common.state).play(change.before[change.first :])
    after = Run(rules, common.state).play(change.after[change.first :])
    if change.event is not None:
        verdict, refusal = after.verdicts[change.event.id]
        if verdict != "accepted":
            return _nothing(before, change.event.model_copy(update={"decided_at": None}), current, verdict, refusal)
    ends = [run.state.as_of for run in (before, after) if run.state.as_of is not None]
    end = max((*ends, *([current.as_of] if current is not None and current.as_of is not None else [])), default=None)
    then, now = before.until(end), after.until(end)
    kept = current if current is not None else then.state
    return Restatement(
        state=_with_contacts(now.state if current is not None else after.state, kept),
        event=change.event,
        deltas=_deltas(kept, now.state),
        statuses=tuple(_status_changes(kept, now.state)),
        decisions=tuple(_decision_changes(then, now, kept)),
        flipped=tuple(_flips(change, before, after)),
        replaced=change.replaced,
        place=change.place,
    )


def _nothing(run: Run, event: AnyEvent, current: State | None, verdict: Verdict, refusal: Reason | None) -> Restatement:
    state = run.until(current.as_of).state if current is not None else run.state
    return Restatement(_with_contacts(state, current or state), event, verdict=verdict, refusal=refusal)


def _with_contacts(state: State, kept: State) -> State:
    """Contacts that were asked for stay as they were asked: their cycle keys are taken. What became of them the history tells."""
    found = state.touchpoints
    asked_for = {key: asked for key, asked in kept.touchpoints.items() if asked.policy_id != OWN}
    stay = {key: _as_answered(asked, found[key]) if key in found else asked for key, asked in asked_for.items()}
    if all(found.get(key) == asked for key, asked in stay.items()):
        return state
    twin = state.fork()
    twin.touchpoints = {**found, **stay}
    return twin


def _as_answered(asked: TouchpointAsked, found: TouchpointAsked) -> TouchpointAsked:
    """An ask with what the history says became of it."""
    if found.outcome == "asked":
        return asked if asked.outcome == "asked" else found
    return replace(found, last_day=asked.last_day)


# -- what is different -------------------------------------------------------------------------------------------------


def _deltas(before: State, now: State) -> Frozen:
    deltas = {}
    for name in sorted({*before.ledger.accounts, *now.ledger.accounts}):
        held = now.ledger.accounts.get(name) or before.ledger.accounts[name]
        units = _held(now, name) - _held(before, name)
        if units:
            deltas[name] = shown(units, held.unit, held.scale)
    return Frozen(deltas)


def _held(state: State, name: str) -> int:
    account = state.ledger.accounts.get(name)
    if account is None:
        return 0
    return account.owed if name.endswith(".owed") else account.total


def _status_changes(before: State, now: State) -> Iterator[StatusChange]:
    for name, subject in sorted({*before.statuses, *now.statuses}):
        old, new = before.statuses.get((name, subject)), now.statuses.get((name, subject))
        if old != new:
            yield StatusChange(name, subject, old, new)


def _decision_changes(before: Run, now: Run, kept: State) -> Iterator[DecisionChange]:
    """In the order in which they are decided now; what is gone comes first."""
    for key, old in before.decisions.items():
        if key not in now.decisions:
            yield DecisionChange(old, None)
    for key, decision in now.decisions.items():
        was = before.decisions.get(key)
        told = _not_asked_again(decision, was, kept)
        if was != told:
            yield DecisionChange(was, told)


def _not_asked_again(decision: Decision, old: Decision | None, kept: State) -> Decision:
    """A decision without the contacts that were asked for before, by another event or on another day."""
    known = old.effects if old is not None else ()

    def stands(effect: object) -> bool:
        if not isinstance(effect, Touchpoint) or effect in known:
            return True
        asked = kept.touchpoints.get(f"{decision.policy_id}:{effect.cycle}")
        return asked is None or not asked.takes_cycle

    effects = tuple(effect for effect in decision.effects if stands(effect))
    return decision if len(effects) == len(decision.effects) else replace(decision, effects=effects)


def _flips(change: Change, before: Run, after: Run) -> Iterator[Flip]:
    own = change.event.id if change.event is not None else None
    for event in change.after[change.first :]:
        if event.id != own and before.verdicts.get(event.id, ("accepted", None))[0] != after.verdicts[event.id][0]:
            yield Flip(event, before.verdicts[event.id][0], *after.verdicts[event.id])
