"""The documentation says what the code says, and every example in it runs."""

from __future__ import annotations

import re
from pathlib import Path

import pages
import pytest
from docs import generate
from pages import ROOT

import custrules
from custrules.__main__ import VERBS

DOCS = ROOT / "docs"
GENERATED = generate.pages()
PAGES = [path for path in sorted(DOCS.rglob("*.md")) if "_build" not in path.parts and path not in GENERATED]
LINK = re.compile(r"\[[^\]]*\]\((?!https?:|#)([^)#\s]+)[^)]*\)")


SLOW = DOCS / "zh/tutorial/who-will-leave-us.md"
"""It takes as long as the English page, whose figures it has to show: see ``test_a_page_that_is_not_run_shows_the_same_figures``."""


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=pytest.mark.thorough) if page == SLOW else page for page in PAGES],
    ids=lambda page: page.relative_to(DOCS).as_posix(),
)
def test_a_page_runs_and_prints_what_it_shows(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pages.play(page, tmp_path)


@pytest.mark.parametrize(
    "page",
    [
        "```python\nprint(1)\n```\n\n```text\n2\n```\n",
        "```python\nprint(1)\n```\n",
        "```text\nnothing printed this\n```\n",
        "```ruby\nputs 1\n```\n",
        "```yaml\nmeasures: {a: {sum: spendd, window: 1 days}}\n```\n",
        "```{code-block} yaml\n:caption: wrong.yaml\n\nprogram: p\nzone: UTC\ncurrency: GBP\npolicies: []\n```\n",
        "```yaml\nprogram: a.yaml\nscenarios: []\n```\n",
        "```console\n$ custrules --version\nanother version\n```\n",
        "```console\n$ make coffee\n```\n",
        '```json\n{"type": "purchase"}\n```\n',
        "- in a list\n\n  ```python\n  print(1)\n  ```\n",
        "~~~python\nprint(1)\n~~~\n",
    ],
)
def test_a_page_that_is_not_as_shown_fails(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises((AssertionError, custrules.CustrulesError, pytest.fail.Exception)):
        pages.Page("page", tmp_path).play(page)


@pytest.mark.parametrize("page", GENERATED, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_a_generated_page_is_what_the_code_gives(page: Path) -> None:
    assert page.read_text("utf-8") == GENERATED[page], "stale: run python -m docs.generate"


def test_every_code_with_a_sentence_is_on_one_page() -> None:
    shown = [re.findall(r"^\| `([a-z_0-9.]+)`", generate.page(name, "en"), re.MULTILINE) for name in ("reasons", "diagnostics")]
    assert sorted(shown[0] + shown[1]) == sorted(generate.sentences("en"))


def test_every_verb_and_public_name_is_on_its_page() -> None:
    assert re.findall(r"^## custrules (\w+)", generate.page("cli", "en"), re.MULTILINE) == list(VERBS)
    names = [name for name in custrules.__all__ if not name.startswith("_")]
    assert re.findall(r"^## (\w+)$", generate.page("api", "en"), re.MULTILINE) == names


@pytest.mark.parametrize("page", [*PAGES, *GENERATED], ids=lambda page: page.relative_to(DOCS).as_posix())
def test_every_link_between_pages_leads_to_a_file(page: Path) -> None:
    for target in LINK.findall(page.read_text("utf-8")):
        assert (page.parent / target).exists(), target


def test_every_link_of_llms_txt_leads_to_a_page() -> None:
    targets = re.findall(r"\(([^)\s]+)\.html\)", (DOCS / "llms.txt").read_text("utf-8"))
    assert len(targets) > 10
    assert [target for target in targets if not (DOCS / f"{target}.md").exists()] == []


BOTH = sorted(path.relative_to(DOCS / "zh").as_posix() for path in (DOCS / "zh/how-to").glob("*.md") if path.name != "index.md")


PLACES = (("Europe/London", "Asia/Shanghai"), ("GBP", "CNY"))
"""Shops of the Chinese pages may be Chinese ones: the same rules and amounts, another place."""


def example(block: pages.Block) -> list[str]:
    """The lines of an example without what is said in one language: comments, and the language that is asked for."""
    text = block.text.replace(', "zh")', ")").replace('("zh")', '("en")').replace(" --lang zh", "")
    for english, chinese in PLACES:
        text = text.replace(chinese, english)
    text = re.sub(r"(T\d\d:\d\d(?::\d\d)?)(?:Z|[+]0[08]:00)", r"\1Z", text)
    if block.language == "console":
        text = "\n".join(re.findall(r"^\$ .*", text, re.MULTILINE))
    return [re.sub(r" +# .*", "", line) for line in text.splitlines()]


def alike(english: str, chinese: str) -> bool:
    """The same line, or one whose text is Chinese from some place on."""
    same = re.split("[\u3001-\u303f\u4e00-\u9fff\uff00-\uffef]", chinese)[0]
    return english == chinese if same == chinese else english.startswith(same)


TWINS = [
    *BOTH,
    *sorted(path.relative_to(DOCS / "zh").as_posix() for folder in ("tutorial", "explanation") for path in (DOCS / "zh" / folder).glob("*.md")),
]


@pytest.mark.parametrize("page", TWINS)
def test_the_examples_of_a_page_are_the_same_in_both_languages(page: str) -> None:
    """What they print has been compared where they ran."""
    english, chinese = (list(pages.blocks((folder / page).read_text("utf-8"))) for folder in (DOCS, DOCS / "zh"))
    assert [(block.language, block.name) for block in english] == [(block.language, block.name) for block in chinese]
    for one, other in zip(english, chinese, strict=True):
        if one.language != "text":
            assert [pair for pair in zip(example(one), example(other), strict=True) if not alike(*pair)] == [], (page, one.line, other.line)


def test_a_page_that_is_not_run_shows_the_same_figures() -> None:
    """Words stand in another order in Chinese, numbers are the same."""
    shown = [
        [sorted(re.findall(r"\d+(?:[.:-]\d+)*", block.text)) for block in pages.blocks(page.read_text("utf-8")) if block.language == "text"]
        for page in (SLOW, DOCS / SLOW.relative_to(DOCS / "zh"))
    ]
    assert len(shown[0]) > 4
    assert shown[0] == shown[1]


def test_the_most_used_guides_are_in_both_languages() -> None:
    assert len(BOTH) >= 50
    shown = re.findall(r"^[a-z-]+$", (DOCS / "zh/how-to/index.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(f"how-to/{name}.md" for name in shown) == BOTH


def test_both_languages_have_the_same_glossary() -> None:
    assert "```{include} ../glossary.md" in (DOCS / "zh/glossary.md").read_text("utf-8")
