"""Every error of cct, its machine-readable code and the exit code it leads to.

    CctError
    ├── UsageError        2   the command line or an input file is wrong
    ├── ConfigError       3   something is missing or refused: a key, a token, Node, consent
    ├── WorkerError       4   the Worker or the network; also carries an error that the Worker answered
    └── UnsafeError       7   refused because it could do harm

Only this module knows exit codes. `CODES` mirrors `src/errors.ts` of the Worker (a test holds the two equal)
and adds the codes of this side.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any


class Exit(enum.IntEnum):
    OK = 0
    PROGRAM_FAILED = 1
    #: The same code: a check of `cct doctor` failed.
    UNHEALTHY = 1
    #: The same code: `cct diff --exit-code` found a difference.
    DIFFERENT = 1
    USAGE = 2
    CONFIG = 3
    WORKER = 4
    GENERATION = 5
    LIMIT = 6
    UNSAFE = 7
    INTERRUPTED = 130


@dataclass(frozen=True)
class CodeSpec:
    """`status` is the Worker's HTTP status; None for a code that only this side uses.

    `retryable` tells whether the same again can help, as far as the code alone tells that.
    """

    status: int | None
    exit: Exit
    retryable: bool = False


CODES: dict[str, CodeSpec] = {
    # The request
    "unauthorized": CodeSpec(401, Exit.CONFIG),
    "origin_forbidden": CodeSpec(403, Exit.CONFIG),
    "not_found": CodeSpec(404, Exit.WORKER),
    "method_not_allowed": CodeSpec(405, Exit.WORKER),
    "payload_too_large": CodeSpec(413, Exit.USAGE),
    "unsupported_media_type": CodeSpec(415, Exit.WORKER),
    "invalid_json": CodeSpec(400, Exit.WORKER),
    "invalid_request": CodeSpec(400, Exit.USAGE),
    "unsafe_path": CodeSpec(400, Exit.UNSAFE),
    "sandbox_unsupported": CodeSpec(400, Exit.USAGE),
    "too_many_runs": CodeSpec(429, Exit.WORKER, retryable=True),
    # The Worker's own configuration
    "not_configured": CodeSpec(503, Exit.CONFIG),
    "key_missing": CodeSpec(503, Exit.CONFIG),
    "key_rejected": CodeSpec(502, Exit.CONFIG),
    "sandbox_unavailable": CodeSpec(503, Exit.WORKER, retryable=True),
    # Generation
    "model_not_found": CodeSpec(502, Exit.GENERATION),
    "model_bad_request": CodeSpec(502, Exit.GENERATION),
    "model_rate_limited": CodeSpec(429, Exit.GENERATION, retryable=True),
    "model_spend_limit": CodeSpec(402, Exit.GENERATION),
    "model_overloaded": CodeSpec(503, Exit.GENERATION, retryable=True),
    "model_failed": CodeSpec(502, Exit.GENERATION, retryable=True),
    "model_unreachable": CodeSpec(502, Exit.GENERATION, retryable=True),
    "model_timeout": CodeSpec(504, Exit.GENERATION, retryable=True),
    "model_interrupted": CodeSpec(502, Exit.GENERATION, retryable=True),
    "model_refused": CodeSpec(502, Exit.GENERATION),
    "model_truncated": CodeSpec(502, Exit.GENERATION),
    "model_empty": CodeSpec(502, Exit.GENERATION, retryable=True),
    "model_invalid": CodeSpec(502, Exit.GENERATION, retryable=True),
    # How a run ended
    "program_failed": CodeSpec(200, Exit.PROGRAM_FAILED),
    "sandbox_timeout": CodeSpec(200, Exit.LIMIT),
    "sandbox_oom": CodeSpec(200, Exit.LIMIT),
    "sandbox_crashed": CodeSpec(200, Exit.PROGRAM_FAILED, retryable=True),
    "internal": CodeSpec(500, Exit.WORKER, retryable=True),
    # This side only
    "usage": CodeSpec(None, Exit.USAGE),
    "component_not_found": CodeSpec(None, Exit.USAGE),
    "component_ambiguous": CodeSpec(None, Exit.USAGE),
    "component_invalid": CodeSpec(None, Exit.USAGE),
    "component_conflict": CodeSpec(None, Exit.USAGE),
    "unsafe_component": CodeSpec(None, Exit.UNSAFE),
    "merge_refused": CodeSpec(None, Exit.USAGE),
    "registry_unreachable": CodeSpec(None, Exit.WORKER, retryable=True),
    "registry_invalid": CodeSpec(None, Exit.WORKER),
    "config": CodeSpec(None, Exit.CONFIG),
    "toolchain": CodeSpec(None, Exit.CONFIG),
    "untrusted_project": CodeSpec(None, Exit.CONFIG),
    "unsupported_platform": CodeSpec(None, Exit.CONFIG),
    "port_taken": CodeSpec(None, Exit.CONFIG),
    "worker_unreachable": CodeSpec(None, Exit.WORKER, retryable=True),
    "worker_invalid": CodeSpec(None, Exit.WORKER),
    "worker_silent": CodeSpec(None, Exit.WORKER, retryable=True),
    "stream_ended": CodeSpec(None, Exit.WORKER, retryable=True),
    "output_unwritable": CodeSpec(None, Exit.CONFIG),
    "unsafe_file": CodeSpec(None, Exit.UNSAFE),
    "cost_limit": CodeSpec(None, Exit.USAGE),
    "run_not_found": CodeSpec(None, Exit.USAGE),
    "run_ambiguous": CodeSpec(None, Exit.USAGE),
    "run_incomplete": CodeSpec(None, Exit.USAGE),
    "history_unusable": CodeSpec(None, Exit.CONFIG),
    "deploy_login": CodeSpec(None, Exit.CONFIG),
    "deploy_account": CodeSpec(None, Exit.CONFIG),
    "deploy_permission": CodeSpec(None, Exit.CONFIG),
    "deploy_plan": CodeSpec(None, Exit.CONFIG),
    "deploy_name_taken": CodeSpec(None, Exit.CONFIG),
    "deploy_subdomain": CodeSpec(None, Exit.CONFIG),
    "deploy_missing": CodeSpec(None, Exit.CONFIG),
    "deploy_failed": CodeSpec(None, Exit.WORKER, retryable=True),
    "deploy_unconfirmed": CodeSpec(None, Exit.WORKER, retryable=True),
    "interrupted": CodeSpec(None, Exit.INTERRUPTED),
}


class CctError(Exception):
    """A failure that a person can act on: one sentence, and a hint that says what to do next."""

    code: str = "internal"
    #: Text that the hint is about, for people to take over; shown below it.
    attachment: str = ""

    def __init__(self, message: str, *, hint: str = "", code: str | None = None, retryable: bool | None = None) -> None:
        """`retryable` is what the code says of it, unless somebody knows better."""
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code or self.code
        self.retryable = is_retryable(self.code) if retryable is None else retryable

    @property
    def exit_code(self) -> Exit:
        return exit_for(self.code)

    def to_json(self) -> dict[str, Any]:
        """The error object of the Worker's API: the same shape wherever an error comes from."""
        return {
            "success": False,
            "error": self.message,
            "errorCode": self.code,
            "hint": self.hint,
            "retryable": self.retryable,
        }


class UsageError(CctError):
    code = "usage"


class ConfigError(CctError):
    code = "config"


class WorkerError(CctError):
    code = "worker_unreachable"


class UnsafeError(CctError):
    code = "unsafe_file"


def exit_for(code: str) -> Exit:
    """The exit code of an error code; one that a newer Worker invented counts as the Worker's trouble."""
    spec = CODES.get(code)
    return spec.exit if spec else Exit.WORKER


def is_retryable(code: str) -> bool:
    """Whether the same again can help; of a code that a newer Worker invented, nobody knows."""
    spec = CODES.get(code)
    return spec.retryable if spec else False
