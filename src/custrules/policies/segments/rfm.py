"""``segments.rfm``: recency, frequency and monetary value as scores, and the segment that a map makes of them.

Scores go by value: equal values have equal scores, whatever the order of the rows was that cuts were fitted from
(``custrules.fit_rfm``). Few days since the last purchase score high, as do many purchases and much money.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from fractions import Fraction
from itertools import pairwise
from typing import Annotated, ClassVar

from pydantic import Field

from custrules.assigning import Assigning, Found
from custrules.branching import Branch
from custrules.conditions.tables import FactName
from custrules.errors import Diagnostic
from custrules.evaluation import Answer
from custrules.facts import FactType, FactValue
from custrules.fields import Frozen, Name, one_of, rate_text
from custrules.given import FactsCode
from custrules.policies.segments.marks import Marks
from custrules.policies.segments.matrix import MAX_SEGMENTS
from custrules.policies.segments.scores import PARTS, AtCut, Cuts, High, ScoreMap, out_of_order, score, table_faults
from custrules.policy import BalanceFact, FactsView, Known, Reason, StatusFact, View, reason
from custrules.shown import shown_value
from custrules.state_parts import StatusValue
from custrules.validation import nearest

NUMBERS = ("money", "number", "whole")


class Rfm(Assigning):
    """Scores by ``cuts``, high or low by ``high`` (values, or with cuts the least scores), or both; the segment by ``map``.

    ``rf_map`` are the 25 cells of recency and frequency, ``eight`` the Chinese eight; an own table reads recency, frequency, monetary
    (scores) and recency_high … (flags).
    Without a map the scores themselves are the segment ("544"). A customer of whom a measure is missing has none.
    """

    kind: ClassVar[str] = "segments.rfm"

    recency: FactName
    frequency: FactName
    monetary: FactName | None = None
    cuts: Cuts | None = None
    at_cut: Annotated[AtCut, one_of("above", "below")] = "above"
    high: High | None = None
    map: ScoreMap | None = None
    order: Annotated[tuple[Name, ...], Field(max_length=MAX_SEGMENTS)] = ()
    status: Name = "segment"

    @property
    def called(self) -> str:
        return self.status

    @property
    def measures(self) -> dict[str, str]:
        """The measure of each part."""
        named = {"recency": self.recency, "frequency": self.frequency, "monetary": self.monetary}
        return {part: measure for part, measure in named.items() if measure is not None}

    @property
    def mapped(self) -> ScoreMap | None:
        """The map; where there is none and only ``high`` is said of all three, the eight."""
        eight = self.cuts is None and self.high is not None and self.high.monetary is not None
        return self.map or (ScoreMap.named("eight") if eight else None)

    @property
    def high_scores(self) -> bool:
        """Whether ``high`` tells scores: there are cuts, and every mark is one of the scores that they make, without a sign."""
        if self.cuts is None or self.high is None:
            return False
        marks = [(self.high.of(part), self.cuts.of(part)) for part in self.measures]
        return all(mark is not None and cuts is not None and mark.is_score(len(cuts) + 1) for mark, cuts in marks)

    def gives(self) -> Mapping[str, StatusFact | BalanceFact]:
        segments = self.mapped.segments if self.mapped is not None else ()
        kind = FactType("level", self.order) if self.order else FactType("text", segments)
        types = {part: FactType("whole") for part in (*self.measures, "score") if self.cuts is not None}
        types |= {f"{part}_high": FactType("flag") for part in self.measures if self.high is not None}
        parts = {f"{self.called}.{name}": StatusFact(found, self.called, field=name) for name, found in types.items()}
        return {self.called: StatusFact(kind, self.called), **parts}

    def reads(self) -> frozenset[str]:
        return frozenset(self.measures.values())

    def due(self, view: View, /) -> date | None:
        return view.cells_change(Marks(self, view).cells) if not self.retired else None

    def found(self, view: View, held: StatusValue | None, /) -> Found:
        values = {part: view.value(measure, view.settled) for part, measure in self.measures.items()}
        before = held.value if held is not None else None
        missing = next((part for part, value in values.items() if value is None), None)
        if missing is not None:
            return Found(None, (reason("segments.rfm.missing", status=self.called, before=before, measure=self.measures[missing]),))
        scores = self.scores(values, view)
        segment, total = self._segment(scores), scores.get("score")
        told = {"status": self.called, "score": total, "before": before}
        if segment is None:
            return Found(None, (reason("segments.rfm.unmapped", **told), *self._told(values, scores, view)), Frozen(scores))
        code = "segments.rfm.rescored" if segment == before else "segments.rfm.entered"
        return Found(segment, (reason(code, segment=segment, **told), *self._told(values, scores, view)), Frozen(scores))

    def scores(self, values: Mapping[str, FactValue | None], view: View) -> dict[str, int | bool]:
        """The score of each part and all of them in one number, then whether each is high."""
        found: dict[str, int | bool] = {}
        for part, value in values.items():
            kind = view.type_of(self.measures[part])
            factor = 10**kind.scale if kind is not None and kind.kind == "money" else 1
            assert isinstance(value, int | Fraction)
            cuts, high = self.cuts.of(part) if self.cuts else None, self.high.of(part) if self.high else None
            if cuts is not None:
                found[part] = score(Fraction(value) / factor, cuts, part, self.at_cut)
            if high is not None:
                found[f"{part}_high"] = found[part] >= high.number if self.high_scores else high.passed(value, part, factor)
        return self.with_total(found)

    def with_total(self, scores: dict[str, int | bool]) -> dict[str, int | bool]:
        """The scores with all of them in one number, in the order of recency, frequency, money: 544."""
        digits = "".join(str(scores[part]) for part in self.measures if part in scores)
        return scores | ({"score": int(digits)} if digits else {})

    def _segment(self, scores: Mapping[str, int | bool]) -> str | None:
        return self.mapped.segment(scores) if self.mapped is not None else str(scores["score"])

    def _told(self, values: Mapping[str, FactValue | None], scores: Mapping[str, int | bool], view: View) -> Iterator[Reason]:
        """For each part what it is, and what that makes."""
        for part, measure in self.measures.items():
            kind = view.type_of(measure)
            value = shown_value(values[part], kind, view.currency) if kind is not None else None
            if part in scores:
                yield reason("segments.rfm.part", part=part, measure=measure, value=value, score=scores[part])
            if f"{part}_high" in scores and self.high is not None:
                code = "segments.rfm.high" if scores[f"{part}_high"] else "segments.rfm.low"
                yield reason(code, part=part, measure=measure, value=value, mark=self._mark(part))

    def _mark(self, part: str) -> str:
        threshold = self.high.of(part) if self.high is not None else None
        assert threshold is not None
        number = rate_text(threshold.number)
        return f"score >= {number}" if self.high_scores else f"{threshold.sign_of(part)} {number}"

    # -- given facts -----------------------------------------------------------------------------------------------

    def asks(self, view: FactsView, /) -> frozenset[str]:
        return self.reads()

    def evaluated(self, view: FactsView, /) -> Answer:
        """The segment, APPLIED; DECLINED where a measure is missing or the map has none."""
        values = {part: view.value(measure) for part, measure in self.measures.items()}
        return self.unscored() if None in values.values() else self.answer(self.scores(values, view))

    def unscored(self) -> Answer:
        return Answer("DECLINED", None, (reason("segments.rfm.unscored", status=self.called),))

    def answer(self, scores: Mapping[str, int | bool]) -> Answer:
        """What is said of scores."""
        segment, total = self._segment(scores), scores.get("score")
        if segment is None:
            return Answer("DECLINED", None, (reason("segments.rfm.unmapped", status=self.called, score=total, before=None),))
        return Answer("APPLIED", segment, (reason("segments.rfm.entered", status=self.called, segment=segment, score=total, before=None),))

    def branches(self, view: FactsView, /) -> tuple[Branch, ...]:
        return Marks(self, view).branches()

    def write_evaluation(self, code: FactsCode, view: FactsView, /) -> bool:
        Marks(self, view).write(code)
        return True

    # -- faults ----------------------------------------------------------------------------------------------------

    def faults(self, known: Known) -> list[Diagnostic]:
        found = [*self._measure_faults(known), *self._part_faults(), *self._cut_faults()]
        if self.map is not None:
            found += table_faults(self.map.table, self.kind, "map") + self.map.faults + [*self._unscored()]
        return found + (out_of_order(self.order, self.mapped.segments if self.mapped else (), "map") if self.order else [])

    def _measure_faults(self, known: Known) -> Iterator[Diagnostic]:
        for part, name in self.measures.items():
            kind = known.facts.get(name)
            if kind is None:
                params = {"fact": name, "nearest": nearest(name, known.facts), "known": ", ".join(sorted(known.facts))}
                yield Diagnostic("document.unknown_fact", part, params)
            elif kind.kind not in NUMBERS:
                yield Diagnostic("document.fact_of_other_kind", part, {"fact": name, "found": kind.kind, "expected": "money, number, whole"})

    def _part_faults(self) -> Iterator[Diagnostic]:
        """Cuts or marks for every measure and for no other."""
        if self.cuts is None and self.high is None:
            yield Diagnostic("document.missing_field", "", {"field": "cuts"})
        for name, given in (("cuts", self.cuts), ("high", self.high)):
            if given is not None and given.monetary is None and self.monetary is not None:
                yield Diagnostic("document.missing_field", name, {"field": "monetary"})
            if given is not None and given.monetary is not None and self.monetary is None:
                yield Diagnostic("document.missing_field", "", {"field": "monetary"})
        for part in PARTS if self.high is not None and not self.high_scores else ():
            mark = self.high.of(part) if self.high is not None else None
            if mark is not None and (mark.sign_of(part)[0] == "<") != (part == "recency"):
                expected = 'few days, such as "<= 10"' if part == "recency" else 'much, such as ">= 3"'
                yield Diagnostic("document.wrong_type", f"high.{part}", {"expected": expected, "found": str(mark)})

    def _cut_faults(self) -> Iterator[Diagnostic]:
        for part in PARTS if self.cuts is not None else ():
            cuts = (self.cuts.of(part) if self.cuts is not None else None) or ()
            wrong = next((place for place, (low, high) in enumerate(pairwise(cuts), 1) if high < low), None)
            if wrong is not None:
                params = {"expected": "a cut no lower than the one before it", "found": rate_text(cuts[wrong])}
                yield Diagnostic("document.wrong_type", f"cuts.{part}[{wrong}]", params)

    def _unscored(self) -> Iterator[Diagnostic]:
        """What a map reads that is not said."""
        assert self.map is not None
        for name in self.map.table.inputs:
            part, high, _ = name.partition("_high")
            if part in PARTS and ((self.high if high else self.cuts) is None or part not in self.measures):
                field = part if part not in self.measures else "high" if high else "cuts"
                yield Diagnostic("document.missing_field", "", {"field": field})
