"""All signals of a flag on one customer: which fire, which cannot be evaluated, and what follows for entering, staying and leaving."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from custrules.policies.churn.hysteresis import Position, Said, ranked
from custrules.policies.churn.judging import Finding, Judge
from custrules.policies.churn.levels import NO_LEVEL, rank_of
from custrules.policy import Reason, View

if TYPE_CHECKING:
    from custrules.policies.churn.flag import Flag


class Assessment(NamedTuple):
    """What each signal says, in document order, and what they say together."""

    findings: tuple[Finding, ...]
    said: Said

    @property
    def fired(self) -> tuple[Finding, ...]:
        return fired(self.findings)

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Every signal that fires, then those that cannot be evaluated."""
        return told(self.findings)


def fired(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(found for found in findings if found.said == "flagged")


def told(findings: Sequence[Finding]) -> tuple[Reason, ...]:
    """Every signal that fires, then those that cannot be evaluated."""
    unknown = tuple(found for found in findings if found.said == "not_evaluable")
    return tuple(found.why for found in (*fired(findings), *unknown))


def highest(flag: Flag, findings: Iterable[Finding]) -> int:
    """The highest level that a signal asks for."""
    return ranked([rank_of(flag.levels, found.signal.level) for found in fired(findings)])


def assess(flag: Flag, view: View, before: Position, judge: Judge) -> Assessment:
    """The signals as of the view's day. A cause for which the flag stands, and that cannot be evaluated any more, stands with it."""
    findings = judge.findings(flag.signals)
    firing = [found.signal for found in fired(findings)]
    kept = [found.signal for found in findings if before.flagged and found.said == "not_evaluable" and found.signal.name in before.causes]
    signalled = highest(flag, findings)
    stays = max(signalled, ranked([min(rank_of(flag.levels, signal.level), before.rank) for signal in kept]))
    entering, leaving = flag.entering.when, flag.leaving.when
    enters = signalled if entering is None or view.test(entering) else NO_LEVEL
    leaves = stays == NO_LEVEL and (leaving is None or view.test(leaving))
    named = {signal.name for signal in (*firing, *kept)}
    causes = tuple(dict.fromkeys(signal.name for signal in flag.signals if signal.name in named))
    return Assessment(findings, Said(enters, stays, leaves, causes))
