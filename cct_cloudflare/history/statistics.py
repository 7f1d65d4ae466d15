"""What the runs come to: how many, how well, how fast, how much. Values in, values out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cct_cloudflare.figures import Summary, summarize

if TYPE_CHECKING:
    import sqlite3


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums over some runs. Costs are US dollars, of the runs whose cost is known.

    `unpriced` counts those that may have cost something which nobody told: they ended without their usage, or the
    model's price is not known.
    """

    runs: int
    succeeded: int
    failed: int
    errors: int
    interrupted: int
    unfinished: int
    input_tokens: int
    output_tokens: int
    cost_usd: float
    cloudflare_usd: float
    unpriced: int

    @property
    def success_rate(self) -> float | None:
        """Of the runs that came to an end by themselves; None without any."""
        ended = self.succeeded + self.failed + self.errors
        return self.succeeded / ended if ended else None

    def to_json(self) -> dict[str, Any]:
        rate = self.success_rate
        return {
            "runs": self.runs,
            "succeeded": self.succeeded,
            "failed": self.failed,
            "errors": self.errors,
            "interrupted": self.interrupted,
            "unfinished": self.unfinished,
            "successRate": None if rate is None else round(rate, 4),
            "inputTokens": self.input_tokens,
            "outputTokens": self.output_tokens,
            "cost": {"claudeUsd": self.cost_usd, "cloudflareUsdAtMost": self.cloudflare_usd},
            "unpricedRuns": self.unpriced,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Everything but `demo_runs` leaves the scripted model's runs out: they cost nothing and always go the same way.

    `latency` has milliseconds of each phase: `prompt` from the request to the answer where Claude was asked,
    `program` the same for programs of one's own, then `generation`, `boot` and `execution`. `days` are those of the
    user's time zone that have runs, in order; `models` the most used first.
    """

    totals: Totals
    demo_runs: int
    latency: dict[str, Summary]
    days: tuple[tuple[str, Totals], ...]
    models: tuple[tuple[str, Totals], ...]

    def to_json(self) -> dict[str, Any]:
        return {
            **self.totals.to_json(),
            "demoRuns": self.demo_runs,
            "latencyMs": {name: summary.to_json() for name, summary in self.latency.items()},
            "days": [{"day": day, **totals.to_json()} for day, totals in self.days],
            "models": [{"model": model, **totals.to_json()} for model, totals in self.models],
        }


NO_RUNS = Totals(
    runs=0,
    succeeded=0,
    failed=0,
    errors=0,
    interrupted=0,
    unfinished=0,
    input_tokens=0,
    output_tokens=0,
    cost_usd=0.0,
    cloudflare_usd=0.0,
    unpriced=0,
)
#: What there is to say without a history.
NOTHING = Statistics(totals=NO_RUNS, demo_runs=0, latency={}, days=(), models=())

_TOTALS = """
    count(*),
    count(*) FILTER (WHERE status = 'succeeded'),
    count(*) FILTER (WHERE status = 'failed'),
    count(*) FILTER (WHERE status = 'error'),
    count(*) FILTER (WHERE status = 'interrupted'),
    count(*) FILTER (WHERE status = 'running'),
    total(input_tokens),
    total(output_tokens),
    total(cost_usd),
    total(cloudflare_usd),
    count(*) FILTER (WHERE cost_usd IS NULL AND kind <> 'run')
"""

_PHASES = {
    "prompt": "total_ms IS NOT NULL AND kind <> 'run'",
    "program": "total_ms IS NOT NULL AND kind = 'run'",
    "generation": "generation_ms IS NOT NULL",
    "boot": "boot_ms IS NOT NULL",
    "execution": "execution_ms IS NOT NULL",
}
_COLUMN = {"prompt": "total_ms", "program": "total_ms"}


def collect(connection: sqlite3.Connection, since_ms: int | None = None) -> Statistics:
    """The statistics of the runs that began at `since_ms` or later; of all with None."""
    since = 0 if since_ms is None else since_ms
    real = "FROM runs WHERE demo = 0 AND started_ms >= ?"

    def grouped(key: str, order: str) -> tuple[tuple[str, Totals], ...]:
        query = f"SELECT {key} AS key, {_TOTALS} {real} AND key IS NOT NULL GROUP BY key ORDER BY {order}"
        return tuple((row[0], _totals(row[1:])) for row in connection.execute(query, (since,)))

    def values(phase: str) -> list[float]:
        query = f"SELECT {_COLUMN.get(phase, f'{phase}_ms')} {real} AND {_PHASES[phase]}"
        return [row[0] for row in connection.execute(query, (since,))]

    summaries = {phase: summarize(values(phase)) for phase in _PHASES}
    demo = "SELECT count(*) FROM runs WHERE demo = 1 AND started_ms >= ?"
    return Statistics(
        totals=_totals(connection.execute(f"SELECT {_TOTALS} {real}", (since,)).fetchone()),
        demo_runs=int(connection.execute(demo, (since,)).fetchone()[0]),
        latency={phase: summary for phase, summary in summaries.items() if summary is not None},
        days=grouped("date(started_ms / 1000, 'unixepoch', 'localtime')", "key"),
        models=grouped("CASE WHEN kind <> 'run' THEN model END", "count(*) DESC, key"),
    )


def _totals(row: Sequence[Any]) -> Totals:
    runs, succeeded, failed, errors, interrupted, unfinished, tokens_in, tokens_out, cost, cloudflare, unpriced = row
    return Totals(
        runs=runs,
        succeeded=succeeded,
        failed=failed,
        errors=errors,
        interrupted=interrupted,
        unfinished=unfinished,
        input_tokens=int(tokens_in),
        output_tokens=int(tokens_out),
        cost_usd=round(cost, 6),
        cloudflare_usd=round(cloudflare, 6),
        unpriced=unpriced,
    )
