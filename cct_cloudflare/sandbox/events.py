"""What a Worker tells while it serves a prompt, as typed values.

`docs/architecture.md` describes the stream: any number of events, then exactly one `result` or `error`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from cct_cloudflare.errors import Exit, WorkerError, exit_for
from cct_cloudflare.sandbox.hints import OWN_HINTS
from cct_cloudflare.sandbox.program import ProgramFile, RefusedFile
from cct_cloudflare.sandbox.wire import Fields, invalid

_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")


@dataclass(frozen=True, slots=True)
class Started:
    """The request is in. What is not known yet is None; `isolation` is a line for people."""

    sandbox_id: str
    sandbox: str
    isolation: str
    model: str | None
    language: str | None
    timeout_ms: int | None


@dataclass(frozen=True, slots=True)
class Generation:
    """A piece of a file's text, as Claude writes it."""

    path: str
    delta: str


@dataclass(frozen=True, slots=True)
class Booted:
    """The sandbox is up; `ms` is what its start took, `spare` whether a booted one was waiting.

    `queue_ms` went by before the start, while too many others were running.
    """

    ms: float
    spare: bool
    queue_ms: float = 0


@dataclass(frozen=True, slots=True)
class AnnouncedFile:
    path: str
    bytes: int


@dataclass(frozen=True, slots=True)
class ProgramReady:
    """The program is complete and about to run."""

    language: str
    entrypoint: str
    files: tuple[AnnouncedFile, ...]
    refused_files: tuple[RefusedFile, ...]


@dataclass(frozen=True, slots=True)
class Attempt:
    number: int
    of: int


@dataclass(frozen=True, slots=True)
class Output:
    """A piece of what the program printed, as it came; it may hold control sequences."""

    stream: Literal["stdout", "stderr"]
    text: str


@dataclass(frozen=True, slots=True)
class FileWritten:
    """The program wrote a file; its content comes with the result."""

    path: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Usage:
    input_tokens: int
    output_tokens: int
    cost_usd: float | None


@dataclass(frozen=True, slots=True)
class Metrics:
    """Milliseconds and bytes, as `src/api.ts` describes them; None where there was no such phase or nobody measured.

    Phases overlap: a sandbox starts while Claude still writes. `spare` tells that one was waiting already.
    """

    generation_ms: float | None = None
    boot_ms: float | None = None
    execution_ms: float | None = None
    total_ms: float | None = None
    peak_memory_bytes: int | None = None
    queue_ms: float | None = None
    first_token_ms: float | None = None
    tokens_per_second: float | None = None
    spare: bool | None = None
    stdout_bytes: int | None = None
    stderr_bytes: int | None = None
    file_bytes: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The same with the Worker's names, in its order."""
        return {
            "queueMs": self.queue_ms,
            "firstTokenMs": self.first_token_ms,
            "generationMs": self.generation_ms,
            "tokensPerSecond": self.tokens_per_second,
            "bootMs": self.boot_ms,
            "spare": self.spare,
            "executionMs": self.execution_ms,
            "totalMs": self.total_ms,
            "peakMemoryBytes": self.peak_memory_bytes,
            "stdoutBytes": self.stdout_bytes,
            "stderrBytes": self.stderr_bytes,
            "fileBytes": self.file_bytes,
        }


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended: the JSON answer of `/execute` and `/run`.

    `code` is the entrypoint's text, `output` the exact stdout, `error` text for people, `error_code` the machine's
    word or None, `program_exit_code` the program's own status (None when it had none). `execution_time` is in
    milliseconds. `exit_code` is cct's.
    """

    success: bool
    output: str
    sandbox_id: str
    question: str | None = None
    code: str | None = None
    error: str | None = None
    error_code: str | None = None
    program_exit_code: int | None = None
    language: str | None = None
    files: tuple[ProgramFile, ...] = ()
    refused_files: tuple[RefusedFile, ...] = ()
    sandbox: str | None = None
    isolation: str | None = None
    model: str | None = None
    attempts: int | None = None
    execution_time: float | None = None
    usage: Usage | None = None
    metrics: Metrics = Metrics()
    truncated: bool = False
    output_lossy: bool = False
    output_may_be_incomplete: bool = False
    #: False for a program that was only written and saved (`--direct`); a Worker runs every one.
    ran: bool = True

    @property
    def exit_code(self) -> Exit:
        """A refused file outweighs how the program ended: somebody has to look at it."""
        if self.refused_files:
            return Exit.UNSAFE
        if self.success:
            return Exit.OK
        limit = self.error_code is not None and exit_for(self.error_code) is Exit.LIMIT
        return Exit.LIMIT if limit else Exit.PROGRAM_FAILED

    def with_refused(self, files: Sequence[RefusedFile]) -> RunResult:
        """The same result after this side refused `files` too; a path that is listed already is not listed twice."""
        known = {file.path for file in self.refused_files}
        more = tuple(file for file in files if file.path not in known)
        return dataclasses.replace(self, refused_files=self.refused_files + more)

    def to_json(self) -> dict[str, Any]:
        """The JSON answer again, with the Worker's names."""
        usage = self.usage and {
            "inputTokens": self.usage.input_tokens,
            "outputTokens": self.usage.output_tokens,
            "costUsd": self.usage.cost_usd,
        }
        return {
            "success": self.success,
            "question": self.question,
            "code": self.code,
            "output": self.output,
            "error": self.error,
            "errorCode": self.error_code,
            "exitCode": self.program_exit_code,
            "language": self.language,
            "files": [file.to_json() for file in self.files],
            "refusedFiles": [file.to_json() for file in self.refused_files],
            "sandboxId": self.sandbox_id,
            "sandbox": self.sandbox,
            "isolation": self.isolation,
            "model": self.model,
            "attempts": self.attempts,
            "executionTime": self.execution_time,
            "usage": usage,
            "metrics": self.metrics.to_json(),
            "truncated": self.truncated,
            "outputLossy": self.output_lossy,
            "outputMayBeIncomplete": self.output_may_be_incomplete,
            **({} if self.ran else {"ran": False}),
        }


Event = Started | Generation | Booted | ProgramReady | Attempt | Output | FileWritten | RunResult


def parse_event(name: str, data: str) -> Event | None:
    """The event that `name` and its JSON say; None for a name that this version does not know.

    Raises the WorkerError that an `error` event carries, and WorkerError (`worker_invalid`) for a known event
    that is not what the contract says.
    """
    if name == "error":
        raise parse_error(Fields.parse(data, 'the event "error"'))
    parser = _PARSERS.get(name)
    return parser(Fields.parse(data, f'the event "{name}"')) if parser else None


def parse_error(body: Fields) -> WorkerError:
    """The error that a Worker's error object stands for; it keeps code and `retryable`, and its hint where that is one
    for the command line, too."""
    code = body.text("errorCode")
    if not _CODE.match(code):
        invalid("its error has no usable code")
    hint = OWN_HINTS.get(code, body.text("hint", ""))
    return WorkerError(body.text("error"), hint=hint, code=code, retryable=body.flag("retryable", default=False))


def parse_result(body: Fields) -> RunResult:
    metrics, usage = body.maybe_object("metrics"), body.maybe_object("usage")
    return RunResult(
        success=body.flag("success"),
        output=body.text("output"),
        sandbox_id=body.text("sandboxId"),
        question=body.maybe_text("question"),
        code=body.maybe_text("code"),
        error=body.maybe_text("error"),
        error_code=body.maybe_text("errorCode"),
        program_exit_code=body.maybe_integer("exitCode"),
        language=body.maybe_text("language"),
        files=tuple(_program_file(file) for file in body.objects("files")),
        refused_files=_refused_files(body),
        sandbox=body.maybe_text("sandbox"),
        isolation=body.maybe_text("isolation"),
        model=body.maybe_text("model"),
        attempts=body.maybe_count("attempts"),
        execution_time=body.maybe_number("executionTime"),
        usage=_usage(usage) if usage else None,
        metrics=_metrics(metrics) if metrics else Metrics(),
        truncated=body.flag("truncated", default=False),
        output_lossy=body.flag("outputLossy", default=False),
        output_may_be_incomplete=body.flag("outputMayBeIncomplete", default=False),
    )


def _started(body: Fields) -> Started:
    return Started(
        sandbox_id=body.text("sandboxId"),
        sandbox=body.text("sandbox"),
        isolation=body.text("isolation", ""),
        model=body.maybe_text("model"),
        language=body.maybe_text("language"),
        timeout_ms=body.maybe_count("timeoutMs"),
    )


def _program_ready(body: Fields) -> ProgramReady:
    return ProgramReady(
        language=body.text("language"),
        entrypoint=body.text("entrypoint"),
        files=tuple(AnnouncedFile(file.text("path"), file.count("bytes")) for file in body.objects("files")),
        refused_files=_refused_files(body),
    )


def _refused_files(body: Fields) -> tuple[RefusedFile, ...]:
    return tuple(RefusedFile(file.text("path"), file.text("reason")) for file in body.objects("refusedFiles"))


def _program_file(body: Fields) -> ProgramFile:
    path, content, encoding = body.text("path"), body.text("content"), body.maybe_text("encoding")
    if encoding == "base64":
        return ProgramFile(path, content, "base64")
    if encoding not in (None, "utf8"):
        invalid("a file has an encoding that is neither utf8 nor base64")
    return ProgramFile(path, content)


def _usage(body: Fields) -> Usage:
    return Usage(body.count("inputTokens"), body.count("outputTokens"), body.maybe_number("costUsd"))


def _metrics(body: Fields) -> Metrics:
    return Metrics(
        generation_ms=body.maybe_number("generationMs"),
        boot_ms=body.maybe_number("bootMs"),
        execution_ms=body.maybe_number("executionMs"),
        total_ms=body.maybe_number("totalMs"),
        peak_memory_bytes=body.maybe_count("peakMemoryBytes"),
        queue_ms=body.maybe_number("queueMs"),
        first_token_ms=body.maybe_number("firstTokenMs"),
        tokens_per_second=body.maybe_number("tokensPerSecond"),
        spare=body.flag("spare") if body.has("spare") else None,
        stdout_bytes=body.maybe_count("stdoutBytes"),
        stderr_bytes=body.maybe_count("stderrBytes"),
        file_bytes=body.maybe_count("fileBytes"),
    )


_PARSERS: Mapping[str, Callable[[Fields], Event]] = {
    "started": _started,
    "generation": lambda body: Generation(body.text("path"), body.text("delta")),
    "boot": lambda body: Booted(
        body.number("ms"), body.flag("spare", default=False), body.number("queueMs", default=0)
    ),
    "program": _program_ready,
    "attempt": lambda body: Attempt(body.count("number"), body.count("of")),
    "stdout": lambda body: Output("stdout", body.text("text")),
    "stderr": lambda body: Output("stderr", body.text("text")),
    "file": lambda body: FileWritten(body.text("path"), body.count("bytes")),
    "result": parse_result,
}
