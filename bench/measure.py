"""Timing a thing many times, and saying how it compares."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from cct_cloudflare.figures import percentile

RUNS = 20


@dataclass(frozen=True)
class Series:
    """Milliseconds of one thing done many times."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def p95(self) -> float:
        return percentile(sorted(self.values), 0.95)


@dataclass(frozen=True)
class Row:
    """One line of the table. `limit` is in milliseconds, or a ratio when `reference_ms` is there."""

    name: str
    median_ms: float
    p95_ms: float
    runs: int
    limit: float
    reference: str | None = None
    reference_ms: float | None = None

    @property
    def measured(self) -> float:
        return self.median_ms if self.reference_ms is None else self.median_ms / self.reference_ms

    @property
    def reached(self) -> bool:
        return self.measured <= self.limit

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "measured": round(self.measured, 3), "reached": self.reached}


def series(action: Callable[[], object], runs: int = RUNS, *, warm_up: int = 1) -> Series:
    """Times `action`; the first `warm_up` calls do not count."""
    for _ in range(warm_up):
        action()
    values = []
    for _ in range(runs):
        start = time.perf_counter()
        action()
        values.append((time.perf_counter() - start) * 1000)
    return Series(tuple(values))


def absolute(name: str, of: Series, limit_ms: float) -> Row:
    return Row(name, round(of.median, 1), round(of.p95, 1), len(of.values), limit_ms)


def ratio(name: str, of: Series, limit: float, reference: str, against: Series) -> Row:
    return Row(name, round(of.median, 1), round(of.p95, 1), len(of.values), limit, reference, round(against.median, 1))
