"""``check_policy``: the contract of a policy as a test that anybody can run on their own. What it asks for stands in ``CLAUSES``."""

from __future__ import annotations

import pickle
from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import timedelta
from random import Random
from typing import NoReturn

from pydantic import BaseModel, ValidationError

from custrules import kernel
from custrules.calendars import ONE_DAY, local_day, start_of_day
from custrules.documents.document import LATER_EVENTS
from custrules.documents.kinds import breaches
from custrules.documents.sections import policy_data
from custrules.errors import BrokenContract, ContractError, DocumentError, MissingExtra
from custrules.events import KINDS as EVENTS
from custrules.events import AnyEvent, NewDay
from custrules.messages import LANGUAGES, Speaker, placeholders
from custrules.policy import Decision, Policy
from custrules.program import Program
from custrules.state import State
from custrules.testing.probing import Breach, Probe
from custrules.testing.surroundings import surrounded
from custrules.testing.walks import Passing, Walk, walked
from custrules.validation import model_at

CLAUSES: dict[str, str] = {
    "class": "its class says kind, phase and what it hears, is frozen, forbids unknown fields, and no field's name means yes or no to YAML",
    "descriptions": "every field of its own says in its description what it is",
    "document": "its document form gives it back",
    "pickle": "pickling gives it back",
    "answers": "every answer is None or a valid Decision, never an exception",
    "same_answer": "asked twice, it answers the same",
    "unchanged": "asking changes neither it nor the event nor the state",
    "quiescent": "asked a second time with the same NewDay or Tick, it answers None",
    "unknown_event": "an event of a type that it does not know is not its business",
    "due": "its due is never late: NewDay daily, sometimes or never gives the same decisions and the same state",
    "sentences": "every reason code has a sentence in each language, with the same placeholders, all of them filled",
}
MOST_EVENTS = 12
MOST_DUES = 12
MOST_SHRINKS = 60
AHEAD = timedelta(days=400)


def check_policy(policy: Policy | type[Policy], *, program: Program | None = None, examples: int = 100, skip: Collection[str] = ()) -> frozenset[str]:
    """Check a policy against its contract (``CLAUSES``); BrokenContract says what it breaks, with the smallest history found.

    Give an instance (or a class of which every field has a default). It is asked on ``examples`` generated histories inside
    ``program``, where it takes the place of the policy of its id; without one, inside a small club with points, levels, and the
    facts spend, orders, lifetime_spend, lifetime_orders, referrals, idle, segment and birthday. DocumentError where the policy
    does not fit into it. ``skip`` names clauses that are not looked at.

    Returns the reason codes that it gave, so that a test can say that every one of them was seen. Needs hypothesis.
    """
    unknown = sorted(set(skip) - set(CLAUSES))
    if unknown:
        raise ValueError(f"there are no clauses {', '.join(unknown)}; there are {', '.join(CLAUSES)}")
    clauses = [clause for clause in CLAUSES if clause not in skip]
    checked = _instance(policy)
    for clause, rule in _still(checked, clauses):
        raise BrokenContract(checked.id, "", rule, clause)
    around = surrounded(checked, program)
    probe = Probe(around.rulebook, checked.id, clauses)
    _search(around, checked, probe, examples)
    if "sentences" in clauses:
        for rule in _sentences(checked, probe):
            raise BrokenContract(checked.id, "", rule, "sentences")
    return frozenset(probe.codes)


def _instance(policy: Policy | type[Policy]) -> Policy:
    if isinstance(policy, Policy):
        return policy
    for rule in breaches(getattr(policy, "kind", ""), policy):
        raise BrokenContract(getattr(policy, "__name__", repr(policy)), "", rule, "class")
    try:
        return policy.model_validate({"id": "checked"})
    except ValidationError as error:
        missing = ", ".join(str(fault["loc"][0]) for fault in error.errors())
        raise TypeError(f"check_policy needs an instance of {policy.__name__}: it has no default for {missing}") from None


# -- what can be seen without asking it --------------------------------------------------------------------------------


def _still(policy: Policy, clauses: Collection[str]) -> Iterator[tuple[str, str]]:
    looks = {"class": _class, "descriptions": _descriptions, "document": _document, "pickle": _pickle}
    for clause, look in looks.items():
        if clause in clauses:
            yield from ((clause, rule) for rule in look(policy))


def _class(policy: Policy) -> Iterator[str]:
    kind = type(policy)
    yield from breaches(kind.kind, kind)
    if kind.hears is not None and not isinstance(kind.hears, tuple):
        yield f"hears is a tuple of event types, or None for all, not {type(kind.hears).__name__}"
    for name in kind.hears or ():
        if name not in EVENTS and name not in LATER_EVENTS:
            yield f"it hears {name!r}, and there is no event of that type"


def _descriptions(policy: Policy) -> Iterator[str]:
    for owner, name in _own_fields(type(policy)):
        if not owner.model_fields[name].description:
            yield f"the field {name!r} of {owner.__name__} has no description (for the schema and its readers): Field(description=...)"


def _own_fields(model: type[BaseModel]) -> Iterator[tuple[type[BaseModel], str]]:
    """The fields of a policy and of the models inside it, but for those that every policy has."""
    for name in model.model_fields:
        if name not in Policy.model_fields:
            yield model, name
            inside = model_at(model, (name,))
            if inside is not None and inside is not model:
                yield from _own_fields(inside)


def _document(policy: Policy) -> Iterator[str]:
    """The document form as it is read again, without a program around it."""
    data = {name: value for name, value in policy_data(policy).items() if name != "kind"}
    try:
        again = type(policy).read(data)
    except (ValidationError, DocumentError) as error:
        yield f"its document form {data!r} cannot be read: {error}"
        return
    if again != policy:
        yield f"its document form {data!r} gives another policy back"


def _pickle(policy: Policy) -> Iterator[str]:
    try:
        again = pickle.loads(pickle.dumps(policy))
    except Exception as error:  # noqa: BLE001 - pickling raises whatever a class makes it raise
        yield f"pickling it raised {type(error).__name__}: {error}"
        return
    if again != policy:
        yield "pickling it gives another policy back"


def _sentences(policy: Policy, probe: Probe) -> Iterator[str]:
    declared = (*policy.reason_codes, *((f"{policy.kind}.retired",) if policy.phase == "pay" else ()))
    for code in (*declared, *probe.codes):
        if code.count(".") < 2:
            yield f"the reason code {code!r} is not written family.noun.case"
        entries = {lang: Speaker(lang).entry(code) for lang in LANGUAGES}
        names = {lang: placeholders(entry["text"]) for lang, entry in entries.items() if entry is not None}
        missing = [lang for lang in LANGUAGES if lang not in names]
        if missing:
            yield f"there is no sentence for {code!r} in {', '.join(missing)} (entry points of the group custrules.messages)"
        elif len(set(names.values())) > 1:
            told = "; ".join(f"{lang}: {', '.join(sorted(found))}" for lang, found in names.items())
            yield f"the sentences for {code!r} have other placeholders in each language ({told})"
        elif code in probe.codes and not names[LANGUAGES[0]] <= probe.codes[code]:
            yield f"a reason {code!r} lacks {', '.join(sorted(names[LANGUAGES[0]] - probe.codes[code]))}, which its sentence fills in"
    if policy.reason_codes:
        for code in sorted(set(probe.codes) - set(declared)):
            yield f"it gave the reason code {code!r}, which its reason_codes do not list"


# -- histories ---------------------------------------------------------------------------------------------------------


class _SmallEnough(BaseException):
    """Stops the search: hypothesis lets what is no Exception pass."""


def _search(program: Program, policy: Policy, probe: Probe, examples: int) -> None:
    """Look for a history that shows a breach, and make it as small as it gets."""
    try:
        from hypothesis import HealthCheck, errors, find, settings  # noqa: PLC0415 - an optional package, needed only here
        from hypothesis import strategies as st  # noqa: PLC0415 - the same
    except ImportError:
        raise MissingExtra("custrules.testing.check_policy (hypothesis)", "test") from None
    from custrules.testing.strategies import histories, passings  # noqa: PLC0415 - it imports hypothesis

    found: list[tuple[Breach, tuple[AnyEvent, ...]]] = []
    left = MOST_SHRINKS

    def breaks(case: tuple[tuple[AnyEvent, ...], Passing]) -> bool:
        nonlocal left
        left -= bool(found)
        if left < 0:
            raise _SmallEnough
        breach = _played(program, policy, probe, *case)
        if breach is None or (found and found[0][0].clause != breach.clause):
            return False
        found.append((breach, case[0]))
        return True

    quietly = settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    with suppress(errors.NoSuchExample, errors.Flaky, _SmallEnough):
        find(st.tuples(histories(program, max_size=MOST_EVENTS), passings()), breaks, settings=quietly, random=Random(0))
    if found:
        _told(policy, *min(found, key=lambda case: (len(case[1]), sum(len(event.to_json()) for event in case[1]))))


def _told(policy: Policy, breach: Breach, history: tuple[AnyEvent, ...]) -> NoReturn:
    raise BrokenContract(policy.id, breach.event_id, breach.rule, breach.clause, history)


def _played(program: Program, policy: Policy, probe: Probe, history: tuple[AnyEvent, ...], how: Passing) -> Breach | None:
    """The first breach on a history: as the policy is asked, in its dues, or between a host that lets time pass and one that does not."""
    try:
        state = State.new(history[0].customer_id)
        for event in history:
            state = kernel.step(probe.rules, state, event).state
        if "due" in probe.clauses:
            _dues(program, policy.id, history)
            _passing(program, policy.id, history, how)
    except Breach as breach:
        return breach
    except ContractError as error:
        if error.policy_id != policy.id:
            raise
        return Breach("answers", policy.id, error.event_id, error.rule) if "answers" in probe.clauses else None
    return None


def _dues(program: Program, policy_id: str, history: tuple[AnyEvent, ...]) -> None:
    """Breach where the policy decides something on a day that is sent before its due; every due to come, one after the other."""
    steps = [step for _, step in walked(program, history)]
    for step in steps[:-1]:
        _quiet_until_due(program, policy_id, step.state)
    state: State | None = steps[-1].state
    for _ in range(MOST_DUES):
        state = _quiet_until_due(program, policy_id, state) if state is not None else None


def _quiet_until_due(program: Program, policy_id: str, state: State) -> State | None:
    """The state at the next due; None where there is none."""
    if state.day is None:
        return None
    due = program.next_due(state)
    upto = due or start_of_day(state.day, program.zone) + AHEAD
    last = local_day(upto - timedelta(microseconds=1), program.zone)
    for day in sorted({day for day in (state.day + ONE_DAY, state.day + 7 * ONE_DAY, last) if state.day < day <= last}):
        sent = program.step(state, NewDay(customer_id=state.customer_id, day=day))
        decided = [decision for decision in sent.decisions if decision.policy_id == policy_id]
        if decided:
            raise Breach("due", policy_id, decided[0].event_id, f"{_named(decided[0])}: on a day that was sent, before the due that it named ({due})")
    return program.advance(state, due).state if due is not None else None


def _passing(program: Program, policy_id: str, history: tuple[AnyEvent, ...], how: Passing) -> None:
    """Breach where days that are sent make a difference."""
    plain, other = (Walk(program, State.new(history[0].customer_id)) for _ in range(2))
    for event in history:
        other.pass_time(event.occurred_at, how)
        verdicts = [walk.event(event).verdict for walk in (plain, other)]
        if verdicts[0] != verdicts[1]:
            raise Breach("due", policy_id, event.id, f"{verdicts[0]} where no day was sent, {verdicts[1]} where days were sent before it ({how})")
    if plain.state.as_of is None or other.state.as_of is None:
        return
    end = max(plain.state.as_of, other.state.as_of) + timedelta(days=100)
    other.pass_time(end, how)
    for walk in (plain, other):
        walk.advance(end)
    never, sent = ([*filter(lambda decision: decision.policy_id == policy_id, walk.decisions)] for walk in (plain, other))
    for left, right in zip([*never, None], [*sent, None], strict=False):
        if left != right:
            raise Breach(
                "due", policy_id, _first(left, right).event_id, f"{_named(left)} where no day was sent, {_named(right)} where days were ({how})"
            )
    if plain.state.to_json() != other.state.to_json():
        raise Breach("due", policy_id, history[-1].id, f"another state where days were sent ({how})")


def _first(*decisions: Decision | None) -> Decision:
    return next(decision for decision in decisions if decision is not None)


def _named(decision: Decision | None) -> str:
    if decision is None:
        return "it decided nothing"
    return f"it decided {decision.outcome} {', '.join(decision.codes)} ({decision.event_id})"
