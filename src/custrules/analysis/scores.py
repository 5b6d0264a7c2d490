"""What answers to surveys come to: NPS, CSAT, CES or a mean, each with how many there are and how far it may be off."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

from custrules.fields import Frozen, plain
from custrules.money import Rounding, from_units, rounded

PRECISION = 50  # digits with which roots are taken, before anything is rounded
PLACES = 2
Z = {"90%": Decimal("1.645"), "95%": Decimal("1.96"), "99%": Decimal("2.576")}
"""How many standard errors to either side hold so much of a normal distribution."""
TOP = {"csat": Fraction(4), "ces": Fraction(5)}
"""From which answer on one is content: the two best of csat, 5 to 7 of ces."""


@dataclass(frozen=True, slots=True)
class Score:
    """Answers to one score: ``n`` of them, ``counts`` by value. Figures are rounded half up; None where they are undefined.

    ``value`` is the score's figure with its ``margin``: of nps, promoters (9, 10) less detractors (0 to 6) in percent; of csat, the share of 4
    and 5 in percent; of any other, the mean. ``mean`` and, of csat and ces, ``content`` (the share of those who are, in percent) beside.
    The margin is z standard errors: of nps 100 z sqrt((p + d - (p - d)²) / n), of a share 100 z sqrt(p (1 - p) / n), of a mean z s / sqrt(n)
    with the sample's s (n - 1), undefined below two answers.
    """

    score: str
    n: int
    value: Decimal | None
    margin: Decimal | None
    mean: Decimal | None
    content: Decimal | None
    counts: Mapping[str, int]

    @property
    def promoters(self) -> int:
        """Of nps: 9 and 10."""
        return sum(number for value, number in self.counts.items() if Fraction(value) >= 9)

    @property
    def detractors(self) -> int:
        """Of nps: 0 to 6."""
        return sum(number for value, number in self.counts.items() if Fraction(value) <= 6)

    @property
    def passives(self) -> int:
        """Of nps: 7 and 8."""
        return self.n - self.promoters - self.detractors

    def to_data(self) -> dict[str, Any]:
        data: dict[str, Any] = {"score": self.score, "n": self.n, "value": self.value, "margin": self.margin, "mean": self.mean}
        if self.score in TOP:
            data["content"] = self.content
        if self.score == "nps":
            data |= {"promoters": self.promoters, "passives": self.passives, "detractors": self.detractors}
        return data | {"counts": dict(self.counts)}


def score_of(score: str, answers: Iterable[Decimal], confidence: str = "95%") -> Score:
    """The figures of a score's answers."""
    counts: Counter[Decimal] = Counter(answers)
    n = sum(counts.values())
    shown = Frozen({plain(value): counts[value] for value in sorted(counts)})
    if not n:
        return Score(score, 0, None, None, None, None, shown)
    z = Z[confidence]
    mean = Fraction(sum(Fraction(value) * number for value, number in counts.items()), n)
    content = _share(counts, n, TOP[score]) if score in TOP else None
    value, variance = _figure(score, counts, n, mean, content)
    margin = _root(variance / n) * z if variance is not None else None
    told = content * 100 if content is not None else None
    return Score(score, n, rounded_to(value), rounded_to(margin), rounded_to(mean), rounded_to(told), shown)


def _figure(score: str, counts: Mapping[Decimal, int], n: int, mean: Fraction, content: Fraction | None) -> tuple[Fraction, Fraction | None]:
    """The figure and its variance, in the figure's own unit."""
    if score == "nps":
        promoters = _share(counts, n, Fraction(9))
        detractors = 1 - _share(counts, n, Fraction(7))
        return 100 * (promoters - detractors), 10_000 * (promoters + detractors - (promoters - detractors) ** 2)
    if score == "csat" and content is not None:
        return 100 * content, 10_000 * content * (1 - content)
    squares = sum(number * (Fraction(value) - mean) ** 2 for value, number in counts.items())
    return mean, Fraction(squares, n - 1) if n > 1 else None


def _share(counts: Mapping[Decimal, int], n: int, least: Fraction) -> Fraction:
    return Fraction(sum(number for value, number in counts.items() if Fraction(value) >= least), n)


def _root(value: Fraction) -> Decimal:
    with localcontext() as context:
        context.prec = PRECISION
        return (Decimal(value.numerator) / Decimal(value.denominator)).sqrt()


def rounded_to(value: Fraction | Decimal | None, places: int = PLACES) -> Decimal | None:
    """Half up, to so many decimals."""
    return from_units(rounded(Fraction(value) * 10**places, Rounding.half_up), places) if value is not None else None


def percent(part: int, whole: int) -> Decimal | None:
    """A share in percent; undefined of nothing."""
    return rounded_to(Fraction(100 * part, whole)) if whole else None
