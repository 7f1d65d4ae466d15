"""The figures of observed runs, as one JSON object. `tools/figures.ts` of the template makes the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cct_cloudflare.figures import Summary, summarize
from cct_cloudflare.left_out import NotApplied
from cct_cloudflare.monitor.health import Worker
from cct_cloudflare.monitor.observe import Observation
from cct_cloudflare.monitor.series import Series
from cct_cloudflare.monitor.system import System
from cct_cloudflare.sandbox.events import RunResult

#: What is summed up over several runs: names of the Worker's metrics.
MEASURED = (
    "queueMs",
    "firstTokenMs",
    "generationMs",
    "tokensPerSecond",
    "bootMs",
    "executionMs",
    "totalMs",
    "peakMemoryBytes",
)


@dataclass(frozen=True, slots=True)
class Totals:
    """Of all runs together; the cost is None when that of one is not known."""

    runs: int
    succeeded: int
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    metrics: Mapping[str, Summary | None]

    def to_json(self) -> dict[str, Any]:
        return {
            "runs": self.runs,
            "succeeded": self.succeeded,
            "usage": {
                "inputTokens": self.input_tokens,
                "outputTokens": self.output_tokens,
                "costUsd": self.cost_usd,
            },
            "metrics": {name: None if of is None else of.to_json() for name, of in self.metrics.items()},
        }


@dataclass(frozen=True, slots=True)
class Report:
    """All that there is to tell. `demo` says that the model was scripted, so the cost was never paid."""

    worker: Worker
    system: System
    series: Series
    demo: bool = False
    #: What of the components means nothing in a sandbox.
    not_applied: tuple[NotApplied, ...] = ()

    @property
    def totals(self) -> Totals:
        return totals_of([run.result for run in self.series.runs])

    def to_json(self) -> dict[str, Any]:
        error = self.series.error
        return {
            "worker": self.worker.to_json(),
            "system": self.system.to_json(),
            "demo": self.demo,
            "notApplied": [part.to_json() for part in self.not_applied],
            "runs": [run_to_json(run) for run in self.series.runs],
            "summary": self.totals.to_json(),
            "error": None if error is None else error.to_json(),
        }


def totals_of(results: Sequence[RunResult]) -> Totals:
    metrics = [result.metrics.to_json() for result in results]
    usages = [result.usage for result in results if result.usage is not None]
    costs = [None if result.usage is None else result.usage.cost_usd for result in results]
    known = [cost for cost in costs if cost is not None]
    return Totals(
        runs=len(results),
        succeeded=sum(result.success for result in results),
        input_tokens=sum(usage.input_tokens for usage in usages),
        output_tokens=sum(usage.output_tokens for usage in usages),
        cost_usd=sum(known) if len(known) == len(costs) else None,
        metrics={
            name: summarize([values[name] for values in metrics if values[name] is not None]) for name in MEASURED
        },
    )


def run_to_json(run: Observation) -> dict[str, Any]:
    """What was measured of a run, without its texts; and what was saved of it, where that was asked for."""
    answer = run.result.to_json()
    kept = {name: answer[name] for name in _KEPT}
    body = {**kept, "files": len(run.result.files), "timeline": run.timeline.to_json()}
    if run.saved is None:
        return body
    directory = run.saved.directory
    return {
        **body,
        "savedFiles": [file.to_json() for file in run.saved.saved],
        "outputDirectory": None if directory is None else str(directory),
    }


_KEPT = (
    "success",
    "errorCode",
    "exitCode",
    "language",
    "model",
    "sandbox",
    "isolation",
    "sandboxId",
    "metrics",
    "usage",
    "refusedFiles",
    "truncated",
    "outputLossy",
    "outputMayBeIncomplete",
)
