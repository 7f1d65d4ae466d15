"""The Worker's HTTP API from this side: one request, then typed events until the result.

Nothing here tries again: a second `/execute` would be a second generation that somebody pays.
"""

from __future__ import annotations

import contextlib
import json
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self

from cct_cloudflare.config import checked_token, checked_worker_url, is_loopback
from cct_cloudflare.errors import UsageError, WorkerError
from cct_cloudflare.generation import patience
from cct_cloudflare.limits import MOST_TIMEOUT
from cct_cloudflare.sandbox.events import Event, RunResult, parse_error, parse_event
from cct_cloudflare.sandbox.opening import NoAnswerError, Opening, reason_of
from cct_cloudflare.sandbox.program import Program
from cct_cloudflare.sandbox.sse import SseDecoder
from cct_cloudflare.sandbox.wire import Fields

if TYPE_CHECKING:
    import httpx

CONNECT_TIMEOUT = 5.0
"""Seconds for each step of connecting (one address, the TLS handshake)."""
OPEN_TIMEOUT = 9.0
"""Seconds for connecting as a whole: name resolution, every address, TLS."""
SILENCE_TIMEOUT = 45.0
"""Seconds without a byte; the Worker sends a comment every 10."""
HEALTH_TIMEOUT = 9.0
"""The same for `/health`, which takes a Worker milliseconds."""
RUN_MARGIN = 120.0
"""Seconds that a run may take beyond generation and program: waiting for its turn, starting, sending its files."""
MAX_RESPONSE_BYTES = 64 * 1024 * 1024
_MAX_ERROR_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecuteRequest:
    """The body of `POST /execute`; None leaves the choice to the Worker. `timeout_ms` bounds the program alone."""

    question: str
    language: str | None = None
    max_tokens: int | None = None
    timeout_ms: int | None = None
    system: str | None = None
    model: str | None = None
    sandbox: str | None = None

    def to_json(self) -> dict[str, Any]:
        fields = {
            "question": self.question,
            "language": self.language,
            "maxTokens": self.max_tokens,
            "timeout": self.timeout_ms,
            "system": self.system,
            "model": self.model,
            "sandbox": self.sandbox,
        }
        return {name: value for name, value in fields.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Health:
    """The answer of `GET /health`."""

    status: str
    worker: str
    version: str
    model: str | None
    languages: tuple[str, ...]
    sandboxes: tuple[str, ...]
    #: The Worker's clock when it answered, as ISO 8601 text; None where it does not tell.
    timestamp: str | None = None
    #: Which deployment answered, as `cct deploy` named it; None for a Worker that was not deployed by it.
    deployment: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The same with the Worker's names, in its order."""
        return {
            "status": self.status,
            "timestamp": self.timestamp,
            "worker": self.worker,
            "version": self.version,
            "deployment": self.deployment,
            "model": self.model,
            "languages": list(self.languages),
            "sandboxes": list(self.sandboxes),
        }


class WorkerClient:
    """A Worker at `base_url`, or, with `uds`, the local one behind that Unix socket (the URL then only names it).

    A context manager. Every failure is a WorkerError: `worker_unreachable` (DNS, TLS, refused, reset before the
    answer), `worker_silent`, `stream_ended` (no result came), `worker_invalid` (the answer is not this API's, or is
    too large), or the code that the Worker itself answered. Redirects are errors, so the token stays where it was
    meant for. Raises ConfigError for a URL or token that must not be used.
    """

    def __init__(
        self,
        base_url: str,
        token: str | None,
        *,
        uds: Path | None = None,
        connect_timeout: float = CONNECT_TIMEOUT,
        open_timeout: float = OPEN_TIMEOUT,
        silence_timeout: float = SILENCE_TIMEOUT,
        run_margin: float = RUN_MARGIN,
        max_response_bytes: int = MAX_RESPONSE_BYTES,
    ) -> None:
        import httpx

        self._url = checked_worker_url(base_url)
        self._token = None if token is None else checked_token(token, "The Worker's token")
        self._open_timeout = open_timeout
        self._run_margin = run_margin
        self._max_response_bytes = max_response_bytes
        self._named = "The local Worker" if uds else self._url
        self._is_local = uds is not None or is_loopback(httpx.URL(self._url).host)
        self._unreachable_hint = "Check the URL and the network."
        if self._is_local:
            served = "Start what serves it, such as cct dev, or check the port in its URL."
            self._unreachable_hint = served if uds is None else "Run the command again."
        timeout = httpx.Timeout(silence_timeout, connect=connect_timeout)
        self._health_timeout = httpx.Timeout(min(silence_timeout, HEALTH_TIMEOUT), connect=connect_timeout)
        # Compressed bytes would be held back and could grow without bound.
        headers = {"Accept-Encoding": "identity", "User-Agent": "cct"}
        self._opening: Opening | None = None
        self._is_cut = False
        if self._is_local and self._url.startswith("http:"):
            # No proxy, and no time spent on loading certificates that plain HTTP has no use for.
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            transport = httpx.HTTPTransport(uds=str(uds) if uds else None, verify=tls, trust_env=False)
            self._http = httpx.Client(transport=transport, timeout=timeout, headers=headers, trust_env=False)
        else:
            self._http = httpx.Client(timeout=timeout, headers=headers, trust_env=not self._is_local)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def cut(self) -> None:
        """Ends the request under way, and each one after it, from any thread: whoever waits for it gets a WorkerError.

        The Worker sees that nobody waits any more, and ends the run.
        """
        self._is_cut = True
        if self._opening is not None:
            self._opening.cut()

    def execute(self, request: ExecuteRequest) -> Iterator[Event]:
        """Prompt → events; the last is a RunResult. Closing the iterator closes the connection at once."""
        return self._stream("/execute", request.to_json(), patience().most + _seconds(request.timeout_ms))

    def run(self, program: Program, timeout_ms: int | None = None, sandbox: str | None = None) -> Iterator[Event]:
        """A program of one's own → events; the last is a RunResult. `sandbox` is one that `/health` names."""
        body = dict(program.to_json())
        if timeout_ms is not None:
            body["timeout"] = timeout_ms
        if sandbox is not None:
            body["sandbox"] = sandbox
        return self._stream("/run", body, _seconds(timeout_ms))

    def health(self) -> Health:
        """Asks without the token: the route needs none."""
        headers = {"Accept": "application/json"}
        with self._answer("GET", "/health", headers, timeout=self._health_timeout, most=HEALTH_TIMEOUT) as response:
            body = Fields.parse(
                self._read(response, _MAX_ERROR_BYTES, HEALTH_TIMEOUT).decode("utf-8", "replace"), "GET /health"
            )
        return Health(
            status=body.text("status"),
            worker=body.text("worker"),
            version=body.text("version"),
            model=body.maybe_text("model"),
            languages=body.texts("languages"),
            sandboxes=body.texts("sandboxes"),
            timestamp=body.maybe_text("timestamp"),
            deployment=body.maybe_text("deployment"),
        )

    def _stream(self, route: str, body: Mapping[str, Any], most: float) -> Iterator[Event]:
        """`most` is the seconds that generation and program may take together."""
        most += self._run_margin
        headers = {"Accept": "text/event-stream"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        with self._answer("POST", route, headers, body, most=most) as response:
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind != "text/event-stream":
                raise WorkerError(
                    f'{self._named} answered "{kind or "no content type"}" where a stream of events belongs.',
                    hint="Check the Worker's URL: something else may answer there.",
                    code="worker_invalid",
                )
            decoder = SseDecoder(max_event_bytes=self._max_response_bytes)
            for chunk in self._chunks(response, self._max_response_bytes, most):
                for server_event in decoder.feed(chunk):
                    event = parse_event(server_event.name, server_event.data)
                    if event is None:
                        continue
                    yield event
                    if isinstance(event, RunResult):
                        return
        raise _stream_ended(self._named)

    @contextlib.contextmanager
    def _answer(
        self,
        method: str,
        route: str,
        headers: Mapping[str, str],
        body: Mapping[str, Any] | None = None,
        *,
        timeout: httpx.Timeout | None = None,
        most: float,
    ) -> Iterator[httpx.Response]:
        """An answer with status 200, its body unread, that began within `most` seconds; closed at the end."""
        content = None if body is None else _json_bytes(body)
        if content is not None:
            headers = {**headers, "Content-Type": "application/json"}
        request = self._http.build_request(
            method, self._url + route, headers=headers, content=content, timeout=timeout or self._http.timeout
        )
        self._opening = opening = Opening(self._http, request)
        if self._is_cut:
            opening.cut()
        try:
            response = opening.wait(self._open_timeout, most)
        except Exception as error:  # noqa: BLE001 - sorted by type, and what is not the network's is raised again
            self._raise_unreachable(error)
        try:
            if response.status_code != 200:
                self._raise_refusal(response)
            yield response
        finally:
            response.close()

    def _chunks(self, response: httpx.Response, limit: int, most: float) -> Iterator[bytes]:
        """The bytes as they come: at most `limit`, and at most `most` seconds of waiting for them in all."""
        import httpx

        size = 0
        left = most
        chunks = response.iter_raw()
        try:
            while True:
                # Only the waiting counts: whoever reads may take their time.
                begin = time.monotonic()
                chunk = next(chunks, None)
                left -= time.monotonic() - begin
                if chunk is None:
                    return
                if left < 0:
                    raise _endless(self._named)
                size += len(chunk)
                if size > limit:
                    raise WorkerError(
                        f"{self._named} answered more than {limit} bytes.",
                        hint="Let the program write or print less.",
                        code="worker_invalid",
                    )
                yield chunk
        except httpx.TimeoutException as error:
            raise _silent(self._named) from error
        except httpx.HTTPError as error:
            raise _stream_ended(self._named) from error

    def _read(self, response: httpx.Response, limit: int, most: float) -> bytes:
        return b"".join(self._chunks(response, limit, most))

    def _raise_refusal(self, response: httpx.Response) -> NoReturn:
        status = response.status_code
        if 300 <= status < 400:
            raise WorkerError(
                f"{self._named} redirected elsewhere, which cct does not follow: the token is for this address alone.",
                hint="If the new address is right, give it with --worker-url.",
                code="worker_invalid",
            )
        try:
            text = self._read(response, _MAX_ERROR_BYTES, SILENCE_TIMEOUT).decode("utf-8", "replace")
            error = parse_error(Fields.parse(text, "the error"))
        except WorkerError as unreadable:
            raise WorkerError(
                f"{self._named} answered with status {status} and something else than this API's error.",
                hint="Something between here and the Worker may have answered, or the URL is another service's.",
                code="worker_invalid",
                retryable=status == 429 or status >= 500,
            ) from unreadable
        if error.code == "unauthorized" and not self._is_local:
            error.hint = "Set CCT_TOKEN to the token that this Worker was deployed with."
        raise error

    def _raise_unreachable(self, error: Exception) -> NoReturn:
        import httpx

        if isinstance(error, httpx.ReadTimeout):
            raise _silent(self._named) from error
        if isinstance(error, NoAnswerError):
            raise _endless(self._named) from error
        if not isinstance(error, (httpx.HTTPError, TimeoutError, OSError)):
            raise error
        raise WorkerError(
            f"{self._named} could not be reached: {reason_of(error)}.",
            hint=self._unreachable_hint,
        ) from error


def _seconds(timeout_ms: int | None) -> float:
    """What a program may take; a Worker that is left the choice gives it no more than the longest."""
    return (MOST_TIMEOUT if timeout_ms is None else timeout_ms) / 1000


def _json_bytes(body: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError as error:
        # Bytes of a command line or a file that are no text arrive as lone surrogates.
        raise UsageError(
            "The request holds characters that are not valid Unicode.",
            hint="Save or type the text as UTF-8.",
            code="invalid_request",
        ) from error


def _silent(named: str) -> WorkerError:
    return WorkerError(
        f"{named} has sent nothing for too long.",
        hint="The run may still have happened; look at the Worker's log before you send it again.",
        code="worker_silent",
    )


def _endless(named: str) -> WorkerError:
    return WorkerError(
        f"{named} has sent no result for longer than a run can take.",
        hint="The run may still have happened; look at the Worker's log before you send it again.",
        code="worker_silent",
    )


def _stream_ended(named: str) -> WorkerError:
    return WorkerError(
        f"{named} ended the stream before the result.",
        hint="What was printed so far may be incomplete; run the command again.",
        code="stream_ended",
    )
