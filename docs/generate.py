"""Writes the generated reference pages of both trees out of the code: ``python -m docs.generate``; ``--check`` only compares.

What a thing is comes from the code; what it means in a sentence from ``messages/*.toml`` and ``cli/words.toml``, for facts and
headings from ``docs/words.toml``. A word that is missing is a KeyError, not a gap; a kind without
words of its own here takes those of its schema.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import custrules
from custrules.cli.arguments import ARGUMENTS, DEMO_FOLDER
from custrules.cli.output import words as command_words
from custrules.counting import FIELDS, LINE_FACTS, MONEY_SUBJECTS, NUMBERS
from custrules.events import KINDS as EVENTS
from custrules.events import Event, Line, ReturnLine, Tender
from custrules.measures import AGGREGATES, Measure
from custrules.metering import COUNTABLE
from custrules.naming import BIRTHDAY_FACTS, BUILT_IN
from custrules.policies import KINDS, built_in
from custrules.policy import Policy
from custrules.schemas.describing import about, told
from docs.laws import law_profiles
from docs.reading import Model, Words, api_members, codes_of_reasons, field_rows, inner_models, own_fields, plain, signature_of, summary_of

HERE = Path(__file__).parent
FOLDERS = {"en": HERE / "reference", "zh": HERE / "zh" / "reference"}
LANGUAGES = tuple(FOLDERS)
TAKES = {"until": "", "difference": "", "open": "`where`", "ratio": "`base`", "since": "`where`, `lines`"}
TAKES |= dict.fromkeys(("average", "best"), "`window`, `per`, `skip`, `where`, `lines`")
TAKES["gap"] = "`base`, `window`, `skip`, `where`, `lines`"
EXAMPLES = {
    "sum": "{sum: spend, window: 12 months}",
    "count": "{count: purchase, window: 90 days}",
    "average": "{average: spend, window: this calendar year}",
    "best": "{best: spend, per: month, window: 12 months}",
    "latest": "{latest: stay.nights, window: lifetime}",
    "open": "{open: complaint}",
    "gap": '{gap: purchase, base: ">= 2"}',
    "since": "{since: purchase}",
    "until": "{until: contract_end}",
    "difference": "{difference: [margin_12m, service_12m]}",
    "ratio": '{ratio: [spend_90d, spend_before], base: ">= 100"}',
}
Lines = Iterator[str]


@lru_cache(maxsize=2)
def words(lang: str) -> Words:
    """A language's words."""
    texts = tomllib.loads(HERE.joinpath("words.toml").read_text("utf-8"))[lang]
    return Words(lang, texts)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Lines:
    """A Markdown table; a bar inside a cell is escaped."""
    titles = list(head)
    yield "| " + " | ".join(titles) + " |"
    yield "|" + "---|" * len(titles)
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |"
    yield ""


def fields_table(model: Model, said: Words, names: Iterable[str]) -> Lines:
    head = [said.texts[name] for name in ("field", "type", "default", "meaning")]
    yield from table(head, field_rows(model, said, names))


# -- pages -------------------------------------------------------------------------------------------------------------


def policies(said: Words) -> Lines:
    yield f"## {said.heading('common')}"
    yield ""
    yield from fields_table(Policy, said, own_fields(Policy))
    for kind in sorted(KINDS):
        model = built_in(kind)
        assert model is not None
        yield from _policy(kind, model, said)


def _policy(kind: str, model: type[Policy], said: Words) -> Lines:
    heard = (
        said.texts["comma"].join(f"`{name}`" for name in model.hears) or said.texts["nothing"]
        if model.hears is not None
        else said.texts["all_events"]
    )
    yield f"## {kind}"
    yield ""
    yield said.texts["kinds"].get(kind) or about(model, said.lang)
    yield ""
    yield f"- {said.texts['phase']}{said.texts['colon']}{said.texts['phases'][model.phase]}"
    yield f"- {said.texts['hears']}{said.texts['colon']}{heard}"
    yield ""
    yield from fields_table(model, said, own_fields(model, Policy))
    for name, inner in inner_models(model):
        yield f"### {kind} · {name}"
        yield ""
        yield from fields_table(inner, said, own_fields(inner))


def events(said: Words) -> Lines:
    yield f"## {said.heading('every_event')}"
    yield ""
    yield from fields_table(Event, said, own_fields(Event))
    for name, model in EVENTS.items():
        own = own_fields(model, Event)
        yield f"## {name}"
        yield ""
        yield about(model, said.lang)
        yield ""
        if own:
            yield from fields_table(model, said, own)
    yield f"## {said.heading('parts')}"
    yield ""
    for part in (Line, Tender, ReturnLine):
        yield f"### {part.__name__}"
        yield ""
        yield from fields_table(part, said, own_fields(part))


def _catalogue(lang: str) -> Mapping[str, Any]:
    return tomllib.loads(files("custrules.messages").joinpath(f"{lang}.toml").read_text("utf-8"))


def sentences(lang: str) -> dict[str, Mapping[str, str]]:
    """The sentences of every code."""
    return {code: entry for code, entry in _catalogue(lang).items() if "." in code}


def reasons(said: Words) -> Lines:
    ours, others = sentences(said.lang), sentences("zh" if said.lang == "en" else "en")
    wanted = codes_of_reasons(ours)
    head = [said.texts[name] for name in ("code", "sentence", "other_sentence")]
    for title, family in (("refusals", True), ("decisions", False)):
        codes = [code for code in ours if code in wanted and code.startswith("event.") == family]
        yield f"## {said.heading(title)}"
        yield ""
        yield from table(head, ([f"`{code}`", plain(ours[code]["text"]), plain(others[code]["text"])] for code in codes))


def diagnostics(said: Words) -> Lines:
    ours, others = sentences(said.lang), sentences("zh" if said.lang == "en" else "en")
    wanted = codes_of_reasons(ours)
    head = [said.texts[name] for name in ("code", "sentence", "mend", "other_sentence")]
    for family in dict.fromkeys(code.partition(".")[0] for code in ours if code not in wanted):
        yield f"## {family}"
        yield ""
        rows = [(code, entry) for code, entry in ours.items() if code.startswith(f"{family}.") and code not in wanted]
        cells = ([f"`{code}`", plain(entry["text"]), plain(entry.get("mend", "")), plain(others[code]["text"])] for code, entry in rows)
        yield from table(head, cells)


def measures(said: Words) -> Lines:
    yield f"## {said.heading('aggregates')}"
    yield ""
    takes = {name: TAKES.get(name, "`window`, `skip`, `where`, `lines`") or said.texts["nothing"] for name in AGGREGATES}
    head = [said.texts["field"], said.texts["meaning"], said.text("takes"), ""]
    yield from table(head, ([f"`{name}`", plain(told(Measure, name, said.lang)), takes[name], f"`{EXAMPLES[name]}`"] for name in AGGREGATES))
    yield from fields_table(Measure, said, [name for name in own_fields(Measure) if name not in AGGREGATES])
    yield f"## {said.heading('subjects')}"
    yield ""
    yield "- " + said.text("counted").format(said.texts["comma"].join(f"`{name}`" for name in COUNTABLE))
    brought = [f"{event}.{name}" for event, names in NUMBERS.items() for name in names]
    yield "- " + said.text("summed").format(said.texts["comma"].join(f"`{name}`" for name in (*MONEY_SUBJECTS, "purchase", *brought)))
    yield ""


def facts(said: Words) -> Lines:
    head = [said.texts[name] for name in ("fact", "type", "meaning")]
    meanings = said.texts["facts"]
    groups: list[tuple[str, list[tuple[str, str, str]]]] = [
        ("everywhere", [*((name, kind.kind, name) for name, kind in BUILT_IN.items()), ("consent.sms", "text", "consent")]),
        ("birthdays", [(name, "flag", name) for name in BIRTHDAY_FACTS]),
        ("of_event", [("channel", "text", "channel"), ("amount", "money", "amount"), ("quantity", "number", "quantity")]),
        ("of_line", [(name, _LINE_KINDS[name], f"line_{name}" if name in ("quantity", "amount") else name) for name in LINE_FACTS]),
        (
            "of_policies",
            [
                ("tier", "level", "tier"),
                ("points", "number", "points"),
                ("points.pending", "number", "points_pending"),
                ("points.owed", "number", "points_owed"),
            ],
        ),
    ]
    for title, rows in groups:
        yield f"## {said.heading(title)}"
        yield ""
        yield from table(head, ([f"`{name}`", f"`{kind}`", meanings[key]] for name, kind, key in rows))
    yield f"## {said.heading('of_other_events')}"
    yield ""
    fields = [(event, name, kind) for event, kinds in FIELDS.items() for name, kind in kinds.items()]
    yield from table(
        head, ([f"`{name}`", f"`{kind.kind}`", f"`{event}`: {plain(told(EVENTS[event], name, said.lang))}"] for event, name, kind in fields)
    )
    yield f"## {said.heading('cells')}"
    yield ""
    yield from table([said.texts["type"], said.texts["conditions_may"]], ([f"`{kind}`", text] for kind, text in said.texts["cells"].items()))
    yield said.text("cell_rules")
    yield ""


_LINE_KINDS = {"sku": "text", "category": "text", "quantity": "number", "amount": "money"}


def cli(said: Words) -> Lines:
    def say(key: str) -> str:
        return command_words(said.lang, key, folder=DEMO_FOLDER)

    head = [said.texts["option"], said.texts["meaning"]]
    for verb, options in ARGUMENTS.items():
        yield f"## custrules {verb}"
        yield ""
        does = say(f"verb_{verb}")
        yield f"{does[0].upper()}{does[1:]}{said.texts['stop']}"
        yield ""
        yield from table(head, ([_option(flags, given, said), say(key)] for flags, key, given in options))
    yield f"## {said.heading('shared_options')}"
    yield ""
    shared = [("--format text\\|json", "help_format"), ("--lang en\\|zh", "help_lang")]
    yield from (line.replace("\\\\|", "\\|") for line in table(head, ([f"`{flag}`".replace("\\|", "|"), say(key)] for flag, key in shared)))


def _option(flags: tuple[str, ...], given: Mapping[str, Any], said: Words) -> str:
    name = flags[0] if flags[0].startswith("-") else ""
    shown = " ".join(part for part in (name, str(given.get("metavar", ""))) if part) + (" …" if given.get("nargs") == "+" else "")
    required = given.get("required") or not (name or given.get("nargs") == "?")
    return f"`{shown}`" + (said.texts["brackets"].format(said.texts["required"]) if required else "")


def api(said: Words) -> Lines:
    for name in custrules.__all__:
        if name.startswith("__"):
            continue
        thing = getattr(custrules, name)
        yield f"## {name}"
        yield ""
        yield f"`{signature_of(name, thing)}`"
        yield ""
        yield summary_of(thing)
        yield ""
        yield from _members(thing)


def _members(thing: Any) -> Lines:
    """What a class has: where an event's fields stand; attributes in one line, then what has a sentence of its own."""
    if isinstance(thing, type) and issubclass(thing, Event) and thing is not Event:
        kind = thing.model_fields["type"].default
        yield f"See [{kind}](events.md#{kind.replace('_', '-')})."
        yield ""
    members = list(api_members(thing))
    bare = [f"`{shown}`" for shown, sentence in members if not sentence]
    if bare:
        yield ", ".join(bare) + "."
        yield ""
    rows = [f"- `{shown}`: {sentence}" for shown, sentence in members if sentence]
    if rows:
        yield from rows
        yield ""


PAGES: dict[str, tuple[Callable[[Words], Lines], tuple[str, ...]]] = {
    "policies": (policies, LANGUAGES),
    "events": (events, LANGUAGES),
    "measures": (measures, LANGUAGES),
    "facts": (facts, LANGUAGES),
    "reasons": (reasons, LANGUAGES),
    "diagnostics": (diagnostics, LANGUAGES),
    "law-profiles": (lambda said: law_profiles(said, table), LANGUAGES),
    "cli": (cli, LANGUAGES),
    "api": (api, ("en",)),
}


def page(name: str, lang: str) -> str:
    """A generated page as it should stand in its file."""
    said = words(lang)
    titles = said.texts["pages"][name]
    head = [f"% {said.texts['generated']}", "", f"# {titles['title']}", "", titles["intro"], ""]
    return "\n".join([*head, *PAGES[name][0](said)]).rstrip("\n") + "\n"


def pages() -> dict[Path, str]:
    """Every generated page, by its file."""
    return {FOLDERS[lang] / f"{name}.md": page(name, lang) for name, (_, languages) in PAGES.items() for lang in languages}


def main(arguments: list[str]) -> int:
    stale = [path for path, text in pages().items() if not path.exists() or path.read_text("utf-8") != text]
    if "--check" not in arguments:
        for path in stale:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(page(path.stem, next(lang for lang, folder in FOLDERS.items() if folder == path.parent)), "utf-8")
    for path in stale:
        sys.stdout.write(f"{path.relative_to(HERE.parent)}\n")
    return int(bool(stale)) if "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
