"""A program as the kernel reads it: versions in force, facts with their types, meters, and typed conditions.

Built once from the parts of a document; building finds every fault that concerns several parts at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import Any

from custrules.award_tallies import AwardTallies
from custrules.calendars import ONE_DAY
from custrules.calendars.clocks import Clock
from custrules.calendars.windows import Years
from custrules.conditions import Bound, BoundTable, Condition, ConditionTests, bind, bind_table, tables_in
from custrules.counting import MONEY_SUBJECTS, NAMED, Counted, event_fact_types, line_types
from custrules.errors import Diagnostic
from custrules.events import KINDS
from custrules.facts import FactType
from custrules.measures import OpenMeter
from custrules.naming import Names
from custrules.own_tallies import OwnTallies
from custrules.parts import Parts
from custrules.policy import Fact, Known, Policy, conditions_in, fact_fields
from custrules.state_parts import OWN
from custrules.stores import two_givers, two_servers
from custrules.validation import inside, nearest, path_text

MAX_FAULTS = 1_000  # beyond which nobody reads on, and a stranger's document is not looked at any further
LINE_FIELDS = ("lines", "exclude_lines")
COMPLAINT = "complaint"  # the status of a complaint, of which its id is the subject, where no policy calls it otherwise
ALL_COMPLAINTS = Counted(f"open:{COMPLAINT}", COMPLAINT, None, "open", FactType("whole"))


class Rulebook(Names):
    """What one program says, ready to be asked. ``faults`` are its Diagnostics; it may be asked only when there are none."""

    digest: str
    scopes: dict[int, str | None]
    tests: ConditionTests
    asks_kept: dict[str, int]
    awards: AwardTallies
    own_tallies: dict[str, dict[str, str]]
    sent_tallies: dict[str, tuple[str, str]]
    complaint_keepers: frozenset[str]
    complaint_status: str
    passing: frozenset[str]
    of_orders: dict[str, str]
    open_tallies: tuple[Counted, ...]

    def __init__(self, parts: Parts, digest: str = "") -> None:
        super().__init__(parts)
        self.digest = digest
        self._conditions()
        self._policies()
        self._years()
        self._tallies()
        self.faults[:] = [self._told(fault) for fault in self.faults]

    # -- building --------------------------------------------------------------------------------------------------

    def _told(self, fault: Diagnostic) -> Diagnostic:
        """An unknown fact that is a list of a table is known, and not to be read."""
        hit = self.tables.listed.get(str(fault.params.get("fact", ""))) if fault.code == "document.unknown_fact" else None
        return replace(fault, code="document.fact_is_a_list", params={"fact": fault.params["fact"], "hit": hit}) if hit is not None else fault

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
                self.faults.extend(faults)
                if bound is not None:
                    self.bound_tables[id(table), event] = bound
            for path, fact in fact_fields(policy):
                self._check_fact(fact, own, (*self.places[id(policy)], *path))

    def _bind(self, condition: Condition, event: str | None, types: Mapping[str, FactType], path: tuple[int | str, ...]) -> None:
        bound, faults = bind(condition, types, path_text(path))
        self.faults.extend(faults)
        if bound is not None:
            self.bound[id(condition), event] = bound

    def _check_fact(self, fact: Fact[Any], types: Mapping[str, FactType], path: tuple[int | str, ...]) -> None:
        found = types.get(fact.name)
        if found is None:
            self.fault("document.unknown_fact", path, fact=fact.name, nearest=nearest(fact.name, types), known=", ".join(sorted(types)))
        elif found.kind not in Fact.KINDS.get(fact.kind, ()):
            self.fault("document.fact_of_other_kind", path, fact=fact.name, found=found.kind, expected=fact.kind.__name__)

    def _policies(self) -> None:
        """What each policy has to say about itself inside this program, and the account it works on."""
        events = self.known_events()
        accounts = (*self.accounts, *(("points",) if self.accounts else ()))
        stores = {name: self.stores[self.resolve(name)].form for name in (*self.stores, *(("stored_value",) if self.stores else ()))}
        scales = {name: self.accounts[self.resolve(name)][1] for name in accounts}
        measures = {name: measure for name, measure in self.parts.measures.items() if name in self.meters}
        readings = {name: self.parts.declared.horizons.get(name) for name in self.parts.declared.readings}
        profile = {name: self.types[name] for name in self.parts.profile if name in self.types}
        rest = (self.birthday, stores, profile, tuple(self.rates), tuple(self.calendar), self.working is not None)
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
                    self.fault("document.no_working_time", (*place, *path), clock=clock)
            account, these = policy.works_on(), accounts if policy.works_with == "points" else stores
            if account is not None and account not in these:
                code = "document.unknown_account" if these else f"document.no_{'' if policy.works_with == 'points' else 'value_'}account"
                named = (*place, "account") if "account" in policy.model_fields_set else place
                self.fault(code, named, account=account, known=", ".join(these), nearest=nearest(account, these))

    def _servers(self) -> None:
        """Value that is brought, and a reward, is answered for by one policy."""
        for found in two_servers(self.parts.policies, self.resolve):
            params = {"what": found.what, "first": found.first, "second": found.second.id, "account": found.account}
            self.fault("document.two_servers", (*self.places[id(found.second)], "kind"), **params)
        for found in two_givers((*self.companions, *self.parts.policies)):
            params = {"reward": found.what, "first": found.first, "second": found.second.id}
            self.fault("document.two_rewards", self.places[id(found.second)], **params)

    def _years(self) -> None:
        """How qualifying years run is said by one policy, or by all alike."""
        said = {policy_id: {policy.qualifying_years() for policy in versions} - {None} for policy_id, versions in self.versions.items()}
        self._naming = [policy_id for policy_id, years in said.items() if years]
        for first, other in pairwise(self._naming):
            if said[first] != said[other] or len(said[first]) > 1:
                naming = next(policy for policy in self.versions[other] if policy.qualifying_years() is not None)
                self.fault("document.qualifying_years_differ", (*self.places[id(naming)], "qualifying_year"), first=first, second=other)

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
        self.of_orders = {name: policy.id for policy in self.parts.policies for name in policy.of_orders()}
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
            self.fault("document.group_of_accounts", self.places[id(second)], group=group, first=first.id, second=second.id)

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
