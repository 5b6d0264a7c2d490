"""A kind that breaks the contract of a class: it is not frozen."""

from __future__ import annotations

from typing import ClassVar

from pydantic import ConfigDict

from acme_stamps.stamps import Stamps


class Thawed(Stamps):
    """A stamp card that can be changed while it is used."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=False, extra="forbid")
    kind: ClassVar[str] = "acme.thawed"
