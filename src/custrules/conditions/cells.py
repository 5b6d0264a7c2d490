"""Cells: S-FEEL unary tests as text (DMN 1.5, chapter 9), read by one grammar and not yet typed against a fact.

    cell     = "-" | "any" | tests | "not(" tests ")"
    tests    = test { "," test }
    test     = operand | ("<" | "<=" | ">" | ">=") operand | ("(" | "]" | "[") operand ".." operand (")" | "[" | "]")
    operand  = words without , " ( ) [ ] < > or ..  |  text in double quotes, taken literally (\\" and \\\\ stand for " and \\)

A list of texts is any of them. ``missing`` is true where the fact is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Generic, TypeAlias, TypeVar

from pydantic_core import PydanticCustomError

from custrules.fields import MAX_TEXT, describe, plain, rate_text, read_decimal

MAX_TESTS = 200

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Equals(Generic[T_co]):
    value: T_co


@dataclass(frozen=True, slots=True)
class Between(Generic[T_co]):
    """An interval; an end that is None is open to infinity, so that ``>= 5`` is one too."""

    low: T_co | None
    low_closed: bool
    high: T_co | None
    high_closed: bool


@dataclass(frozen=True, slots=True)
class Missing:
    """True where the fact is missing."""


@dataclass(frozen=True, slots=True)
class Always:
    """True whatever the fact is, also where it is missing."""


@dataclass(frozen=True, slots=True)
class Word:
    """An operand as written. One in quotes is never a keyword."""

    text: str
    quoted: bool = False


WordTest: TypeAlias = Equals[Word] | Between[Word] | Always


class BadCell(Exception):
    """A cell that cannot be read: ``expected`` says what to write, ``nearest`` the known word probably meant, or ''.

    ``item`` is the place in the cell where that is a list, ``limit`` is (what, found, most) where a bound was passed.
    """

    expected: str
    nearest: str
    limit: tuple[str, int, int] | None

    def __init__(self, expected: str, nearest: str = "", limit: tuple[str, int, int] | None = None) -> None:
        super().__init__(expected)
        self.expected, self.nearest, self.limit = expected, nearest, limit
        self.item: int | None = None

    def quoted(self, cell: object) -> object:
        """What cannot be read in a cell: one item of a list, or all of it."""
        return cell[self.item] if self.item is not None and isinstance(cell, list | tuple) else cell


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell as the document has it: a text, or a tuple of texts any of which will do. It can be read, or was refused."""

    source: str | tuple[str, ...]

    @property
    def text(self) -> str:
        """The cell on one line, as explanations quote it."""
        return self.source if isinstance(self.source, str) else f"[{', '.join(self.source)}]"

    @property
    def document(self) -> str | list[str]:
        return self.source if isinstance(self.source, str) else list(self.source)

    @property
    def negated(self) -> bool:
        return isinstance(self.source, str) and _is_negation(_tokens(self.source))

    def tests(self) -> Iterator[tuple[int | None, WordTest]]:
        """Every test, with the item of the list that it stands in (None: the cell is one text)."""
        if isinstance(self.source, str):
            yield from ((None, test) for test in _cell_tests(self.source))
            return
        for item, text in enumerate(self.source):
            yield from ((item, test) for test in _item_tests(text))


def read_cell(value: object) -> Cell:
    """A cell out of a document's text, a list of texts, or an exact Python value (int, bool, Decimal, Fraction, date); else BadCell."""
    if isinstance(value, list | tuple):
        cell = Cell(tuple(_in_item(index, item) for index, item in enumerate(value)))
        if not value:
            raise BadCell("at least one value in the list")
    else:
        cell = Cell(cell_text(value))
    count = sum(1 for _ in cell.tests())
    if count > MAX_TESTS:
        raise BadCell(f"at most {MAX_TESTS} tests", limit=("tests in a cell", count, MAX_TESTS))
    return cell


def _in_item(index: int, value: object) -> str:
    try:
        text = cell_text(value)
        _item_tests(text)
    except BadCell as bad:
        bad.item = index
        raise
    return text


def cell_text(value: object) -> str:
    """The text of a document or of an exact Python value, without blanks around it; BadCell for anything else."""
    if isinstance(value, float):
        raise BadCell(f'text such as "{value}": a float is not exact')
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Fraction | Decimal):
        return _number_text(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    if not isinstance(value, str):
        raise BadCell('a test such as gold, ">= 200", "[300..1000)" or a list of values')
    if len(value) > MAX_TEXT:
        raise BadCell(f"at most {MAX_TEXT} characters", limit=("characters in a cell", len(value), MAX_TEXT))
    return value.strip()


def _number_text(value: int | Fraction | Decimal) -> str:
    if isinstance(value, Decimal):
        try:
            return plain(read_decimal(value))
        except PydanticCustomError:
            raise BadCell("a number of at most 18 digits") from None
    if abs(value.numerator) >= 10**18 or value.denominator >= 10**18:
        raise BadCell("a number of at most 18 digits")
    return rate_text(Fraction(value))


_TOKEN = re.compile(
    r"""\s*+(?:(?P<quoted>"(?:[^"\\]|\\.)*+")|(?P<sign><=|>=|<|>)|(?P<mark>\.\.|[()\[\],])|(?P<word>(?:(?!\.\.)[^"<>()\[\],])+))""", re.DOTALL
)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_ESCAPED = re.compile(r'\\(["\\])')

Token: TypeAlias = tuple[str, str]  # (quoted | sign | mark | word | end, text)
_END: Token = ("end", "")


def _tokens(text: str) -> list[Token]:
    tokens, position = [], 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise BadCell("a closing double quote")
        kind = str(match.lastgroup)
        tokens.append((kind, match[kind].strip()))
        position = match.end()
    return tokens


def _is_negation(tokens: list[Token]) -> bool:
    return tokens[:2] == [("word", "not"), ("mark", "(")]


def _cell_tests(text: str) -> list[WordTest]:
    """The tests of a whole cell, without the ``not(...)`` around them."""
    if text in ("-", "any"):
        return [Always()]
    tokens = _tokens(text)
    if not _is_negation(tokens):
        return _Reader(tokens).tests()
    if tokens[-1] != ("mark", ")"):
        raise BadCell("one not(...) around the whole cell, such as not(a, b)")
    return _Reader(tokens[2:-1]).tests()


def _item_tests(text: str) -> list[WordTest]:
    if text in ("-", "any"):
        raise BadCell(f"{text} as the whole cell, or in double quotes where the word is meant")
    tokens = _tokens(text)
    if _is_negation(tokens):
        raise BadCell("not(...) around the whole cell, such as not(a, b)")
    return _Reader(tokens).tests()


class _Reader:
    """Reads tests off a list of tokens, front to back."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = [*tokens, _END]
        self._at = 0

    def tests(self) -> list[WordTest]:
        found = [self._test()]
        while self._peek() == ("mark", ","):
            self._take()
            found.append(self._test())
        if self._peek() != _END:
            raise BadCell("a comma between two tests, and double quotes around text with brackets or signs")
        return found

    def _peek(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._tokens[self._at]
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def _test(self) -> WordTest:
        kind, text = self._peek()
        if kind == "sign":
            self._take()
            return _comparison(text, self._end_of_range())
        if kind == "mark" and text in "([]":
            return self._interval()
        word = self._operand()
        if self._peek() == ("mark", ".."):
            raise BadCell("an interval with its brackets: [300..1000)")
        if not word.quoted and word.text in ("-", "any"):
            raise BadCell(f"{word.text} as the whole cell, or in double quotes where the word is meant")
        return Equals(word)

    def _interval(self) -> WordTest:
        opening = self._take()[1]
        low = self._end_of_range()
        if self._take() != ("mark", ".."):
            raise BadCell("an interval with two dots, such as [300..1000)")
        high = self._end_of_range()
        closing = self._take()
        if closing not in (("mark", ")"), ("mark", "["), ("mark", "]")):
            raise BadCell("a closing bracket: ] with the end, ) without it")
        return Between(low, opening == "[", high, closing[1] == "]")

    def _end_of_range(self) -> Word:
        word = self._operand()
        if not word.quoted and word.text in ("-", "any", "missing", "none"):
            raise BadCell("a value after a sign or in an interval")
        return word

    def _operand(self) -> Word:
        kind, text = self._take()
        if kind == "quoted":
            return Word(unquoted(text), quoted=True)
        if kind != "word":
            raise BadCell("a value: text with commas, brackets or signs stands in double quotes")
        return Word(_unmistaken(text))


def _comparison(sign: str, end: Word) -> WordTest:
    if sign.startswith(">"):
        return Between(end, sign == ">=", None, False)
    return Between(None, False, end, sign == "<=")


def unquoted(text: str) -> str:
    """What a text in double quotes stands for; BadCell where they do not go around all of it."""
    if not _QUOTED.fullmatch(text):
        raise BadCell("a closing double quote")
    return _ESCAPED.sub(r"\1", text[1:-1])


_MISTAKES = (
    (re.compile(r"!="), "not(x) for anything but x"),
    (re.compile(r"=="), "the value alone: x, not == x"),
    (re.compile(r"="), "the value alone for equal to it; >= and <= with the angle first"),
    (re.compile(r"not\s"), "parentheses: not(x); double quotes around text that begins with not"),
    (re.compile(r"[≥≤＞＜＝≠]"), "the signs >=, <=, > or <"),
    (re.compile(r".*[，、]", re.DOTALL), "the comma , between values"),
    (re.compile(r"[“”「」]"), 'straight double quotes "'),
    (re.compile(r"not（"), "plain parentheses: not(x)"),
)


def _unmistaken(word: str) -> str:
    """The word, unless it is a known slip of the pen."""
    for mistake, expected in _MISTAKES:
        if mistake.match(word):
            raise BadCell(expected)
    return word


def quoted_cell(value: object) -> str:
    """A cell as a fault quotes it."""
    return value[:60] if isinstance(value, str) else describe(value)
