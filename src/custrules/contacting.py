"""What a contact is for, and over what it may go: what a policy says of the touchpoints that it asks for."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

Purpose = Literal["service", "greeting", "marketing"]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)


class Contacting(NamedTuple):
    """``purpose`` decides about consent, caps, holdout and complaints; ``channels`` are those that will do, the best first; the heavier of two
    contacts of one category goes first; what is ``statutory`` (a notice that the law asks for) passes every gate. ``tags`` are words that caps
    may name; what does not obey caps passes them, what is not ``counted`` takes no place in them."""

    purpose: Purpose = "service"
    channels: tuple[str, ...] = ()
    weight: int = 0
    statutory: bool = False
    tags: tuple[str, ...] = ()
    obeys: bool = True
    counted: bool = True
