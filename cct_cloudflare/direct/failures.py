"""What went wrong between this machine and Claude's API, as one of the error codes that the Worker has for it."""

from __future__ import annotations

import email.utils
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cct_cloudflare.errors import CctError
from cct_cloudflare.generation import patience
from cct_cloudflare.sandbox.hints import OWN_HINTS

if TYPE_CHECKING:
    import anthropic

_HINTS: dict[str, str] = {
    "key_rejected": "Check the Anthropic API key: it may be mistyped, revoked or of another workspace.",
    "model_not_found": OWN_HINTS["model_not_found"],
    "model_bad_request": "Claude's API refused the request as it was built; the message says why.",
    "model_rate_limited": "Wait and run it again, or check the limits of your Anthropic workspace.",
    "model_spend_limit": (
        "Waiting does not help: look at credits and spend limits in the Claude Console (platform.claude.com)."
    ),
    "model_overloaded": "Claude's API is overloaded; run it again in a while.",
    "model_failed": "Claude's API failed; run it again.",
    "model_unreachable": "Claude's API cannot be reached from this machine; check the network and ANTHROPIC_BASE_URL.",
    "model_timeout": "Claude's API stopped answering; run it again.",
    "model_interrupted": "The reply was cut before its end and nothing was saved; run it again.",
    "model_refused": "Claude declined; put the question another way.",
    "model_truncated": OWN_HINTS["model_truncated"],
    "model_empty": "Claude answered without a program; say what the program should do.",
    "model_invalid": "Claude's program was not valid and nothing was saved; run it again.",
}


class Failure(Exception):  # noqa: N818 - not yet an error: the next call may go well
    """One call that gave no program. `transient`: the same request may succeed in a moment."""

    def __init__(self, code: str, message: str, *, transient: bool = False, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.error = CctError(message, hint=_HINTS[code], code=code)
        self.transient = transient
        #: Seconds that the API asked to be left alone; None when it did not say.
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class ApiProblem:
    """An error answer, or an `error` event in a stream that had begun well: `status` is then None."""

    status: int | None
    kind: str | None
    message: str | None
    error_code: str | None
    headers: Mapping[str, str]

    @classmethod
    def of_answer(cls, error: anthropic.APIStatusError) -> ApiProblem:
        headers = {name.lower(): value for name, value in error.response.headers.items()}
        return cls.of_body(error.body, error.status_code, headers)

    @classmethod
    def of_body(cls, body: object, status: int | None = None, headers: Mapping[str, str] | None = None) -> ApiProblem:
        error = body.get("error") if isinstance(body, dict) else None
        fields: dict[str, Any] = error if isinstance(error, dict) else {}
        details = fields.get("details")
        code = details.get("error_code") if isinstance(details, dict) else None
        return cls(status, _text(fields.get("type")), _text(fields.get("message")), _text(code), headers or {})


def from_api(problem: ApiProblem, key: str) -> Failure:
    """The failure that an error of the API stands for; `key` is never repeated."""
    code = _code_of(problem)
    status = problem.status
    transient = (
        code != "model_spend_limit"
        and problem.headers.get("x-should-retry") != "false"
        and (
            problem.kind in ("rate_limit_error", "overloaded_error", "timeout_error", "api_error")
            if status is None
            else status in (408, 409, 429) or status >= 500
        )
    )
    shown = "" if status is None else f" ({status})"
    detail = f": {quote(problem.message, key)}" if problem.message else "."
    message = f"{_SENTENCES.get(code, _SENTENCES['model_failed'])}{shown}{detail}"
    wait = retry_after(problem.headers.get("retry-after"))
    if transient and wait is not None and wait > patience().retry_after:
        return Failure(code, f"{message} It asks to wait {_duration(wait)}.")
    return Failure(code, message, transient=transient, retry_after=wait)


_LONGEST_QUOTE = 1000
#: Shorter keys are made up (a local model takes any), and their letters occur in every text.
_SHORTEST_KEY = 8


def quote(text: str, key: str) -> str:
    """Text of the API, fit to be shown: without the key, without control characters, not endless."""
    clean = text if len(key) < _SHORTEST_KEY else text.replace(key, "[key]")
    clean = re.sub(r"sk-ant-[\w-]+", "[key]", clean)
    clean = re.sub(r"[\x00-\x1f\x7f-\x9f]+", " ", clean).strip()
    return clean if len(clean) <= _LONGEST_QUOTE else f"{clean[:_LONGEST_QUOTE]}…"


def retry_after(value: str | None, now: float | None = None) -> float | None:
    """Seconds; None when the header is missing or makes no sense. Seconds or an HTTP date, as RFC 9110 has it."""
    value = (value or "").strip()
    if re.fullmatch(r"\d{1,15}(\.\d{1,15})?", value):
        return float(value)
    try:
        date = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, date.timestamp() - (time.time() if now is None else now))


def _duration(seconds: float) -> str:
    whole = math.ceil(seconds)
    if whole < 120:
        return f"{whole} seconds"
    minutes = math.ceil(whole / 60)
    return f"{minutes} minutes" if minutes < 120 else f"{math.ceil(minutes / 60)} hours"


_OWN_LIMIT = re.compile(
    r"reached your specified (workspace )?API usage limits|credit balance is too low", re.IGNORECASE
)


def _is_spend_limit(problem: ApiProblem) -> bool:
    """A limit of money: waiting does not help. `src/generate/failures.ts` says where its forms are documented."""
    if problem.status == 402 or problem.error_code == "enforced_spend_limit_reached":
        return True
    return problem.status == 400 and bool(_OWN_LIMIT.search(problem.message or ""))


_BY_KIND = {
    "authentication_error": "key_rejected",
    "permission_error": "key_rejected",
    "billing_error": "model_spend_limit",
    "not_found_error": "model_not_found",
    "invalid_request_error": "model_bad_request",
    "request_too_large": "model_bad_request",
    "rate_limit_error": "model_rate_limited",
    "overloaded_error": "model_overloaded",
    "timeout_error": "model_timeout",
    "api_error": "model_failed",
}
_BY_STATUS = {401: "key_rejected", 403: "key_rejected", 429: "model_rate_limited", 529: "model_overloaded"}


def _code_of(problem: ApiProblem) -> str:
    status = problem.status
    if _is_spend_limit(problem):
        return "model_spend_limit"
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status == 404:
        # Without the API's own word it is not the API that answers there.
        return "model_not_found" if problem.kind == "not_found_error" else "model_unreachable"
    if status is None or status >= 500:
        return _BY_KIND.get(problem.kind or "", "model_failed")
    return "model_bad_request" if status >= 400 else "model_unreachable"


_SENTENCES = {
    "key_rejected": "Claude's API rejected the key",
    "model_spend_limit": "The limit of what this Anthropic account may spend is reached",
    "model_not_found": "There is no such model for this key",
    "model_unreachable": "What answers at ANTHROPIC_BASE_URL is not Claude's API",
    "model_rate_limited": "Claude's API is at the rate limit of this key",
    "model_overloaded": "Claude's API is overloaded",
    "model_timeout": "Claude's API ran out of time",
    "model_bad_request": "Claude's API refused the request",
    "model_failed": "Claude's API failed",
}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
