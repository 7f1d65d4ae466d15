"""What may be wrong with any text: characters that mislead whoever reads it, secrets, sizes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cct_cloudflare.validation.checks.problem import At, Lines, Problem, error, warning
from cct_cloudflare.validation.shells import line_that_runs_download
from cct_cloudflare.validation.showing import has_token

#: A prompt above this leaves little room for the work: about 10,000 tokens.
MAX_PROMPT_CHARACTERS = 40_000
#: What the specification of skills recommends at most.
MAX_SKILL_LINES = 500

_MISLEADING = {
    "bidi-character": (
        re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"),
        "has a character that reorders what is read",
    ),
    "control-character": (re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"), "has a control character"),
    "hidden-character": (
        re.compile("[\U000e0001-\U000e007f\u2061-\u2065\u206a-\u206f\ufff9-\ufffb]"),
        "has a character that nobody sees and Claude reads",
    ),
}
# They join emoji and letters of some scripts; between plain letters they only hide something.
_ZERO_WIDTH = re.compile("(?<=[!-~ ])[\u200b\u2060\ufeff]|(?<=[A-Za-z0-9])[\u200c\u200d\u00ad]|[\u200b\u2060](?=[!-~])")
#: A flag of a part of a country is written with hidden characters: the only use of them that people see.
_FLAG = re.compile("\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f")


def check_escapes(text: str, data: Any, lines: Lines, at: At = ()) -> Iterator[Problem]:
    """Characters that mislead and that the JSON `text` of `data` has as escapes: Claude and a terminal get them."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from check_escapes(text, key, lines, (*at, key))
            yield from check_escapes(text, value, lines, (*at, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from check_escapes(text, value, lines, (*at, str(index)))
    elif isinstance(data, str):
        for rule, message, char in _misleading(data):
            if char not in text:
                yield error(lines[at], rule, f"{message} ({ascii(char)[1:-1]})")


def check_text(text: str) -> Iterator[Problem]:
    """Characters, secrets, downloads that are run; one problem of a sort at most for each line."""
    for number, raw in enumerate(_lines(text.removeprefix("\ufeff")), 1):
        if raw.isascii() and raw.isprintable() and not has_token(raw):
            continue
        for rule, message, char in _misleading(raw):
            yield error(number, rule, f"{message} (U+{ord(char):04X})")
        found = _ZERO_WIDTH.search(raw)
        if found is not None:
            yield warning(number, "zero-width-character", f"has a character without width (U+{ord(found.group()):04X})")
        if has_token(raw):
            yield warning(number, "secret", "has what looks like a key or token; name a variable instead")
    downloaded = line_that_runs_download(text)
    if downloaded is not None:
        yield warning(downloaded, "download-run", "downloads a program and runs it unread")


def _misleading(text: str) -> Iterator[tuple[str, str, str]]:
    """Rule, message and the first character of each sort."""
    plain = _FLAG.sub("", text)
    for rule, (pattern, message) in _MISLEADING.items():
        found = pattern.search(plain)
        if found is not None:
            yield rule, message, found.group()


def check_prompt(text: str, *, is_skill: bool) -> Iterator[Problem]:
    lines = text.count("\n") + 1
    if is_skill and lines > MAX_SKILL_LINES:
        yield warning(
            0,
            "oversize",
            f"has {lines:,} lines; above {MAX_SKILL_LINES} what is rarely needed belongs into files beside it",
        )
    elif len(text) > MAX_PROMPT_CHARACTERS:
        yield warning(0, "oversize", f"has {len(text):,} characters, which is a lot to read before any work is done")


def _lines(text: str) -> list[str]:
    """By line feeds alone: the lines that editors count."""
    return [line.removesuffix("\r") for line in text.split("\n")]
