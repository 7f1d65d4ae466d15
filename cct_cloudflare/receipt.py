"""What is said at the end of a run: values in, lines for people out. Nothing here prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cct_cloudflare.errors import Exit
from cct_cloudflare.plain import plain_line
from cct_cloudflare.sandbox.events import Booted, RunResult
from cct_cloudflare.sandbox.outputs import SavedFiles

MAX_LISTED = 20


@dataclass(frozen=True, slots=True)
class Receipt:
    """`facts` are (label, lines), safe for a terminal. `succeeded` is the program's part, `ok` the whole run's."""

    ok: bool
    succeeded: bool
    verdict: str
    total_ms: float | None
    facts: tuple[tuple[str, tuple[str, ...]], ...]


def make_receipt(result: RunResult, saved: SavedFiles, *, boot: Booted | None = None, demo: bool = False) -> Receipt:
    """The receipt of a run. `result` already counts the files that this side refused; `boot` is its last boot event."""
    facts = [
        ("Time", _time(result, boot)),
        ("Model", _model(result, demo)),
        ("Sandbox", _sandbox(result)),
        ("Saved", _saved(saved)),
        (
            "Refused",
            _listed([f"{plain_line(file.path)}: it {plain_line(file.reason)}" for file in result.refused_files]),
        ),
        ("Note", tuple(_notes(result))),
    ]
    return Receipt(
        ok=result.exit_code is Exit.OK,
        succeeded=result.success,
        verdict=verdict(result),
        total_ms=result.metrics.total_ms,
        facts=tuple((label, lines) for label, lines in facts if lines),
    )


def verdict(result: RunResult) -> str:
    """One sentence about how the run ended."""
    if result.success and result.language == "web":
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
    count = len(result.refused_files)
    return f"{how}; {count} {'file was' if count == 1 else 'files were'} refused as unsafe."


def duration(ms: float) -> str:
    if ms < 999.5:
        return f"{ms:.0f} ms"
    seconds = ms / 1000
    return f"{seconds:.2f} s" if seconds < 9.995 else f"{seconds:.1f} s"


def size(count: int) -> str:
    if count < 1000:
        return f"{count} B"
    value, unit = (count / 1e3, "kB") if count < 999_500 else (count / 1e6, "MB")
    return f"{value:.1f} {unit}" if value < 99.95 else f"{value:.0f} {unit}"


def _time(result: RunResult, boot: Booted | None) -> tuple[str, ...]:
    metrics = result.metrics
    asked = result.question is not None
    ran = result.language != "web"
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
            parts.append(f"${usage.cost_usd:.4f}" if usage.cost_usd >= 0.0001 else "less than $0.0001")
        else:
            parts.append("price not known")
    return (", ".join(parts),)


def _sandbox(result: RunResult) -> tuple[str, ...]:
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


def _saved(saved: SavedFiles) -> tuple[str, ...]:
    if saved.directory is None:
        return ()
    files = [
        f"  {plain_line(file.path)}  {size(file.bytes)}" + ("" if file.status == "new" else f", {file.status}")
        for file in saved.saved
    ]
    return (plain_line(f"{shown_path(saved.directory)}/"), *_listed(files))


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


def shown_path(path: Path) -> str:
    """Relative where that is shorter to read: below the current folder."""
    try:
        return str(path.relative_to(Path.cwd().resolve()))
    except ValueError:
        return str(path)
