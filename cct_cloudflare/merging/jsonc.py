"""JSON with comments and trailing commas → a tree that gives back every byte: `render(parse(text)) == text`.

There are Python libraries that read such files, but none kept well that also edits them and leaves the rest alone;
what is needed of one is this page and `editing.py`. What stands between two tokens (white space and comments) is
called trivia and is kept as text on the nodes, so an edit moves strings and no offsets.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

BOM = "\ufeff"
#: Far above what any settings file needs, far below what Python's stack holds.
MAX_DEPTH = 100
MAX_BYTES = 4 * 1024 * 1024

# No possessive groups: Python 3.11 before 3.11.5 takes "/* open" for a whole comment with one (gh-101955).
_TRIVIA = re.compile(r"(?:[ \t\r\n]++|//[^\r\n]*+|/\*.*?\*/)*", re.DOTALL)
_PIECE = re.compile(r"[ \t\r\n]+|//[^\r\n]*|/\*.*?\*/", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]++|\\.)*"')
_WORD = re.compile(r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?(?![\w.+-])|(?:true|false|null)(?!\w)")
_CLOSING = {"{": "}", "[": "]"}


class JsoncError(ValueError):
    """The message continues a sentence: "it is not valid JSON (line 3: …)"."""


@dataclass(slots=True)
class Scalar:
    """A string, number, true, false or null: as it is written, and what it means."""

    raw: str
    value: Any


@dataclass(slots=True)
class Item:
    """A member of an object (`key` is its name, `raw_key` how that is written) or an entry of a list (no key).

    `lead` is the trivia before it, `colon` the colon with the trivia around it, `gap` the trivia before its comma.
    """

    lead: str
    value: Node
    key: str | None = None
    raw_key: str = ""
    colon: str = ""
    gap: str = ""
    comma: bool = False


@dataclass(slots=True)
class Container:
    """An object or a list. `tail` is the trivia before its closing bracket."""

    opening: str
    items: list[Item] = field(default_factory=list)
    tail: str = ""

    @property
    def is_object(self) -> bool:
        return self.opening == "{"

    def member(self, key: str) -> Item | None:
        return next((item for item in self.items if item.key == key), None)


Node = Scalar | Container


@dataclass(slots=True)
class Document:
    """A whole file. `root` is None when it is blank."""

    bom: str
    head: str
    root: Node | None
    tail: str


def decode(data: bytes) -> str:
    """Raises JsoncError for what is larger than `MAX_BYTES` or not UTF-8."""
    if len(data) > MAX_BYTES:
        raise JsoncError(f"it is larger than {MAX_BYTES // 1024 // 1024} MiB")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise JsoncError("it is not UTF-8 text") from error


def parse(text: str) -> Document:
    """Raises JsoncError for what is no JSON, nested too deep, or has a key twice in one object."""
    bom = BOM if text.startswith(BOM) else ""
    body = text[len(bom) :]
    if not body.strip(" \t\r\n"):
        return Document(bom, body, None, "")
    parser = _Parser(body)
    head = parser.trivia()
    root = parser.value(0)
    tail = parser.trivia()
    if not parser.at_end:
        raise parser.error("something follows the end")
    return Document(bom, head, root, tail)


def render(document: Document) -> str:
    root = "" if document.root is None else raw(document.root)
    return f"{document.bom}{document.head}{root}{document.tail}"


def raw(node: Node) -> str:
    """The text of a node."""
    parts: list[str] = []
    _write(node, parts)
    return "".join(parts)


def _write(node: Node, parts: list[str]) -> None:
    if isinstance(node, Scalar):
        parts.append(node.raw)
        return
    parts.append(node.opening)
    for item in node.items:
        parts += (item.lead, item.raw_key, item.colon)
        _write(item.value, parts)
        parts += (item.gap, "," if item.comma else "")
    parts += (node.tail, _CLOSING[node.opening])


def parse_node(text: str) -> Node:
    """One value without anything around it. Raises JsoncError."""
    document = parse(text)
    if document.root is None or document.bom or document.head or document.tail:
        raise JsoncError("it is not one JSON value")
    return document.root


def value(node: Node) -> Any:
    """What a node means, as `json.loads` gives it."""
    if isinstance(node, Scalar):
        return node.value
    if node.is_object:
        return {item.key: value(item.value) for item in node.items}
    return [value(item.value) for item in node.items]


def load(data: bytes) -> Any:
    """The value of a file; None for a blank one. Raises JsoncError."""
    root = parse(decode(data)).root
    return None if root is None else value(root)


def first_extra(text: str) -> int | None:
    """The line of the first thing that plain JSON does not have: a comment, a comma too many. None without one."""
    try:
        json.loads(text.removeprefix(BOM))
    except json.JSONDecodeError as error:
        return error.lineno
    return None


def pieces(trivia: str) -> list[str]:
    """Trivia as its runs of white space and its comments."""
    return _PIECE.findall(trivia)


def comments(node: Node) -> list[str]:
    """Every comment inside a node, in order."""
    if isinstance(node, Scalar):
        return []
    found: list[str] = []
    for item in node.items:
        found += [*_comments(item.lead), *_comments(item.colon), *comments(item.value), *_comments(item.gap)]
    return found + _comments(node.tail)


def _comments(trivia: str) -> list[str]:
    return [piece for piece in pieces(trivia) if piece.startswith("/")]


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    @property
    def at_end(self) -> bool:
        return self._at == len(self._text)

    def error(self, problem: str) -> JsoncError:
        before = self._text[: self._at].replace("\r\n", "\n").replace("\r", "\n")
        return JsoncError(f"it is not valid JSON (line {before.count(chr(10)) + 1}: {problem})")

    def trivia(self) -> str:
        return self._take(_TRIVIA) or ""

    def value(self, depth: int) -> Node:
        opening = self._text[self._at : self._at + 1]
        if opening in _CLOSING:
            if depth >= MAX_DEPTH:
                raise JsoncError(f"it is nested more than {MAX_DEPTH} levels deep")
            return self._container(opening, depth)
        token = self._take(_STRING)
        if token is not None:
            return Scalar(token, self._decoded(token))
        token = self._take(_WORD)
        if token is None:
            raise self.error("a value is missing or misspelled")
        return Scalar(token, self._decoded(token))

    def _container(self, opening: str, depth: int) -> Container:
        self._at += 1
        container = Container(opening)
        closing = _CLOSING[opening]
        keys: set[str] = set()
        separated = True
        while True:
            trivia = self.trivia()
            if self._skip(closing):
                container.tail = trivia
                return container
            if not separated:
                raise self.error(f"a comma or {closing} is missing")
            item = self._member(trivia, keys, depth) if container.is_object else Item(trivia, self.value(depth + 1))
            container.items.append(item)
            # Trivia after the last entry belongs to the container, as does that after a trailing comma.
            start = self._at
            gap = self.trivia()
            separated = item.comma = self._skip(",")
            if separated:
                item.gap = gap
            else:
                self._at = start

    def _member(self, lead: str, keys: set[str], depth: int) -> Item:
        raw_key = self._take(_STRING)
        if raw_key is None:
            raise self.error("a key in quotes is missing")
        key = self._decoded(raw_key)
        if key in keys:
            raise self.error(f"the key {raw_key[:80]} comes twice")
        keys.add(key)
        before = self.trivia()
        if not self._skip(":"):
            raise self.error(f"a colon is missing after {raw_key[:80]}")
        colon = f"{before}:{self.trivia()}"
        return Item(lead, self.value(depth + 1), key, raw_key, colon)

    def _decoded(self, token: str) -> Any:
        try:
            return json.loads(token)
        except ValueError as error:  # a bad escape, or an integer with more digits than Python takes
            raise self.error(f"{token[:40]} is not valid") from error

    def _skip(self, char: str) -> bool:
        found = self._text.startswith(char, self._at)
        self._at += found
        return found

    def _take(self, pattern: re.Pattern[str]) -> str | None:
        match = pattern.match(self._text, self._at)
        if match is None:
            return None
        self._at = match.end()
        return match.group()
