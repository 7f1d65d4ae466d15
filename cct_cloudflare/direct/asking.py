"""One question to Claude's API, at most three calls, and either a whole program or an error."""

from __future__ import annotations

import time
import urllib.parse
import uuid
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from cct_cloudflare import pricing
from cct_cloudflare.claude_api import base_url
from cct_cloudflare.config import is_loopback
from cct_cloudflare.direct.failures import ApiProblem, Failure, from_api
from cct_cloudflare.direct.reply import Reply
from cct_cloudflare.direct.request import message_params
from cct_cloudflare.errors import WorkerError
from cct_cloudflare.generation import Patience, patience
from cct_cloudflare.sandbox.client import ExecuteRequest
from cct_cloudflare.sandbox.events import Event, Metrics, RunResult, Started, Usage
from cct_cloudflare.sandbox.program import Program
from cct_cloudflare.sandbox.session import ModelAccess
from cct_cloudflare.sandbox.sse import SseDecoder

if TYPE_CHECKING:
    from anthropic import Anthropic

_CONNECT_TIMEOUT = 5.0
_MAX_EVENT_BYTES = 16 * 1024 * 1024


def ask(
    request: ExecuteRequest,
    access: ModelAccess,
    *,
    waiting: Patience | None = None,
    wait: Callable[[float], None] = time.sleep,
) -> Iterator[Event]:
    """Started, what Claude writes while it writes it, and a RunResult whose `ran` is False.

    A call that failed in passing is made again, unless something of its reply has been given out already. Closing
    the iterator closes the connection. Raises CctError with one of the codes `key_rejected` and `model_*`.
    """
    waiting = waiting or patience()
    params = message_params(request)
    # The display shows the file names; the folder and the history need an id.
    run_id = str(uuid.uuid4())
    yield Started(run_id, "none", "the program is saved, not run", params["model"], request.language, None)
    with _client(access) as client:
        begin = time.monotonic()
        call = 1
        while True:
            given = False
            reply = Reply(access.key)
            try:
                for event in _events(client, params, reply, waiting, access.key):
                    given = True
                    yield event
                program = reply.result()
                _check_language(program, request.language)
                break
            except Failure as failed:
                if not failed.transient or given or call == waiting.calls:
                    raise failed.error from failed
                pause = waiting.backoff * 2 ** (call - 1) if failed.retry_after is None else failed.retry_after
            wait(pause)
            call += 1
    yield _result(run_id, request, params["model"], program, reply, begin)


def _client(access: ModelAccess) -> Anthropic:
    import anthropic

    base = base_url(access.base_url)
    host = urllib.parse.urlsplit(base).hostname or ""
    # A proxy cannot reach this machine's own loopback.
    unproxied = dict.fromkeys(("all://", "http://", "https://")) if is_loopback(host) else {}
    return anthropic.Anthropic(
        api_key=access.key,
        base_url=base,
        max_retries=0,  # the SDK's own know no bound for what `retry-after` asks
        open_telemetry=False,
        # A redirect would carry the key to wherever it points.
        http_client=anthropic.DefaultHttpxClient(follow_redirects=False, mounts=unproxied),
        # Compressed bytes would be held back and could grow without bound.
        default_headers={"Accept-Encoding": "identity"},
    )


def _events(client: Anthropic, params: dict[str, Any], reply: Reply, waiting: Patience, key: str) -> Iterator[Event]:
    """One call: what of the reply can be shown, until it has ended or the stream has. Raises Failure."""
    import anthropic
    import httpx2

    deadline = time.monotonic() + waiting.call
    timeout = httpx2.Timeout(waiting.stall, connect=min(_CONNECT_TIMEOUT, waiting.stall))
    try:
        with client.messages.with_streaming_response.create(**params, timeout=timeout) as response:
            kind = response.headers.get("content-type", "")
            if "text/event-stream" not in kind:
                raise Failure(
                    "model_unreachable", "What answers at ANTHROPIC_BASE_URL is not Claude's API: it sent no events."
                )
            decoder = SseDecoder(max_event_bytes=_MAX_EVENT_BYTES)
            try:
                for chunk in response.iter_bytes():
                    if time.monotonic() > deadline:
                        raise Failure("model_timeout", "Claude's API took too long over its reply.")
                    for event in decoder.feed(chunk):
                        yield from reply.feed(event)
                        if reply.ended:
                            return
            except WorkerError as error:
                raise Failure("model_failed", "Claude's API sent an event that is larger than any can be.") from error
            except httpx2.TimeoutException as error:
                raise _silent() from error
            except httpx2.HTTPError as error:
                raise Failure(
                    "model_interrupted",
                    "The connection to Claude's API broke in the middle of its reply.",
                    transient=True,
                ) from error
    except anthropic.APIStatusError as error:
        raise from_api(ApiProblem.of_answer(error), key) from None
    except anthropic.APITimeoutError as error:
        if isinstance(error.__cause__, httpx2.ReadTimeout):
            raise _silent() from error
        raise _unreachable() from error
    except anthropic.APIConnectionError as error:
        raise _unreachable() from error


def _silent() -> Failure:
    return Failure("model_timeout", "Claude's API fell silent in the middle of its reply.")


def _unreachable() -> Failure:
    return Failure("model_unreachable", "Claude's API could not be reached.", transient=True)


def _check_language(program: Program, asked: str | None) -> None:
    if asked is not None and program.language != asked:
        raise Failure("model_invalid", f"Claude's program is in {program.language}, it must be in {asked}.")


def _result(
    run_id: str, request: ExecuteRequest, model: str, program: Program, reply: Reply, begin: float
) -> RunResult:
    # The file that starts comes first, as `cct run` takes them.
    files = sorted(program.files, key=lambda file: file.path != program.entrypoint)
    cost = pricing.cost_usd(model, reply.input_tokens, reply.output_tokens)
    return RunResult(
        success=True,
        output="",
        sandbox_id=run_id,
        question=request.question,
        code=files[0].content,
        language=program.language,
        files=tuple(files),
        model=model,
        usage=Usage(reply.input_tokens, reply.output_tokens, cost),
        metrics=_metrics(begin, reply, program),
        ran=False,
    )


#: A reply that was written within less came at once, through something that held it back: that is nobody's speed.
_SHORTEST_WRITING_MS = 20


def _metrics(begin: float, reply: Reply, program: Program) -> Metrics:
    end = time.monotonic()
    total = (end - begin) * 1000
    writing = (end - (reply.began or end)) * 1000
    return Metrics(
        generation_ms=round(total),
        total_ms=round(total),
        first_token_ms=round(total - writing),
        file_bytes=sum(len(file.data) for file in program.files),
        tokens_per_second=(round(reply.output_tokens * 1000 / writing, 1) if writing >= _SHORTEST_WRITING_MS else None),
    )
