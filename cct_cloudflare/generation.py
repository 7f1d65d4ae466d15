"""What Claude is asked, and how patiently: one file that the Worker and the command line both read.

The file is `src/generate/claude.json` of the template.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cct_cloudflare.resources import worker_json


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long Claude's API is waited for; seconds."""

    calls: int
    stall: float
    """The longest silence within a call; pings count as life."""
    call: float
    """The longest that one call may take in all."""
    backoff: float
    """The wait before the second call; it doubles for the third."""
    retry_after: float
    """The longest wait that the API can ask for and get."""

    @property
    def most(self) -> float:
        """The longest that a generation can take, with all its calls and the waits between them."""
        pauses = [max(self.retry_after, self.backoff * 2.0**call) for call in range(self.calls - 1)]
        return self.calls * self.call + sum(pauses)


def words() -> dict[str, Any]:
    """The whole file."""
    return worker_json("src/generate/claude.json")


def patience() -> Patience:
    """The Worker's own, which `--direct` shares."""
    given = words()["patience"]
    return Patience(
        calls=given["calls"],
        stall=given["stallMs"] / 1000,
        call=given["callMs"] / 1000,
        backoff=given["backoffMs"] / 1000,
        retry_after=given["retryAfterMs"] / 1000,
    )
