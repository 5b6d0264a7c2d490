"""The profiles in the wheel: one TOML file each, read when a program first names it."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

from custrules.law.profile import LawProfile

FOLDER = "policies/stored_value/profiles"
PROFILES = ("CN", "CN-BJ", "CN-HL", "CN-JS", "CN-SD", "CN-SH", "CN-SZ", "CN-ZJ", "EU", "HK", "JP", "KR", "SG", "UK", "US", "US-CA")
"""Names of the profiles in the wheel."""


@cache
def shipped(name: str) -> LawProfile:
    """A profile of the wheel, by its name; KeyError for any other."""
    if name not in PROFILES:
        raise KeyError(name)
    text = files("custrules").joinpath(FOLDER, f"{name.lower().replace('-', '_')}.toml").read_text("utf-8")
    return LawProfile.model_validate(tomllib.loads(text, parse_float=str))
