"""What can go wrong with a call to Claude's API, as values that a test or a command line composes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, cast, get_args

from cct_cloudflare.errors import UsageError

StreamFault = Literal[
    "cut",  # the connection breaks in the middle of an event
    "no-stop",  # the stream ends cleanly, without message_stop
    "error",  # an `error` event (overloaded_error) after the 200
    "malformed",  # an event whose data is not JSON
    "stall",  # silence, with the connection open
    "pings",  # pings for ever, and nothing else
    "unknown",  # events of unknown kinds between the others: not an error
    "empty",  # a message without content
    "refusal",  # stop_reason refusal
    "max_tokens",  # stop_reason max_tokens, the tool's input cut
    "invalid-json",  # a tool input that is not JSON, in a message that is otherwise whole
]
STREAM_FAULTS: tuple[str, ...] = get_args(StreamFault)

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}


@dataclass(frozen=True)
class Fault:
    """What happens to one call; the parts compose.

    `delay` is in seconds and comes first. With a `status` the call is answered by that error and nothing else; a
    `stream` fault spoils a reply that began well.
    """

    delay: float = 0.0
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    message: str = "This error is scripted."
    error_code: str | None = None
    stream: StreamFault | None = None

    @property
    def error_type(self) -> str:
        """The API's name for an error of this status."""
        status = self.status or 500
        return _TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")


def parse_fault(text: str) -> Fault:
    """Reads `429:retry-after=2`, `delay=0.5,cut`, `529`: parts between commas, headers of a status after colons.

    Raises UsageError that names what there is.
    """
    fault = Fault()
    for part in (piece.strip() for piece in text.split(",")):
        if part.startswith("delay="):
            fault = replace(fault, delay=_seconds(part.removeprefix("delay=")))
        elif part in STREAM_FAULTS:
            fault = replace(fault, stream=cast(StreamFault, part))
        elif part[:3].isdigit() and part[3:4] in ("", ":") and int(part[:3]) >= 400:
            headers = dict(_header(header) for header in part.split(":")[1:])
            fault = replace(fault, status=int(part[:3]), headers=headers)
        else:
            raise UsageError(
                f"There is no fault {part!r}.",
                hint=f"Use a status (429:retry-after=2), delay=SECONDS, or one of {', '.join(STREAM_FAULTS)}.",
            )
    return fault


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 3600:
        raise UsageError(f"A delay of {text!r} seconds makes no sense.", hint="Use a number such as delay=0.5.")
    return seconds


def _header(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise UsageError(f"{text!r} is not a header.", hint="Write it as name=value, such as 429:retry-after=2.")
    return name, value
