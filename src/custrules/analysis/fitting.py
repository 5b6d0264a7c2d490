"""Bands and RFM scores fitted from a population: what comes out is a policy with the numbers in it.

Arithmetic is exact (fractions, no floats); equal values are never told apart, whatever the order of the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import groupby, pairwise
from math import floor
from typing import Any, Literal, TypeVar

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from custrules.adopting import check_state
from custrules.analysis.refusal import one_of, program_in, refuse, worded
from custrules.fields import describe, rate_text, read_rate
from custrules.moment import Moment
from custrules.money import Money, exactly
from custrules.policies.segments import Bands, Rfm
from custrules.policies.segments.scores import MAX_CUTS, PARTS
from custrules.policy import Policy
from custrules.program import Program
from custrules.state import State
from custrules.validation import diagnostics_of, nearest

QUANTILE_TYPES = range(1, 10)
Number = int | Fraction | Decimal | Money | str
Row = Mapping[str, Any]
Fitted = TypeVar("Fitted", bound=Policy)


def population(program: Program, states: Iterable[State], *facts: str) -> Iterator[dict[str, Money | Fraction | int | str | bool | date | None]]:
    """The facts of each customer as of the state's day, as the fits (and data frames) take them; None where one is missing.

    Money is ``Money``, an average that is no whole number of smallest units a Fraction of the currency. Read it from advanced
    states. AnalysisError for a fact that the program does not have, StateError for a state of another program.
    """
    program_in(program, "program")
    known = program.rulebook.types
    for name in facts:
        if name not in known:
            refuse("analysis.unknown_fact", name, fact=name, nearest=nearest(name, known), known=", ".join(sorted(known)))
    return (_row(program, state, facts) for state in states)


@exactly
def _row(program: Program, state: State, facts: Sequence[str]) -> dict[str, Any]:
    check_state(program.rulebook, state)
    moment = Moment(program.rulebook, state, state.day) if state.day is not None else None
    return {name: _shown(moment.value(name), program, name) if moment is not None else None for name in facts}


def _shown(value: Any, program: Program, name: str) -> Any:
    kind = program.rulebook.types[name]
    if value is None or kind.kind != "money":
        return value
    if isinstance(value, Fraction) and value.denominator != 1:
        return value / 10**kind.scale
    return Money.from_minor(int(value), program.currency)


# -- quantiles ---------------------------------------------------------------------------------------------------------


@exactly
def quantile(values: Iterable[Number], share: Number, kind: int = 7) -> Fraction:
    """The quantile at a share (``"20%"``, Fraction(1, 5)) by one of the nine types of Hyndman & Fan (1996), as R numbers them.

    1 and 3 take a value that occurs, 2 the middle of two; 4 to 9 interpolate (6: SPSS, Minitab; 7: R, S, NumPy, Excel). Exact.
    """
    numbers = sorted(_number(value, f"values[{place}]") for place, value in enumerate(values))
    if not numbers:
        refuse("analysis.no_population", "values")
    at = _share(share, "share")
    return _quantile(numbers, at, _type(kind))


def _type(kind: int) -> int:
    return int(one_of(str(kind), map(str, QUANTILE_TYPES), "quantile"))


def _quantile(numbers: Sequence[Fraction], share: Fraction, kind: int) -> Fraction:
    """Between the numbers at places j and j + 1 (from 1), where j + g = n * share + m."""
    place = len(numbers) * share + _shift(share, kind)
    before = floor(place)
    rest = place - before
    low, high = (numbers[min(max(at, 1), len(numbers)) - 1] for at in (before, before + 1))
    return low + _weight(rest, before, kind) * (high - low)


def _shift(share: Fraction, kind: int) -> Fraction:
    shifts = (Fraction(0), Fraction(0), Fraction(-1, 2), Fraction(0), Fraction(1, 2), share, 1 - share, (share + 1) / 3, share / 4 + Fraction(3, 8))
    return shifts[kind - 1]


def _weight(rest: Fraction, before: int, kind: int) -> Fraction:
    """How far it lies towards the upper of the two: all or nothing, or half, in the types that do not interpolate."""
    if kind > 3:
        return rest
    if rest:
        return Fraction(1)
    return {1: Fraction(0), 2: Fraction(1, 2), 3: Fraction(before % 2)}[kind]


# -- RFM ---------------------------------------------------------------------------------------------------------------


@exactly
def fit_rfm(
    rows: Iterable[Row],
    *,
    recency: str,
    frequency: str,
    monetary: str | None = None,
    scores: int | None = 5,
    quantile: int = 7,
    plus: Number = 0,
    at_cut: Literal["above", "below"] = "below",
    high: Literal["mean", "median"] | None = None,
    id: str = "rfm",
    **fields: Any,
) -> Rfm:
    """A ``segments.rfm`` policy with the cuts of a population in it.

    ``rows`` are mappings with the named measures (see ``population``); a row in which one is missing is left out. ``scores`` parts
    are cut at quantiles of the type named, each raised by ``plus``; None cuts nothing. ``at_cut`` says which score a value at a cut
    has: that of those below it (as intervals closed on the right) or above. ``high`` adds what is better than the mean, or than the median.
    ``fields`` are further ones of the policy (map, order, status, effective_from …). The R package rfm: ``quantile=7, plus=1,
    at_cut="above"``. AnalysisError for rows that cannot be read, none at all, or fields that do not fit.
    """
    measures = dict(zip(PARTS, (recency, frequency, monetary), strict=True))
    named = {part: name for part, name in measures.items() if name is not None}
    columns = _columns(rows, tuple(named.values()))
    more, kind = _number(plus, "plus"), _type(quantile)
    found: dict[str, Any] = {"id": id, "at_cut": one_of(at_cut, ("above", "below"), "at_cut"), **named, **fields}
    if scores is not None:
        shares = _shares(scores)
        cuts = {part: [_quantile(columns[name], share, kind) + more for share in shares] for part, name in named.items()}
        found["cuts"] = {part: [rate_text(cut) for cut in row] for part, row in cuts.items()}
    if high is not None:
        middle = one_of(high, ("mean", "median"), "high")
        marks = {part: _middle(columns[name], middle) for part, name in named.items()}
        found["high"] = {part: f"{'<' if part == 'recency' else '>'} {rate_text(mark)}" for part, mark in marks.items()}
    return _policy(Rfm, found)


def _shares(scores: int) -> list[Fraction]:
    """Where so many scores are cut, as shares of the population."""
    if not 2 <= scores <= MAX_CUTS + 1:
        refuse("analysis.out_of_range", "scores", found=scores, least=2, most=MAX_CUTS + 1)
    return [Fraction(place, scores) for place in range(1, scores)]


def _middle(numbers: Sequence[Fraction], which: str) -> Fraction:
    return sum(numbers, Fraction(0)) / len(numbers) if which == "mean" else _quantile(numbers, Fraction(1, 2), 7)


# -- bands -------------------------------------------------------------------------------------------------------------


@exactly
def fit_bands(
    rows: Iterable[Row],
    *,
    measure: str,
    names: Sequence[str],
    shares: Sequence[Number],
    by: Literal["total", "customers"] = "total",
    id: str = "value",
    **fields: Any,
) -> Bands:
    """A ``segments.bands`` policy out of a population: ``names`` from the best down, ``shares`` where each ends and the next begins.

    ``by="total"``: of all that the measure sums up to, so that ``["80%", "95%"]`` is the usual ABC; a customer belongs to a band when
    what all greater ones bring together is still within its share (the share *before* the customer: who alone passes 80 % is A).
    ``by="customers"``: of the number of customers. Equal values are in one band. A band in which nobody is has no cell and is left out.
    AnalysisError where rows cannot be read or sum up to nothing.
    """
    if len(names) != len(shares) + 1:
        refuse("analysis.out_of_range", "names", found=len(names), least=len(shares) + 1, most=len(shares) + 1)
    limits = [_share(share, f"shares[{place}]") for place, share in enumerate(shares)]
    if any(low >= high for low, high in pairwise(limits)):
        refuse("analysis.not_ascending", "shares", found=", ".join(rate_text(limit) for limit in limits))
    numbers = _columns(rows, (measure,))[measure]
    least = _least(numbers, limits, one_of(by, ("total", "customers"), "by"))
    return _policy(Bands, {"id": id, "measure": measure, "bands": _cells(names, least), **fields})


@exactly
def fit_abc(rows: Iterable[Row], *, measure: str, id: str = "abc", **fields: Any) -> Bands:
    """The classes A, B and C: who brings the first 80 % of the total, the next 15 %, the rest. See ``fit_bands``."""
    return fit_bands(rows, measure=measure, names=("A", "B", "C"), shares=("80%", "95%"), id=id, **fields)


def _least(numbers: Sequence[Fraction], limits: Sequence[Fraction], by: str) -> list[Fraction | None]:
    """The least value of each band but the last; None where it has nobody."""
    total = sum(numbers, Fraction(0)) if by == "total" else Fraction(len(numbers))
    if total <= 0:
        refuse("analysis.no_total", "rows")
    before, found = Fraction(0), list[Fraction | None]([None] * len(limits))
    for value, equal in groupby(reversed(numbers)):
        count = sum(1 for _ in equal)
        place = sum(limit <= before / total for limit in limits)
        if place < len(limits):
            found[place] = value
        before += value * count if by == "total" else count
    return found


def _cells(names: Sequence[str], least: Sequence[Fraction | None]) -> dict[str, str]:
    """Bands from the lowest up, each from its least value to that of the next."""
    known = [(name, value) for name, value in zip(names, least, strict=False) if value is not None]
    cells, upper = list[tuple[str, str]](), ""
    for name, value in known:
        cells.append((name, f"[{rate_text(value)}..{upper})" if upper else f">= {rate_text(value)}"))
        upper = rate_text(value)
    cells.append((names[-1], f"< {upper}" if upper else "-"))
    return dict(reversed(cells))


# -- reading -----------------------------------------------------------------------------------------------------------


def _columns(rows: Iterable[Row], names: tuple[str, ...]) -> dict[str, list[Fraction]]:
    """The numbers of each measure in ascending order, of the rows in which none is missing."""
    kept: list[list[Fraction]] = []
    for place, row in enumerate(rows):
        if not isinstance(row, Mapping) or any(name not in row for name in names):
            refuse("analysis.bad_row", f"rows[{place}]", known=", ".join(names))
        if all(row[name] is not None for name in names):
            kept.append([_number(row[name], f"rows[{place}].{name}") for name in names])
    if not kept:
        refuse("analysis.no_population", "rows")
    return {name: sorted(column) for name, column in zip(names, zip(*kept, strict=True), strict=True)}


def _number(value: Any, path: str) -> Fraction:
    if isinstance(value, Money):
        return Fraction(value.amount)
    if isinstance(value, int) and not isinstance(value, bool):
        return Fraction(value)
    try:
        return read_rate(value)
    except PydanticCustomError:
        refuse("analysis.no_number", path, found=describe(value))


def _share(value: Any, path: str) -> Fraction:
    found = _number(value, path)
    if not 0 < found < 1:
        refuse("analysis.no_share", path, found=rate_text(found))
    return found


def _policy(kind: type[Fitted], fields: dict[str, Any]) -> Fitted:
    """The policy of the numbers found; what is wrong with further fields is the caller's."""
    try:
        return kind.read(fields)
    except ValidationError as error:
        raise worded(diagnostics_of(error, "document", kind)) from None


__all__ = ["fit_abc", "fit_bands", "fit_rfm", "population", "quantile"]
