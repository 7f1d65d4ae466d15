"""Reports as lines for people: values in, styled text out. What came from a Worker is made harmless here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from cct_cloudflare.charts import bar, sparkline
from cct_cloudflare.displays import Span, Style
from cct_cloudflare.figures import Summary, summarize
from cct_cloudflare.monitor.health import Check, Worker
from cct_cloudflare.monitor.lines import LABEL_WIDTH, Line, fact
from cct_cloudflare.monitor.observe import Observation
from cct_cloudflare.monitor.phases import chart_lines, phases_of
from cct_cloudflare.monitor.report import Report, Totals
from cct_cloudflare.monitor.system import System
from cct_cloudflare.plain import plain_line
from cct_cloudflare.pricing import cost_of, dollars
from cct_cloudflare.receipt import verdict
from cct_cloudflare.sandbox.events import RunResult
from cct_cloudflare.wording import counted, duration, shown_path, size

_COLUMN_WIDTH = 10
_COLUMNS = ("min", "median", "p95", "max")
#: Which of them are left where a line has room for so many.
_FEWER = {0: ("median",), 1: ("median",), 2: ("median", "max"), 3: ("median", "p95", "max")}

#: A series of more runs is shown by its distribution.
_MOST_BARS = 20
_BINS = 10

#: How many names of saved files are told.
_MOST_NAMES = 5

#: How many checks of a watch are drawn.
HISTORY = 60


def worker_fact(worker: Worker) -> Line:
    told = f"  {_about(worker)}, answered in {duration(worker.latency_ms)}"
    return fact("Worker", (worker.url or "this machine", ""), (told, "dim"))


def _about(worker: Worker) -> str:
    health = worker.health
    parts = [plain_line(health.status), f"version {plain_line(health.version)}"]
    parts += [f"deployment {plain_line(health.deployment)}"] if health.deployment else []
    return ", ".join(parts)


def describe(report: Report, width: int) -> list[Line]:
    """The whole report, in lines of about `width` characters."""
    lines = [worker_fact(report.worker), _system_fact(report.system), []]
    runs = report.series.runs
    remote = report.worker.url is not None
    if len(runs) == 1:
        return [*lines, *describe_run(runs[0], width, remote=remote, demo=report.demo)]
    return [*lines, *_describe_series(runs, report.totals, width, remote=remote, demo=report.demo)]


def describe_run(run: Observation, width: int, *, remote: bool, demo: bool) -> list[Line]:
    result = run.result
    metrics = result.metrics
    mark: Span = ("✓ ", "good") if result.success else ("✗ ", "bad")
    total = "" if metrics.total_ms is None else f"  {duration(metrics.total_ms)}"
    lines: list[Line] = [[("  ", ""), mark, (verdict(result), "bold"), (total, "dim")], []]
    lines += chart_lines(phases_of(run), run.timeline.result or 0, width)
    lines.append([])
    if usage := result.usage:
        lines.append(fact("Tokens", (f"{usage.input_tokens:,} in, {usage.output_tokens:,} out", "")))
        lines.append(fact("Cost", (_cost([result], remote=remote, demo=demo), "")))
    lines.append(fact("Output", (_sizes(run), "")))
    if result.language != "web":
        peak = metrics.peak_memory_bytes
        lines.append(
            fact("Memory", ("not measured by this sandbox" if peak is None else f"{size(peak)} at its peak", ""))
        )
    model = "SCRIPTED MODEL" if demo else plain_line(result.model or "")
    lines.append(fact("Model", (model, "warn" if demo else "")))
    lines.append(fact("Where", (_where(result), "")))
    if run.saved is not None and run.saved.directory is not None:
        names = ", ".join(plain_line(file.path) for file in run.saved.saved[:_MOST_NAMES])
        more = len(run.saved.saved) - _MOST_NAMES
        names += f" and {more} more" if more > 0 else ""
        lines.append(fact("Saved", (plain_line(f"{shown_path(run.saved.directory)}/"), ""), (f"  {names}", "dim")))
    for file in result.refused_files:
        lines.append(fact("Refused", (f"{plain_line(file.path)}: it {plain_line(file.reason)}", "warn")))
    return lines


def _where(result: RunResult) -> str:
    if result.language == "web":
        return "a page: it runs in a browser, so no sandbox was used"
    sandbox = ": ".join(plain_line(part) for part in (result.sandbox, result.isolation) if part)
    return f"{plain_line(result.language or '')} in {sandbox}"


def _sizes(run: Observation) -> str:
    metrics = run.result.metrics
    files = f"{counted(len(run.result.files), 'file')} with {size(metrics.file_bytes or 0)}"
    return f"{size(metrics.stdout_bytes or 0)} on stdout, {size(metrics.stderr_bytes or 0)} on stderr, {files}"


def _cost(results: Sequence[RunResult], *, remote: bool, demo: bool) -> str:
    """Of all of them; what is not known of one is not known of all."""
    costs = [cost_of(result, remote=remote, demo=demo) for result in results]
    claude = [cost.claude for cost in costs if cost.claude is not None]
    cloudflare = sum(cost.cloudflare_at_most or 0 for cost in costs)
    told = "no cost" if demo else dollars(sum(claude)) if len(claude) == len(costs) else "price not known"
    return told + (f", and at most {dollars(cloudflare)} at Cloudflare beyond your plan" if cloudflare else "")


def _system_fact(system: System) -> Line:
    parts = [system.tool, system.runtime]
    parts += [f"workerd {system.workerd}"] if system.workerd else []
    parts += [f"{system.platform} {system.release} {system.arch}", f"{system.cpus} CPUs", size(system.memory_bytes)]
    return fact("System", (", ".join(parts), "dim"))


# Several runs

_ROWS = (
    ("Queue", "queueMs"),
    ("First token", "firstTokenMs"),
    ("Generation", "generationMs"),
    ("Sandbox", "bootMs"),
    ("Run", "executionMs"),
    ("Total", "totalMs"),
)


def _describe_series(
    runs: Sequence[Observation], totals: Totals, width: int, *, remote: bool, demo: bool
) -> list[Line]:
    results = [run.result for run in runs]
    names = _FEWER.get((width - LABEL_WIDTH - 2) // _COLUMN_WIDTH, _COLUMNS)
    style: Style = "good" if totals.succeeded == totals.runs else "bad"
    lines: list[Line] = [
        [("  ", ""), (f"{totals.succeeded} of {totals.runs} runs succeeded", style)],
        [],
        [(" " * (LABEL_WIDTH + 2) + "".join(f"{name:>{_COLUMN_WIDTH}}" for name in names), "dim")],
    ]
    known = [(label, of) for label, name in _ROWS if (of := totals.metrics[name]) is not None]
    largest = max((of.median for _, of in known), default=0)
    room = width - LABEL_WIDTH - 2 - len(names) * _COLUMN_WIDTH - 4
    for label, of in known:
        drawn = bar(of.median, largest, min(room, 24))
        lines.append([*_row(label, of, names, duration), (f"  {drawn}", "name")])
    if (speed := totals.metrics["tokensPerSecond"]) is not None:
        lines.append(_row("Tokens/s", speed, names, lambda value: f"{value:,.0f}"))
    if (memory := totals.metrics["peakMemoryBytes"]) is not None:
        lines.append(_row("Memory", memory, names, lambda value: size(round(value))))
    lines += [[], [("  Total of each run", "dim")]]
    lines += _total_bars([run.result.metrics.total_ms or 0 for run in runs], width)
    tokens = f"{totals.input_tokens:,} in, {totals.output_tokens:,} out"
    lines += [[], fact("Tokens", (tokens, "")), fact("Cost", (_cost(results, remote=remote, demo=demo), ""))]
    return lines


def _row(label: str, of: Summary, names: Sequence[str], shown: Callable[[float], str]) -> Line:
    values = dict(zip(_COLUMNS, _values(of), strict=True))
    cells = "".join(f"{shown(values[name]):>{_COLUMN_WIDTH}}" for name in names)
    return [(f"  {label:<{LABEL_WIDTH}}", "dim"), (cells, "")]


def _total_bars(totals: Sequence[float], width: int) -> Iterator[Line]:
    """A bar for each run in its order; for many, one for each of ten ranges of their totals."""
    room = max(10, min(width - 24, 60))
    if len(totals) <= _MOST_BARS:
        for number, total in enumerate(totals, 1):
            yield [(f"  {number:>4}  ", "dim"), (bar(total, max(totals), room), "name"), (f"  {duration(total)}", "")]
        return
    low, step = min(totals), (max(totals) - min(totals)) / _BINS
    counts = [0] * _BINS
    for total in totals:
        counts[min(int((total - low) / step), _BINS - 1) if step else 0] += 1
    for index, count in enumerate(counts):
        label = f"from {duration(low + index * step)}"
        yield [(f"  {label:<16}", "dim"), (bar(count, max(counts), room), "name"), (f"  {count}", "")]


# A watch


def check_line(check: Check) -> Line:
    """One check on one line."""
    at: Span = (f"{check.at.astimezone():%H:%M:%S}  ", "dim")
    if check.worker is None:
        return [at, ("down  ", "bad"), (plain_line(check.error.message if check.error else ""), "")]
    return [at, ("up    ", "good"), (f"{duration(check.worker.latency_ms):>8}  ", ""), (_about(check.worker), "dim")]


def watch_lines(checks: Sequence[Check]) -> list[Line]:
    """The last check, the latencies before it, and what they come to."""
    if not checks:
        return []
    last = checks[-1]
    lines = [fact("Worker", (last.url or "this machine", "")), fact("Last check", *check_line(last))]
    lines.append(fact("Latency", (sparkline([check.latency_ms for check in checks[-HISTORY:]]), "name")))
    latencies = [check.latency_ms for check in checks if check.latency_ms is not None]
    if of := summarize(latencies):
        told = [f"{name} {duration(value)}" for name, value in zip(_COLUMNS, _values(of), strict=True)]
        lines.append(fact("", (", ".join(told), "")))
    up = sum(check.worker is not None for check in checks)
    style: Style = "good" if up == len(checks) else "bad"
    lines.append(fact("Up", (f"{up} of {len(checks)} checks", style)))
    if last.worker is None:
        since = _down_until_now(checks)[0]
        lines.append(fact("Down since", (f"{since.at.astimezone():%H:%M:%S}", "bad")))
    return lines


def _values(of: Summary) -> tuple[float, float, float, float]:
    return of.min, of.median, of.p95, of.max


def _down_until_now(checks: Sequence[Check]) -> list[Check]:
    """The checks since the last one that was answered."""
    last_up = max((index for index, check in enumerate(checks) if check.worker is not None), default=-1)
    return list(checks[last_up + 1 :])
