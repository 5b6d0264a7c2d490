"""What a policy says about given facts as branches: the first whose condition holds answers, and says which of its conditions hold.

Readers that cannot call a policy row by row (columns) read these; the policy's own ``evaluated`` is the specification.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from custrules.conditions import Bound
from custrules.conditions.binding import Ratio
from custrules.evaluation import Answer

MAX_BITS = 40
MAX_BRANCHES = 500


class Together(NamedTuple):
    """Conditions, and cells on quotients, that have to hold together."""

    parts: tuple[Bound | Ratio, ...]


class Branch(NamedTuple):
    """``when`` (None: always) chooses the branch; ``bits`` are the conditions that its answer depends on beyond that, one bit each
    (the first is bit 0); ``decode`` makes the answer out of them."""

    when: Bound | None
    bits: tuple[Bound | Together, ...]
    decode: Callable[[int], Answer]
