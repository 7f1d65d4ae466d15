"""YAML of the simplest shape, `key: value` line by line, read without the library, which takes many times as long.

Nothing is read otherwise than the library reads it (a property test holds the two together): where a line is of any
other shape, the library has to be asked, unless that line is a mistake in every reader.
"""

from __future__ import annotations

import re
from typing import NamedTuple

# A plain scalar begins with what means nothing else in YAML, wherever it stands.
_LINE = re.compile(
    r"(?P<key>[A-Za-z][A-Za-z0-9_-]{0,63}):"
    r"(?: +(?:(?P<plain>[^\x00-\x20!\"#%&'*,:>?@\[\\\]`{|}~\x7f-][^\r\n]*)"
    r"|\"(?P<double>[^\"\\\r\n]*)\" *|'(?P<single>[^'\r\n]*)' *)| *)(?:\r?\n|\Z)"
)


class Lines(NamedTuple):
    """`entries` as the library reads them, up to `end`. `is_broken`: what follows there makes the text no YAML."""

    entries: dict[str, str]
    end: int
    is_broken: bool = False


def read_lines(text: str) -> Lines:
    entries: dict[str, str] = {}
    at = 0
    while at < len(text):
        line = _LINE.match(text, at)
        if line is None:
            break
        plain = line["plain"]
        value = plain if plain is not None else line["double"] or line["single"] or ""
        # A tab, a line break of Unicode, what YAML forbids: none of them can be printed.
        if not value.isprintable():
            break
        if plain is not None:
            mapping, comment = _mapping_at(plain), plain.find(" #")
            if mapping >= 0 and not 0 <= comment < mapping:
                # A mapping cannot begin on the line of a key.
                return Lines(entries, at, is_broken=True)
            if comment >= 0:
                break
            value = plain.rstrip(" ")
        entries[line["key"]] = value
        at = line.end()
    return Lines(entries, at)


def _mapping_at(plain: str) -> int:
    """Where a colon makes a key of what stands before it; -1 where none does."""
    return f"{plain} ".find(": ")
