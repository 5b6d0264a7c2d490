"""The checks that a ``then`` is made of: each looks at one customer's answer and tells a mismatch, or None."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from custrules.analysis.plan import PlanItem
from custrules.fields import instant_text
from custrules.messages import render
from custrules.policy import Reason, Touchpoint
from custrules.state import State
from custrules.state_parts import StatusValue
from custrules.testing.scenario_readings import ABSENT, NONE, Mismatch, Names, compared, number, same_moment, shown, signed, status_part
from custrules.testing.scenario_run import Answer

Check = Callable[[Answer], Mismatch | None]


def _codes(reasons: list[Reason]) -> str:
    return ", ".join(dict.fromkeys(why.code for why in reasons)) or "nothing"


def accepted(answer: Answer) -> Mismatch | None:
    """A step that says nothing about it expects its event to be accepted."""
    other = next((step for step in answer.steps if not step.accepted), None)
    if other is None:
        return None
    why = f" ({other.refusal.code})" if other.refusal is not None else ""
    return Mismatch("accepted", f"{other.verdict}{why}")


def verdict(expected: str, answer: Answer) -> Mismatch | None:
    got = list(dict.fromkeys(step.verdict for step in answer.steps))
    return None if got == [expected] else Mismatch(expected, ", ".join(got) or "no event of this customer")


def refused(code: str, answer: Answer) -> Mismatch | None:
    """The event was refused, and for this: the refusal, or any reason of the declines."""
    refused = [step for step in answer.steps if not step.accepted]
    if not refused:
        return Mismatch(f"refused: {code}", "accepted")
    reasons = [step.refusal for step in refused if step.refusal is not None]
    reasons += [why for step in refused for decision in step.decisions for why in decision.reasons]
    return None if code in {why.code for why in reasons} else Mismatch(f"refused: {code}", f"refused: {_codes(reasons)}")


def declined(code: str, answer: Answer) -> Mismatch | None:
    declined = [why for decision in answer.decisions if decision.outcome == "DECLINED" for why in decision.reasons]
    return None if code in {why.code for why in declined} else Mismatch(f"declined: {code}", f"declined: {_codes(declined)}")


def because(codes: list[str], answer: Answer) -> Mismatch | None:
    told = {why.code for why in answer.reasons}
    missing = [code for code in codes if code not in told]
    return Mismatch(", ".join(missing), _codes(answer.reasons)) if missing else None


def unchanged(names: Names, wanted: list[str], answer: Answer) -> Mismatch | None:
    before = {key: value for name in wanted for key, value in _covered(names, name, answer.before).items()}
    after = {key: value for name in wanted for key, value in _covered(names, name, answer.shown).items()}
    changed = [key for key in dict.fromkeys((*before, *after)) if before.get(key) != after.get(key)]
    if not changed:
        return None
    told = [", ".join(f"{key} {shown(values.get(key))}" for key in changed) for values in (before, after)]
    first = changed[0]
    old, new = number(before.get(first)), number(after.get(first))
    delta = signed(new - old) if len(changed) == 1 and old is not None and new is not None else ""
    return Mismatch(told[0], told[1], delta)


def _covered(names: Names, name: str, state: State) -> dict[str, Any]:
    """An account with its buckets, a status with its subjects and fields, a measure, or the output of a table."""
    if names.is_account(name):
        return {key: names.balance(state, key) for key in names.below(name)}
    if names.is_measure(name) or names.is_output(name):
        return {name: names.measure(state, name.removeprefix("measure."))}
    if "." in name:
        held, field = status_part(state, name)
        return {name: str(held) if not field else _field_of(held, field)}
    return {f"{key[0]}.{key[1]}".rstrip("."): _told(held) for key, held in state.statuses.items() if key[0] == name}


def _told(held: StatusValue) -> str:
    data = "".join(f", {name} {shown(value)}" for name, value in sorted(held.data.items()))
    return f"{shown(held.value)} since {held.since} until {shown(held.until)}{data}"


def _field_of(held: StatusValue | None, field: str) -> Any:
    """A field of a status; None where there is no such status, or no such field."""
    if held is None:
        return None
    return getattr(held, field) if field in ("since", "until") else held.data.get(field)


def status(key: str, value: str, state: State, zone: ZoneInfo) -> Mismatch | None:
    held, field = status_part(state, key)
    unknown = bool(field) and field not in ("since", "until") and (held is None or field not in held.data)
    if value == ABSENT:
        return Mismatch(ABSENT, _told(held)) if held is not None and not unknown else None
    if unknown:
        known = ("since", "until", *sorted(held.data if held is not None else ()))
        return None if value == NONE else Mismatch(value, f"there is no field {field!r}; known here: {', '.join(known)}")
    got = _field_of(held, field) if field else held.value if held is not None else None
    return compared(value, got) if not same_moment(value, got, zone) else None


def says(texts: Mapping[str, str], answer: Answer) -> Mismatch | None:
    """A sentence of the step's reasons is this text, or contains it."""
    for language, text in texts.items():
        sentences = [render(why, language) for why in answer.reasons]
        if not any(text in sentence for sentence in sentences):
            return Mismatch(f"{language}: {text}", " / ".join(sentences) or "nothing")
    return None


def absent(names: list[str], answer: Answer) -> Mismatch | None:
    """No touchpoint of this step has one of these templates or categories."""
    asked = [effect for effect in answer.effects if isinstance(effect, Touchpoint) and {effect.template, effect.category} & {*names}]
    return Mismatch(f"none of {', '.join(names)}", ", ".join(effect.template for effect in asked)) if asked else None


def touchpoints(names: list[str], answer: Answer) -> Mismatch | None:
    """Touchpoints of this step have these templates or categories."""
    asked = [effect for effect in answer.effects if isinstance(effect, Touchpoint)]
    missing = [name for name in names if not any(name in (effect.template, effect.category) for effect in asked)]
    return Mismatch(", ".join(names), ", ".join(effect.template for effect in asked) or "no touchpoint") if missing else None


def task(template: str, answer: Answer) -> Mismatch | None:
    """A touchpoint of outcome ``task`` has this template, or goes to this person."""
    tasks = [effect for effect in answer.effects if isinstance(effect, Touchpoint) and effect.outcome == "task"]
    if any(template in (effect.template, effect.data.get("to")) for effect in tasks):
        return None
    return Mismatch(template, ", ".join(effect.template for effect in tasks) or "no task")


PLANNED = ("day", "trigger", "outcome", "channel", "until", "deadline", "because", "category", "purpose", "template", "at")


def planned(wanted: list[Mapping[str, Any]], answer: Answer) -> Mismatch | None:
    """Items of the plan that fit, in this order; others may stand between them."""
    rest = iter(answer.planned)
    for row in wanted:
        if not any(_fits(row, item) for item in rest):
            told = ", ".join(f"{name}: {value}" for name, value in row.items())
            return Mismatch(told, "; ".join(map(_item_told, answer.planned)) or "an empty plan")
    return None


def _fits(row: Mapping[str, Any], item: PlanItem) -> bool:
    codes = row.get("because", [])
    if not set([codes] if isinstance(codes, str) else codes) <= set(item.codes):
        return False
    return all(_plain(getattr(item, name)) == str(value) for name, value in row.items() if name != "because")


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return instant_text(value)
    return value.isoformat() if isinstance(value, date) else NONE if value is None else str(value)


def _item_told(item: PlanItem) -> str:
    until = f" until {item.until}" if item.until is not None else ""
    return f"{item.day} {item.trigger} {item.outcome}{until} {item.channel} ({', '.join(item.codes)})"
