"""Scenarios written by the engine: events as an analyst writes them, and what is expected read off the answers.

A file that is written here passes as it stands, because what it expects is what came of playing its own text; whether that is
what the programme ought to answer, a person has to say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from textwrap import indent
from typing import Any
from zoneinfo import ZoneInfo

from custrules.codec import canonical
from custrules.documents.writing import Flow, yaml_of
from custrules.events import AnyEvent
from custrules.program import Program
from custrules.state import State
from custrules.testing.scenario_events import NOON, script_of
from custrules.testing.scenario_file import read_scenarios
from custrules.testing.scenario_readings import NONE, Names, shown
from custrules.testing.scenario_run import Answer, Play
from custrules.testing.scenario_then import OWN_KEYS
from custrules.testing.scenarios import collect

Scenario = dict[str, Any]
STAMPS = ("type", "id", "customer_id", "occurred_at", "decided_at")


# -- events ------------------------------------------------------------------------------------------------------------


def local_text(instant: datetime, zone: ZoneInfo) -> str:
    """An instant as scenarios write it: a date for noon, else the local time; with its offset where that is not clear without it."""
    local = instant.astimezone(zone)
    plain = local.replace(tzinfo=None, fold=0)
    if plain == datetime.combine(local.date(), NOON):
        return local.date().isoformat()
    if plain.replace(tzinfo=zone).astimezone(UTC) != instant.astimezone(UTC):  # the second of two equal hours
        return local.isoformat()
    return plain.isoformat() if plain.second or plain.microsecond else plain.isoformat(timespec="minutes")


def written(event: AnyEvent, program: Program) -> Flow:
    """An event as a scenario writes it: ``{purchase: {id: …, at: …, amount: …}}``; whose it is and when it was decided left out."""
    data = event.model_dump(mode="json", exclude_defaults=True)
    fields = {name: value for name, value in data.items() if name not in STAMPS}
    name = event.type
    if event.type == "activity":
        name = fields.pop("name")
        fields |= fields.pop("attributes", {})
    if event.type == "purchase":
        fields = _purchase(fields)
    if event.type == "merge" and "brought" in fields:
        fields["brought"] = canonical(fields["brought"]).decode()
    return Flow({name: Flow({"id": event.id, "at": local_text(event.occurred_at, program.zone), **_plain(fields, program.currency)})})


def _purchase(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Lines say the amount already; tenders are a mapping where each is of another type."""
    kept = {name: value for name, value in fields.items() if name != "amount" or not fields.get("lines")}
    tenders = kept.get("tenders", [])
    if tenders and len({tender["type"] for tender in tenders}) == len(tenders) and not any("reference" in tender for tender in tenders):
        kept["tenders"] = {tender["type"]: tender.get("quantity", tender["amount"]) for tender in tenders}
    return kept


def _plain(value: Any, currency: str) -> Any:
    """Texts all the way down; an amount of the program's currency without it."""
    if isinstance(value, Mapping):
        return Flow({str(name): _plain(item, currency) for name, item in value.items()})
    if isinstance(value, list | tuple):
        return [_plain(item, currency) for item in value]
    text = shown(value)
    return text.removesuffix(f" {currency}")


# -- what is expected --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Filled:
    """A scenario with what came of each step as its expectation; the events as they were read back, and the state at its end."""

    scenario: Scenario
    events: tuple[AnyEvent, ...]
    state: State


class Filler:
    """Plays scenarios whose steps say ``when`` alone, and writes down what came of each step."""

    program: Program
    names: Names

    def __init__(self, program: Program) -> None:
        self.program, self.names = program, Names(program)

    def filled(self, scenario: Scenario) -> Filled | None:
        """The scenario with its expectations; None where it cannot be read, or what is given is not accepted."""
        file = read_scenarios(yaml_of({"scenarios": [scenario]}), needs_program=False)
        if file.page.faults or len(file.cases) != 1:
            return None
        script = script_of(file.page, file.cases[0], self.program)
        play = Play(self.program, list(file.cases[0].customers))
        if file.page.faults or play.give(script) is not None:
            return None
        answers = [next(iter(play.stage(stage).values())) for stage in script.stages]
        events = (*script.given, *(happening for stage in script.stages for happening in stage.happenings))
        return Filled(self._with(scenario, answers), tuple(happening.event for happening in events), next(iter(play.states.values())))

    def _with(self, scenario: Scenario, answers: Sequence[Answer]) -> Scenario:
        steps: list[Scenario] = []
        known: dict[str, str] = {}
        for step, answer in zip(scenario["steps"], answers, strict=True):
            now = self.readings(answer.shown)
            then = self._then(answer, {name: value for name, value in now.items() if known.get(name, self._dull(name)) != value})
            steps.append({"when": step["when"], **({"then": Flow(then)} if then else {})})
            known = now
        return {**scenario, "steps": steps}

    def _dull(self, name: str) -> str:
        """What nobody expects to read about, until it was something else: empty buckets, and terms without an end."""
        return NONE if name.endswith(".until") else "0" if "." in name and self.names.is_account(name) else ""

    @staticmethod
    def _then(answer: Answer, changed: dict[str, str]) -> dict[str, Any]:
        """What became of the event, unless it was accepted; the readings that changed; and why."""
        codes = list(dict.fromkeys(why.code for why in answer.reasons))
        step = answer.steps[-1] if answer.steps else None
        if step is not None and not step.accepted:
            refused = {"refused": step.refusal.code} if step.verdict == "refused" and step.refusal is not None else {"verdict": step.verdict}
            return {**refused, **changed}
        return {**changed, **({"because": codes} if codes else {})}

    def readings(self, state: State) -> dict[str, str]:
        """Balances with their buckets, and statuses with their last days, by the names that scenarios read them by."""
        found: dict[str, str] = {}
        for account in (*self.names.accounts, *self.names.own_stores) if state.day is not None else ():
            for name in self.names.below(account):
                found[name] = shown(self.names.balance(state, name))
        for (name, subject), held in sorted(state.statuses.items()):
            if name in self.names.statuses and name not in OWN_KEYS and "." not in subject and subject not in ("since", "until"):
                key = f"{name}.{subject}" if subject else name
                found |= {key: shown(held.value), f"{key}.until": shown(held.until)}
        return found


# -- the file ----------------------------------------------------------------------------------------------------------


def file_text(program_path: str, scenarios: Sequence[Scenario], remarks: Sequence[str]) -> str:
    """A scenario file: remarks as comments, the program, the scenarios with an empty line between them."""
    head = [*(f"# {line}" for line in remarks), yaml_of({"program": program_path}).rstrip("\n"), "scenarios:"]
    blocks = (indent(yaml_of([scenario]).rstrip("\n"), "  ") for scenario in scenarios)
    return "\n".join(head) + "\n" + "\n\n".join(blocks) + "\n"


def passes(text: str, program: Program) -> bool:
    """Whether every scenario of a text passes as it is written."""
    return all(planned.run().passed for planned in collect("written", text=text, program=program))
