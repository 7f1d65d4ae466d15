"""A problem, and where in a JSON text a value stands."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from cct_cloudflare.merging import jsonc
from cct_cloudflare.validation.model import Level

At = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """A Finding of a file that is known from elsewhere. `message` is as yet unfit for a terminal."""

    line: int
    level: Level
    message: str
    rule: str


def error(line: int, rule: str, message: str) -> Problem:
    return Problem(line, Level.ERROR, message, rule)


def warning(line: int, rule: str, message: str) -> Problem:
    return Problem(line, Level.WARNING, message, rule)


class Lines:
    """The line of every value in a JSON text, by its path: keys, and indexes of lists as text."""

    def __init__(self, lines: Mapping[At, int] | None = None, *, first: int = 0) -> None:
        """`first` is the line of what is not known."""
        self._lines = lines or {}
        self._first = first

    @classmethod
    def of_json(cls, text: str) -> Lines:
        """Raises jsonc.JsoncError."""
        document = jsonc.parse(text)
        line = 1 + document.head.count("\n")
        return cls({} if document.root is None else dict(_walk(document.root, (), line)), first=1)

    def __getitem__(self, at: At) -> int:
        while at and at not in self._lines:
            at = at[:-1]
        return self._lines.get(at, self._first)


def _walk(node: jsonc.Node, at: At, line: int) -> Iterator[tuple[At, int]]:
    yield at, line
    if not isinstance(node, jsonc.Container):
        return
    for index, item in enumerate(node.items):
        line += item.lead.count("\n")
        path = (*at, str(index) if item.key is None else item.key)
        yield path, line
        line += item.colon.count("\n")
        yield from ((inner, number) for inner, number in _walk(item.value, path, line) if inner != path)
        line += jsonc.raw(item.value).count("\n") + item.gap.count("\n")


def kind_of(value: object) -> str:
    """What a JSON value is called in a message."""
    if value is None:
        return "null"
    names = {
        bool: "true or false",
        str: "a text",
        int: "a number",
        float: "a number",
        list: "a list",
        dict: "an object",
    }
    return names.get(type(value), type(value).__name__)


def nearest(name: str, names: Iterable[str]) -> str:
    """`; did you mean X?`, or nothing: the end of a message about a name that is not known."""
    by_folded = {known.casefold(): known for known in names}
    close = difflib.get_close_matches(name.casefold()[:80], by_folded, n=1, cutoff=0.75)
    return f"; did you mean {by_folded[close[0]]}?" if close else ""


def listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
