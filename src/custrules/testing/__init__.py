"""Tools for tests: the contract of policies, Hypothesis strategies, histories in Python, the scenario runner, the pytest plug-in.

Names are resolved when they are first used. ``custrules.testing.strategies`` (which needs hypothesis) is a module of its own.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from custrules.errors import BrokenContract
    from custrules.testing.contract import CLAUSES, check_policy
    from custrules.testing.histories import History, history

_HOMES = {
    "BrokenContract": "custrules.errors",
    "CLAUSES": "custrules.testing.contract",
    "History": "custrules.testing.histories",
    "check_policy": "custrules.testing.contract",
    "history": "custrules.testing.histories",
}

__all__ = ["CLAUSES", "BrokenContract", "History", "check_policy", "history"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'custrules.testing' has no attribute {name!r}")
    globals()[name] = found = getattr(import_module(_HOMES[name]), name)
    return found


def __dir__() -> list[str]:
    return list(__all__)
