"""Law profiles: what binds an operator of stored value, as dated data with sources. Never legal advice.

``law.py`` says how policies ask; ``vocabulary.py`` which rules there are.
"""

from __future__ import annotations

from custrules.law.building import law_of
from custrules.law.law import Law, LawRule, told
from custrules.law.profile import LawEntry, LawProfile, LawSection, LawSource
from custrules.law.shipped import PROFILES, shipped
from custrules.law.vocabulary import BASES, CAUSES, RULES, Deadline, Value

__all__ = [
    "BASES",
    "CAUSES",
    "PROFILES",
    "RULES",
    "Deadline",
    "Law",
    "LawEntry",
    "LawProfile",
    "LawRule",
    "LawSection",
    "LawSource",
    "Value",
    "law_of",
    "shipped",
    "told",
]
