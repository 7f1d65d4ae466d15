"""The history in words: values in, lines for people out, all of them safe for a terminal. Nothing here prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from cct_cloudflare.history.record import KeptFile, KeptText, RunRecord, RunSummary
from cct_cloudflare.plain import plain, plain_line
from cct_cloudflare.pricing import dollars
from cct_cloudflare.tables import Column, table
from cct_cloudflare.wording import duration

#: What to type to have a first run.
FIRST_RUN = 'cct --sandbox cloudflare --demo --prompt "What is the 10th Fibonacci number?"'

_KINDS = {"execute": "prompt", "run": "own program", "monitor": "prompt, measured", "direct": "prompt, not run"}
_LABEL_WIDTH = 10
_MAX_LINES = 200


def runs_table(runs: Sequence[RunSummary], width: int | None) -> list[str]:
    """The list: one line for each run."""
    columns = [
        Column("ID"),
        Column("WHEN", leaves=3),
        Column("RESULT", least=8),
        Column("TIME", "right", leaves=2),
        Column("COST", "right", leaves=1),
        Column("WHAT", least=15),
    ]
    rows = [
        [
            run.id,
            _when(run.started),
            result_of(run),
            "" if _time(run) is None else duration(_time(run) or 0),
            _cost(run),
            run.title or "(empty)",
        ]
        for run in runs
    ]
    return table(columns, rows, width)


def result_of(run: RunSummary) -> str:
    """How it ended, in a word: the code of the error where there is one."""
    if run.status == "succeeded":
        return "ok"
    if run.status == "running":
        return "unfinished"
    if run.exit_code == 7 and run.error_code is None:
        return "refused"
    return run.error_code or run.status


def _time(run: RunSummary) -> float | None:
    return run.total_ms if run.total_ms is not None else run.elapsed_ms


def _cost(run: RunSummary) -> str:
    if run.demo:
        return "demo"
    if run.cost_usd is None:
        return "" if run.kind == "run" else "?"
    return "" if run.kind == "run" and not run.cost_usd else dollars(run.cost_usd)


def _when(started: datetime) -> str:
    """To the minute within this year, to the day before it."""
    this_year = started.astimezone().year == datetime.now().astimezone().year
    return _local(started, "%b %d %H:%M" if this_year else "%Y-%m-%d")


def _local(when: datetime, form: str) -> str:
    return when.astimezone().strftime(form)


# One run


def run_lines(record: RunRecord) -> Iterator[str]:
    """All that a person wants to see of one run."""
    run = record.summary
    yield f"Run {run.id}: {result_of(run)}"
    for label, value in _facts(record):
        yield from fact(label, value)
    if record.prompt is not None:
        yield from _section("Prompt", KeptText(text=record.prompt))
    for file in record.program:
        yield from _file(file)
    for file in record.written:
        yield f"\n{plain_line(file.path)}  {file.bytes:,} bytes, written by the program and not saved"
    yield from _section("Output", record.output)
    yield from _section("Error", record.error)


def _facts(record: RunRecord) -> Iterator[tuple[str, str]]:
    run, details = record.summary, record.details
    time = _time(run)
    yield "When", _local(run.started, "%Y-%m-%d %H:%M:%S %Z") + ("" if time is None else f", {duration(time)}")
    yield "Kind", _KINDS.get(run.kind, run.kind)
    yield "Where", run.place + (", with the scripted model (demo)" if run.demo else "")
    yield "Project", str(details.get("project") or "")
    yield (
        "Components",
        "\n".join(
            f"{used.kind} {used.name} ({used.source})  sha256 {used.sha256[:16] + '…' if used.sha256 else 'not known'}"
            for used in record.components
        ),
    )
    yield "Model", _model(run)
    yield "Asked at", str(details.get("apiUrl") or "")
    yield "Asked for", _options(record.request)
    yield "Phases", _phases(details.get("metrics") or {})
    yield "Sandbox", ": ".join(str(details[name]) for name in ("sandbox", "isolation") if details.get(name))
    yield "Exit code", "" if run.exit_code is None else str(run.exit_code)
    yield "Refused", "\n".join(f"{file['path']}: it {file['reason']}" for file in details.get("refusedFiles", ()))
    yield "Saved", str(details.get("outputDirectory") or "")
    if run.cloudflare_usd is not None:
        yield "Cost", f"at most {dollars(run.cloudflare_usd)} at Cloudflare, beyond what your plan includes"
    if details.get("redacted"):
        yield "Note", "a key or token was taken out; [redacted] stands in its place"


def _model(run: RunSummary) -> str:
    parts = [run.model] if run.model else []
    if run.input_tokens is not None:
        parts.append(f"{run.input_tokens:,} tokens in, {run.output_tokens or 0:,} out")
    if parts and run.kind != "run":
        cost = "price not known" if run.cost_usd is None else dollars(run.cost_usd)
        parts.append("no cost" if run.demo else cost)
    return ", ".join(parts)


def _options(request: Any) -> str:
    told = {
        "model": "model {}",
        "language": "{}",
        "maxTokens": "at most {} tokens",
        "sandbox": "sandbox {}",
    }
    parts = [form.format(request[name]) for name, form in told.items() if request.get(name) is not None]
    if request.get("timeout") is not None:
        parts.append(f"at most {duration(request['timeout'])}")
    return ", ".join(parts)


def _phases(metrics: Any) -> str:
    names = {"queueMs": "queue", "generationMs": "generation", "bootMs": "sandbox", "executionMs": "run"}
    told = [(name, metrics.get(key)) for key, name in names.items()]
    return ", ".join(f"{name} {duration(ms)}" for name, ms in told if ms)


def fact(label: str, value: str) -> Iterator[str]:
    """A label and its value, which may have several lines; nothing for an empty one."""
    lines = [plain_line(line) for line in value.split("\n")] if value else []
    for index, line in enumerate(lines):
        yield f"  {label if index == 0 else '':<{_LABEL_WIDTH}} {line}"


def _file(file: KeptFile) -> Iterator[str]:
    yield f"\n{plain_line(file.path)}"
    if file.content is None:
        yield f"  ({file.bytes:,} bytes, too large to keep)"
    elif file.encoding == "base64":
        yield f"  ({file.bytes:,} bytes, not text)"
    else:
        yield from _barred(file.content)


def _barred(text: str) -> Iterator[str]:
    """Each line behind a bar, as a run shows it."""
    lines = plain(text).expandtabs(4).splitlines()
    for line in lines[:_MAX_LINES]:
        yield f"  │ {line}".rstrip()
    if len(lines) > _MAX_LINES:
        yield f"  and {len(lines) - _MAX_LINES:,} more lines; --save FOLDER writes the whole file, --json shows it"


def _section(heading: str, kept: KeptText) -> Iterator[str]:
    if not kept.text.strip():
        return
    yield f"\n{heading}"
    lines = plain(kept.text).expandtabs(4).splitlines()
    for line in lines[:_MAX_LINES]:
        yield f"  {line}".rstrip()
    if len(lines) > _MAX_LINES:
        yield f"  … {len(lines) - _MAX_LINES:,} more lines; --json shows all that was kept"
    if kept.cut:
        yield "  … what followed was too long to keep"
