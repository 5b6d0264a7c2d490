"""Decision tables as documents write them: inputs, outputs and rows of cells; not yet typed against facts.

    hit: FIRST
    inputs: [tier, region]
    outputs: [owner]
    rows:
      - [diamond, "-", call_centre]

``rows`` may stand as text under ``table:``, or in a CSV file named by ``csv:`` (see ``grids``); what is read is the same table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, Self, TypeAlias, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from custrules.conditions.cells import BadCell, Cell, cell_text, quoted_cell, read_cell
from custrules.conditions.grids import FORMS, Misfit, expanded, unread
from custrules.conditions.tree import bad_cell, is_fact_name
from custrules.errors import DocumentError
from custrules.facts import Kind
from custrules.fields import Name, describe, fault, one_of, wrong_type
from custrules.validation import Loc, diagnostics_of, inside

MAX_ROWS = 2_000
MAX_COLUMNS = 60
MAX_VALUES = 200
MAX_FAULTS = 200  # told of one table, beyond which it is looked at no further

Hit: TypeAlias = Literal[
    "UNIQUE", "ANY", "FIRST", "PRIORITY", "RULE ORDER", "OUTPUT ORDER", "COLLECT", "COLLECT SUM", "COLLECT MIN", "COLLECT MAX", "COLLECT COUNT"
]
HITS: tuple[Hit, ...] = get_args(Hit)
LETTERS: Mapping[str, Hit] = dict(zip(("U", "A", "F", "P", "R", "O", "C", "C+", "C<", "C>", "C#"), HITS, strict=True))
"""The letters that DMN writes into the corner of a table."""
LISTS: frozenset[Hit] = frozenset({"RULE ORDER", "OUTPUT ORDER", "COLLECT"})
"""Hit policies whose answer is a list, one value for each row that holds; no condition can read it."""
KINDS: tuple[Kind, ...] = get_args(Kind)


def _read_hit(value: object) -> Hit:
    found = LETTERS.get(value, value) if isinstance(value, str) else value
    if found not in HITS:
        raise fault("document.unknown_choice", found=describe(value), choices=", ".join([*HITS, *LETTERS]))
    return found


def _read_fact(value: object) -> str:
    if isinstance(value, Misfit):
        raise value.error
    if not isinstance(value, str) or not is_fact_name(value):
        raise wrong_type("the name of a fact", value)
    return value


def _read_text(value: object) -> str:
    try:
        return cell_text(value)
    except BadCell as bad:
        raise wrong_type(bad.expected, value) from None


def _fitting(value: object) -> object:
    """A list as the document has it; what stands in for one that could not be read raises its fault."""
    if isinstance(value, Misfit):
        raise value.error
    return value


FactName = Annotated[str, PlainValidator(_read_fact), WithJsonSchema({"type": "string"})]
CellText = Annotated[str, PlainValidator(_read_text), WithJsonSchema({"type": ["string", "number", "boolean"]})]


class Output(BaseModel):
    """One output of a table: its name alone is one of text.

    ``type`` says by which grammar its cells are read; ``values`` are the only ones that rows may give, and the priorities of
    PRIORITY and OUTPUT ORDER, the highest first; ``default`` stands where no row holds.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    name: Name
    type: Annotated[Kind, one_of(*KINDS)] = "text"
    values: Annotated[tuple[CellText, ...], Field(max_length=MAX_VALUES)] = ()
    default: CellText | None = None

    @model_validator(mode="before")
    @classmethod
    def _named(cls, value: object) -> object:
        return {"name": value} if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class Row:
    """One row: a cell for each input, and for each output its text. ``steps`` are the columns as faults name them."""

    cells: tuple[Cell, ...]
    outputs: tuple[str, ...]
    steps: tuple[int | str, ...] = field(default=(), compare=False, repr=False)

    def document(self) -> list[Any]:
        return [*(cell.document for cell in self.cells), *self.outputs]


_ROWS = {"type": "array", "minItems": 1, "maxItems": MAX_ROWS, "items": {"type": ["array", "object"]}}
Rows = Annotated[
    tuple[Row, ...],
    PlainSerializer(lambda rows: [row.document() for row in rows], return_type=list),
    WithJsonSchema(_ROWS),
]


class Table(BaseModel):
    """A decision table: rows of cells over inputs, and what each row that holds gives to the outputs.

    ``hit`` says what becomes of several rows that hold, with the meanings of OMG DMN 1.5 (8.2.11). A row is a list of cells, first
    of the inputs, then of the outputs, or a mapping of columns to cells in which an input left out is ``-``. An output's cell is
    a value of its type, or ``missing`` for none. A field of this type reads itself from ``{hit, inputs, outputs, rows}``, from
    ``{hit, table: text}`` or, in a loaded file, from ``{hit, csv: path}``.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")
    spellings: ClassVar[tuple[str, ...]] = FORMS

    hit: Annotated[Hit, BeforeValidator(_read_hit), WithJsonSchema({"enum": [*HITS, *LETTERS]})] = "UNIQUE"
    inputs: Annotated[tuple[FactName, ...], BeforeValidator(_fitting), Field(min_length=1, max_length=MAX_COLUMNS)]
    outputs: Annotated[tuple[Output, ...], BeforeValidator(_fitting), Field(min_length=1, max_length=MAX_COLUMNS)]
    rows: Rows

    @classmethod
    def of(cls, data: object) -> Self:
        """Reads the document form; DocumentError with every fault."""
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise DocumentError(diagnostics_of(error, "document", cls)) from None

    @model_validator(mode="before")
    @classmethod
    def _written_out(cls, data: object, info: ValidationInfo) -> object:
        return written_out(data, info.context or {})

    @field_validator("rows", mode="plain")
    @classmethod
    def _read_rows(cls, value: object, info: ValidationInfo) -> tuple[Row, ...]:
        return _RowReader(info.data.get("inputs"), info.data.get("outputs")).rows(value)


def written_out(data: object, context: Mapping[str, Any]) -> object:
    """The document form with ``rows`` in place of ``table`` or ``csv``. ``context["csv"]`` reads a file's text by its path."""
    if not isinstance(data, Mapping):
        return data
    forms = [form for form in FORMS if form in data]
    if not forms:
        return data
    rest = {name: value for name, value in data.items() if name not in FORMS}
    written = data[forms[0]]
    if len(forms) > 1 or "rows" in data:
        found = ", ".join([*forms, *(["rows"] if "rows" in data else [])])
        return rest | unread(Misfit(fault("document.several_spellings", found=found)))
    if not isinstance(written, str):
        what = "a table written as text; hit, inputs, outputs and rows stand beside it" if forms[0] == "table" else "the path of a CSV file"
        return rest | unread(Misfit(wrong_type(what, written)))
    try:
        text = written if forms[0] == "table" else _file(written, context)
    except PydanticCustomError as error:
        return rest | unread(Misfit(error))
    return rest | expanded(text, forms[0], rest)


def _file(path: str, context: Mapping[str, Any]) -> str:
    if context.get("csv") is None:
        raise fault("document.no_files", file=path)
    return str(context["csv"](path))


class _RowReader:
    """Reads rows by the columns of their table, noting every fault with its place; without columns, only what each row is."""

    inputs: Sequence[str] | None
    outputs: Sequence[Output] | None
    names: tuple[str, ...]

    def __init__(self, inputs: Sequence[str] | None, outputs: Sequence[Output] | None) -> None:
        self.inputs, self.outputs = inputs, outputs
        self.names = (*(inputs or ()), *(output.name for output in outputs or ()))
        self._faults: list[InitErrorDetails] = []
        self._read: dict[str, Cell] = {}  # most cells of a table are written many times

    def rows(self, value: object) -> tuple[Row, ...]:
        _fitting(value)
        if not isinstance(value, list | tuple) or not value:
            raise wrong_type("a list of at least one row", value)
        if len(value) > MAX_ROWS:
            raise fault("document.too_many", what="rows", most=MAX_ROWS)
        read = (self._row(item, index) for index, item in enumerate(value) if len(self._faults) <= MAX_FAULTS)
        rows = tuple(row for row in read if row is not None)
        if self._faults:
            raise ValidationError.from_exception_data("Table", self._faults)
        return rows

    def _note(self, error: PydanticCustomError, *loc: int | str) -> None:
        self._faults.append({"type": error, "loc": loc, "input": None})

    def _row(self, item: object, index: int) -> Row | None:
        if isinstance(item, Row):
            item = item.document()
        if isinstance(item, Misfit):
            self._note(item.error, index)
        elif not isinstance(item, list | tuple | Mapping):
            self._note(wrong_type("a row: a list of cells, or a mapping of columns to cells", item), index)
        elif self.inputs is not None and self.outputs is not None:
            return self._mapped(item, index) if isinstance(item, Mapping) else self._listed(item, index)
        return None

    def _listed(self, item: Sequence[Any], index: int) -> Row | None:
        if len(item) != len(self.names):
            self._note(fault("document.wrong_cells", found=len(item), count=len(self.names), columns=" | ".join(self.names)), index)
            return None
        return self._cells(item, range(len(item)), index)

    def _mapped(self, item: Mapping[Any, Any], index: int) -> Row | None:
        unknown = [str(name) for name in item if name not in self.names]
        for name in unknown:
            self._note(fault("document.unknown_column", found=name, known=", ".join(self.names)), index, name)
        lacking = [name for name in self.names[len(self.inputs or ()) :] if name not in item]
        for name in lacking:
            self._note(fault("document.missing_field", field=name), index, name)
        return None if unknown or lacking else self._cells([item.get(name, "-") for name in self.names], self.names, index)

    def _cells(self, values: Sequence[Any], steps: Sequence[int | str], index: int) -> Row | None:
        before = len(self._faults)
        count = len(self.inputs or ())
        columns = list(zip(values, self.names, steps, strict=True))
        cells = [self._input(value, name, (index, step)) for value, name, step in columns[:count]]
        outputs = [self._output(value, name, (index, step)) for value, name, step in columns[count:]]
        if len(self._faults) > before:
            return None
        return Row(tuple(cell for cell in cells if cell), tuple(outputs), tuple(steps))

    def _input(self, value: object, name: str, loc: tuple[int | str, ...]) -> Cell | None:
        if value == "":
            self._note(fault("document.empty_cell", column=name), *loc)
            return None
        if isinstance(value, str) and value in self._read:
            return self._read[value]
        try:
            cell = read_cell(value)
        except BadCell as bad:
            item = (bad.item,) if bad.item is not None else ()
            self._note(bad_cell(name, bad.quoted(value), bad), *loc, *item)
            return None
        if isinstance(value, str):
            self._read[value] = cell
        return cell

    def _output(self, value: object, name: str, loc: tuple[int | str, ...]) -> str:
        try:
            text = cell_text(value)
        except BadCell as bad:
            self._note(fault("document.bad_output", output=name, cell=quoted_cell(value), expected=bad.expected, nearest=""), *loc)
            return ""
        if not text:
            self._note(fault("document.empty_cell", column=name), *loc)
        return text


def tables_in(value: object, path: Loc = ()) -> list[tuple[Loc, Table]]:
    """Every table in a policy (or a part of one) with its path; a policy that is a table itself stands at its own."""
    return inside(value, Table, path)
