"""Markdown of rendered guides, as prettier writes it."""

from __future__ import annotations

import itertools


def align_tables(text: str) -> str:
    """Pads the cells of every table, so that a table with rendered values in it is formatted as well.

    Tables are lines that begin with `|`; their second line is the rule below the head. No cell holds a `|` of its own.
    """
    parts = itertools.groupby(text.splitlines(), key=lambda line: line.startswith("|"))
    lines = [line for is_table, group in parts for line in (_aligned(list(group)) if is_table else group)]
    return "".join(f"{line}\n" for line in lines)


def _aligned(table: list[str]) -> list[str]:
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in table]
    del rows[1]
    widths = [max(3, *map(len, column)) for column in zip(*rows, strict=True)]
    rows.insert(1, ["-" * width for width in widths])
    return [f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |" for row in rows]
