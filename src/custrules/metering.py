"""Measures made ready: each becomes a meter over tallies, and every fault is noted with its place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from custrules.activity import NUMBER_SCALE
from custrules.codec import canonical
from custrules.conditions import Bound, Condition, Leaf, bind
from custrules.counting import MONEY_SUBJECTS, Counted, Declarations, event_fact_types, line_types
from custrules.errors import Diagnostic, DocumentError
from custrules.events import KINDS
from custrules.facts import FactType
from custrules.fields import describe
from custrules.given import Quotient
from custrules.measures import AGGREGATES, LatestMeter, Measure, Meter, RatioMeter, SinceMeter, UntilMeter, WindowMeter
from custrules.validation import nearest

COUNTABLE = tuple(kind for kind in KINDS if kind not in ("activity", "new_day", "tick", "adjustment", "tier_grant"))


class Compiler:
    """Turns measures into meters; every fault is noted with its place."""

    measures: Mapping[str, Measure]
    declared: Declarations
    prefix: str

    def __init__(self, measures: Mapping[str, Measure], declared: Declarations, prefix: str = "") -> None:
        self.measures, self.declared, self.prefix = measures, declared, prefix
        self.faults: list[Diagnostic] = []
        self.meters: dict[str, Meter] = {}
        for name, measure in measures.items():
            if measure.ratio is None:
                self._compile(name, measure)
        for name, measure in measures.items():
            if measure.ratio is not None:
                self._ratio(name, measure)

    def _fault(self, code: str, name: str, part: str = "", /, **params: object) -> None:
        path = f"measures.{name}" + (f".{part}" if part else "")
        self.faults.append(Diagnostic(code, path, {key: str(value) for key, value in params.items()}))

    def _compile(self, name: str, measure: Measure) -> None:
        aggregates = measure.aggregates
        if len(aggregates) != 1:
            self._fault("document.one_aggregate", name, found=", ".join(aggregates) or "none", known=", ".join(AGGREGATES))
            return
        (aggregate,) = aggregates
        if self._misplaced(name, measure, aggregate):
            return
        if aggregate == "until":
            self._until(name, measure)
            return
        found = self._counted(name, measure, aggregate)
        if found is not None:
            self._windowed(name, measure, aggregate, found)

    def _misplaced(self, name: str, measure: Measure, aggregate: str) -> bool:
        """Fields that this kind of measure does not take, or lacks."""
        takes = {"until": set[str](), "since": {"where", "lines"}}.get(aggregate, {"window", "where", "lines"})
        wrong = [field for field in ("base", "window", "where", "lines") if getattr(measure, field) is not None and field not in takes]
        for field in wrong:
            self._fault("document.not_with", name, field, field=field, other=aggregate)
        if "window" in takes and measure.window is None:
            self._fault("document.missing_field", name, "window", field="window")
            return True
        return bool(wrong)

    def _until(self, name: str, measure: Measure) -> None:
        field = str(measure.until)
        if self.declared.profile.get(field) != "date":
            dates = [known for known, kind in self.declared.profile.items() if kind == "date"]
            self._fault("document.unknown_date", name, "until", found=field, known=", ".join(dates), nearest=nearest(field, dates))
            return
        self.meters[name] = UntilMeter(field)

    def _windowed(self, name: str, measure: Measure, aggregate: str, found: Counted) -> None:
        factor = 10**NUMBER_SCALE if found.type.kind == "number" and aggregate != "count" else 1
        if aggregate == "since":
            self.meters[name] = SinceMeter((found,))
            return
        assert measure.window is not None
        if aggregate == "latest":
            self.meters[name] = LatestMeter((found,), measure.window, found.type, factor)
        elif aggregate == "average":
            number = self._tally(found, "count")
            kind = FactType("money", scale=found.type.scale) if found.type.kind == "money" else FactType("number")
            self.meters[name] = WindowMeter((found, number), measure.window, kind, factor)
        else:
            kind = FactType("whole") if aggregate == "count" else found.type
            self.meters[name] = WindowMeter((found,), measure.window, kind, factor, self.prefix + name)

    def _counted(self, name: str, measure: Measure, aggregate: str) -> Counted | None:
        subject, attribute, kind = self._subject(name, str(getattr(measure, aggregate)), aggregate) or ("", None, None)
        if kind is None:
            return None
        ordered = subject in (*MONEY_SUBJECTS, "purchase")
        if measure.lines is not None and not ordered:
            self._fault("document.not_with", name, "lines", field="lines", other=subject)
            return None
        where = self._bound(measure.where, self.event_types(subject), f"measures.{name}.where")
        lines = self._bound(measure.lines, line_types(self.declared.scale), f"measures.{name}.lines")
        what: Literal["count", "sum", "latest"] = "latest" if aggregate == "latest" else "count" if aggregate in ("count", "since") else "sum"
        document = {"where": measure.where.document() if measure.where else None, "lines": measure.lines.document() if measure.lines else None}
        suffix = "" if not any(document.values()) else " " + canonical({key: value for key, value in document.items() if value}).decode()
        base = subject if attribute is None else f"{subject}.{attribute}"
        return Counted(f"{what}:{base}{suffix}", subject, attribute, what, kind, where, lines)

    @staticmethod
    def _tally(found: Counted, what: Literal["count"]) -> Counted:
        """The number of the events that a sum is made of."""
        head, space, suffix = found.key.partition(" ")
        base = head.partition(":")[2]
        return Counted(f"{what}:{base}{space}{suffix}", found.subject, found.attribute, what, found.type, found.where, found.lines)

    def _subject(self, name: str, text: str, aggregate: str) -> tuple[str, str | None, FactType] | None:
        """What a measure counts: its event type, spend, margin or activity; the attribute summed; and the type of one value."""
        money, whole = FactType("money", scale=self.declared.scale), FactType("whole")
        if aggregate in ("count", "since"):
            if text in self.declared.activities or text in COUNTABLE:
                return text, None, whole
            known = [*COUNTABLE, *self.declared.activities]
        else:
            head, dot, attribute = text.partition(".")
            if text in MONEY_SUBJECTS and aggregate != "latest":
                return text, None, money
            if head == "purchase" and attribute == "amount" and aggregate != "sum":
                return "purchase", "amount", money
            if head in self.declared.activities:
                return self._activity(name, head, attribute if dot else None, aggregate)
            known = [
                *(MONEY_SUBJECTS if aggregate != "latest" else ()),
                *(["purchase.amount"] if aggregate != "sum" else ()),
                *self.declared.activities,
            ]
        self._fault("document.unknown_subject", name, aggregate, found=text, known=", ".join(sorted(known)), nearest=nearest(text, known))
        return None

    def _activity(self, name: str, activity: str, attribute: str | None, aggregate: str) -> tuple[str, str | None, FactType] | None:
        declared = self.declared.activities[activity]
        numbers = {field: kind for field, kind in declared.attributes.items() if kind in ("money", "number", "whole")}
        if attribute is None:
            attribute = "quantity" if declared.unit is not None else next(iter(numbers)) if len(numbers) == 1 else None
        kind = "number" if attribute == "quantity" and declared.unit is not None else numbers.get(attribute or "")
        if kind is None or attribute is None:
            self._fault("document.no_number", name, aggregate, activity=activity, known=", ".join(numbers) or "none")
            return None
        return activity, attribute, FactType("money", scale=self.declared.scale) if kind == "money" else FactType("number")

    def _ratio(self, name: str, measure: Measure) -> None:
        assert measure.ratio is not None
        if len(measure.aggregates) != 1:
            self._fault("document.one_aggregate", name, found=", ".join(measure.aggregates), known=", ".join(AGGREGATES))
            return
        for field in ("window", "where", "lines"):
            if getattr(measure, field) is not None:
                self._fault("document.not_with", name, field, field=field, other="ratio")
        plain = [known for known, other in self.measures.items() if other.ratio is None]
        for index, part in enumerate(measure.ratio):
            if part not in plain:
                self._fault("document.unknown_measure", name, f"ratio[{index}]", found=part, known=", ".join(plain), nearest=nearest(part, plain))
        over, under = (self.meters.get(part) for part in measure.ratio)
        if over is None or under is None:
            return
        base = self._base(name, measure, under.type)
        self.meters[name] = RatioMeter(over, under, Quotient(*measure.ratio, base))

    def _base(self, name: str, measure: Measure, kind: FactType) -> Leaf | None:
        if measure.base is None:
            return None
        try:
            condition = Condition.of({"base": measure.base})
        except DocumentError:
            self._fault("document.bad_cell", name, "base", fact="base", cell=describe(measure.base), expected='a cell such as ">= 20"', nearest="")
            return None
        bound = self._bound(condition, {"base": kind}, f"measures.{name}.base", strip="base")
        assert bound is None or isinstance(bound, Leaf)
        return bound

    def _bound(self, condition: Condition | None, table: Mapping[str, FactType], path: str, strip: str = "") -> Bound | None:
        if condition is None:
            return None
        bound, faults = bind(condition, table, path)
        self.faults += [Diagnostic(fault.code, path if strip else fault.path, fault.params) for fault in faults]
        return bound

    def event_types(self, subject: str) -> dict[str, FactType]:
        """Facts of the events that a subject counts."""
        return event_fact_types("purchase" if subject in MONEY_SUBJECTS else subject, self.declared)
