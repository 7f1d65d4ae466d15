"""What was found, as text and as JSON."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence
from typing import Any

from cct_cloudflare.doctor.check import Check, Status
from cct_cloudflare.doctor.mending import Mended
from cct_cloudflare.plain import plain_line

#: A piece of text and what it is: one of the statuses, "fix", or "" for nothing in particular.
Span = tuple[str, str]

_STATUS_WIDTH, _NAME_WIDTH = 4, 14
_INDENT = 2 + _STATUS_WIDTH + 2 + _NAME_WIDTH + 2

#: Below this a hanging indent leaves no room for a sentence.
_LEAST_WIDTH = 60


def check_text(check: Check, width: int | None = None) -> list[Span]:
    """One check: a line for what was found, and one for what to do about it. Ends in a newline.

    `width` is the terminal's, in characters, where lines are to be broken; None breaks none.
    """
    status = check.status.value
    spans: list[Span] = [
        ("  ", ""),
        (f"{status:<{_STATUS_WIDTH}}", status),
        (f"  {check.name:<{_NAME_WIDTH}}  ", ""),
        (_hanging(check.finding.detail, width), "" if check.status is not Status.SKIP else "skip"),
        ("\n", ""),
    ]
    if check.finding.fix:
        spans += [(" " * _INDENT, ""), (_hanging(f"→ {check.finding.fix}", width), "fix"), ("\n", "")]
    return spans


def mended_text(mended: Mended) -> str:
    """One line that ends in a newline."""
    return f"{'Mended' if mended.success else 'Not mended'}  {mended.name}: {plain_line(mended.said)}\n"


def summary_text(checks: Sequence[Check]) -> str:
    """How many of each, and what to do first. Ends in a newline."""
    counts = Counter(check.status for check in checks)
    words = {Status.OK: "ok", Status.WARN: "to look at", Status.FAIL: "failed", Status.SKIP: "not needed or not asked"}
    lines = [", ".join(f"{counts[status]} {word}" for status, word in words.items() if counts[status]) + "."]
    failed = [check for check in checks if check.status is Status.FAIL]
    if failed:
        lines.append(f"See to this first: {', '.join(check.name for check in failed)}.")
    else:
        lines.append("Nothing stands in the way of a run.")
    fixable = [check.name for check in checks if check.repair is not None]
    if fixable:
        lines.append(f"cct doctor --fix sees to: {', '.join(fixable)}.")
    return "\n".join(lines) + "\n"


def is_healthy(checks: Sequence[Check]) -> bool:
    return all(check.status is not Status.FAIL for check in checks)


def to_json(checks: Sequence[Check], mended: Sequence[Mended]) -> dict[str, Any]:
    """The object of `--json`: `success` says that nothing has failed, `mended` what `--fix` did."""
    counts = Counter(check.status for check in checks)
    return {
        "success": is_healthy(checks),
        "checks": [check.to_json() for check in checks],
        "mended": [item.to_json() for item in mended],
        "summary": {status.value: counts[status] for status in Status},
    }


def _hanging(text: str, width: int | None) -> str:
    text = plain_line(text)
    if width is None or width < _LEAST_WIDTH:
        return text
    broken = textwrap.wrap(text, width - _INDENT, break_long_words=False, break_on_hyphens=False)
    return ("\n" + " " * _INDENT).join(broken)
