"""A program as the kernel reads it: versions in force, facts with their types, meters, and typed conditions.

Built once from the parts of a document; building finds every fault that concerns several parts at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from custrules.averages import Averages
from custrules.award_tallies import AwardTallies
from custrules.calendars import ONE_DAY
from custrules.calendars.clocks import Clock
from custrules.calendars.festivals import FESTIVALS
from custrules.calendars.lunar import SEASONS, TERM_NAMES
from custrules.calendars.rules import DayRule
from custrules.calendars.windows import Years
from custrules.calendars.working import WorkingTime
from custrules.conditions import Bound, BoundTable, Condition, ConditionTests, bind, bind_table, tables_in
from custrules.counting import MONEY_SUBJECTS, NAMED, AttributeKind, Counted, event_fact_types, line_types, reading_type
from custrules.errors import Diagnostic
from custrules.events import KINDS
from custrules.facts import FactType, Levels, merged_levels
from custrules.law import Law
from custrules.measures import Measure, Meter, OpenMeter, SinceMeter, WindowMeter
from custrules.metering import Compiler
from custrules.own_tallies import OwnTallies
from custrules.parts import Parts
from custrules.policy import BalanceFact, Fact, Known, Policy, StatusFact, conditions_in, fact_fields
from custrules.rates import Series
from custrules.returns import ReturnsRule
from custrules.state_parts import OWN
from custrules.stores import Store, balances_of, stores_of, two_givers, two_servers
from custrules.tabling import Tables
from custrules.validation import inside, nearest, path_text
from custrules.versions import Versions

MAX_FAULTS = 1_000  # beyond which nobody reads on, and a stranger's document is not looked at any further
RESERVED_IDS = ("returns", "customer", "world", "day", "at")
LINE_FIELDS = ("lines", "exclude_lines")
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
CONSENT, NO_CONSENT = "consent.", "none"  # the fact of a channel begins so; what it reads where nothing was said
COMPLAINT = "complaint"  # the status of a complaint, of which its id is the subject, where no policy calls it otherwise
ALL_COMPLAINTS = Counted(f"open:{COMPLAINT}", COMPLAINT, None, "open", FactType("whole"))
EVENT_FACTS = ("channel", "amount", "quantity")
WORKING = "working"  # the calendar's name for working time
BIRTHDAY_FACTS = ("birthday_today", "birthday_week", "birthday_month")


class Rulebook(Versions):
    """What one program says, ready to be asked. ``faults`` are its Diagnostics; it may be asked only when there are none."""

    parts: Parts
    digest: str
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
    scopes: dict[int, str | None]
    tests: ConditionTests
    asks_kept: dict[str, int]
    awards: AwardTallies
    balances: dict[str, tuple[str, ...]]
    own_tallies: dict[str, dict[str, str]]
    sent_tallies: dict[str, tuple[str, str]]
    complaint_keepers: frozenset[str]
    complaint_status: str
    passing: frozenset[str]
    open_tallies: tuple[Counted, ...]
    rates: Mapping[str, Series]

    def __init__(self, parts: Parts, digest: str = "") -> None:
        self.parts, self.digest = parts, digest
        self.id, self.zone, self.currency, self.scale = parts.id, parts.zone, parts.currency, parts.scale
        self.late, self.returns, self.law, self.rates = parts.late, parts.returns, parts.law, parts.rates
        self.working = WorkingTime(parts.working, parts.zone) if parts.working is not None else None
        self.calendar = {**parts.calendar, **({WORKING: self.working} if self.working is not None else {})}
        self.faults: list[Diagnostic] = []
        self._versions()
        self._measures()
        self._facts()
        self._conditions()
        self._policies()
        self._years()
        self._tallies()
        self.faults = [self._told(fault) for fault in self.faults]

    # -- building --------------------------------------------------------------------------------------------------

    def _fault(self, code: str, path: Sequence[int | str], **params: object) -> None:
        self.faults.append(Diagnostic(code, path_text(path), {name: str(value) for name, value in params.items()}))

    def _told(self, fault: Diagnostic) -> Diagnostic:
        """An unknown fact that is a list of a table is known, and not to be read."""
        hit = self.tables.listed.get(str(fault.params.get("fact", ""))) if fault.code == "document.unknown_fact" else None
        return replace(fault, code="document.fact_is_a_list", params={"fact": fault.params["fact"], "hit": hit}) if hit is not None else fault

    def _path(self, index: int) -> tuple[int | str, ...]:
        return self.parts.paths[index] if self.parts.paths else ("policies", index)

    def _versions(self) -> None:
        self.versions: dict[str, list[Policy]] = {}
        self.places: dict[int, tuple[int | str, ...]] = {}
        for index, policy in enumerate(self.parts.policies):
            self.places[id(policy)] = self._path(index)
            others = self.versions.setdefault(policy.id, [])
            if policy.id in RESERVED_IDS:
                self._fault("document.reserved_id", (*self._path(index), "id"), id=policy.id)
            if any(other.kind != policy.kind for other in others):
                self._fault("document.kind_changed", (*self._path(index), "kind"), id=policy.id, before=others[0].kind, found=policy.kind)
            if any(other.effective_from == policy.effective_from for other in others):
                self._fault("document.same_version", (*self._path(index), "effective_from"), id=policy.id, day=policy.effective_from)
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
                    self._fault("document.name_taken", (section, name), name=name)
                taken.add(name)
                self.types[name] = kind

    def _tables(self) -> None:
        """The outputs of tables, each a fact that no account or status is called by already."""
        self.tables = Tables(self.parts.policies, self.places, self.scale, self.levels)
        self.faults += self.tables.faults
        for name, fact in self.tables.facts.items():
            if name in self.types:
                self._fault("document.name_taken", (*self.places[id(self.versions[fact.policy_id][0])], "id"), name=name)
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
                    self._fault("document.two_writers", (*self.places[id(policy)], "kind"), status=name, first=writers[name], second=policy.id)
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

    def _conditions(self) -> None:
        self.bound: dict[tuple[int, str | None], Bound] = {}
        self.tests = ConditionTests()
        self.bound_tables: dict[tuple[int, str | None], BoundTable] = {}
        self.rules_of: dict[tuple[int, str | None], str] = {}
        self.scopes = {id(policy): policy.event_name() for policy in (*self.parts.policies, *self.companions)}
        self._event_types: dict[str | None, Mapping[str, FactType]] = {None: {}}
        lines = line_types(self.scale)
        for policy in self.parts.policies:
            if len(self.faults) > MAX_FAULTS:
                return
            event = policy.event_name()
            own = self.types | (event_fact_types(event, self.parts.declared) if event else {})
            for path, condition in conditions_in(policy):
                self.rules_of[id(condition), event] = path_text(path)
                is_line = any(part in LINE_FIELDS for part in path)
                self._bind(condition, event, lines if is_line else own, (*self.places[id(policy)], *path))
            for path, table in tables_in(policy):
                self.rules_of[id(table), event] = path_text(path)
                bound, faults = bind_table(table, own, self.scale, self.levels, path_text((*self.places[id(policy)], *path)))
                self.faults += faults
                if bound is not None:
                    self.bound_tables[id(table), event] = bound
            for path, fact in fact_fields(policy):
                self._check_fact(fact, own, (*self.places[id(policy)], *path))

    def _bind(self, condition: Condition, event: str | None, types: Mapping[str, FactType], path: tuple[int | str, ...]) -> None:
        bound, faults = bind(condition, types, path_text(path))
        self.faults += faults
        if bound is not None:
            self.bound[id(condition), event] = bound

    def _check_fact(self, fact: Fact[Any], types: Mapping[str, FactType], path: tuple[int | str, ...]) -> None:
        found = types.get(fact.name)
        if found is None:
            self._fault("document.unknown_fact", path, fact=fact.name, nearest=nearest(fact.name, types), known=", ".join(sorted(types)))
        elif found.kind not in Fact.KINDS.get(fact.kind, ()):
            self._fault("document.fact_of_other_kind", path, fact=fact.name, found=found.kind, expected=fact.kind.__name__)

    def _policies(self) -> None:
        """What each policy has to say about itself inside this program, and the account it works on."""
        events = self.known_events()
        accounts = (*self.accounts, *(("points",) if self.accounts else ()))
        stores = {name: self.stores[self.resolve(name)].form for name in (*self.stores, *(("stored_value",) if self.stores else ()))}
        scales = {name: self.accounts[self.resolve(name)][1] for name in accounts}
        measures = {name: measure for name, measure in self.parts.measures.items() if name in self.meters}
        readings = {name: self.parts.declared.horizons.get(name) for name in self.parts.declared.readings}
        profile = {name: self.types[name] for name in self.parts.profile if name in self.types}
        rest = (self.birthday, stores, profile, tuple(self.rates), tuple(self.calendar))
        known = Known(self.levels, accounts, events, self.scale, scales, self.parts.policies, measures, self.types, readings, *rest)
        self._servers()
        for policy in self.parts.policies:
            if len(self.faults) > MAX_FAULTS:
                return
            place = self.places[id(policy)]
            before = self.in_force(policy.id, policy.effective_from - ONE_DAY)
            for fault in policy.faults(known) + (policy.follows(before) if before is not None and before.kind == policy.kind else []):
                self.faults.append(Diagnostic(fault.code, f"{path_text(place)}.{fault.path}" if fault.path else path_text(place), fault.params))
            for path, clock in inside(policy, Clock) if self.working is None else ():
                if clock.is_working:
                    self._fault("document.no_working_time", (*place, *path), clock=clock)
            account, these = policy.works_on(), accounts if policy.works_with == "points" else stores
            if account is not None and account not in these:
                code = "document.unknown_account" if these else f"document.no_{'' if policy.works_with == 'points' else 'value_'}account"
                named = (*place, "account") if "account" in policy.model_fields_set else place
                self._fault(code, named, account=account, known=", ".join(these), nearest=nearest(account, these))

    def _servers(self) -> None:
        """Value that is brought, and a reward, is answered for by one policy."""
        for found in two_servers(self.parts.policies, self.resolve):
            params = {"what": found.what, "first": found.first, "second": found.second.id, "account": found.account}
            self._fault("document.two_servers", (*self.places[id(found.second)], "kind"), **params)
        for found in two_givers((*self.companions, *self.parts.policies)):
            params = {"reward": found.what, "first": found.first, "second": found.second.id}
            self._fault("document.two_rewards", self.places[id(found.second)], **params)

    def _years(self) -> None:
        """How qualifying years run is said by one policy, or by all alike."""
        said = {policy_id: {policy.qualifying_years() for policy in versions} - {None} for policy_id, versions in self.versions.items()}
        self._naming = [policy_id for policy_id, years in said.items() if years]
        for first, other in pairwise(self._naming):
            if said[first] != said[other] or len(said[first]) > 1:
                naming = next(policy for policy in self.versions[other] if policy.qualifying_years() is not None)
                self._fault("document.qualifying_years_differ", (*self.places[id(naming)], "qualifying_year"), first=first, second=other)

    def _tallies(self) -> None:
        """Which tallies are kept, and for how many days their rows are."""
        term = max((policy.remembers() for policy in self.parts.policies), default=0)
        extra = max(term, self.returns.window.at_most_days) + 1
        self.tallies: dict[str, Counted] = {}
        self.retention: dict[str, int] = {}
        kept = {policy.id: name for policy in self.parts.policies if (name := policy.keeps_complaints()) is not None}
        self.complaint_keepers, self.complaint_status = frozenset(kept), next(iter(kept.values()), COMPLAINT)
        opened = [OpenMeter((ALL_COMPLAINTS,))] if kept else []
        for meter in (*self.meters.values(), *opened):
            for counted in meter.counted:
                self.tallies[counted.key] = counted
                self.retention[counted.key] = max(self.retention.get(counted.key, 0), (meter.reach or 0) + extra)
        self.open_tallies = tuple(counted for counted in self.tallies.values() if counted.what == "open")
        self.passing = frozenset(name for policy in self.parts.policies for name in policy.passing())
        self.passing |= {self.complaint_status} if self.open_tallies else set()
        self._counting: dict[tuple[str, str], tuple[Counted, ...]] = {}
        asks = {policy_id: [policy.keeps_asks() for policy in versions] for policy_id, versions in self.versions.items()}
        self.asks_kept = {policy_id: max(days for days in each if days is not None) for policy_id, each in asks.items() if None not in each}
        own_kept = [days for policy in self.parts.policies if (days := policy.keeps_contacts()) is not None]
        self.asks_kept |= {OWN: max(own_kept)} if own_kept else {}
        self.awards = AwardTallies(self.parts.policies)
        own = OwnTallies(self.parts.policies)
        self.own_tallies, self.sent_tallies = own.keys, own.sent
        self.retention |= {key: days + extra for key, days in (self.awards.days | own.days).items()}
        for group, first, second in self.awards.clashes(self.parts.policies, self.resolve):
            self._fault("document.group_of_accounts", self.places[id(second)], group=group, first=first.id, second=second.id)

    def known_events(self) -> tuple[str, ...]:
        """Types of events, and the activities that are declared."""
        return (*(kind for kind in KINDS if kind not in NAMED), *self.parts.declared.activities)

    # -- asking ----------------------------------------------------------------------------------------------------

    def keeper(self, account: str, day: date) -> Policy | None:
        """The version in force on a day of the policy that keeps an account; before its first, the first."""
        kept_by = self.kept_by.get(self.resolve(account))
        return self.in_force(kept_by, day) or self.versions[kept_by][0] if kept_by else None

    def on_account(self, account: str, day: date) -> tuple[Policy, ...]:
        """The policies in force on a day that work on an account, in document order."""
        name = self.resolve(account)
        found = (self.in_force(policy_id, day) for policy_id in self.versions)
        return tuple(policy for policy in found if policy is not None and self.resolve(policy.works_on() or "") == name)

    def qualifying_years(self, day: date) -> Years:
        """How qualifying years run on a day: as the version in force says, before its first as that one; else with the calendar."""
        policies = (self.in_force(policy_id, day) or self.versions[policy_id][0] for policy_id in self._naming)
        return next((years for policy in policies if (years := policy.qualifying_years()) is not None), "calendar")

    def counting(self, event_type: str, name: str) -> tuple[Counted, ...]:
        """What may count an event of a type and name: that of its type, or of the activity."""
        found = self._counting.get((event_type, name))
        if found is None:
            subjects = (name, *MONEY_SUBJECTS) if event_type == "purchase" else (name,)
            found = self._counting[event_type, name] = tuple(counted for counted in self.tallies.values() if counted.subject in subjects)
        return found

    def event_types(self, scope: str | None) -> Mapping[str, FactType]:
        """Names and types of the facts that the events of a scope bring."""
        found = self._event_types.get(scope)
        if found is None:
            found = self._event_types[scope] = event_fact_types(scope or "", self.parts.declared)
        return found

    def resolve(self, account: str) -> str:
        """The account's own name: ``points`` and ``stored_value`` are also the first of their kind."""
        return self.first.get(account, account)
