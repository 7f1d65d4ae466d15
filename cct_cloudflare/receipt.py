"""What is said at the end of a run: values in, lines for people out. Nothing here prints."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cct_cloudflare.errors import CctError, Exit
from cct_cloudflare.plain import plain_line
from cct_cloudflare.pricing import RunCost, dollars
from cct_cloudflare.sandbox.events import Booted, RunResult
from cct_cloudflare.sandbox.outputs import SavedFiles
from cct_cloudflare.wording import counted, duration, shown_path, size

MAX_LISTED = 20


@dataclass(frozen=True, slots=True)
class Receipt:
    """`facts` are (label, lines), safe for a terminal. `succeeded` is the program's part, `ok` the whole run's."""

    ok: bool
    succeeded: bool
    verdict: str
    total_ms: float | None
    facts: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Closing:
    """What this side adds to a result: its cost, its name in the history, and why its files were not saved."""

    cost: RunCost | None = None
    history_id: str | None = None
    error: CctError | None = None


def make_receipt(
    result: RunResult,
    saved: SavedFiles,
    *,
    boot: Booted | None = None,
    demo: bool = False,
    closing: Closing | None = None,
) -> Receipt:
    """The receipt of a run. `result` already counts the files that this side refused; `boot` is its last boot event."""
    closing = closing or Closing()
    facts = [
        ("Time", _time(result, boot)),
        ("Model", _model(result, demo)),
        ("Cost", _cost(closing.cost)),
        ("Sandbox", _sandbox(result)),
        ("Saved", saved_lines(saved)),
        ("Next", _next(result, saved)),
        (
            "Refused",
            _listed([f"{plain_line(file.path)}: it {plain_line(file.reason)}" for file in result.refused_files]),
        ),
        ("Note", tuple(_notes(result))),
        ("History", _history(closing)),
    ]
    return Receipt(
        ok=result.exit_code is Exit.OK and closing.error is None,
        succeeded=result.success,
        verdict=verdict(result),
        total_ms=result.metrics.total_ms,
        facts=tuple((label, lines) for label, lines in facts if lines),
    )


def verdict(result: RunResult) -> str:
    """One sentence about how the run ended."""
    if not result.ran:
        how = "The program was written; it was not run"
    elif result.success and result.language == "web":
        how = "The page is ready"
    elif result.success:
        how = "The program succeeded"
    elif result.error_code == "program_failed" and result.program_exit_code is not None:
        how = f"The program failed with status {result.program_exit_code}"
    else:
        # The Worker's sentence stands before what the program wrote to stderr, if it wrote anything.
        first = plain_line((result.error or "").strip().partition("\n")[0])
        how = first.rstrip(".") or "The program failed"
    if not result.refused_files:
        return f"{how}."
    refused = counted(len(result.refused_files), "file was", "files were")
    return f"{how}; {refused} refused as unsafe."


def _time(result: RunResult, boot: Booted | None) -> tuple[str, ...]:
    metrics = result.metrics
    asked = result.question is not None
    ran = result.ran and result.language != "web"
    waiting = " (started ahead)" if boot is not None and boot.spare else ""
    phases = [
        ("generation", metrics.generation_ms if asked else None, ""),
        ("sandbox", metrics.boot_ms if ran else None, waiting),
        ("run", metrics.execution_ms if ran else None, ""),
    ]
    told = [f"{name} {duration(ms)}{note}" for name, ms, note in phases if ms is not None]
    return (", ".join(told),) if told else ()


def _model(result: RunResult, demo: bool) -> tuple[str, ...]:
    if result.model is None:
        return ()
    parts = ["SCRIPTED MODEL" if demo else plain_line(result.model)]
    if usage := result.usage:
        parts.append(f"{usage.input_tokens:,} tokens in, {usage.output_tokens:,} out")
        if demo:
            parts.append("no cost")
        elif usage.cost_usd is not None:
            parts.append(dollars(usage.cost_usd))
        else:
            parts.append("price not known")
    return (", ".join(parts),)


def _cost(cost: RunCost | None) -> tuple[str, ...]:
    """Cloudflare's part alone: Claude's stands with its tokens."""
    if cost is None or cost.cloudflare_at_most is None:
        return ()
    return (f"at most {dollars(cost.cloudflare_at_most)} at Cloudflare, beyond what your plan includes",)


def _history(closing: Closing) -> tuple[str, ...]:
    if closing.history_id is None:
        return ()
    how = f"cct history show {closing.history_id}"
    return (f"{how} --save FOLDER  writes what could not be saved" if closing.error else how,)


def _sandbox(result: RunResult) -> tuple[str, ...]:
    if not result.ran:
        return ("not used: with --direct nothing runs",)
    if not result.sandbox:
        return ()
    if result.language == "web":
        return ("not used: a page runs in a browser",)
    line = plain_line(result.sandbox)
    if result.isolation:
        line += f": {plain_line(result.isolation)}"
    lines = [line]
    if peak := result.metrics.peak_memory_bytes:
        lines.append(f"{size(peak)} of memory at its peak")
    return tuple(lines)


def saved_lines(saved: SavedFiles) -> tuple[str, ...]:
    """Where the files are, and which."""
    if saved.directory is None:
        return ()
    files = [
        f"  {plain_line(file.path)}  {size(file.bytes)}" + ("" if file.status == "new" else f", {file.status}")
        for file in saved.saved
    ]
    return (plain_line(f"{shown_path(saved.directory)}/"), *_listed(files))


def _next(result: RunResult, saved: SavedFiles) -> tuple[str, ...]:
    """How to run in a sandbox what was only saved; the file that starts comes first."""
    if result.ran or saved.directory is None or result.language == "web" or len(saved.saved) > MAX_LISTED:
        return ()
    paths = [f"{shown_path(saved.directory)}/{file.path}" for file in saved.saved]
    return (plain_line(shlex.join(["cct", "run", *paths])),)


def _listed(lines: Sequence[str]) -> tuple[str, ...]:
    if len(lines) <= MAX_LISTED:
        return tuple(lines)
    return (*lines[:MAX_LISTED], f"  and {len(lines) - MAX_LISTED} more")


def _notes(result: RunResult) -> Iterator[str]:
    if result.truncated:
        yield "The output or the files passed a limit; the rest was dropped (truncated)."
    if result.output_may_be_incomplete:
        yield "The program was stopped; what it printed last may be missing (outputMayBeIncomplete)."
    if result.output_lossy:
        yield "The output was not all UTF-8; some bytes show as \N{REPLACEMENT CHARACTER} (outputLossy)."
