"""YAML that is written: it reads back as the same texts, whatever they are, and looks as a person would write it."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import custrules as cr
from custrules.documents.places import FORBIDDEN
from custrules.documents.reading import read
from custrules.documents.writing import Flow, yaml_of

pytest.importorskip("yaml")

TRAPS = ("null", "~", "yes", "12.50", "2026-01-10", "2026-01-10T12:00", ">= 200", "[300..1000)", "not(a, b)", "-", "- a", "a: b", "a #b", "$x", "=")
ODD = ("<<", "!x", "&a", "*a", "%", "@", "`", "|", ">", "é", "中文，", "a\nb", "\ta", " a ", '"', "'")
TEXTS = st.one_of(st.sampled_from((*TRAPS, *ODD)), st.text(min_size=1, max_size=8))


def sound(text: str) -> bool:
    return not FORBIDDEN.search(text) and "\x85" not in text


VALUES = TEXTS.filter(sound)
KEYS = VALUES.filter(lambda text: text != "<<")


def _containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    mappings = st.dictionaries(KEYS, inner, min_size=1, max_size=3)
    return st.one_of(st.lists(inner, min_size=1, max_size=3), mappings, mappings.map(Flow))


DATA = st.recursive(VALUES, _containers, max_leaves=8)


@given(DATA)
def test_what_is_written_reads_back_as_the_same(data: Any) -> None:
    reading = read(yaml_of({"data": data}), format="yaml")
    assert reading.diagnostics == ()
    assert reading.data == {"data": data}


def test_words_numbers_and_days_stand_without_quotes() -> None:
    data = {"steps": [{"when": Flow(purchase=Flow(at="2026-01-10", amount="12.50")), "then": Flow(tier="gold", because=["a.b", "c.d"])}]}
    assert yaml_of(data) == "steps:\n  - when: {purchase: {at: 2026-01-10, amount: 12.50}}\n    then: {tier: gold, because: [a.b, c.d]}\n"


def test_what_a_reader_might_misread_stands_in_quotes() -> None:
    assert yaml_of({"a": ">= 5", "b": "null", "c": "x: y"}) == 'a: ">= 5"\nb: "null"\nc: "x: y"\n'


def test_where_pyyaml_is_missing_the_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "custrules.documents.yaml_text", raising=False)
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(cr.MissingExtra, match=r"custrules\[yaml\]"):
        yaml_of({"a": "b"})
