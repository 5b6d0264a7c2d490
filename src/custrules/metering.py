"""Measures made ready: each becomes a meter over tallies, and every fault is noted with its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from custrules.activity import NUMBER_SCALE
from custrules.calendars import Window
from custrules.codec import canonical
from custrules.conditions import Bound, Condition, Leaf, bind
from custrules.counting import MONEY_SUBJECTS, NAMED, NUMBERS, Counted, Declarations, What, event_fact_types, line_types, reading_type
from custrules.errors import Diagnostic, DocumentError
from custrules.events import KINDS
from custrules.facts import FactType
from custrules.fields import describe
from custrules.given import Quotient
from custrules.measures import AGGREGATES, DifferenceMeter, LatestMeter, Measure, Meter, OpenMeter, RatioMeter, SinceMeter, UntilMeter, WindowMeter
from custrules.meters import AveragePerMeter, BestMeter, BestPerMeter, GapMeter, ReadingMeter, SkipMeter
from custrules.validation import nearest

COUNTABLE = tuple(kind for kind in KINDS if kind not in (*NAMED, "new_day", "tick", "adjustment", "tier_grant"))
_FIELDS = ("base", "window", "per", "skip", "where", "lines")
_PERIODIC = ("window", "per", "skip", "where", "lines")
_TAKES: Mapping[str, tuple[str, ...]] = {
    "until": (),
    "open": ("where",),
    "since": ("where", "lines"),
    "average": _PERIODIC,
    "best": _PERIODIC,
    "gap": ("base", "window", "skip", "where", "lines"),
}
OPENED = ("complaint",)


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
            if measure.ratio is None and measure.difference is None:
                self._compile(name, measure)
        for name, measure in measures.items():
            if measure.difference is not None and measure.ratio is None:
                self._difference(name, measure)
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
        takes = _TAKES.get(aggregate, ("window", "skip", "where", "lines"))
        wrong = [field for field in _FIELDS if getattr(measure, field) is not None and field not in takes]
        for field in wrong:
            self._fault("document.not_with", name, field, field=field, other=aggregate)
        if "window" in takes and measure.window is None and not self._of_all_time(measure, aggregate):
            self._fault("document.missing_field", name, "window", field="window")
            return True
        return bool(wrong)

    def _of_all_time(self, measure: Measure, aggregate: str) -> bool:
        """Whether a measure without a window looks at everything: gaps, and the last value of what is read off."""
        return aggregate == "gap" or (aggregate == "latest" and measure.latest in self.declared.readings)

    def _until(self, name: str, measure: Measure) -> None:
        field = str(measure.until)
        if self.declared.profile.get(field) != "date":
            dates = [known for known, kind in self.declared.profile.items() if kind == "date"]
            self._fault("document.unknown_date", name, "until", found=field, known=", ".join(dates), nearest=nearest(field, dates))
            return
        self.meters[name] = UntilMeter(field)

    def _windowed(self, name: str, measure: Measure, aggregate: str, found: Counted) -> None:
        if aggregate == "since":
            self.meters[name] = SinceMeter((found,))
            return
        if aggregate == "open":
            self.meters[name] = OpenMeter((found,))
            return
        window = measure.window or Window.parse("lifetime")
        if measure.per is not None and aggregate == "average" and not window.divides_into(measure.per):
            self._fault("document.not_of_periods", name, "per", window=window, per=measure.per)
            return
        meter = self._meter(self.prefix + name, measure, aggregate, found, window)
        self.meters[name] = meter if measure.skip is None else SkipMeter(meter, window, measure.skip)

    def _meter(self, name: str, measure: Measure, aggregate: str, found: Counted, window: Window) -> Meter:
        """A measure over a window."""
        factor = 1 if found.attribute is None or found.what == "count" or found.type.kind == "money" else 10**NUMBER_SCALE
        mean = found.type if found.type.kind == "money" else FactType("number")
        kind = mean if aggregate == "average" else found.type
        if aggregate == "gap":
            return GapMeter((found,), window, base=self._base(name, measure, FactType("whole")))
        if aggregate == "latest":
            return LatestMeter((found,), window, kind, factor)
        if found.what == "latest":
            return ReadingMeter((found,), window, kind, aggregate == "best", factor)
        if measure.per is not None:
            return (AveragePerMeter if aggregate == "average" else BestPerMeter)((found,), window, measure.per, kind, factor)
        if aggregate == "best":
            return BestMeter((found,), window, kind, factor)
        if aggregate == "average":
            return WindowMeter((found, self._tally(found, "count")), window, kind, factor)
        return WindowMeter((found,), window, kind, factor, name)

    def _counted(self, name: str, measure: Measure, aggregate: str) -> Counted | None:
        text = str(getattr(measure, aggregate))
        if text in self.declared.readings and self._is_of_flows(name, measure, aggregate):
            return None
        subject, attribute, kind = self._subject(name, text, aggregate, measure.per is not None) or ("", None, None)
        if kind is None:
            return None
        ordered = subject in (*MONEY_SUBJECTS, "purchase")
        if measure.lines is not None and not ordered:
            self._fault("document.not_with", name, "lines", field="lines", other=subject)
            return None
        where = self._bound(measure.where, self.event_types(subject), f"measures.{name}.where")
        lines = self._bound(measure.lines, line_types(self.declared.scale), f"measures.{name}.lines")
        what = self._what(measure, aggregate, subject, attribute)
        document = {"where": measure.where.document() if measure.where else None, "lines": measure.lines.document() if measure.lines else None}
        suffix = "" if not any(document.values()) else " " + canonical({key: value for key, value in document.items() if value}).decode()
        base = subject if attribute is None else f"{subject}.{attribute}"
        return Counted(f"{what}:{base}{suffix}", subject, attribute, what, kind, where, lines)

    def _is_of_flows(self, name: str, measure: Measure, aggregate: str) -> bool:
        """A level that is read off is neither summed nor divided over periods: days have it, they do not add to it."""
        field = "sum" if aggregate == "sum" else "per"
        if getattr(measure, field) is None:
            return False
        self._fault("document.not_with", name, field, field=field, other=f"the reading {getattr(measure, aggregate)}")
        return True

    def _what(self, measure: Measure, aggregate: str, subject: str, attribute: str | None) -> What:
        """What is tallied: how often, how much, each single one, or the latest."""
        if aggregate in ("count", "since", "gap"):
            return "count"
        if aggregate == "open":
            return "open"
        if aggregate == "latest" or subject in self.declared.readings:
            return "latest"
        if aggregate == "best" and measure.per is None:
            return "each"
        return "sum" if attribute is not None or subject in MONEY_SUBJECTS else "count"

    @staticmethod
    def _tally(found: Counted, what: Literal["count"]) -> Counted:
        """The number of the events that a sum is made of."""
        head, space, suffix = found.key.partition(" ")
        base = head.partition(":")[2]
        return Counted(f"{what}:{base}{space}{suffix}", found.subject, found.attribute, what, found.type, found.where, found.lines)

    def _subject(self, name: str, text: str, aggregate: str, per: bool = False) -> tuple[str, str | None, FactType] | None:
        """What a measure counts: its event type, spend, margin, activity or reading; the attribute summed; and the type of one value.

        ``per``: over calendar periods also events are averaged and compared that bring no number: by how many there were.
        """
        money, whole = FactType("money", scale=self.declared.scale), FactType("whole")
        events = (*COUNTABLE, *self.declared.activities)
        if aggregate in ("count", "since", "gap"):
            if text in events or text in self.declared.readings:
                return text, None, whole
            known = [*events, *self.declared.readings]
        elif aggregate == "open":
            if text in OPENED:
                return text, None, whole
            known = list(OPENED)
        else:
            head, dot, attribute = text.partition(".")
            if text in self.declared.readings:
                return text, "value", reading_type(text, self.declared)
            if text in MONEY_SUBJECTS and aggregate != "latest":
                return text, None, money
            if head == "purchase" and attribute == "amount" and aggregate != "sum":
                return "purchase", "amount", money
            if head in NUMBERS and (attribute or next(iter(NUMBERS[head]))) in NUMBERS[head]:
                return self._brought(head, attribute)
            if per and (text in COUNTABLE or (text in self.declared.activities and not self._numbers(text))):
                return text, None, whole
            if head in self.declared.activities:
                return self._activity(name, head, attribute if dot else None, aggregate)
            known = self._summable(aggregate, per)
        self._fault("document.unknown_subject", name, aggregate, found=text, known=", ".join(sorted(known)), nearest=_meant(text, known))
        return None

    @staticmethod
    def _brought_type(kind: str, scale: int) -> FactType:
        return FactType("money", scale=scale) if kind == "money" else FactType("number")

    def _brought(self, event: str, attribute: str) -> tuple[str, str, FactType]:
        """The number that an event brings: the one that is named, or its only one."""
        name = attribute or next(iter(NUMBERS[event]))
        return event, name, self._brought_type(NUMBERS[event][name], self.declared.scale)

    def _summable(self, aggregate: str, per: bool) -> list[str]:
        """What may be summed, averaged or compared, or have a latest value."""
        spend = MONEY_SUBJECTS if aggregate != "latest" else ()
        amount = ("purchase.amount",) if aggregate != "sum" else ()
        readings = self.declared.readings if aggregate != "sum" and not per else ()
        brought = [f"{event}.{name}" for event, names in NUMBERS.items() for name in names]
        return [*spend, *amount, *brought, *(COUNTABLE if per else ()), *readings, *self.declared.activities]

    def _numbers(self, activity: str) -> list[str]:
        """The numbers that an activity brings."""
        declared = self.declared.activities[activity]
        numbers = [field for field, kind in declared.attributes.items() if kind in ("money", "number", "whole")]
        return ["quantity", *numbers] if declared.unit is not None else numbers

    def _activity(self, name: str, activity: str, attribute: str | None, aggregate: str) -> tuple[str, str | None, FactType] | None:
        declared = self.declared.activities[activity]
        numbers = {field: kind for field, kind in declared.attributes.items() if kind in ("money", "number", "whole")}
        if attribute is None:
            attribute = "quantity" if declared.unit is not None else next(iter(numbers)) if len(numbers) == 1 else None
        kind = "number" if attribute == "quantity" and declared.unit is not None else numbers.get(attribute or "")
        if kind is None or attribute is None:
            self._fault("document.no_number", name, aggregate, activity=activity, known=", ".join(numbers) or "none")
            return None
        return activity, attribute, self._brought_type(kind, self.declared.scale)

    def _of_measures(self, name: str, measure: Measure, aggregate: str, plain: list[str]) -> bool:
        """Whether a measure that is made of others says no more than that, and of which ones there are."""
        if len(measure.aggregates) != 1:
            self._fault("document.one_aggregate", name, found=", ".join(measure.aggregates), known=", ".join(AGGREGATES))
            return False
        for field in ("window", "per", "skip", "where", "lines", *(() if aggregate == "ratio" else ("base",))):
            if getattr(measure, field) is not None:
                self._fault("document.not_with", name, field, field=field, other=aggregate)
        for index, part in enumerate(getattr(measure, aggregate)):
            if part not in plain:
                near = nearest(part, plain)
                self._fault("document.unknown_measure", name, f"{aggregate}[{index}]", found=part, known=", ".join(plain), nearest=near)
        return True

    def _difference(self, name: str, measure: Measure) -> None:
        """All parts are money, or all are numbers."""
        assert measure.difference is not None
        plain = [known for known, other in self.measures.items() if other.ratio is None and other.difference is None]
        if not self._of_measures(name, measure, "difference", plain):
            return
        parts = [self.meters.get(part) for part in measure.difference]
        found = tuple(part for part in parts if part is not None)
        if len(found) < len(parts):
            return
        money = found[0].type.kind == "money"
        for index, part in enumerate(found):
            kind = part.type.kind
            if (kind == "money") is not money or kind not in ("money", "number", "whole"):
                expected = "money" if money else "number, whole"
                self._fault(
                    "document.fact_of_other_kind", name, f"difference[{index}]", fact=measure.difference[index], found=kind, expected=expected
                )
                return
        whole = all(part.type.kind == "whole" for part in found)
        self.meters[name] = DifferenceMeter(found, found[0].type if money or whole else FactType("number"))

    def _ratio(self, name: str, measure: Measure) -> None:
        assert measure.ratio is not None
        if not self._of_measures(name, measure, "ratio", [known for known, other in self.measures.items() if other.ratio is None]):
            return
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


_TURNOVER = frozenset({"amount", "money", "revenue", "sales", "total", "turnover"})


def _meant(word: str, known: Iterable[str]) -> str:
    """The subject that was probably meant: what a customer pays is called spend."""
    return "spend" if word in _TURNOVER and "spend" in known else nearest(word, known)
