"""Small charts for a terminal: values in, text out. Nothing here prints."""

from __future__ import annotations

from collections.abc import Sequence

# Blocks that fill one to eight eighths of a character cell.
_EIGHTHS = "▏▎▍▌▋▊▉█"
_LEVELS = "▁▂▃▄▅▆▇█"


def bar(value: float, largest: float, width: int) -> str:
    """A horizontal bar, `width` characters for `largest`; anything above nothing shows at least one eighth of one."""
    if value <= 0 or largest <= 0 or width <= 0:
        return ""
    eighths = max(1, round(min(value / largest, 1.0) * width * 8))
    full, rest = divmod(eighths, 8)
    return "█" * full + (_EIGHTHS[rest - 1] if rest else "")


def span(start: float, end: float, largest: float, width: int, *, lead: float = 0) -> str:
    """A bar from `start` to `end` on an axis of `width` characters for `largest`; its first `lead` is drawn light."""
    if largest <= 0 or width <= 0 or end <= start:
        return ""

    def cells(value: float) -> float:
        return min(max(0.0, value), largest) / largest * width

    first = min(int(cells(start)), width - 1)
    length = max(1 / 8, cells(end) - first)
    light = min(round(cells(lead)), int(length))
    return " " * first + "░" * light + bar(length - light, width, width)


def sparkline(values: Sequence[float | None]) -> str:
    """One character for each value, its height from nothing up to the largest; `×` for one that is missing."""
    largest = max((value for value in values if value is not None), default=0)
    return "".join("×" if value is None else _LEVELS[_level(value, largest)] for value in values)


def _level(value: float, largest: float) -> int:
    return round(max(0.0, value) / largest * (len(_LEVELS) - 1)) if largest > 0 else 0
