"""``segments.bands``: the values of one measure cut into named bands, such as low, mid and high."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Annotated, Any, ClassVar

from pydantic import PlainSerializer, ValidationError, ValidationInfo, WithJsonSchema, field_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from custrules.assigning import Assigning, Found
from custrules.branching import Branch
from custrules.conditions import BadCell, Cell, Condition, read_cell
from custrules.conditions.compiler import node_text
from custrules.conditions.tables import FactName
from custrules.conditions.tree import bad_cell
from custrules.errors import Diagnostic
from custrules.evaluation import Answer, Results
from custrules.facts import FactType
from custrules.fields import NAME_SCHEMA, Frozen, Name, fault, read_name, wrong_type
from custrules.given import FactsCode
from custrules.policy import BalanceFact, FactsView, Known, StatusFact, View, reason
from custrules.shown import shown_value
from custrules.standing import Aim, Standing
from custrules.state_parts import StatusValue

MAX_BANDS = 100
NOBODYS = ("none", "missing")  # what cells call it when there is no value
_CELL = {"type": ["string", "number", "boolean", "array"]}
_SCHEMA = {"type": "object", "minProperties": 1, "maxProperties": MAX_BANDS, "propertyNames": dict(NAME_SCHEMA), "additionalProperties": _CELL}


def cell_of(condition: Condition) -> Any:
    """The cell that a band was written as."""
    (cell,) = condition.entries.values()
    assert isinstance(cell, Cell)
    return cell.document


class Bands(Assigning):
    """Bands of a measure, the lowest first: the first whose cell holds is the customer's.

    The status has the policy's id unless ``status`` names another; its names are a fact with that order, so that
    ``{value: ">= mid"}`` means something. A measure that is missing falls into no band, unless one says ``missing``.
    """

    kind: ClassVar[str] = "segments.bands"

    measure: FactName
    bands: Annotated[
        Mapping[str, Condition],
        PlainSerializer(lambda bands: {name: cell_of(condition) for name, condition in bands.items()}, return_type=dict),
        WithJsonSchema(_SCHEMA),
    ]
    status: Name | None = None

    @field_validator("bands", mode="plain")
    @classmethod
    def _read_bands(cls, value: object, info: ValidationInfo) -> Frozen:
        if not isinstance(value, Mapping) or not value:
            raise wrong_type('bands with their cells: {low: "< 3000", high: ">= 3000"}', value)
        if len(value) > MAX_BANDS:
            raise fault("document.too_many", what="bands", most=MAX_BANDS)
        return _BandReader(info.data.get("measure", "measure")).bands(value)

    @property
    def called(self) -> str:
        return self.status or self.id

    def gives(self) -> Mapping[str, StatusFact | BalanceFact]:
        return {self.called: StatusFact(FactType("level", tuple(self.bands)), self.called)}

    def due(self, view: View, /) -> date | None:
        days = (view.next_change(condition) for condition in self.bands.values() if not self.retired)
        return min((day for day in days if day is not None), default=None)

    def found(self, view: View, held: StatusValue | None, /) -> Found:
        name = next((name for name, condition in self.bands.items() if view.test(condition, view.settled)), None)
        before = held.value if held is not None else None
        value, kind = view.value(self.measure, view.settled), view.type_of(self.measure)
        told = {"measure": self.measure, "value": shown_value(value, kind, view.currency) if kind is not None else None}
        if name is None:
            return Found(None, (reason("segments.bands.left", status=self.called, before=before, **told),))
        cell = next(iter(self.bands[name].leaves()))[1].text
        return Found(name, (reason("segments.bands.entered", status=self.called, segment=name, before=before, cell=cell, **told),))

    def faults(self, known: Known) -> list[Diagnostic]:
        return [Diagnostic("document.reserved_id", f"bands.{name}", {"id": name}) for name in self.bands if name in NOBODYS]

    def progress(self, view: View, /) -> Standing | None:
        """The band held, and the next one up."""
        held, names = super().progress(view), list(self.bands)
        if held is None:
            return None
        place = names.index(held.level) if held.level in names else -1
        above = names[place + 1] if place + 1 < len(names) else None
        aims = (Aim("reach", above, self.bands[above]),) if above is not None else ()
        return replace(held, aims=aims)

    # -- given facts -----------------------------------------------------------------------------------------------

    def asks(self, view: FactsView, /) -> frozenset[str]:
        return frozenset({self.measure})

    def evaluated(self, view: FactsView, /) -> Answer:
        """The band that the measure falls into, APPLIED; DECLINED where there is none."""
        return self._answer(next((place for place, condition in enumerate(self.bands.values()) if view.test(condition)), len(self.bands)))

    def _answer(self, place: int) -> Answer:
        if place == len(self.bands):
            return Answer("DECLINED", None, (reason("segments.bands.outside", status=self.called, measure=self.measure),))
        name, condition = list(self.bands.items())[place]
        cell = next(iter(condition.leaves()))[1].text
        return Answer("APPLIED", name, (reason("segments.bands.held", status=self.called, segment=name, measure=self.measure, cell=cell),))

    def branches(self, view: FactsView, /) -> tuple[Branch, ...]:
        rows = [(view.bound(condition), place) for place, condition in enumerate(self.bands.values())]
        answers = [*rows, (None, len(self.bands))]
        return tuple(Branch(bound, (), partial(self._only, place)) for bound, place in answers)

    def _only(self, place: int, _: int) -> Answer:
        return self._answer(place)

    def write_evaluation(self, code: FactsCode, view: FactsView, /) -> bool:
        """``if <cell>: return <its evaluation>`` for one band after the other."""
        results = code.results("bands", lambda: Results(self.id, self.effective_from, self._answer))
        for place, condition in enumerate(self.bands.values()):
            code.add(1, f"if {node_text(view.bound(condition), code.leaf)}: return {code.name(results[place])}")
        code.add(1, f"return {code.name(results[len(self.bands)])}")
        return True


class _BandReader:
    """Reads cells into conditions on the measure, noting every fault with its band."""

    measure: str

    def __init__(self, measure: str) -> None:
        self.measure = measure
        self._faults: list[InitErrorDetails] = []

    def bands(self, value: Mapping[Any, Any]) -> Frozen:
        found = {self._name(name): self._condition(name, cell) for name, cell in value.items()}
        if self._faults:
            raise ValidationError.from_exception_data("Bands", self._faults)
        return Frozen(found)

    def _note(self, error: PydanticCustomError, *loc: str | int) -> None:
        self._faults.append({"type": error, "loc": loc, "input": None})

    def _name(self, name: object) -> str:
        try:
            return read_name(name)
        except PydanticCustomError as error:
            self._note(error, str(name))
            return str(name)

    def _condition(self, name: object, cell: object) -> Condition | None:
        cell = cell_of(cell) if isinstance(cell, Condition) else cell
        try:
            return Condition(Frozen({self.measure: read_cell(cell)}))
        except BadCell as bad:
            item = () if bad.item is None else (bad.item,)
            quoted = bad.quoted(cell)
            self._note(bad_cell(self.measure, quoted, bad), str(name), *item)
            return None
