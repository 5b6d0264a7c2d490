"""RFM on given facts as conditions: whether a measure is missing, past each cut, high. The scores follow from which of them hold."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING

from custrules.branching import Branch
from custrules.conditions import Between, Leaf, Missing, Node
from custrules.conditions.compiler import node_text
from custrules.evaluation import Answer, Results
from custrules.facts import FactType
from custrules.given import FactsCode
from custrules.policies.segments.scores import Threshold
from custrules.policy import View

if TYPE_CHECKING:
    from custrules.policies.segments.rfm import Rfm

_NUMBER = FactType("number")


class Marks:
    """The conditions of one policy; ``scores`` reads the scores off the bits of those that hold (the first is bit 0)."""

    policy: Rfm
    missing: Node
    leaves: tuple[Leaf, ...]

    def __init__(self, policy: Rfm, view: View) -> None:
        self.policy = policy
        types = {part: view.type_of(name) or _NUMBER for part, name in policy.measures.items()}
        gone = (Leaf(name, "missing", types[part], False, (Missing(),)) for part, name in policy.measures.items())
        self.missing = Node("any", tuple(gone))
        self.leaves = tuple(leaf for part in policy.measures for leaf in (*self._cuts(part, types[part]), *self._high(part, types[part])))

    @property
    def cells(self) -> tuple[Leaf, ...]:
        """All of them, with those that ask whether a measure is there."""
        return (*(leaf for leaf in self.missing.children if isinstance(leaf, Leaf)), *self.leaves)

    def _leaf(self, part: str, kind: FactType, sign: str, number: Fraction) -> Leaf:
        factor = 10**kind.scale if kind.kind == "money" else 1
        end = number * factor
        units = end.numerator if end.denominator == 1 else end
        test = Between(units, sign == ">=", None, False) if sign[0] == ">" else Between(None, False, units, sign == "<=")
        return Leaf(self.policy.measures[part], f"{sign} {number}", kind, False, (test,))

    def _cuts(self, part: str, kind: FactType) -> list[Leaf]:
        cuts = (self.policy.cuts.of(part) if self.policy.cuts is not None else None) or ()
        return [self._leaf(part, kind, ">=" if self.policy.at_cut == "above" else ">", cut) for cut in cuts]

    def _high(self, part: str, kind: FactType) -> list[Leaf]:
        high: Threshold | None = self.policy.high.of(part) if self.policy.high is not None and not self.policy.high_scores else None
        return [self._leaf(part, kind, high.sign_of(part), high.number)] if high is not None else []

    def scores(self, held: int) -> dict[str, int | bool]:
        found: dict[str, int | bool] = {}
        for part in self.policy.measures:
            cuts = self.policy.cuts.of(part) if self.policy.cuts is not None else None
            if cuts is not None:
                past = (held & ((1 << len(cuts)) - 1)).bit_count()
                found[part] = len(cuts) + 1 - past if part == "recency" else past + 1
                held >>= len(cuts)
            high = self.policy.high.of(part) if self.policy.high is not None else None
            if high is not None and self.policy.high_scores:
                found[f"{part}_high"] = found[part] >= high.number
            elif high is not None:
                found[f"{part}_high"] = bool(held & 1)
                held >>= 1
        return self.policy.with_total(found)

    def answer(self, held: int) -> Answer:
        return self.policy.answer(self.scores(held))

    def branches(self) -> tuple[Branch, ...]:
        return Branch(self.missing, (), lambda _: self.policy.unscored()), Branch(None, self.leaves, self.answer)

    def write(self, code: FactsCode) -> None:
        """``if <missing>: return …``, a bit for each condition that holds, and the evaluation of these bits."""
        begun = self.policy.id, self.policy.effective_from
        gone = code.results("missing", lambda: Results(*begun, lambda _: self.policy.unscored()))
        results = code.results("marks", lambda: Results(*begun, partial(Marks.answer, self)))
        code.add(1, f"if {node_text(self.missing, code.leaf)}: return {code.name(gone[0])}")
        code.add(1, "m = 0")
        for place, leaf in enumerate(self.leaves):
            code.add(1, f"if {code.leaf(leaf)}: m |= {1 << place}")
        code.add(1, f"return {code.name(code.lookup(results))}[m]")
