"""Where a customer stands with a flag, and how that changes from one evaluation to the next: entering, rising, easing, leaving.

Nothing counts evaluations: a streak is kept as its first day, and how many evaluation days it has lasted is computed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Annotated, ClassVar, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict

from custrules.conditions import Condition
from custrules.fields import Frozen, read_whole
from custrules.forms import within
from custrules.policies.churn.levels import NO_LEVEL, rank_of
from custrules.state import State

if TYPE_CHECKING:
    from custrules.policies.churn.flag import Flag

PENDING = "pending"
ENTER, LEAVE, EXIT = "enter", "leave", "exit"
_confirmations = within(read_whole, "a number of evaluations from 1 to 100", lambda number: 1 <= number <= 100)


class Gate(BaseModel):
    """What entering, or leaving, a flag asks for beside the signals: a condition, on so many evaluations in a row."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    when: Condition | None = None
    confirm: Annotated[int, BeforeValidator(_confirmations)] = 1


OPEN = Gate()


class Said(NamedTuple):
    """What the signals say at one evaluation, in ranks: for entering and rising, for staying; and whether the way out is open."""

    enters: int
    stays: int
    leaves: bool
    causes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Position:
    """The level held (its rank), since when, since when the flag stands at all (``raised``), why, and the streaks that run.

    Of a customer who was flagged and is not any more, ``since`` is the day on which the flag was left.
    """

    rank: int = NO_LEVEL
    since: date | None = None
    raised: date | None = None
    causes: tuple[str, ...] = ()
    streaks: Mapping[str, date] = Frozen()

    @classmethod
    def of(cls, flag: Flag, state: State) -> Position:
        known = state.statuses.get((flag.status, ""))
        pending = state.statuses.get((f"{flag.status}.{PENDING}", ""))
        streaks = {name: date.fromisoformat(str(day)) for name, day in pending.data.items()} if pending is not None and pending.value else {}
        if known is None:
            return cls(streaks=Frozen(streaks))
        rank = rank_of(flag.levels, None if known.value is None else str(known.value))
        causes = tuple(filter(None, str(known.data.get("causes", "")).split(", ")))
        raised = known.data.get("raised")
        return cls(rank, known.since, date.fromisoformat(str(raised)) if raised else None, causes, Frozen(streaks))

    @property
    def flagged(self) -> bool:
        return self.rank != NO_LEVEL

    # -- one evaluation ------------------------------------------------------------------------------------------------

    def evaluated(self, flag: Flag, said: Said, day: date) -> Position:
        """Where the customer stands after an evaluation on a day."""
        running = replace(self, streaks=Frozen(dict(self._running(flag, said, day))))
        rank = running._risen(flag, said, day)
        if rank <= self.rank:
            rank = running._eased(flag, said, day)
        causes = said.causes if said.causes and rank != NO_LEVEL else self.causes if rank == self.rank else ()
        if rank == self.rank:
            return replace(running, causes=causes)
        raised = (self.raised if self.flagged else day) if rank != NO_LEVEL else None
        moved = replace(running, rank=rank, since=day, raised=raised, causes=causes)
        return replace(moved, streaks=Frozen({name: since for name, since in running.streaks.items() if moved._about(flag, name)}))

    def _running(self, flag: Flag, said: Said, day: date) -> Iterator[tuple[str, date]]:
        """The streaks that run on a day, those of gates that ask for more than one evaluation."""
        names = flag.names
        holds = {f"{ENTER}.{name}": said.enters >= rank for rank, name in enumerate(names)} if flag.entering.confirm > 1 else {}
        if flag.leaving.confirm > 1:
            holds |= {f"{LEAVE}.{name}": said.stays < rank for rank, name in enumerate(names)} | {EXIT: said.leaves}
        yield from ((name, self.streaks.get(name, day)) for name, held in holds.items() if held and self._about(flag, name))

    def _about(self, flag: Flag, streak: str) -> bool:
        """Whether a streak matters where the customer stands: entering what is above, leaving what is held and below."""
        way, _, level = streak.partition(".")
        if way == EXIT:
            return self.flagged
        rank = rank_of(flag.levels, level)
        return rank > self.rank if way == ENTER else NO_LEVEL < rank <= self.rank

    def confirmed(self, flag: Flag, streak: str, holds: bool, day: date) -> bool:
        """Whether something has held on as many evaluations in a row as its gate asks for."""
        confirm = flag.entering.confirm if streak.startswith(ENTER) else flag.leaving.confirm
        return holds and (confirm == 1 or flag.evaluate.number(self.streaks[streak], day) >= confirm)

    def _risen(self, flag: Flag, said: Said, day: date) -> int:
        """The highest level above that is confirmed; none while the flag cools down."""
        if not self.flagged and not self.cooled(flag, day):
            return self.rank
        ranks = range(len(flag.names) - 1, self.rank, -1)
        return next((rank for rank in ranks if self.confirmed(flag, f"{ENTER}.{flag.names[rank]}", said.enters >= rank, day)), self.rank)

    def _eased(self, flag: Flag, said: Said, day: date) -> int:
        """The level held, or the highest below it of which it is not confirmed that it is left too; none, where the way out is open."""
        if not self.flagged or not self.dwelt(flag, day):
            return self.rank
        if self.confirmed(flag, EXIT, said.leaves, day):
            return NO_LEVEL
        ranks = range(self.rank, NO_LEVEL, -1)
        left = [rank for rank in ranks if self.confirmed(flag, f"{LEAVE}.{flag.names[rank]}", said.stays < rank, day)]
        lowest = min(left, default=self.rank + 1) - 1
        return lowest if lowest != NO_LEVEL else self.rank

    def cooled(self, flag: Flag, day: date) -> bool:
        """Whether it is so long since the flag was left that it may be raised again."""
        return self.since is None or flag.cool_down is None or day >= flag.cool_down.after(self.since)

    def dwelt(self, flag: Flag, day: date) -> bool:
        """Whether the level has been held as long as it is held at least."""
        return self.since is None or flag.dwell is None or day >= flag.dwell.after(self.since)

    # -- time ----------------------------------------------------------------------------------------------------------

    def turns(self, flag: Flag) -> Iterator[date]:
        """Days on which something that was held back may come: a confirmation, the end of a dwell or of cooling down."""
        for streak, since in self.streaks.items():
            yield flag.evaluate.later(since, flag.entering.confirm if streak.startswith(ENTER) else flag.leaving.confirm)
        if self.since is not None:
            held = flag.dwell if self.flagged else flag.cool_down
            yield from (held.after(self.since),) if held is not None else ()


def data_of(position: Position, told: Mapping[str, object]) -> dict[str, object]:
    """What the status of a flag keeps: since when it stands, the causes, and their numbers."""
    raised = {"raised": position.raised.isoformat()} if position.raised is not None else {}
    return raised | {"causes": ", ".join(position.causes), **told}


def ranked(levels: Sequence[int]) -> int:
    return max(levels, default=NO_LEVEL)
