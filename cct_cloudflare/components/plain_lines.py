"""YAML of the simplest shape, `key: value` line by line, read without the library, which takes many times as long.

Nothing is read otherwise than the library reads it (a property test holds the two together): where a line is of any
other shape, the library has to be asked, unless that line is a mistake in every reader.
"""

from __future__ import annotations

import re
from typing import NamedTuple

# No tab, no line break of Unicode, nothing that YAML forbids.
_CHARACTER = " -~\xa0-\u2027\u202a-\ud7ff\U00010000-\U0010ffff"
# What begins a plain scalar wherever it stands; the others may mean something of their own.
_BEGINS = r"A-Za-z0-9_./($<+=^;\xa1-\u2027\u202a-\ud7ff\U00010000-\U0010ffff"
_LINE = re.compile(
    r"(?P<key>[A-Za-z][A-Za-z0-9_-]{0,63}):"
    rf"(?: +(?:(?P<plain>[{_BEGINS}][{_CHARACTER}]*)"
    rf"|\"(?P<double>(?:(?![\"\\])[{_CHARACTER}])*)\" *"
    rf"|'(?P<single>(?:(?!')[{_CHARACTER}])*)' *)| *)(?:\r?\n|\Z)"
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
        if plain is not None:
            mapping, comment = _mapping_at(plain), plain.find(" #")
            if mapping >= 0 and not 0 <= comment < mapping:
                # A mapping cannot begin on the line of a key.
                return Lines(entries, at, is_broken=True)
            if comment >= 0:
                break
        value = plain.rstrip(" ") if plain is not None else line["double"] or line["single"] or ""
        entries[line["key"]] = value
        at = line.end()
    return Lines(entries, at)


def _mapping_at(plain: str) -> int:
    """Where a colon makes a key of what stands before it; -1 where none does."""
    return f"{plain} ".find(": ")
