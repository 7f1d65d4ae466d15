"""Tables as lines of text, in columns that line up. Values in, text out; nothing here prints."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

_GAP = 2
_ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class Column:
    """`align` says where the values stand. A column with a `least` width gives way, so far, when there is no room.

    Where that is not enough, columns with a number in `leaves` are left out, the lowest number first.
    """

    heading: str
    align: Literal["left", "right"] = "left"
    least: int | None = None
    leaves: int | None = None


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int | None = None) -> list[str]:
    """The heading and one line for each row, none wider than `width` where columns can give way, the last one first.

    Cells are text on one line that is safe to print. A last column on the left is not filled up with spaces.
    """
    cells = [[column.heading for column in columns], *(list(row) for row in rows)]
    widths = [max(cell_width(row[index]) for row in cells) for index in range(len(columns))]
    if width is None:
        return [_line(columns, widths, row) for row in cells]
    kept = _kept(columns, widths, width)
    columns, widths = [columns[index] for index in kept], [widths[index] for index in kept]
    _shrink(columns, widths, width)
    return [_line(columns, widths, [row[index] for index in kept]) for row in cells]


def _kept(columns: Sequence[Column], widths: Sequence[int], width: int) -> list[int]:
    """The columns that there is room for, by their index."""
    kept = list(range(len(columns)))
    going = sorted((column.leaves, index) for index, column in enumerate(columns) if column.leaves is not None)
    for _, index in going:
        least = (min(widths[at], columns[at].least or widths[at]) for at in kept)
        if sum(least) + _GAP * (len(kept) - 1) <= width:
            break
        kept.remove(index)
    return kept


def _shrink(columns: Sequence[Column], widths: list[int], width: int) -> None:
    over = sum(widths) + _GAP * (len(widths) - 1) - width
    for index, column in reversed(list(enumerate(columns))):
        if column.least is not None and over > 0:
            given = min(over, max(0, widths[index] - column.least))
            widths[index] -= given
            over -= given


def _line(columns: Sequence[Column], widths: Sequence[int], row: Sequence[str]) -> str:
    parts = []
    for column, width, cell in zip(columns, widths, row, strict=True):
        shown = fitted(cell, width)
        space = " " * (width - cell_width(shown))
        parts.append(space + shown if column.align == "right" else shown + space)
    return (" " * _GAP).join(parts).rstrip()


def fitted(text: str, width: int) -> str:
    """`text`, cut with an ellipsis where it needs more than `width` cells of a terminal."""
    if cell_width(text) <= width:
        return text
    kept, used = [], cell_width(_ELLIPSIS)
    for character in text:
        used += cell_width(character)
        if used > width:
            break
        kept.append(character)
    return "".join(kept) + _ELLIPSIS


def cell_width(text: str) -> int:
    """The cells of a terminal that a line takes: two for the characters of East Asia and emoji, none for accents."""
    if text.isascii():
        return len(text)
    return sum(_character_width(character) for character in text)


def _character_width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1
