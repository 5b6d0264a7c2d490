"""Policies over a data frame: a column of whole numbers for each policy, which says what ``program.evaluate`` says row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import reduce
from operator import add, or_
from typing import Any, NamedTuple, Never

import narwhals as nw

from custrules.branching import MAX_BITS, MAX_BRANCHES, Branch, Together
from custrules.conditions import Bound
from custrules.conditions.columns import Column, QuotientColumn, Reader
from custrules.errors import Diagnostic, FactsError
from custrules.evaluating import GivenView, form_of, nothing_of, version
from custrules.evaluation import Evaluation, Results
from custrules.facts import FactType
from custrules.given import FactsForm
from custrules.messages import render_all
from custrules.policy import Policy
from custrules.program import Program

KEY = "_key"
MAX_DISTINCT = 10_000  # answers of one policy that ``answers`` puts into words


class _Asked(NamedTuple):
    """One policy as branches: a key is the branch's number times ``span``, plus the bits that hold in it."""

    policy: Policy
    branches: tuple[Branch, ...]
    span: int
    results: tuple[Results, ...]


class Columns:
    """Some policies of a program, ready for frames.

    ``facts`` are the columns that a frame must have, with their types. ``keys(frame)`` adds a whole number for each policy,
    ``evaluation(policy_id, key)`` is the Evaluation that it stands for, ``answers(frame)`` adds what people read.
    """

    program: Program
    facts: Mapping[str, FactType]

    def __init__(self, program: Program, policies: Sequence[Policy], *, minor: bool) -> None:
        self.program, self._minor = program, minor
        self._form = form_of(program.rulebook, policies)
        self.facts = self._form.types
        self._asked = {policy.id: _asked(program, policy, self._form) for policy in policies}

    def keys(self, frame: Any) -> Any:
        """The frame with a column ``<policy id>_key`` (int64) for each policy, of the kind that was given, lazy where that is.

        A key is null where a quotient's numbers are too large to be compared exactly. FactsError where a column is missing,
        or not of a type that holds the fact exactly.
        """
        given = nw.from_native(frame)
        found = given.with_columns(*self._expressions(given.collect_schema()))
        return found.to_native()

    def evaluation(self, policy_id: str, key: int) -> Evaluation:
        """What a key of a policy stands for: the same as ``program.evaluate`` on that row. FactsError for what is no key of it."""
        asked = self._asked.get(policy_id)
        if asked is None:
            _refuse("facts.unknown_policy", policy=str(policy_id), known=", ".join(self._asked), nearest="")
        branch, bits = divmod(key, asked.span)
        if not 0 <= branch < len(asked.branches) or bits >> len(asked.branches[branch].bits):
            _refuse("facts.no_key", policy=policy_id, key=str(key))
        return asked.results[branch][bits]

    def answers(self, frame: Any) -> Any:
        """The frame with, for each policy, its key, ``<id>_outcome``, ``<id>_codes`` (reason codes, comma between) and its value: ``<id>``, or for a
        table ``<id>_<output>``; values as text. A lazy frame is run once to see which answers there are.
        """
        keyed = nw.from_native(self.keys(frame))
        for policy_id in self._asked:
            keyed = keyed.with_columns(*self._words(policy_id, _distinct(keyed, policy_id)))
        return keyed.to_native()

    # -- expressions -----------------------------------------------------------------------------------------------

    def _expressions(self, schema: Mapping[str, Any]) -> list[nw.Expr]:
        columns = _columns(self._form, schema, minor=self._minor)
        return [_key(asked, Reader(columns)).alias(policy_id + KEY) for policy_id, asked in self._asked.items()]

    def _words(self, policy_id: str, keys: Sequence[int]) -> list[nw.Expr]:
        told = {key: _told(self.evaluation(policy_id, key), policy_id) for key in keys}
        names = dict.fromkeys(name for row in told.values() for name in row)
        return [_decoded(policy_id, name, {key: row.get(name) for key, row in told.items()}) for name in names]


def columns(program: Program, *policy_ids: str, on: Any = None, minor: bool = False) -> Columns:
    """Policies of a program as columns: ladders, decision tables, and other kinds that say ``branches``.

    ``on`` chooses the versions in force on a day; without it the newest answer. ``minor``: whole-number columns of money hold
    smallest units (cents); without it money is a column of decimals. FactsError for a policy that cannot be a column, by name.
    """
    if not policy_ids:
        _refuse("facts.no_policies")
    return Columns(program, [version(program.rulebook, policy_id, on) for policy_id in policy_ids], minor=minor)


def _asked(program: Program, policy: Policy, form: FactsForm) -> _Asked:
    branches = policy.branches(GivenView(program.rulebook, policy, nothing_of(form)))
    if branches is None:
        _refuse("facts.no_columns", policy=policy.id, kind=policy.kind)
    bits = max((len(branch.bits) for branch in branches), default=0)
    for what, found, most in (("conditions", bits, MAX_BITS), ("branches", len(branches), MAX_BRANCHES)):
        if found > most:
            _refuse("facts.too_big_for_columns", policy=policy.id, what=what, found=str(found), most=str(most))
    results = tuple(Results(policy.id, policy.effective_from, branch.decode) for branch in branches)
    return _Asked(policy, branches, 1 << bits, results)


def _key(asked: _Asked, reader: Reader) -> nw.Expr:
    """The key of the first branch whose condition holds; null where numbers are too large to be compared."""
    found = nw.lit(None, dtype=nw.Int64)
    for place, branch in reversed(list(enumerate(asked.branches))):
        head = [_whole(place * asked.span)] if place or not branch.bits else []
        key = reduce(add, [*head, *(_bit(_holds(bit, reader), index) for index, bit in enumerate(branch.bits))])
        found = key if branch.when is None else nw.when(reader.expression(branch.when)).then(key).otherwise(found)
    if reader.beyond:
        found = nw.when(reduce(or_, reader.beyond.values())).then(nw.lit(None, dtype=nw.Int64)).otherwise(found)
    return found


def _holds(bit: Bound | Together, reader: Reader) -> nw.Expr:
    return reader.together(bit.parts) if isinstance(bit, Together) else reader.expression(bit)


def _bit(holds: nw.Expr, place: int) -> nw.Expr:
    return nw.when(holds).then(_whole(1 << place)).otherwise(_whole(0))


def _whole(value: int) -> nw.Expr:
    return nw.lit(value, dtype=nw.Int64)


# -- reading columns ---------------------------------------------------------------------------------------------------


def _columns(form: FactsForm, schema: Mapping[str, Any], *, minor: bool) -> dict[str, Column | QuotientColumn]:
    """Every fact of a form as a column; FactsError with every fault."""
    faults: list[Diagnostic] = []
    found: dict[str, Column | QuotientColumn] = {}
    for name, kind in form.types.items():
        if name not in schema:
            faults.append(Diagnostic("facts.missing_field", name, {"field": name}))
            continue
        column = _column(name, kind, schema[name], minor)
        if isinstance(column, Diagnostic):
            faults.append(column)
        else:
            found[name] = column
    if faults:
        raise FactsError(faults, render_all(faults, "en", plugins=False))
    quotients = {name: QuotientColumn(found[each.over], found[each.under], each.base) for name, each in form.quotients.items()}  # type: ignore[arg-type]  # both are plain facts
    return found | quotients


def _column(name: str, kind: FactType, dtype: Any, minor: bool) -> Column | Diagnostic:
    column, present = nw.col(name), ~nw.col(name).is_null()
    if kind.kind in ("money", "number", "whole"):
        units = _units(kind, dtype, minor)
        if units is None:
            return _unfit(name, kind, dtype, minor)
        return Column(_counted(column, dtype), present, units)
    if isinstance(dtype, _DTYPES[kind.kind]):
        return Column(column.cast(nw.String) if isinstance(dtype, nw.Categorical | nw.Enum) else column, present)
    return _unfit(name, kind, dtype, minor)


_DTYPES: Mapping[str, tuple[type, ...]] = {
    "text": (nw.String, nw.Categorical, nw.Enum),
    "level": (nw.String, nw.Categorical, nw.Enum),
    "flag": (nw.Boolean,),
    "date": (nw.Date,),
}


def _units(kind: FactType, dtype: Any, minor: bool) -> Fraction | None:
    """How many whole numbers of the column are one of the fact (of money: one smallest unit); None where it does not hold it exactly."""
    if dtype.is_integer() and not isinstance(dtype, nw.UInt64 | nw.Int128 | nw.UInt128):
        return Fraction(1) if kind.kind != "money" or minor else None
    if isinstance(dtype, nw.Decimal) and kind.kind != "whole":
        scale = _scale(dtype)
        return Fraction(10) ** (scale - kind.scale) if scale is not None else None
    return None


def _scale(dtype: Any) -> int | None:
    return getattr(dtype, "scale", None)


def _counted(column: nw.Expr, dtype: Any) -> nw.Expr:
    """A column as whole numbers; a decimal is multiplied by a power of ten, which is exact everywhere."""
    if isinstance(dtype, nw.Decimal):
        return (column * int(10 ** (_scale(dtype) or 0))).cast(nw.Int64)
    return column if dtype == nw.Int64 else column.cast(nw.Int64)


def _unfit(name: str, kind: FactType, dtype: Any, minor: bool) -> Diagnostic:
    return Diagnostic("facts.column_type", name, {"fact": name, "kind": kind.kind, "found": str(dtype), "expected": _expected(kind, minor)})


def _expected(kind: FactType, minor: bool) -> str:
    if kind.kind == "money":
        return "Int64 (smallest units) or Decimal" if minor else "Decimal; or Int64 of smallest units, with minor=True"
    return {"number": "Int64 or Decimal", "whole": "Int64", "flag": "Boolean", "date": "Date"}.get(kind.kind, "String")


# -- words -------------------------------------------------------------------------------------------------------------


def _distinct(frame: Any, policy_id: str) -> list[int]:
    """The keys that a policy has in a frame."""
    name = policy_id + KEY
    found = frame.select(name).unique()
    keys = sorted(key for key in _column_of(found, name) if key is not None)
    if len(keys) > MAX_DISTINCT:
        _refuse("facts.too_big_for_columns", policy=policy_id, what="answers", found=str(len(keys)), most=str(MAX_DISTINCT))
    return keys


def _column_of(frame: Any, name: str) -> list[Any]:
    """The values of the only column of a frame; a relation of DuckDB gives them itself, without pyarrow."""
    native = frame.to_native()
    if hasattr(native, "fetchall"):
        return [row[0] for row in native.fetchall()]
    return list((frame.collect() if isinstance(frame, nw.LazyFrame) else frame)[name].to_list())


def _told(evaluation: Evaluation, policy_id: str) -> dict[str, str | None]:
    value = evaluation.value
    values = {f"{policy_id}_{name}": item for name, item in value.items()} if isinstance(value, Mapping) else {policy_id: value}
    head = {f"{policy_id}_outcome": evaluation.outcome, f"{policy_id}_codes": ", ".join(evaluation.codes)}
    return head | {name: _text(item) for name, item in values.items()}


def _text(value: object) -> str | None:
    if isinstance(value, tuple | list):
        return ", ".join(str(item) for item in value)
    return None if value is None else str(value)


def _decoded(policy_id: str, name: str, told: Mapping[int, str | None]) -> nw.Expr:
    """A column that says for each key what it stands for."""
    known = {key: text for key, text in told.items() if text is not None}
    if not known:
        return nw.lit(None, dtype=nw.String).alias(name)
    return nw.col(policy_id + KEY).replace_strict(list(known), list(known.values()), default=None, return_dtype=nw.String).alias(name)


def _refuse(code: str, **params: Any) -> Never:
    faults = [Diagnostic(code, params=params)]
    raise FactsError(faults, render_all(faults, "en", plugins=False))


__all__ = ["Columns", "columns"]
