"""Benefits: one that a lower level has and a higher one does not, or that is less at a higher level."""

from __future__ import annotations

from collections.abc import Iterator

from custrules.analysis.check.findings import Findings
from custrules.policies.tiers import Benefit, Ladder


def check_benefits(findings: Findings) -> None:
    for policy in findings.live(Ladder):
        for rank in range(1, len(policy.levels)):
            _less_than_below(findings, policy, rank)


def _less_than_below(findings: Findings, policy: Ladder, rank: int) -> None:
    lower, higher = policy.levels[rank - 1], policy.levels[rank]
    own = {benefit.name: place for place, benefit in enumerate(higher.benefits)}
    for benefit in _lasting(lower.benefits):
        names = {"benefit": benefit.name, "level": higher.name, "lower": lower.name}
        if benefit.name not in own:
            findings.info("check.benefit_ends", findings.path(policy, "levels", rank), **names)
        elif _less(higher.benefits[own[benefit.name]], benefit):
            findings.warning("check.benefit_less", findings.path(policy, "levels", rank, "benefits", own[benefit.name]), **names)


def gifted(findings: Findings) -> set[str]:
    """The accounts that gifts fill."""
    ladders = [policy for policy in findings.rules.parts.policies if isinstance(policy, Ladder)]
    gifts = (benefit for policy in ladders for level in policy.levels for benefit in level.benefits if benefit.kind == "gift")
    return {findings.rules.resolve(benefit.account) for benefit in gifts}


def _lasting(benefits: tuple[Benefit, ...]) -> Iterator[Benefit]:
    """What a level entitles to for as long as it is held: a gift is for reaching it."""
    return (benefit for benefit in benefits if benefit.kind != "gift")


def _less(higher: Benefit, lower: Benefit) -> bool:
    """Whether the higher level has less of it: fewer uses, a smaller reduction, a slower answer."""
    if higher.quantity is not None and lower.quantity is not None:
        return higher.quantity < lower.quantity
    if higher.factor is not None and lower.factor is not None:
        return higher.factor > lower.factor
    return higher.response is not None and lower.response is not None and higher.response.delta > lower.response.delta
