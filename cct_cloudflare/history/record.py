"""What the history knows of a run, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from cct_cloudflare.errors import CctError
    from cct_cloudflare.pricing import RunCost
    from cct_cloudflare.sandbox.client import ExecuteRequest
    from cct_cloudflare.sandbox.events import RunResult
    from cct_cloudflare.sandbox.outputs import SavedFiles
    from cct_cloudflare.sandbox.program import Program

#: What was done: a prompt, a program of one's own, a prompt that was measured, a prompt without a sandbox.
Kind = Literal["execute", "run", "monitor", "direct"]

#: How it ended. `failed` has a result that is no success, `error` has no result, or one whose files were not saved;
#: `running` is also what a run stays whose cct was killed.
Status = Literal["running", "succeeded", "failed", "error", "interrupted"]

THIS_MACHINE = "this machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedComponent:
    """A component; `sha256` is of its file's bytes, None where the file was gone by then.

    Of a skill, setting, hook or MCP server it is the digest of the package, all of its files.
    """

    kind: str
    name: str
    source: str
    sha256: str | None

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "name": self.name, "source": self.source, "sha256": self.sha256}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is known of a run before anything is sent.

    `place` is a Worker's origin or "this machine", `worker_url` the Worker's whole address. `prompt` is as it was
    typed, `request` what is sent for it; a run of one's own program has a `program` instead, with its own `timeout_ms`
    and `sandbox`. No secret belongs here but in `secrets`: those texts are taken out of everything that is kept.
    """

    kind: Kind
    project: Path
    place: str = THIS_MACHINE
    worker_url: str | None = None
    demo: bool = False
    prompt: str | None = None
    request: ExecuteRequest | None = None
    program: Program | None = None
    timeout_ms: int | None = None
    sandbox: str | None = None
    components: tuple[UsedComponent, ...] = ()
    #: Where Claude's API was, when a component said so.
    api_url: str | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended, with all that had come by then.

    `program` is what Claude wrote, as far as it came; `output` what was printed until a run without `result` ended.
    `elapsed_ms` is the time as it was waited for here.
    """

    status: Status
    elapsed_ms: float
    result: RunResult | None = None
    saved: SavedFiles | None = None
    error: CctError | None = None
    exit_code: int | None = None
    model: str | None = None
    sandbox: str | None = None
    sandbox_id: str | None = None
    program: Program | None = None
    output: str = ""
    cost: RunCost | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """One line of the list. Times are in milliseconds, costs in US dollars; None is what is not known.

    `title` is the beginning of the prompt, or the names of the program's files, on one line that is safe to print.
    """

    id: str
    started: datetime
    kind: Kind
    place: str
    demo: bool
    status: Status
    title: str
    error_code: str | None
    exit_code: int | None
    model: str | None
    language: str | None
    elapsed_ms: float | None
    total_ms: float | None
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    cloudflare_usd: float | None

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "started": self.started.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "kind": self.kind,
            "place": self.place,
            "demo": self.demo,
            "status": self.status,
            "title": self.title,
            "errorCode": self.error_code,
            "exitCode": self.exit_code,
            "model": self.model,
            "language": self.language,
            "elapsedMs": self.elapsed_ms,
            "totalMs": self.total_ms,
            "usage": None
            if self.input_tokens is None
            else {"inputTokens": self.input_tokens, "outputTokens": self.output_tokens},
            "cost": {"claudeUsd": self.cost_usd, "cloudflareUsdAtMost": self.cloudflare_usd},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptText:
    """A text of a run; `cut` tells that only its beginning was kept."""

    text: str
    cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    """A file of a run. `content` is None for one that was too large to keep; `encoding` is utf8 or base64."""

    path: str
    bytes: int
    content: str | None
    encoding: Literal["utf8", "base64"] = "utf8"

    def to_json(self) -> dict[str, Any]:
        body: dict[str, Any] = {"path": self.path, "bytes": self.bytes, "content": self.content}
        return body if self.encoding == "utf8" else {**body, "encoding": self.encoding}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """All that is kept of one run.

    `request` has the fields of the body that was sent but question and system. `program` is what ran, or what Claude
    had written until then; `entrypoint` is None where that had not come yet. `written` are files of a run that could
    not be saved. `details` has the smaller facts under the names that JSON shows.
    """

    summary: RunSummary
    prompt: str | None
    question: str | None
    system: str | None
    request: Mapping[str, Any]
    components: tuple[UsedComponent, ...]
    entrypoint: str | None
    program: tuple[KeptFile, ...]
    written: tuple[KeptFile, ...]
    output: KeptText
    error: KeptText
    details: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        return {
            **self.summary.to_json(),
            "prompt": self.prompt,
            "question": self.question,
            "system": self.system,
            "request": dict(self.request),
            "components": [component.to_json() for component in self.components],
            "entrypoint": self.entrypoint,
            "files": [file.to_json() for file in self.program],
            "unsavedFiles": [file.to_json() for file in self.written],
            "output": self.output.text,
            "outputCut": self.output.cut,
            "error": self.error.text or None,
            **self.details,
        }
