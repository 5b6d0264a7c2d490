"""What becomes of the card that stands for a stored value account."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from custrules.event_fields import Id
from custrules.events.base import Event
from custrules.fields import one_of

CardStage = Literal["lost", "found", "reissued"]
CARD_STAGES: tuple[CardStage, ...] = get_args(CardStage)


class CardUpdate(Event):
    """The card of an ``account`` (the program's first of stored value where none is named) is reported lost, is found again, or is
    re-issued, with the number of the new ``card``.
    """

    type: Literal["card_update"] = "card_update"
    stage: Annotated[CardStage, one_of(*CARD_STAGES)]
    account: Id | None = None
    card: Id | None = None
