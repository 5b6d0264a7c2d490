"""Which class a ``kind`` stands for: an explicit table, our own kinds, or the entry point of that name; plug-ins are verified."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from custrules.conditions.tree import is_fact_name
from custrules.errors import Diagnostic
from custrules.policies import KINDS, LATER_KINDS, built_in
from custrules.policy import PHASES, Policy
from custrules.validation import nearest

GROUP = "custrules.policies"
YAML_FLAGS = ("on", "off", "yes", "no", "y", "n")  # words that readers of YAML take for true and false


@dataclass(frozen=True, slots=True)
class Kinds:
    """``table`` goes before everything; entry points are looked up only where ``plugins`` allows it."""

    table: Mapping[str, type[Policy]] = field(default_factory=dict)
    plugins: bool = False

    def find(self, kind: str) -> type[Policy] | Diagnostic:
        """The class of a kind, or what is wrong (a Diagnostic without its place)."""
        if kind in self.table:
            return verified(kind, self.table[kind], "the table of kinds")
        own = built_in(kind)
        if own is not None:
            return own
        if kind in LATER_KINDS:
            return Diagnostic("document.not_available", params={"what": f"the kind '{kind}'"})
        return (_plugin(kind) if self.plugins else None) or self._unknown(kind)

    def _unknown(self, kind: str) -> Diagnostic:
        known = sorted({*KINDS, *self.table})
        return Diagnostic("document.unknown_kind", params={"found": kind[:100], "nearest": nearest(kind, known), "known": ", ".join(known)})


def _plugin(kind: str) -> type[Policy] | Diagnostic | None:
    found = list(entry_points(group=GROUP, name=kind))
    if not found:
        return None
    makers = sorted({_maker(point) for point in found})
    if len(makers) > 1:
        return _bad(kind, " and ".join(makers), "two distributions offer this kind: remove one of them")
    try:
        loaded = found[0].load()
    except Exception as error:  # noqa: BLE001 - whatever a plug-in raises while it is imported is told as its fault
        return _bad(kind, makers[0], f"importing it raised {type(error).__name__}: {error}")
    return verified(kind, loaded, makers[0])


def _maker(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist is not None else point.value


def verified(kind: str, found: Any, maker: str) -> type[Policy] | Diagnostic:
    """The class, when it keeps the contract as far as a class can show it."""
    broken = next(breaches(kind, found), None)
    return found if broken is None else _bad(kind, maker, broken)


def breaches(kind: str, found: Any) -> Iterator[str]:
    """How a class breaks the contract of a policy of this kind, as far as a class can show it."""
    if not isinstance(found, type) or not issubclass(found, Policy):
        yield "it is not a subclass of custrules.Policy"
        return
    if found.kind != kind:
        yield f"its class says kind {found.kind!r}"
    if kind not in KINDS and ("." not in kind or not is_fact_name(kind)):
        yield "its kind is not written owner.noun, as in acme.stamps"
    if found.phase not in PHASES:
        yield f"its phase {found.phase!r} is none of {', '.join(PHASES)}"
    if getattr(found, "__abstractmethods__", frozenset()) or found.decide is Policy.decide:
        yield "its class has no method decide"
    if not found.model_config.get("frozen") or found.model_config.get("extra") != "forbid":
        yield "its class is not frozen, or lets unknown fields pass"
    if found.__private_attributes__:
        yield f"it keeps {', '.join(found.__private_attributes__)} beside its fields, which no document shows"
    for name in found.model_fields:
        if name in YAML_FLAGS:
            yield f"YAML reads its field name {name!r} as true or false"


def _bad(kind: str, maker: str, reason: str) -> Diagnostic:
    return Diagnostic("document.bad_plugin", params={"kind": kind, "maker": maker, "reason": reason[:300]})
