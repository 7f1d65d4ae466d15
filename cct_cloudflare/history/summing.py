"""The statistics in words: values in, lines for people out, all of them safe for a terminal. Nothing here prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cct_cloudflare.charts import bar
from cct_cloudflare.history.statistics import Statistics, Totals
from cct_cloudflare.history.telling import fact
from cct_cloudflare.pricing import dollars
from cct_cloudflare.tables import Column, table
from cct_cloudflare.wording import counted, duration

_LARGEST_BAR = 24
_MOST_DAYS = 31


def statistics_lines(statistics: Statistics, days: int | None, width: int) -> Iterator[str]:
    """The statistics; their tables are at most `width` wide where that is 40 or more."""
    totals = statistics.totals
    runs = counted(totals.runs, "run") if totals.runs else "No runs"
    yield f"{runs} {_over(days)}{_endings(totals)}"
    if statistics.demo_runs:
        yield f"{counted(statistics.demo_runs, 'scripted run')} (--demo) beside these; not counted below."
    if not totals.runs:
        return
    yield ""
    yield from fact("Success", _success(totals))
    yield from fact("Tokens", f"{totals.input_tokens:,} in, {totals.output_tokens:,} out")
    yield from fact("Cost", _cost_line(totals))
    if statistics.latency:
        yield ""
        yield from _latency_table(statistics, width)
    yield ""
    yield from _days_table(statistics.days, width)
    if statistics.models:
        yield ""
        yield from _models_table(statistics.models, width)


def _over(days: int | None) -> str:
    return "in all" if days is None else "today" if days == 1 else f"in the last {days} days"


def _endings(totals: Totals) -> str:
    parts = [
        f"{count:,} {word}"
        for count, word in (
            (totals.succeeded, "succeeded"),
            (totals.failed, "failed"),
            (totals.errors, "ended in an error"),
            (totals.interrupted, "interrupted"),
            (totals.unfinished, "unfinished"),
        )
        if count
    ]
    return f": {', '.join(parts)}." if parts else "."


def _success(totals: Totals) -> str:
    rate = totals.success_rate
    return "" if rate is None else f"{_percent(rate)} of the runs that were not interrupted"


def _percent(share: float) -> str:
    # Only what is all of it reads as 100 %.
    return "100 %" if share == 1 else f"{min(share * 100, 99.9):.1f} %"


def _cost_line(totals: Totals) -> str:
    lines = [f"{dollars(totals.cost_usd)} for Claude"]
    if totals.cloudflare_usd:
        lines.append(f"at most {dollars(totals.cloudflare_usd)} at Cloudflare, beyond what your plan includes")
    if totals.unpriced:
        lines.append(f"without {counted(totals.unpriced, 'run')} whose cost is not known")
    return "\n".join(lines)


_PHASE_NAMES = {
    "prompt": "prompt to answer",
    "program": "own program",
    "generation": "  generation",
    "boot": "  sandbox start",
    "execution": "  run",
}


def _latency_table(statistics: Statistics, width: int) -> list[str]:
    columns = [
        Column("  TIME"),
        Column("MEDIAN", "right"),
        Column("P95", "right", leaves=2),
        Column("LONGEST", "right", leaves=3),
        Column("RUNS", "right", leaves=1),
    ]
    rows = [
        [
            f"  {_PHASE_NAMES[phase]}",
            *(duration(value) for value in (summary.median, summary.p95, summary.max)),
            f"{summary.count:,}",
        ]
        for phase, summary in statistics.latency.items()
    ]
    return table(columns, rows, width)


def _days_table(days: Sequence[tuple[str, Totals]], width: int) -> list[str]:
    shown = days[-_MOST_DAYS:]
    largest = max(totals.runs for _, totals in shown)
    space = max(4, min(_LARGEST_BAR, width - 48))
    columns = [
        Column("  DAY"),
        Column("RUNS", "right"),
        Column("", leaves=2),
        Column("SUCCESS", "right", leaves=1),
        Column("COST", "right"),
    ]
    rows = [
        [f"  {day}", f"{totals.runs:,}", bar(totals.runs, largest, space), _rate(totals), dollars(totals.cost_usd)]
        for day, totals in shown
    ]
    left_out = len(days) - len(shown)
    return [*table(columns, rows, width), *([f"  and {counted(left_out, 'day')} before"] if left_out else [])]


def _models_table(models: Sequence[tuple[str, Totals]], width: int) -> list[str]:
    columns = [
        Column("  MODEL", least=12),
        Column("RUNS", "right"),
        Column("SUCCESS", "right"),
        Column("TOKENS IN", "right", leaves=1),
        Column("OUT", "right", leaves=2),
        Column("COST", "right"),
    ]
    rows = [
        [
            f"  {model}",
            f"{totals.runs:,}",
            _rate(totals),
            f"{totals.input_tokens:,}",
            f"{totals.output_tokens:,}",
            dollars(totals.cost_usd),
        ]
        for model, totals in models
    ]
    return table(columns, rows, width)


def _rate(totals: Totals) -> str:
    return "" if totals.success_rate is None else _percent(totals.success_rate)
