"""What many measurements come to: values in, a summary out. `tools/figures.ts` of the template does the same."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Summary:
    """`p95` is the smallest value that at least 95 % of the values do not exceed; units are those of the values."""

    count: int
    min: float
    median: float
    p95: float
    max: float

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def summarize(values: Sequence[float]) -> Summary | None:
    """The summary of any number of values; None of none."""
    if not values:
        return None
    ordered = sorted(values)
    return Summary(
        count=len(ordered),
        min=ordered[0],
        median=statistics.median(ordered),
        p95=percentile(ordered, 0.95),
        max=ordered[-1],
    )


def percentile(ordered: Sequence[float], share: float) -> float:
    """The nearest-rank percentile of values that are sorted and not empty; `share` is above 0 and at most 1."""
    return ordered[math.ceil(share * len(ordered)) - 1]
