"""What a program calls things: versions of policies, measures, accounts, statuses and every other fact with its type. A name means one thing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from custrules.averages import Averages
from custrules.calendars.festivals import FESTIVALS
from custrules.calendars.lunar import SEASONS, TERM_NAMES
from custrules.calendars.rules import DayRule
from custrules.calendars.working import WorkingTime
from custrules.counting import AttributeKind, Counted, reading_type
from custrules.errors import Diagnostic
from custrules.facts import FactType, Levels, merged_levels
from custrules.law import Law
from custrules.measures import Measure, Meter, SinceMeter, WindowMeter
from custrules.metering import Compiler
from custrules.parts import Parts
from custrules.policy import BalanceFact, Policy, StatusFact
from custrules.rates import Series
from custrules.returns import ReturnsRule
from custrules.stores import Store, balances_of, stores_of
from custrules.tabling import Tables
from custrules.validation import path_text
from custrules.versions import Versions

RESERVED_IDS = ("returns", "customer", "world", "day", "at")
BUILT_IN: dict[str, FactType] = {
    "weekday": FactType("text", ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")),
    "day_of_month": FactType("whole"),
    "month": FactType("whole"),
    "festival": FactType("text", tuple(FESTIVALS)),
    "solar_term": FactType("text", TERM_NAMES),
    "season": FactType("text", SEASONS),
    "zone": FactType("text"),
    "joined": FactType("date"),
    "do_not_contact": FactType("flag"),
}
EVENT_FACTS = ("channel", "amount", "quantity")
CONSENT, NO_CONSENT = "consent.", "none"  # the fact of a channel begins so; what it reads where nothing was said
WORKING = "working"  # the calendar's name for working time
BIRTHDAY_FACTS = ("birthday_today", "birthday_week", "birthday_month")


class Names(Versions):
    """The names of one program, bound to what they mean. ``faults`` are the Diagnostics of those that are taken, or mean nothing."""

    parts: Parts
    id: str
    zone: ZoneInfo
    currency: str
    scale: int
    late: timedelta
    returns: ReturnsRule
    law: Law | None
    working: WorkingTime | None
    calendar: Mapping[str, DayRule | WorkingTime]
    birthday: str | None
    first_account: str | None
    asks_standing: bool
    stores: dict[str, Store]
    first: dict[str, str]
    companions: tuple[Policy, ...]
    tables: Tables
    reads: dict[int, tuple[str, ...]]
    balances: dict[str, tuple[str, ...]]
    rates: Mapping[str, Series]

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.id, self.zone, self.currency, self.scale = parts.id, parts.zone, parts.currency, parts.scale
        self.late, self.returns, self.law, self.rates = parts.late, parts.returns, parts.law, parts.rates
        self.working = WorkingTime(parts.working, parts.zone) if parts.working is not None else None
        self.calendar = {**parts.calendar, **({WORKING: self.working} if self.working is not None else {})}
        self.faults: list[Diagnostic] = []
        self._versions()
        self._measures()
        self._facts()

    def fault(self, code: str, path: Sequence[int | str], **params: object) -> None:
        """Note what is wrong with a place in the document."""
        self.faults.append(Diagnostic(code, path_text(path), {name: str(value) for name, value in params.items()}))

    def resolve(self, account: str) -> str:
        """The account's own name: ``points`` and ``stored_value`` are also the first of their kind."""
        return self.first.get(account, account)

    def _path(self, index: int) -> tuple[int | str, ...]:
        return self.parts.paths[index] if self.parts.paths else ("policies", index)

    def _versions(self) -> None:
        self.versions: dict[str, list[Policy]] = {}
        self.places: dict[int, tuple[int | str, ...]] = {}
        for index, policy in enumerate(self.parts.policies):
            self.places[id(policy)] = self._path(index)
            others = self.versions.setdefault(policy.id, [])
            if policy.id in RESERVED_IDS:
                self.fault("document.reserved_id", (*self._path(index), "id"), id=policy.id)
            if any(other.kind != policy.kind for other in others):
                self.fault("document.kind_changed", (*self._path(index), "kind"), id=policy.id, before=others[0].kind, found=policy.kind)
            if any(other.effective_from == policy.effective_from for other in others):
                self.fault("document.same_version", (*self._path(index), "effective_from"), id=policy.id, day=policy.effective_from)
            others.append(policy)
        self._companions()
        super().__init__(self.versions)

    def _companions(self) -> None:
        """Policies that stand beside others: behind them, in every version as soon as one of an id has anything to hear."""
        beside = [(policy, companion) for policy in self.parts.policies for companion in policy.companions()]
        wanted = {companion.id for _, companion in beside if companion.listens_to() != ()}
        self.companions = tuple(companion for _, companion in beside if companion.id in wanted)
        ordered: dict[str, list[Policy]] = {}
        for policy_id, others in self.versions.items():
            ordered[policy_id] = others
            for policy, companion in beside:
                if policy.id == policy_id and companion.id in wanted:
                    ordered.setdefault(companion.id, []).append(companion)
                    self.places[id(companion)] = self.places[id(policy)]
        self.versions = ordered

    def _measures(self) -> None:
        last = {name: Measure(latest=name) for name in self.parts.declared.readings}
        compiler = Compiler(last | dict(self.parts.measures), self.parts.declared)
        self.faults += compiler.faults
        self.meters: dict[str, Meter] = compiler.meters
        self.counted_moves: dict[str, set[str]] = {}
        own = [measure for policy in self.parts.policies for measure in policy.measured().values()]
        windows = [measure.window for measure in (*self.parts.measures.values(), *own)]
        self.asks_standing = any(window is not None and not window.of_days_alone for window in windows)
        for policy in self.parts.policies:
            self._measured_for(policy)

    def _measured_for(self, policy: Policy) -> None:
        """The measures that a policy needs for itself; what is wrong with one is wrong with the policy."""
        compiler = Compiler(policy.measured(), self.parts.declared, f"{policy.id}.")
        for fault in compiler.faults:
            name = fault.path.split(".")[1]
            self.faults.append(replace(fault, path=path_text((*self.places[id(policy)], *policy.place_of(name)))))
        self.meters |= {f"{policy.id}.{name}": meter for name, meter in compiler.meters.items()}
        for name, window in policy.counts_moves().items():
            tally = name.partition(" ")[0]
            counted = (Counted(f"{tally}:{policy.id}", "", None, "count", FactType("whole")),)
            self.counted_moves.setdefault(policy.id, set()).add(tally)
            self.meters[f"{policy.id}.{name}"] = WindowMeter(counted, window, FactType("whole")) if window else SinceMeter(counted)

    def _facts(self) -> None:
        """Every fact that conditions may read anywhere, by name; a name means one thing."""
        self.given: dict[str, StatusFact | BalanceFact] = {}
        self.given_by: dict[str, str] = {}
        self.levels: tuple[str, ...] = ()
        self._statuses()
        self.reads = {id(policy): tuple(sorted(policy.reads())) for policy in (*self.parts.policies, *self.companions)}
        consents = {name for names in self.reads.values() for name in names if name.startswith(CONSENT)}  # channels are declared nowhere
        self.types: dict[str, FactType] = BUILT_IN | dict.fromkeys(sorted(consents), FactType("text", ("marketing", "greeting", NO_CONSENT)))
        profile = {name: FactType(declared.kind, declared.values, self._scale_of(declared.kind)) for name, declared in self.parts.profile.items()}
        self.birthday = next((name for name, declared in self.parts.profile.items() if declared.birthday), None)
        birthdays = {name: FactType("flag") for name in BIRTHDAY_FACTS} if self.birthday else {}
        self.types |= birthdays
        self.types |= {name: given.type for name, given in self.given.items()}
        self._tables()
        taken = {*self.types, *EVENT_FACTS}
        sections = (
            ("profile", profile),
            ("calendar", {name: FactType("flag") for name in self.calendar}),
            ("readings", {name: reading_type(name, self.parts.declared) for name in self.parts.declared.readings}),
            ("measures", {name: self.meters[name].type for name in self.parts.measures if name in self.meters}),
        )
        for section, types in sections:
            for name, kind in types.items():
                if name in taken:
                    self.fault("document.name_taken", (section, name), name=name)
                taken.add(name)
                self.types[name] = kind

    def _tables(self) -> None:
        """The outputs of tables, each a fact that no account or status is called by already."""
        self.tables = Tables(self.parts.policies, self.places, self.scale, self.levels)
        self.faults += self.tables.faults
        for name, fact in self.tables.facts.items():
            if name in self.types:
                self.fault("document.name_taken", (*self.places[id(self.versions[fact.policy_id][0])], "id"), name=name)
            self.types[name] = fact.type

    def _scale_of(self, kind: AttributeKind) -> int:
        return self.scale if kind == "money" else 0

    def _statuses(self) -> None:
        """Statuses and balances that policies give; one writer per status; levels of all versions in one order."""
        self.accounts: dict[str, tuple[str, int]] = {}
        self.kept_by: dict[str, str] = {}
        writers: dict[str, str] = {}
        for policy in self.parts.policies:
            for name in policy.writes():
                if writers.setdefault(name, policy.id) != policy.id:
                    self.fault("document.two_writers", (*self.places[id(policy)], "kind"), status=name, first=writers[name], second=policy.id)
                    break
            opened = policy.opens()
            if opened is not None:
                self.accounts.setdefault(opened[0], (opened[1], opened[2]))
                self.kept_by[opened[0]] = policy.id
        self.first_account = next(iter(self.accounts), None)
        self.stores = stores_of(self.parts.policies, self.currency, self.scale)
        self.kept_by |= {name: name for name in self.stores}
        firsts = {"points": self.first_account, "stored_value": next(iter(self.stores), None)}
        self.first = {alias: name for alias, name in firsts.items() if name is not None and name != alias}
        if self.first_account is not None and "points" in self.accounts and self.first_account != "points":
            self.faults.append(Diagnostic("document.points_not_first", "policies", {"first": self.first_account}))
        self._averages()
        for policy_id, versions in self.versions.items():
            for policy in versions:
                for name, given in policy.gives().items():
                    self._give(policy_id, name, given)
        for store in self.stores.values():
            self.given |= balances_of(store)
        for alias, head in self.first.items():
            self.given |= {f"{alias}{name.removeprefix(head)}": given for name, given in self.given.items() if f"{name}.".startswith(f"{head}.")}

    def _averages(self) -> None:
        """The averages of balances that policies read for themselves."""
        found = Averages(self.parts.declared, self.accounts, self.stores)
        for policy in self.parts.policies:
            for name, (balance, back) in policy.averages().items():
                found.add(f"{policy.id}.{name}", self.resolve(balance), back)
        self.meters |= found.meters
        self.balances = found.balances

    def _give(self, policy_id: str, name: str, given: StatusFact | BalanceFact) -> None:
        before = self.given.get(name)
        if isinstance(given, StatusFact) and isinstance(before, StatusFact) and given.type.kind == "level":
            given = replace(given, type=merged_levels(before.type, given.type))
        elif isinstance(given, StatusFact) and given.type.kind == "level":
            given = replace(given, type=merged_levels(FactType("level"), given.type))
        elif isinstance(given, StatusFact) and isinstance(before, StatusFact) and given.type.values and before.type.kind == "text":
            given = replace(given, type=replace(given.type, values=tuple(dict.fromkeys((*before.type.values, *given.type.values)))))
        if isinstance(given, StatusFact) and given.type.kind == "level" and given.status == "tier":
            self.levels = Levels(given.type.values, given.type)
        self.given[name] = given
        self.given_by[name] = policy_id
