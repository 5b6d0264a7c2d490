"""What each verb of the command line is told: names of arguments, the words that explain them, and what argparse makes of them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, Never

import custrules as cr
from custrules.cli.output import words
from custrules.messages import LANGUAGES

Argument = tuple[tuple[str, ...], str, dict[str, Any]]  # flags, or the name of a position; the key of its words; options of argparse
DEMO_FOLDER = "custrules-demo"

_DOCUMENT: Argument = (("document",), "help_document", {"metavar": "DOC"})
_EVENTS: Argument = (("--events",), "help_events", {"required": True, "metavar": "FILE"})
_CUSTOMER: Argument = (("--customer",), "help_customer", {"required": True, "metavar": "C"})
_UNTIL: Argument = (("--until",), "help_until", {"metavar": "WHEN"})
_SORT: Argument = (("--sort",), "help_sort", {"action": "store_true"})
ARGUMENTS: dict[str, tuple[Argument, ...]] = {
    "demo": ((("--dir",), "help_dir", {"default": DEMO_FOLDER, "metavar": "DIR"}),),
    "check": (
        (("documents",), "help_documents", {"nargs": "+", "metavar": "DOC"}),
        (("--diff",), "help_diff", {"action": "store_true"}),
        (("--on",), "help_on", {"metavar": "DAY"}),
    ),
    "explain": (_DOCUMENT, _EVENTS, _CUSTOMER, (("--event",), "help_event", {"metavar": "ID"})),
    "replay": (
        _DOCUMENT,
        _EVENTS,
        _UNTIL,
        _SORT,
        (("--journal",), "help_journal", {"metavar": "OUT"}),
        (("--states",), "help_states", {"metavar": "OUT"}),
    ),
    "compare": (
        (("base",), "help_base", {"metavar": "BASE"}),
        (("candidate",), "help_candidate", {"metavar": "CANDIDATE"}),
        (("events",), "help_events", {"nargs": "*", "metavar": "EVENTS"}),
        (("--events",), "help_events_too", {"dest": "events_too", "action": "append", "default": [], "metavar": "FILE"}),
        (("--by",), "help_by", {"metavar": "FIELD"}),
        (("--top",), "help_top", {"type": int, "default": 10, "metavar": "N"}),
        _UNTIL,
        _SORT,
    ),
    "plan": (
        _DOCUMENT,
        _EVENTS,
        (("--start",), "help_start", {"metavar": "DAY"}),
        (("--days",), "help_days", {"type": int, "default": 14, "metavar": "N"}),
        (("--customer",), "help_customer", {"metavar": "C"}),
        (("--ics",), "help_ics", {"metavar": "OUT"}),
        _SORT,
    ),
    "backtest": (
        _DOCUMENT,
        _EVENTS,
        (("--cutoff",), "help_cutoff", {"required": True, "metavar": "DAY"}),
        (("--horizon",), "help_horizon", {"required": True, "metavar": "LENGTH"}),
        (("--flag",), "help_flag", {"metavar": "ID"}),
        (("--level",), "help_level", {"metavar": "LEVEL"}),
        (("--returned",), "help_returned", {"action": "append", "metavar": "EVENT"}),
        (("--fit",), "help_fit", {"action": "store_true"}),
        (("--target",), "help_target", {"choices": ("accuracy", "mcc"), "default": "accuracy"}),
        (("--write",), "help_write", {"metavar": "OUT"}),
        _SORT,
    ),
    "statement": (
        _DOCUMENT,
        _EVENTS,
        _CUSTOMER,
        (("--account",), "help_account", {"metavar": "A"}),
        (("--first",), "help_first", {"metavar": "DAY"}),
        _UNTIL,
    ),
    "test": (
        (("paths",), "help_paths", {"nargs": "*", "metavar": "PATH"}),
        (("--coverage",), "help_coverage", {"action": "store_true"}),
        (("--init",), "help_init", {"metavar": "DOC"}),
    ),
    "record": (
        _DOCUMENT,
        _EVENTS,
        _CUSTOMER,
        (("--last",), "help_last", {"default": "10", "metavar": "N"}),
        (("--until",), "help_until_day", {"metavar": "DAY"}),
        (("--out",), "help_out", {"metavar": "OUT"}),
    ),
    "schema": (
        (("folder",), "help_schema_dir", {"nargs": "?", "default": ".", "metavar": "DIR"}),
        (("--programs",), "help_schema_programs", {"action": "append", "default": [], "metavar": "GLOB"}),
        (("--plugins",), "help_schema_plugins", {"action": "store_true"}),
    ),
}


def asked_language(given: Sequence[str]) -> str:
    """The language for --help, before anything is parsed; en where none, or an unknown one, is asked for."""
    asked = [value.removeprefix("--lang=") for value in given if value.startswith("--lang=")]
    asked += [after for flag, after in pairwise(given) if flag == "--lang"]
    return asked[-1] if asked and asked[-1] in LANGUAGES else "en"


class Spoken(argparse.ArgumentParser):
    """A parser whose own words, too, are in the language that is asked for."""

    def __init__(self, *, lang: str, **options: Any) -> None:
        super().__init__(add_help=False, **options)
        self.lang = lang
        for group, key in ((self._positionals, "arguments"), (self._optionals, "options")):
            group.title = words(lang, key)
        self.add_argument("-h", "--help", action="help", default=argparse.SUPPRESS, help=words(lang, "help_help"))

    def format_usage(self) -> str:
        return self._named(super().format_usage())

    def format_help(self) -> str:
        return self._named(super().format_help())

    def _named(self, text: str) -> str:
        return text.replace("usage: ", words(self.lang, "usage"), 1)

    def error(self, message: str) -> Never:
        self.print_usage(sys.stderr)
        self.exit(2, words(self.lang, "misused", command=self.prog, reason=message) + "\n")


def parser(lang: str, verbs: Mapping[str, Callable[..., int]]) -> argparse.ArgumentParser:
    """The parser of the command line in a language; ``verbs`` are the functions that answer, by name."""

    def say(key: str) -> str:
        return words(lang, key, folder=DEMO_FOLDER)

    top = Spoken(lang=lang, prog="custrules", description=say("about"), allow_abbrev=False)
    top.add_argument("--version", action="version", version=f"custrules {cr.__version__}", help=say("help_version"))
    top.set_defaults(lang="en", format="text")
    below = top.add_subparsers(metavar="|".join(verbs), required=True, parser_class=partial(Spoken, lang=lang))  # type: ignore[call-overload]  # it makes parsers, as a class does
    for name, verb in verbs.items():
        one = below.add_parser(name, help=say(f"verb_{name}"), description=say(f"verb_{name}"), allow_abbrev=False)
        one.set_defaults(verb=verb, usage=one.format_usage)
        for flags, key, options in ARGUMENTS[name]:
            one.add_argument(*flags, help=say(key), **options)
    for one in (top, *below.choices.values()):
        one.add_argument("--format", choices=("text", "json"), default=argparse.SUPPRESS, help=say("help_format"))
        one.add_argument("--lang", choices=LANGUAGES, default=argparse.SUPPRESS, help=say("help_lang"))
    return top
