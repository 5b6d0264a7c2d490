"""What has to hold of every diagnostic as people read it."""

from __future__ import annotations

import re
from pathlib import Path

import custrules as cr


def whole(found: cr.Diagnostic, path: Path) -> None:
    """It is told with its place, in whole sentences of both languages, with every gap filled."""
    english, chinese = cr.render(found), cr.render(found, "zh")
    assert english.startswith(f"{path}:{found.line}:{found.column} {found.code}: ")
    assert english.endswith((".", "?"))
    assert chinese.endswith(("。", "？"))
    filled = english.partition(found.code)[2]
    assert not any(re.search(rf"\{{{name}\}}", filled) for name in found.params)
