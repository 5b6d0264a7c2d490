"""Plain data -> YAML that a person likes to read, and that reads back as the same data."""

from __future__ import annotations

from typing import Any

from custrules.errors import MissingExtra


class Flow(dict[str, Any]):
    """A mapping that is written in braces, on one line as far as it fits."""


def yaml_of(data: Any) -> str:
    """Mappings, lists and texts as YAML, in the order given. MissingExtra where PyYAML is not installed."""
    try:
        from custrules.documents.yaml_text import write_yaml  # noqa: PLC0415  (an optional package stands behind it)
    except ModuleNotFoundError as missing:
        raise MissingExtra("writing YAML", "yaml") from missing
    return write_yaml(data, Flow)
