"""A run of the history becomes a request again: the same words, whatever has changed since."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from cct_cloudflare import pricing
from cct_cloudflare.components.model import Kind
from cct_cloudflare.components.prompt import MergedPrompt
from cct_cloudflare.errors import CctError, UsageError
from cct_cloudflare.history.asking import component_hash
from cct_cloudflare.history.record import KeptFile, RunRecord, UsedComponent
from cct_cloudflare.named import Named
from cct_cloudflare.run import RunPlan
from cct_cloudflare.sandbox.client import ExecuteRequest
from cct_cloudflare.sandbox.program import Program, ProgramFile

_WHAT_WAS_KEPT = "cct history show tells what was kept of it."


def plan_again(
    record: RunRecord,
    project: Path,
    *,
    model: str | None = None,
    language: str | None = None,
    timeout_ms: int | None = None,
    max_tokens: int | None = None,
    sandbox: str | None = None,
) -> RunPlan:
    """Question and system text as they were sent then, with the options of then unless others are given.

    Its warnings tell which components say something else by now. Raises UsageError (`run_incomplete`) for a run that
    asked no model.
    """
    if record.question is None:
        raise UsageError(
            f"Run {record.summary.id} asked no model, so there is no prompt to send again.",
            hint=_WHAT_WAS_KEPT,
            code="run_incomplete",
        )
    asked = record.request
    request = ExecuteRequest(
        question=record.question,
        system=record.system,
        language=language or asked.get("language"),
        max_tokens=max_tokens or asked.get("maxTokens"),
        timeout_ms=timeout_ms or asked.get("timeout"),
        model=pricing.resolve_model(model) if model else asked.get("model"),
        sandbox=sandbox or asked.get("sandbox"),
    )
    warnings = [*_redacted(record), *_elsewhere(record), *changed_components(record.components, project)]
    merged = MergedPrompt(record.system, record.question, request.model, (), (), tuple(warnings))
    return RunPlan(merged, request, request.model, record.prompt or record.question, record.components)


def program_again(record: RunRecord) -> Program:
    """The program that ran. Raises UsageError (`run_incomplete`) when not all of it was kept."""
    missing = [file.path for file in record.program if file.content is None]
    if missing or not record.program or not record.entrypoint:
        what = f"{', '.join(missing)} was too large to keep" if missing else "the run ended before it was complete"
        raise UsageError(
            f"The program of run {record.summary.id} is not there: {what}.", hint=_WHAT_WAS_KEPT, code="run_incomplete"
        )
    language = record.summary.language or ""
    return Program(language, record.entrypoint, kept_files(record.program))


def kept_files(files: Sequence[KeptFile]) -> tuple[ProgramFile, ...]:
    """Those whose content was kept."""
    return tuple(ProgramFile(file.path, file.content, file.encoding) for file in files if file.content is not None)


def changed_components(components: Sequence[UsedComponent], project: Path) -> Iterator[str]:
    """A sentence for each component whose file has other bytes now, or is no longer there."""
    for used in components:
        try:
            hash_now = _hash_now(Kind(used.kind), used.name, project)
        except (CctError, ValueError):
            yield f"{used.kind} {used.name} is no longer there; what it said then is sent"
            continue
        if used.sha256 is not None and hash_now != used.sha256:
            yield f"{used.kind} {used.name} has changed since; what it said then is sent"


def _hash_now(kind: Kind, name: str, project: Path) -> str | None:
    named = Named(project)
    if kind not in (Kind.AGENT, Kind.COMMAND):
        [package] = named.packages([(kind, name)])
        return package.digest
    [found] = named.components([name], kind)
    return component_hash(found)


def _elsewhere(record: RunRecord) -> Iterator[str]:
    if url := record.details.get("apiUrl"):
        yield f"Claude was asked at {url} then, as a component said; to ask there again, set ANTHROPIC_BASE_URL"


def _redacted(record: RunRecord) -> Iterator[str]:
    if record.details.get("redacted"):
        yield "a key or token was taken out of this run when it was kept; [redacted] stands in its place"
