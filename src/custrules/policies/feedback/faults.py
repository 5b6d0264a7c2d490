"""What is wrong with a policy of complaints or surveys inside its program."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from custrules.conditions.tables import LISTS
from custrules.counting import FIELDS
from custrules.errors import Diagnostic
from custrules.policies.feedback.case import AT, BY, RESERVED, RULE, WITHIN
from custrules.policy import Known
from custrules.validation import nearest

if TYPE_CHECKING:
    from custrules.policies.feedback.complaints import Complaints
    from custrules.policies.feedback.survey import Survey

_KINDS = ("text", "whole", "flag")


def complaint_faults(policy: Complaints, known: Known) -> Iterator[Diagnostic]:
    yield from twice("categories", policy.categories)
    yield from twice("causes", policy.causes)
    yield from _clocks(policy)
    yield from _ladder(policy)
    yield from _route(policy)
    yield from policy.compensation.faults(known.scale)
    other = next((other.id for other in known.policies if other.keeps_complaints() is not None and other.id != policy.id), None)
    if other is not None:
        yield Diagnostic("document.two_of_a_kind", "kind", {"kind": policy.kind, "first": other, "second": policy.id})


def twice(path: str, names: Sequence[str]) -> Iterator[Diagnostic]:
    """A name that a list has twice."""
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name in seen:
            yield Diagnostic("document.named_twice", f"{path}[{index}]", {"name": name})
        seen.add(name)


def _clocks(policy: Complaints) -> Iterator[Diagnostic]:
    counts: Counter[tuple[str, object]] = Counter()
    for index, clock in enumerate(policy.clocks):
        if clock.name in RESERVED:
            yield Diagnostic("document.reserved_name", f"clocks[{index}].name", {"name": clock.name})
        key = clock.name, clock.effective_from
        if counts[key]:  # behind one that always holds
            yield Diagnostic("document.never_chosen", f"clocks[{index}]", {"name": clock.name})
        counts[key] += clock.when is None


def _ladder(policy: Complaints) -> Iterator[Diagnostic]:
    names = policy.clock_names
    labels: set[str] = set()
    for index, step in enumerate(policy.ladder):
        if step.of is not None and step.of not in names:
            found = {"found": step.of, "choices": ", ".join(names), "nearest": nearest(step.of, names)}
            yield Diagnostic("document.unknown_choice", f"ladder[{index}].of", found)
        elif not names:
            yield Diagnostic("document.missing_field", "clocks", {"field": "clocks"})
        if step.label() in labels:
            yield Diagnostic("document.named_twice", f"ladder[{index}]", {"name": step.label()})
        labels.add(step.label())


def _route(policy: Complaints) -> Iterator[Diagnostic]:
    if policy.route is None:
        return
    if policy.route.hit in LISTS:
        yield Diagnostic("document.not_with", "route.hit", {"field": policy.route.hit, "other": "route"})
    taken = {*RESERVED, *policy.clock_names}
    for index, output in enumerate(policy.route.outputs):
        if output.name in taken or output.name.endswith((WITHIN, BY, AT, RULE)):
            yield Diagnostic("document.reserved_name", f"route.outputs[{index}].name", {"name": output.name})
        if output.type not in _KINDS:
            found = {"found": output.type, "choices": ", ".join(_KINDS), "nearest": ""}
            yield Diagnostic("document.unknown_choice", f"route.outputs[{index}].type", found)


OUT_OF_TIME = ("new_day", "tick", "survey_response", "opening", "merge", "closure")
"""Events after which nobody is asked."""


def survey_faults(policy: Survey, known: Known) -> Iterator[Diagnostic]:
    """Occasions that are none, or stand there twice; conditions on an answer that there is not yet."""
    events = tuple(name for name in known.events if name not in OUT_OF_TIME)
    kept = tuple(name for other in known.policies if (name := other.keeps_complaints()) is not None)
    seen: set[str] = set()
    for index, row in enumerate(policy.after):
        if row.event is not None and row.event not in events:
            found = {"found": row.event, "choices": ", ".join(events), "nearest": nearest(row.event, events)}
            yield Diagnostic("document.unknown_choice", f"after[{index}]", found)
        if row.closed is not None and row.closed not in kept:
            found = {"found": row.closed, "choices": ", ".join(kept) or "-", "nearest": nearest(row.closed, kept)}
            yield Diagnostic("document.unknown_choice", f"after[{index}].closed", found)
        label = ", ".join(str(part) for part in (row.event, row.closed, row.every, row.wait if row.every is None else None) if part is not None)
        if label in seen:
            yield Diagnostic("document.named_twice", f"after[{index}]", {"name": label})
        seen.add(label)
    unknown = sorted({*FIELDS["survey_response"], "channel"} & policy.when.facts - known.facts.keys()) if policy.when is not None else []
    for fact in unknown:
        yield Diagnostic("document.unknown_fact", f"when.{fact}", {"fact": fact, "nearest": "", "known": ", ".join(sorted(known.facts))})
