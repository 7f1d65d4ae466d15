"""Small charts for a terminal: values in, text out. Nothing here prints."""

from __future__ import annotations

# Blocks that fill one to eight eighths of a character cell.
_EIGHTHS = "▏▎▍▌▋▊▉█"


def bar(value: float, largest: float, width: int) -> str:
    """A horizontal bar, `width` characters for `largest`; anything above nothing shows at least one eighth of one."""
    if value <= 0 or largest <= 0 or width <= 0:
        return ""
    eighths = max(1, round(min(value / largest, 1.0) * width * 8))
    full, rest = divmod(eighths, 8)
    return "█" * full + (_EIGHTHS[rest - 1] if rest else "")
