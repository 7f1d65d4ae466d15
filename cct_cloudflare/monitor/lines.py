"""A line for people, and how labels stand in it."""

from __future__ import annotations

from cct_cloudflare.displays import Span

#: Text with the style of each part; no part has a line break.
Line = list[Span]

LABEL_WIDTH = 12


def fact(label: str, *value: Span) -> Line:
    return [(f"  {label:<{LABEL_WIDTH}}", "dim"), *value]


def text_of(line: Line) -> str:
    return "".join(text for text, _ in line).rstrip()
