"""Plain data -> a Document and its Rulebook, or every fault at once, each with its place.

The first pass reads each section and each policy by its own type; the second, over what was valid, finds what concerns
several parts at once. What only follows from a fault of the first pass is not told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, cast
from zoneinfo import ZoneInfo, available_timezones

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from custrules.calendars import Duration, known_zone
from custrules.calendars.rules import DayRule
from custrules.calendars.working import WorkingRule
from custrules.counting import MONEY_SUBJECTS, ActivityType, AttributeKind
from custrules.documents.faults import Broken, Path, Placing, true_path, without_counts
from custrules.documents.kinds import YAML_FLAGS, Kinds, verified
from custrules.documents.laws import ReadLaw, read_law
from custrules.documents.reading import Reading
from custrules.documents.sections import ATTRIBUTE_KINDS, DEFAULT_LATE, FORMAT, Accepted, Defaults, Document, ProfileSpec, ReadingSpec
from custrules.documents.tables import Files
from custrules.errors import Diagnostic
from custrules.events import KINDS as EVENTS
from custrules.fields import Frozen, Name, Title, describe, read_name
from custrules.measures import Measure
from custrules.money import SCALES
from custrules.naming import WORKING
from custrules.policy import Policy
from custrules.rates import RateSeries
from custrules.returns import ReturnsRule
from custrules.rulebook import MAX_FAULTS, Rulebook
from custrules.validation import located, model_at, nearest

HEAD = ("custrules", "program", "title", "zone", "currency", "law", "late", "returns", "defaults")
SECTIONS = (*HEAD, "profile", "activities", "readings", "calendar", "measures", "rates", "policies", "accept")
RESERVED_NAMES = (*YAML_FLAGS, "all", "any", "not")
LATER_EVENTS = (
    "partner_report", "sign_up",
)  # fmt: skip
MACHINE_ZONES = ("localtime", "posixrules", "Factory")
MOST = {"profile": 500, "activities": 200, "readings": 100, "calendar": 100, "measures": 500, "policies": 2000, "rates": 100, "accept": 500}
MOST_ATTRIBUTES = 100
MOST_KEYS = 500  # of one mapping inside a policy
_WIDEST_SCALE = max(SCALES.values())


@dataclass(frozen=True, slots=True)
class Result:
    """What came of reading: the document and its rules, or None and None where a diagnostic is an error."""

    document: Document | None
    rulebook: Rulebook | None
    diagnostics: tuple[Diagnostic, ...]


def read_document(source: Reading | Mapping[str, Any], kinds: Kinds | None = None) -> Result:
    """A document out of a Reading, or of plain data given in code (in which models and policies may stand for their data)."""
    reading = source if isinstance(source, Reading) else Reading(source, (), "")
    placing = Placing(reading)
    if reading.data == {} and reading.diagnostics:
        return Result(None, None, reading.diagnostics)
    reader = _Reader(reading.data, kinds or Kinds(), reading.files)
    document = reader.document()
    faults = placing.sorted([*placing.placed(reader.faults), *reader.elsewhere])
    rulebook = None
    if document is not None and len(faults) <= MAX_FAULTS:
        rulebook = Rulebook(document.parts(None if reader.currency_known else _WIDEST_SCALE, reader.policy_paths))
        faults = placing.sorted([*faults, *placing.resolved(reader.broken.follow_ups_removed(rulebook.faults))])
    if len(faults) > MAX_FAULTS:
        faults = [*faults[:MAX_FAULTS], replace(faults[MAX_FAULTS], code="document.too_many_faults", params={"most": MAX_FAULTS})]
    if faults:
        return Result(None, None, tuple(faults))
    return Result(document, rulebook, ())


class _Reader:
    """The first pass: every section by its own type; what cannot be read is noted and left out."""

    def __init__(self, data: object, kinds: Kinds, files: Files | None = None) -> None:
        self.data: Mapping[str, Any] = data if isinstance(data, Mapping) else {}
        self.kinds, self.files = kinds, files
        self.faults: list[tuple[Path, Diagnostic]] = []
        self.broken = Broken()
        self.policy_paths: list[Path] = []
        self.classes: dict[str, type[Policy]] = {}
        self.currency_known = False
        self.elsewhere: list[Diagnostic] = []  # faults of files beside the document, each with its place
        if not isinstance(data, Mapping):
            self.note((), "document.wrong_type", expected="a mapping of sections", found=describe(data))

    def note(self, path: Path, code: str, **params: object) -> None:
        self.faults.append((path, Diagnostic(code, params={name: str(value) for name, value in params.items()})))

    def document(self) -> Document | None:
        """The document out of all that is valid; None where it is no mapping at all."""
        if not isinstance(self.data, Mapping) or self.faults:
            return None
        self._sections()
        self._format()
        program, currency, zone = self._required("program", Name), self._currency(), self._zone()
        law = read_law(self.data["law"], currency, self.files) if "law" in self.data else ReadLaw()
        self.faults += law.faults
        self.elsewhere = law.elsewhere
        return Document(
            id=program or "program",
            zone=zone,
            currency=currency,
            title=self._optional("title", Title, ""),
            late=self._optional("late", Duration, DEFAULT_LATE),
            returns=self._optional("returns", ReturnsRule, ReturnsRule()),
            profile=self._profile(),
            activities=self._activities(),
            readings=self._readings(),
            calendar=self._calendar(),
            working=self._working(),
            measures=self._named("measures", Measure),
            rates=self._named("rates", RateSeries),
            policies=self._policies(currency if self.currency_known else None),
            accept=self._accept(),
            law=law.section,
            in_law=law.law,
        )

    # -- the head --------------------------------------------------------------------------------------------------

    def _sections(self) -> None:
        for key in self.data:
            if key not in SECTIONS:
                self.note((str(key),), "document.unknown_field", field=key, known=", ".join(SECTIONS), nearest=nearest(str(key), SECTIONS))

    def _format(self) -> None:
        found = self.data.get("custrules", FORMAT)
        if isinstance(found, bool) or str(found) != str(FORMAT):
            self.note(("custrules",), "document.unknown_format", found=describe(found), known=FORMAT)

    def _currency(self) -> str:
        found = self.data.get("currency")
        self.currency_known = isinstance(found, str) and found in SCALES
        if found is None:
            self.note(("currency",), "document.missing_field", field="currency")
        elif not self.currency_known:
            near = nearest(found.upper(), SCALES) if isinstance(found, str) else ""
            self.note(("currency",), "document.unknown_currency", found=describe(found), nearest=near)
        return str(found) if self.currency_known else "XXX"

    def _zone(self) -> ZoneInfo:
        found = self.data.get("zone")
        if isinstance(found, ZoneInfo) and found.key:
            return found
        known = known_zone(found) if isinstance(found, str) and found not in MACHINE_ZONES else None
        if known is not None:
            return known
        if found is None:
            self.note(("zone",), "document.missing_field", field="zone")
        else:
            near = nearest(found[:60], available_timezones()) if isinstance(found, str) else ""
            self.note(("zone",), "document.unknown_zone", found=describe(found), nearest=near)
        return ZoneInfo("UTC")

    def _required(self, name: str, kind: Any) -> Any:
        if name not in self.data:
            self.note((name,), "document.missing_field", field=name)
            return None
        return self._valid(kind, self.data[name], (name,))

    def _optional(self, name: str, kind: Any, default: Any) -> Any:
        found = self._valid(kind, self.data[name], (name,)) if name in self.data else None
        return default if found is None else found

    # -- sections of names -----------------------------------------------------------------------------------------

    def _entries(self, section: str) -> Mapping[str, Any]:
        """A section of named entries, without those whose name is none."""
        found = self.data.get(section, {})
        if not isinstance(found, Mapping):
            self.note((section,), "document.wrong_type", expected="a mapping of names", found=describe(found))
            return {}
        if len(found) > MOST[section]:
            self.note((section,), "document.too_many", what=section, most=MOST[section])
            return {}
        return {name: value for name, value in found.items() if self._is_name(name, (section, str(name)), section)}

    def _is_name(self, name: object, path: Path, section: str) -> bool:
        try:
            read_name(name)
        except PydanticCustomError:
            self.note(path, "document.bad_name", name=str(name)[:100])
            self.broken.note(section, str(name))
            return False
        if name in RESERVED_NAMES:
            self.note(path, "document.reserved_name", name=name)
        else:
            return True
        self.broken.note(section, str(name))
        return False

    def _named(self, section: str, kind: Any, without: Sequence[str] = ()) -> Mapping[str, Any]:
        entries = {name: value for name, value in self._entries(section).items() if name not in without}
        found = {name: self._valid(kind, value, (section, name)) for name, value in entries.items()}
        for name, value in found.items():
            if value is None:
                self.broken.note(section, name)
        return Frozen({name: value for name, value in found.items() if value is not None})

    def _profile(self) -> Mapping[str, ProfileSpec]:
        specs: Mapping[str, ProfileSpec] = self._named("profile", ProfileSpec)
        for name, spec in specs.items():
            if name == "consent":
                self.note(("profile", name), "document.name_taken", name=name)
            if spec.values is not None and spec.type != "text":
                self.note(("profile", name, "values"), "document.not_with", field="values", other=f"type: {spec.type}")
        return specs

    def _calendar(self) -> Mapping[str, DayRule]:
        rules: Mapping[str, DayRule] = self._named("calendar", DayRule, without=(WORKING,))
        for name, rule in rules.items():
            fault = rule.fault()
            if isinstance(fault, PydanticCustomError):
                self.note(("calendar", name), fault.type)
        return rules

    def _working(self) -> WorkingRule | None:
        """What the calendar's name ``working`` stands for: working time is no rule of days like the others."""
        calendar = self.data.get("calendar")
        if not isinstance(calendar, Mapping) or WORKING not in calendar:
            return None
        found: WorkingRule | None = self._valid(WorkingRule, calendar[WORKING], ("calendar", WORKING))
        if found is None:
            self.broken.note("calendar", WORKING)
        for path, wrong in found.faults() if found is not None else ():
            self.note(("calendar", WORKING, *path), wrong.type, **{name: value for name, value in (wrong.context or {}).items() if name != "code"})
        return found

    def _activities(self) -> Mapping[str, ActivityType]:
        found = {name: self._activity(name, declared) for name, declared in self._entries("activities").items()}
        return Frozen({name: declared for name, declared in found.items() if declared is not None})

    def _readings(self) -> Mapping[str, ReadingSpec]:
        taken = {*EVENTS, *LATER_EVENTS, *MONEY_SUBJECTS, *self._names("activities")}
        found: Mapping[str, ReadingSpec] = self._named("readings", ReadingSpec)
        for name in taken & {*found}:
            self.note(("readings", name), "document.name_taken", name=name)
        return found

    def _names(self, section: str) -> tuple[str, ...]:
        found = self.data.get(section)
        return tuple(map(str, found)) if isinstance(found, Mapping) else ()

    def _activity(self, name: str, declared: object) -> ActivityType | None:
        path: Path = ("activities", name)
        if name in EVENTS or name in LATER_EVENTS or name in MONEY_SUBJECTS:
            self.note(path, "document.name_taken", name=name)
        if isinstance(declared, ActivityType):
            return declared
        if not isinstance(declared, Mapping):
            self.note(path, "document.wrong_type", expected="a mapping of attributes to their kinds, such as {city: text}", found=describe(declared))
        elif len(declared) > MOST_ATTRIBUTES:
            self.note(path, "document.too_many", what="attributes", most=MOST_ATTRIBUTES)
        else:
            return self._attributes(declared, path)
        self.broken.note("activities", name)
        return None

    def _attributes(self, declared: Mapping[str, Any], path: Path) -> ActivityType:
        attributes: dict[str, AttributeKind] = {}
        unit = self._valid(Name, declared["quantity"], (*path, "quantity")) if "quantity" in declared else None
        for name, kind in declared.items():
            if name == "quantity" or not self._is_name(name, (*path, str(name)), "attributes"):
                continue
            if not isinstance(kind, str) or kind not in ATTRIBUTE_KINDS:
                self.note((*path, name), "document.unknown_choice", found=describe(kind), choices=", ".join(ATTRIBUTE_KINDS))
                self.broken.note("attributes", name)
            else:
                attributes[name] = kind
        return ActivityType(Frozen(attributes), unit)

    def _accept(self) -> tuple[Accepted, ...]:
        found = self.data.get("accept", [])
        if not isinstance(found, list | tuple):
            self.note(("accept",), "document.wrong_type", expected="a list of accepted findings", found=describe(found))
            return ()
        if len(found) > MOST["accept"]:
            self.note(("accept",), "document.too_many", what="accept", most=MOST["accept"])
            return ()
        read = [self._valid(Accepted, entry, ("accept", index)) for index, entry in enumerate(found)]
        return tuple(entry for entry in read if entry is not None)

    # -- policies --------------------------------------------------------------------------------------------------

    def _policies(self, currency: str | None) -> tuple[Policy, ...]:
        if "policies" not in self.data:
            self.note(("policies",), "document.missing_field", field="policies")
        entries = self.data.get("policies", [])
        if not isinstance(entries, list | tuple):
            self.note(("policies",), "document.wrong_type", expected="a list of policies", found=describe(entries))
            entries = []
        if len(entries) > MOST["policies"]:
            self.note(("policies",), "document.too_many", what="policies", most=MOST["policies"])
            entries = []
        defaults = self._defaults()
        read: list[Policy] = []
        for index, entry in enumerate(entries):
            policy = self._policy(entry, ("policies", index), defaults, currency) if len(self.faults) <= MAX_FAULTS else None
            if policy is not None:
                read.append(policy)
                self.policy_paths.append(("policies", index))
        return tuple(read)

    def _defaults(self) -> dict[str, Any]:
        """What the ``defaults`` section says; nothing where it is broken, which is told once and not for every policy."""
        found: Defaults = self._optional("defaults", Defaults, Defaults())
        return {name: value for name in Defaults.model_fields if (value := getattr(found, name)) is not None}

    def _policy(self, entry: object, path: Path, defaults: Mapping[str, Any], currency: str | None) -> Policy | None:
        if isinstance(entry, Policy):
            return self._given(entry, path)
        if not isinstance(entry, Mapping):
            self.note(path, "document.wrong_type", expected="a mapping with id and kind", found=describe(entry))
            self.broken.policy({}, None)
            return None
        kind = self._kind(entry, path)
        policy = None
        if kind is not None and not self._too_big(entry, path):
            fields = {**defaults, **{str(name): value for name, value in entry.items() if name != "kind"}}
            policy = self._valid(kind, fields, path, currency)
        if policy is None:
            self.broken.policy(entry, kind)
        return cast("Policy | None", policy)

    def _given(self, policy: Policy, path: Path) -> Policy | None:
        """A policy given in code: of a class that keeps the contract, the only one of its kind here (a document tells kinds, not classes)."""
        found = verified(policy.kind, type(policy), type(policy).__module__)
        if found is self.classes.setdefault(policy.kind, type(policy)):
            return policy
        if not isinstance(found, Diagnostic):
            reason = "another class of this kind is in the program"
            found = Diagnostic("document.bad_plugin", params={"kind": policy.kind, "maker": found.__module__, "reason": reason})
        self.faults.append(((*path, "kind"), found))
        self.broken.policy({"id": policy.id, "kind": policy.kind}, type(policy))
        return None

    def _too_big(self, entry: object, path: Path) -> bool:
        """Whether a mapping somewhere in a policy has more keys than any honest one: each might be a fault, looked up among others."""
        if isinstance(entry, Mapping) and len(entry) > MOST_KEYS:
            self.note(path, "document.too_many", what="keys", most=MOST_KEYS)
            return True
        parts = entry.items() if isinstance(entry, Mapping) else enumerate(entry) if isinstance(entry, list | tuple) else ()
        return any(self._too_big(part, (*path, step)) for step, part in parts)

    def _kind(self, entry: Mapping[str, Any], path: Path) -> type[Policy] | None:
        kind = entry.get("kind")
        if kind is None:
            self.note((*path, "kind"), "document.missing_field", field="kind")
            return None
        if not isinstance(kind, str):
            self.note((*path, "kind"), "document.wrong_type", expected="the name of a kind, such as points.accrual", found=describe(kind))
            return None
        found = self.kinds.find(kind)
        if isinstance(found, Diagnostic):
            self.faults.append(((*path, "kind"), found))
            return None
        return self.classes.setdefault(kind, found)

    # -- one value -------------------------------------------------------------------------------------------------

    def _valid(self, kind: Any, value: object, path: Path, currency: str | None = None) -> Any:
        """A value read by its type, or None and every fault noted at its place."""
        try:
            return _adapter(kind).validate_python(value, context={"currency": currency, "csv": self.files})
        except ValidationError as error:
            model = kind if isinstance(kind, type) and model_at(kind, ()) is not None else None
            for loc, found in without_counts(located(error, model)):
                if currency is not None or found.code != "document.bad_money":
                    self.faults.append(((*path, *true_path(loc, value)), found))
            return None


@lru_cache(maxsize=512)
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
