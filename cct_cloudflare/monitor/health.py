"""A Worker's health: asked once, or again and again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cct_cloudflare.errors import CctError
from cct_cloudflare.monitor.observe import Clock
from cct_cloudflare.sandbox.client import Health

#: Seconds between two checks of a watch.
DEFAULT_INTERVAL = 2.0

Ask = Callable[[], Health]


@dataclass(frozen=True, slots=True)
class Worker:
    """A Worker that is up. `url` is None for the one that this cct has started; the latency includes connecting."""

    url: str | None
    latency_ms: float
    health: Health

    def to_json(self) -> dict[str, Any]:
        return {"url": self.url, "latencyMs": self.latency_ms, **self.health.to_json()}


@dataclass(frozen=True, slots=True)
class Check:
    """One question and what came of it: a `worker`, or the `error` that says why there is none."""

    at: datetime
    url: str | None
    worker: Worker | None = None
    error: CctError | None = None

    @property
    def latency_ms(self) -> float | None:
        return None if self.worker is None else self.worker.latency_ms

    def to_json(self) -> dict[str, Any]:
        return {
            "at": self.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "url": self.url,
            "up": self.worker is not None,
            "worker": None if self.worker is None else self.worker.to_json(),
            "error": None if self.error is None else self.error.to_json(),
        }


def greet(ask: Ask, url: str | None, clock: Clock = time.perf_counter) -> Worker:
    """Asks once. Raises the CctError that the question ends with."""
    start = clock()
    health = ask()
    return Worker(url, round((clock() - start) * 1000, 1), health)


def check(ask: Ask, url: str | None, clock: Clock = time.perf_counter) -> Check:
    """Asks once; a Worker that is down is an answer, too."""
    at = datetime.now(UTC)
    try:
        return Check(at, url, greet(ask, url, clock))
    except CctError as error:
        return Check(at, url, error=error)


def watch(ask: Ask, url: str | None, *, interval: float, count: int | None = None) -> Iterator[Check]:
    """Checks every `interval` seconds, `count` times or without end."""
    number = 0
    while count is None or number < count:
        if number:
            time.sleep(interval)
        number += 1
        yield check(ask, url)
