"""Facts that are given, not gathered from a customer: the form that lists them, and one set of them as slots.

A form reads a row once, checks it, and gives an object whose slots generated code reads. Slots are named f0, f1 … in the
order of the form, since no name out of a document may stand in generated source.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import partial
from typing import Any, ClassVar, Never, TypeAlias

from pydantic_core import PydanticCustomError

from custrules.conditions.binding import Leaf
from custrules.conditions.cells import Between
from custrules.conditions.compiler import Code, leaf_text
from custrules.conditions.interpreter import holds
from custrules.errors import Diagnostic, FactsError, MoneyError
from custrules.evaluation import Evaluation, Results
from custrules.facts import FactType, FactValue
from custrules.fields import describe, fault, read_day, read_flag, read_rate, read_text, read_whole, wrong_type
from custrules.money import Money, exactly, read_money
from custrules.validation import in_family, nearest

Readers: TypeAlias = Mapping[str, Callable[[Any], FactValue]]

FEW_USES = 2
MAX_PLAIN = 10**15  # smallest units, below which an amount is read without detour


@dataclass(frozen=True, slots=True)
class Quotient:
    """A fact that is the exact quotient of two others; missing where the second is zero, or does not satisfy ``base``."""

    over: str
    under: str
    base: Leaf | None = None

    def of(self, over: FactValue | None, under: FactValue | None) -> FactValue | None:
        if not isinstance(over, int | Fraction) or not isinstance(under, int | Fraction) or not under:
            return None
        if self.base is not None and not holds(self.base, under):
            return None
        found = Fraction(over) / Fraction(under)
        return found.numerator if found.denominator == 1 else found


class GivenFacts:
    """One set of facts, as a form has read them: money in smallest units, numbers exact; None where a fact is missing."""

    __slots__ = ()
    form: ClassVar[FactsForm]

    def value(self, name: str) -> FactValue | None:
        """A fact of the form by its name, or a quotient of two; KeyError for any other."""
        quotient = self.form.quotients.get(name)
        if quotient is not None:
            return quotient.of(self.value(quotient.over), self.value(quotient.under))
        value: FactValue | None = getattr(self, self.form.slots[name])
        return value

    def next_change(self, name: str) -> date | None:
        return None

    def values(self) -> dict[str, FactValue | None]:
        """Every fact by name, in the order of the form."""
        return {name: self.value(name) for name in self.form.slots}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GivenFacts) and self.values() == other.values()

    def __hash__(self) -> int:
        return hash(tuple(self.values().items()))

    def __repr__(self) -> str:
        return f"<facts {', '.join(f'{name}={value!r}' for name, value in self.values().items())}>"


def _unchanging(self: GivenFacts, name: str, value: object) -> Never:
    raise AttributeError("facts do not change: read others")


class FactsForm:
    """Which facts some policies of a program read, and their types.

    ``read`` and ``read_all`` take rows as documents write values ("12.50", Money, Decimal, 3, true, "2026-03-31", a level's
    name; None: missing), ``exact`` takes values as they are kept inside (money in smallest units, int or Fraction).
    FactsError tells every fault of a row. A measure that is a ratio is not among them: ``quotients`` tells of which two it is.
    """

    types: Mapping[str, FactType]
    quotients: Mapping[str, Quotient]
    currency: str
    slots: Mapping[str, str]
    made: dict[int, Any]

    def __init__(
        self,
        types: Mapping[str, FactType],
        currency: str,
        quotients: Mapping[str, Quotient] | None = None,
        refusal: Callable[[list[Diagnostic]], FactsError] = FactsError,
    ) -> None:
        self.types, self.currency, self.quotients, self._refusal = dict(types), currency, dict(quotients or {}), refusal
        self.made = {}  # what was compiled for this form goes when it goes
        self.slots = {name: f"f{place}" for place, name in enumerate(types)}
        slots = {"__slots__": tuple(self.slots.values()), "form": self}
        frozen = type("GivenFacts", (GivenFacts,), {**slots, "__setattr__": _unchanging})
        draft = type("GivenFacts", (GivenFacts,), slots)  # it becomes a frozen one when it is filled
        self._readers = {name: _reader(kind, currency) for name, kind in types.items()}
        self._exact_readers = {name: _exact_reader(kind) for name, kind in types.items()}
        self._read = self._compiled(draft, frozen, self._readers, written=True)
        self._exact = self._compiled(draft, frozen, self._exact_readers, written=False)

    def _compiled(self, draft: type, frozen: type, readers: Readers, written: bool) -> Callable[[Mapping[str, Any]], GivenFacts]:
        """Reads every fact of a row: as it is where it is plainly of its kind, else by its reader."""
        code = Code()
        code.add(1, f"facts = {code.name(object.__new__)}({code.name(draft)})")
        for name, kind in self.types.items():
            code.add(1, f"v = row[{code.name(name)}]")
            if written and kind.kind == "money":
                _write_amount(code, kind.scale, f"facts.{self.slots[name]}", code.name(readers[name]))
            else:
                plain = _plain(code, kind, written)
                code.add(1, f"facts.{self.slots[name]} = v if {f'{plain} or ' if plain else ''}v is None else {code.name(readers[name])}(v)")
        code.add(1, f"facts.__class__ = {code.name(frozen)}")
        code.add(1, "return facts")
        return code.function("read(row)")

    def read(self, row: Mapping[str, Any]) -> GivenFacts:
        """One row; every fact of the form must be there (None where it is missing) and no other."""
        return self._checked(row, self._read, self._readers, others=False)

    def exact(self, row: Mapping[str, FactValue | None]) -> GivenFacts:
        """One row of values as they are kept inside."""
        return self._checked(row, self._exact, self._exact_readers, others=False)

    def read_all(self, rows: Iterable[Mapping[str, Any]], *, others: bool = False) -> list[GivenFacts]:
        """Many rows; with ``others`` they may hold more than the form asks for."""
        if others:
            rows = list(rows)
            try:
                return [*map(self._read, rows)]
            except _UNREADABLE:
                pass  # told below, with all its faults
        return [self._checked(row, self._read, self._readers, others) for row in rows]

    def _checked(self, row: Any, read: Callable[[Any], GivenFacts], readers: Readers, others: bool) -> GivenFacts:
        if isinstance(row, Mapping) and (others or len(row) == len(self.types)):
            try:
                return read(row)
            except _UNREADABLE:
                pass
        raise self._refusal(self._faults(row, readers, others))

    @exactly
    def _faults(self, row: Any, readers: Readers, others: bool) -> list[Diagnostic]:
        if not isinstance(row, Mapping):
            return [Diagnostic("facts.wrong_type", "", {"expected": "a mapping", "found": describe(row)})]
        known = ", ".join(sorted(self.types))
        unknown = [] if others else [name for name in row if name not in self.types]
        faults = [
            Diagnostic("facts.unknown_fact", str(name), {"fact": name, "nearest": nearest(str(name), self.types), "known": known}) for name in unknown
        ]
        faults += [Diagnostic("facts.missing_field", name, {"field": name}) for name in self.types if name not in row]
        for name in self.types:
            if name in row and row[name] is not None:
                faults += _value_fault(name, row[name], readers[name])
        return faults

    def _unknown(self, name: str) -> Diagnostic:
        return Diagnostic("facts.unknown_fact", name, {"fact": name, "nearest": nearest(name, self.types), "known": ", ".join(self.types)})


def _value_fault(name: str, value: object, reader: Callable[[Any], FactValue]) -> list[Diagnostic]:
    try:
        reader(value)
    except PydanticCustomError as error:
        params = {key: value for key, value in (error.context or {}).items() if key != "code"}
        return [Diagnostic(in_family(error.type, "facts"), name, params)]
    except MoneyError as error:
        return [Diagnostic("facts.bad_money", name, {"reason": str(error)})]
    return []


# -- reading one value -------------------------------------------------------------------------------------------------

_UNREADABLE = (KeyError, TypeError, ValueError, PydanticCustomError, MoneyError)
_AS_WRITTEN: Mapping[str, type] = {"number": int, "whole": int, "text": str, "flag": bool}
_AS_HELD: Mapping[str, type] = {**_AS_WRITTEN, "money": int, "date": date}


def _plain(code: Code, kind: FactType, written: bool) -> str:
    """An expression that is true of a value ``v`` that can be taken as it is; '': there is none."""
    if kind.values:
        return f"v in {code.name(frozenset(kind.values))}"
    held = (_AS_WRITTEN if written else _AS_HELD).get(kind.kind)
    return f"v.__class__ is {code.name(held)}" if held is not None else ""


def _write_amount(code: Code, scale: int, slot: str, reader: str) -> None:
    """A text with all its decimals, as nearly all amounts are, is read without detour; ``reader`` reads everything else."""
    limit, digit, whole = code.name(MAX_PLAIN), code.name("1"), code.name("0")
    code.add(1, f"if v.__class__ is {code.name(str)}:")
    code.add(2, f"w, p, d = v.partition({code.name('.')})")
    code.add(2, "t = w + d")
    decimals = f"{code.name(len)}(d) == {code.name(scale)}" if scale else "not p"
    plain = f"{decimals} and t.isdigit() and t.isascii() and (w >= {digit} or w == {whole})"
    code.add(2, f"u = {code.name(int)}(t) if {plain} else {limit}")
    code.add(2, f"{slot} = u if u < {limit} else {reader}(v)")
    code.add(1, f"else: {slot} = v if v is None else {reader}(v)")


def _exact_reader(kind: FactType) -> Callable[[Any], FactValue]:
    def read(value: Any) -> FactValue:
        if not kind.admits(value):
            raise wrong_type(_HELD[kind.kind], value)
        return _known(value, kind) if kind.values else value

    return read


_HELD = {
    "money": "a whole number (or Fraction) of smallest units",
    "number": "a whole number or a Fraction",
    "whole": "a whole number such as 12",
    "text": "text",
    "flag": "true or false",
    "date": "a date such as 2026-03-31",
    "level": "text",
}


def _reader(kind: FactType, currency: str) -> Callable[[Any], FactValue]:
    if kind.kind == "money":
        return partial(_minor, currency=currency)
    return _known_reader(kind) if kind.values else _READERS[kind.kind]


def _known_reader(kind: FactType) -> Callable[[Any], FactValue]:
    return lambda value: _known(read_text(value), kind)


def _known(value: str, kind: FactType) -> str:
    if value not in kind.values:
        raise fault("document.unknown_choice", found=describe(value), choices=", ".join(kind.values[:50]))
    return value


def _number(value: Any) -> int | Fraction:
    rate = read_rate(value)
    return rate.numerator if rate.denominator == 1 else rate


_READERS: Mapping[str, Callable[[Any], FactValue]] = {
    "number": _number,
    "whole": read_whole,
    "text": read_text,
    "level": read_text,
    "flag": read_flag,
    "date": read_day,
}


@exactly
def _minor(value: Any, currency: str) -> int:
    money = value if isinstance(value, Money) else read_money(value, currency)
    if money.currency != currency:
        raise fault("facts.other_currency", found=money.currency, expected=currency)
    return money.minor


# -- generated code over given facts -----------------------------------------------------------------------------------


class FactsCode(Code):
    """A function of given facts under construction. Facts that are read are variables.

    It is written twice. With ``careful`` None it guards every comparison against missing facts and makes evaluations that
    are asked for the first time. Else it does neither, and hands over to ``careful`` where that raises.
    """

    form: FactsForm
    careful: Callable[..., Any] | None
    lines: list[str]
    made: dict[object, Results]
    counts: bool
    """Whether it does anything else with facts than ask whether cells hold."""

    def __init__(self, form: FactsForm, careful: Callable[..., Any] | None = None, results: dict[object, Results] | None = None) -> None:
        super().__init__()
        self.form, self.careful = form, careful
        self.made = {} if results is None else results
        self._read: dict[str, str] = {}
        self.counts = False

    def results(self, key: object, make: Callable[[], Results]) -> Results:
        """The results of a part of the policy; one and the same in both functions."""
        if key not in self.made:
            self.made[key] = make()
        return self.made[key]

    def lookup(self, results: Results) -> Results | dict[int, Evaluation]:
        """What the function looks a key up in."""
        return results if self.careful is None else results.kept

    def variable(self, fact: str) -> str:
        """The variable that holds a fact, to be used for more than cells."""
        self.counts = True
        return self._variable(fact)

    def _variable(self, fact: str) -> str:
        return self._read.setdefault(fact, f"v{self.form.slots[fact][1:]}")

    def number(self, fact: str) -> str:
        """An expression for a fact to count with: 0 where it is missing."""
        return self.variable(fact) if self.careful is not None else f"({self.variable(fact)} or 0)"

    def leaf(self, leaf: Leaf) -> str:
        """An expression that tells whether a leaf holds."""
        quotient = self.form.quotients.get(leaf.fact)
        if quotient is not None:
            return self._quotient(leaf, quotient)
        return leaf_text(leaf, self._variable(leaf.fact), self, present=self.careful is not None)

    def _quotient(self, leaf: Leaf, quotient: Quotient) -> str:
        """``a / b >= p / q`` as ``a * q >= p * b`` where b is positive: whole numbers stay whole. All else goes the long way."""
        over, under = self._variable(quotient.over), self._variable(quotient.under)
        long = f"{self.name(partial(_quotient_holds, leaf, quotient))}({over}, {under})"
        plain = self.careful is not None and quotient.base is None and not leaf.negated and len(leaf.tests) == 1
        test = leaf.tests[0]
        if not plain or not isinstance(test, Between):
            return long
        ends = ((test.low, ">=" if test.low_closed else ">"), (test.high, "<=" if test.high_closed else "<"))
        compared = [self._crossed(over, under, end, sign) for end, sign in ends if isinstance(end, int | Fraction)]
        return f"(({' and '.join(compared)}) if {under} > 0 else {long})"

    def _crossed(self, over: str, under: str, end: int | Fraction, sign: str) -> str:
        return f"{self._times(over, end.denominator)} {sign} {self._times(under, end.numerator)}"

    def _times(self, variable: str, number: int) -> str:
        return variable if number == 1 else f"{variable} * {self.name(number)}"

    def branch(self, tests: Sequence[str], then: Callable[[int], str | None], held: int = 0, place: int = 0) -> None:
        """Nested ifs that run each test once on every way, and ``then`` for the tests that hold, a bit each; None: goes on below."""
        depth = 1 + held.bit_count()
        if place == len(tests):
            line = then(held)
            if line is not None:
                self.add(depth, line)
            return
        self.add(depth, f"if {tests[place]}:")
        self.branch(tests, then, held | 1 << place, place + 1)
        self.branch(tests, then, held, place + 1)

    def function(self, head: str) -> Callable[..., Any]:
        body = self._reads() + self.lines
        if self.careful is not None:
            given_up = f"    except {self.name((TypeError, KeyError))}: return {self.name(self.careful)}(facts)\n"
            body = ["    try:\n", *(f"    {line}" for line in body), given_up]
        self.lines = body
        return super().function(head)

    def _reads(self) -> list[str]:
        """Lines that read the facts; one that is used once or twice is read where it is used."""
        reads, text = [], "".join(self.lines)
        for fact, variable in self._read.items():
            slot, used = f"facts.{self.form.slots[fact]}", re.compile(rf"\b{variable}\b")
            if len(used.findall(text)) <= FEW_USES:
                self.lines = [used.sub(slot, line) for line in self.lines]
            else:
                reads.append(f"    {variable} = {slot}\n")
        return reads


def _quotient_holds(leaf: Leaf, quotient: Quotient, over: FactValue | None, under: FactValue | None) -> bool:
    return holds(leaf, quotient.of(over, under))
