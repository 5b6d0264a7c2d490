"""Strict JSON with places: numbers and words stay the text they are, faults have line and column, nothing recurses."""

from __future__ import annotations

import json
import re

from custrules.documents.places import Tree, Unreadable

_SPACE = re.compile(r"[ \t\n\r]*")
_STRING_BODY = re.compile(r'"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_WORD = re.compile(r"[-+\w.]+")
_NOT_NUMBERS = ("NaN", "Infinity", "-Infinity")


def read_json(text: str, tree: Tree) -> None:
    """Fill the tree from JSON text. Stops with Unreadable at the first syntax fault; other faults are all noted."""
    _Scanner(text, tree).document()


class _Scanner:
    def __init__(self, text: str, tree: Tree) -> None:
        self.text, self.tree, self.at = text, tree, 0
        self.brackets: list[str] = []

    def document(self) -> None:
        self.value()
        while self.brackets:
            self.after_value()
        if self.peek():
            raise self.fault("text follows the end of the document")

    def peek(self) -> str:
        """The next character that is no white space; '' at the end."""
        space = _SPACE.match(self.text, self.at)
        self.at = space.end() if space else self.at
        return self.text[self.at : self.at + 1]

    def fault(self, reason: str, at: int | None = None) -> Unreadable:
        if self.at >= len(self.text):
            reason = "the document ends too early"
        elif self.text.startswith(("//", "/*", "#"), self.at):
            reason = "JSON has no comments"
        return self.tree.end("document.syntax", self.at if at is None else at, reason=reason)

    def value(self) -> None:
        """One value, or the beginning of a container and its first value."""
        while True:
            character = self.peek()
            if character == "{":
                self.begin("}")
                if self.closes("}"):
                    return
                self.key()
            elif character == "[":
                self.begin("]")
                if self.closes("]"):
                    return
            else:
                self.scalar(character)
                return

    def begin(self, closing: str) -> None:
        self.tree.open({} if closing == "}" else [], self.at)
        self.brackets.append(closing)
        self.at += 1

    def closes(self, closing: str) -> bool:
        if self.peek() != closing:
            return False
        self.at += 1
        self.brackets.pop()
        self.tree.close()
        return True

    def after_value(self) -> None:
        """A comma and the next value, or the end of the innermost container."""
        closing = self.brackets[-1]
        if self.closes(closing):
            return
        if self.peek() != ",":
            raise self.fault(f"expected ',' or '{closing}'")
        comma, self.at = self.at, self.at + 1
        if self.peek() in ("}", "]"):
            raise self.fault("a comma stands before the closing bracket", comma)
        if closing == "}":
            self.key()
        self.value()

    def key(self) -> None:
        if self.peek() != '"':
            raise self.fault("expected a key in double quotes")
        start, text = self.string()
        self.tree.scalar(text, start)
        if self.peek() != ":":
            raise self.fault("expected ':' after the key")
        self.at += 1

    def scalar(self, character: str) -> None:
        if character == '"':
            start, text = self.string()
            self.tree.scalar(text, start)
        elif character == "'":
            raise self.fault("texts stand in double quotes")
        else:
            self.word()

    def string(self) -> tuple[int, str]:
        start, body = self.at, _STRING_BODY.match(self.text, self.at)
        self.at = body.end() if body else self.at
        stop = self.text[self.at : self.at + 1]
        if stop == "\\":
            raise self.fault("unknown escape after a backslash")
        if stop != '"':
            raise self.tree.end("document.syntax", start, reason="the text does not end on its line")
        self.at += 1
        text = json.loads(self.text[start : self.at])
        return start, str(text)

    def word(self) -> None:
        """A number, true, false, null; anything else is a fault that says which."""
        found = _WORD.match(self.text, self.at)
        word = found[0] if found else ""
        if word == "null":
            self.tree.fault("document.empty_value", self.at, found=word)
        elif word in _NOT_NUMBERS:
            self.tree.fault("document.not_a_number", self.at, found=word)
        elif word not in ("true", "false") and not _NUMBER.fullmatch(word):
            raise self.fault(_why_not(word))
        self.tree.scalar(word, self.at)
        self.at += len(word)


def _why_not(word: str) -> str:
    if re.fullmatch(r"-?0[0-9].*", word):
        return "a number does not begin with 0"
    if re.match(r"[-+.]?[0-9]", word):
        return "not a number as JSON writes it"
    return "texts stand in double quotes" if word else "expected a value"
