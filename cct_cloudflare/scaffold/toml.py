"""Text as a value of a TOML file."""

from __future__ import annotations

import re

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}
# What a basic string may not hold as it is; U+2028 and its kin are allowed, and break lines in editors.
_SPECIAL = re.compile('["\\\\\x00-\x1f\x7f-\x9f\u2028\u2029]')


def toml_string(text: str) -> str:
    """`text` as a basic string, quotes included: whatever it holds, it stays one value.

    Raises ValueError for a lone surrogate, which no TOML file can hold.
    """
    text.encode()
    return '"' + _SPECIAL.sub(_escaped, text) + '"'


def _escaped(found: re.Match[str]) -> str:
    character = found[0]
    return _ESCAPES.get(character) or f"\\u{ord(character):04x}"
