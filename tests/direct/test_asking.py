"""Asking Claude's API from this machine, against servers on loopback that check what they are sent."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable, Iterator
from itertools import repeat
from typing import Any

import pytest

from cct_cloudflare.claude_api import base_url
from cct_cloudflare.direct import ask
from cct_cloudflare.errors import CctError, ConfigError
from cct_cloudflare.generation import Patience, patience
from cct_cloudflare.sandbox.client import ExecuteRequest
from cct_cloudflare.sandbox.events import Event, Generation, RunResult, Started
from cct_cloudflare.sandbox.session import ModelAccess
from cct_cloudflare.scripted import Fault, ScriptedModel
from tests.runtime import KEY, PROMPT, reply
from tests.sandbox.loopback import EVENT_STREAM, answer, serve, sse, until_gone

PROGRAM = reply(
    {"main.py": "print('hi 😀')\n", "lib/greet.py": "x = 1\n"}, language="python", entrypoint="lib/greet.py"
)


def asked(
    url: str, *, waits: list[float] | None = None, waiting: Patience | None = None, **fields: Any
) -> Iterator[Event]:
    paused = [] if waits is None else waits
    request = ExecuteRequest(question=PROMPT, **fields)
    return ask(request, ModelAccess(KEY, url), waiting=waiting, wait=paused.append)


def failure(url: str, **options: Any) -> CctError:
    events: list[Event] = []
    with pytest.raises(CctError) as caught:
        events.extend(asked(url, **options))
    assert not any(isinstance(event, RunResult) for event in events)
    assert KEY not in str(caught.value.to_json())
    return caught.value


def test_a_program_comes_back_and_is_not_run() -> None:
    with ScriptedModel([PROGRAM], pace=0) as model:
        events = list(asked(model.url, model="claude-haiku-5-5"))
    started, result = events[0], events[-1]
    assert isinstance(started, Started)
    assert isinstance(result, RunResult)
    assert started.model == "claude-haiku-5-5"
    assert (result.success, result.ran, result.output, result.sandbox) == (True, False, "", None)
    # The file that starts comes first.
    assert [file.path for file in result.files] == ["lib/greet.py", "main.py"]
    assert result.code == "x = 1\n"
    assert result.to_json()["ran"] is False
    assert result.usage is not None
    assert result.usage.cost_usd is not None
    written: dict[str, str] = {}
    for event in events:
        if isinstance(event, Generation):
            written[event.path] = written.get(event.path, "") + event.delta
    assert written == {file.path: file.content for file in result.files}


def test_the_key_travels_in_a_header_and_only_there() -> None:
    with ScriptedModel([PROGRAM], pace=0) as model:
        list(asked(model.url))
    (request,) = model.requests
    assert KEY in request.headers["authorization"]
    assert KEY not in request.path + json.dumps(request.body)
    assert request.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("end", ["", "/", "/v1", "/v1/", "///"])
def test_a_base_url_may_end_in_v1(end: str) -> None:
    with ScriptedModel([PROGRAM], pace=0) as model:
        list(asked(model.url + end))
    assert [request.path for request in model.requests] == ["/v1/messages"]


@pytest.mark.parametrize(
    "url", ["nonsense", "ftp://example.com", "https://user:secret@example.com", "https://x.example/?a=b", "http://x:y"]
)
def test_a_base_url_that_must_not_be_used(url: str) -> None:
    error = failure(url)
    assert error.code == "model_unreachable"
    assert "secret" not in str(error.to_json())


def test_without_a_base_url_it_is_anthropics() -> None:
    assert base_url(None) == base_url("  ") == "https://api.anthropic.com"
    with pytest.raises(ConfigError):
        base_url("https://[::1")


def test_the_environment_of_the_sdk_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "of-somebody-else")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with ScriptedModel([PROGRAM], pace=0) as model:
        assert isinstance(list(asked(model.url))[-1], RunResult)
    assert model.requests[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("fault", "code", "calls"),
    [
        (Fault(status=401, message=f"invalid x-api-key {KEY}"), "key_rejected", 1),
        (Fault(status=402), "model_spend_limit", 1),
        (Fault(status=404), "model_not_found", 1),
        (Fault(status=429, headers={"retry-after": "86400"}), "model_rate_limited", 1),
        (Fault(status=500), "model_failed", 3),
        (Fault(status=529), "model_overloaded", 3),
        (Fault(stream="error"), "model_overloaded", 1),
        (Fault(stream="cut"), "model_interrupted", 1),
        (Fault(stream="no-stop"), "model_interrupted", 1),
        (Fault(stream="malformed"), "model_failed", 1),
        (Fault(stream="empty"), "model_empty", 1),
        (Fault(stream="refusal"), "model_refused", 1),
        (Fault(stream="max_tokens"), "model_truncated", 1),
        (Fault(stream="invalid-json"), "model_invalid", 1),
    ],
    ids=lambda value: (value.stream or str(value.status)) if isinstance(value, Fault) else None,
)
def test_a_failed_generation_is_one_error(fault: Fault, code: str, calls: int) -> None:
    """The same codes as from the Worker (tests/e2e/test_claude_api.py)."""
    with ScriptedModel([PROGRAM], faults=repeat(fault), pace=0) as model:
        assert failure(model.url).code == code
    assert len(model.requests) == calls


@pytest.mark.parametrize(
    ("faults", "waits"),
    [
        ([Fault(status=500)] * 2, [0.5, 1.0]),
        ([Fault(status=429, headers={"retry-after": "2"})], [2.0]),
        ([Fault(status=529, headers={"retry-after": "0"})], [0.0]),
    ],
)
def test_trouble_that_passes_is_waited_out(faults: Iterable[Fault], waits: list[float]) -> None:
    waited: list[float] = []
    with ScriptedModel([PROGRAM], faults=faults, pace=0) as model:
        assert isinstance(list(asked(model.url, waits=waited))[-1], RunResult)
    assert waited == waits


def test_unknown_events_and_pings_are_no_error() -> None:
    with ScriptedModel([PROGRAM], faults=[Fault(stream="unknown")], pace=0) as model:
        assert isinstance(list(asked(model.url))[-1], RunResult)


def test_another_language_than_the_one_asked_for() -> None:
    with ScriptedModel([PROGRAM], pace=0) as model:
        assert failure(model.url, language="javascript").code == "model_invalid"


def impatient(**fields: float) -> Patience:
    given = patience()
    return Patience(given.calls, fields.get("stall", given.stall), fields.get("call", given.call), 0, 0)


@pytest.mark.parametrize(("stream", "waiting"), [("stall", {"stall": 0.2}), ("pings", {"call": 0.2})])
def test_silence_has_an_end(stream: Any, waiting: dict[str, float]) -> None:
    with ScriptedModel([PROGRAM], faults=repeat(Fault(stream=stream)), pace=0) as model:
        assert failure(model.url, waiting=impatient(**waiting)).code == "model_timeout"
    assert len(model.requests) == 1


def test_no_answer_at_all_has_an_end() -> None:
    with serve(lambda connection, _: until_gone(connection)) as server:
        assert failure(server.url, waiting=impatient(stall=0.2)).code == "model_timeout"


def test_a_reply_that_never_closes_is_not_waited_for() -> None:
    """What follows `message_stop` is nobody's business."""

    def handler(connection: socket.socket, _: object) -> None:
        connection.sendall(EVENT_STREAM + b"".join(whole))
        until_gone(connection)

    text = json.dumps(
        {"language": "web", "entrypoint": "index.html", "files": [{"path": "index.html", "content": "x"}]}
    )
    whole = [
        sse("message_start", {"message": {}}),
        sse("content_block_start", {"index": 0, "content_block": {"type": "tool_use", "name": "write_program"}}),
        sse("content_block_delta", {"index": 0, "delta": {"type": "input_json_delta", "partial_json": text}}),
        sse("content_block_stop", {"index": 0}),
        sse("message_delta", {"delta": {"stop_reason": "tool_use"}}),
        sse("message_stop", {}),
    ]
    with serve(handler) as server:
        assert isinstance(list(asked(server.url))[-1], RunResult)


@pytest.mark.parametrize(
    "page",
    [
        answer(200, b"<h1>Welcome</h1>", "text/html"),
        answer(404, b"<h1>404</h1>", "text/html"),
        answer(307, b"", "text/html", "Location: http://127.0.0.1:9/v1/messages"),
    ],
    ids=["a page", "not found", "a redirect"],
)
def test_what_is_not_the_api_gets_one_call_and_leads_nowhere(page: bytes) -> None:
    with serve(page) as server:
        assert failure(server.url).code == "model_unreachable"
    assert len(server.requests) == 1


def test_nobody_there_is_tried_three_times() -> None:
    waits: list[float] = []
    with socket.socket() as unused:  # bound but not listening: what connects is refused
        unused.bind(("127.0.0.1", 0))
        error = failure(f"http://127.0.0.1:{unused.getsockname()[1]}", waits=waits)
    assert (error.code, waits) == ("model_unreachable", [0.5, 1.0])


def test_tls_that_is_none() -> None:
    with serve(b"", eager=True) as server:
        assert failure(server.url.replace("http:", "https:")).code == "model_unreachable"


def test_an_endless_event_is_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cct_cloudflare.direct.asking._MAX_EVENT_BYTES", 100_000)

    def handler(connection: socket.socket, _: object) -> None:
        connection.sendall(EVENT_STREAM)
        while True:  # until the client has had enough
            connection.sendall(b"data: " + b"x" * 8192)

    with serve(handler) as server:
        assert failure(server.url).code == "model_failed"


def test_whoever_stops_reading_ends_the_request() -> None:
    with ScriptedModel([PROGRAM], faults=repeat(Fault(stream="stall")), pace=0) as model:
        events = asked(model.url)
        assert isinstance(next(events), Started)
        assert isinstance(next(events), Generation)
        events.close()  # type: ignore[attr-defined]
        assert model.requests[0].disconnected.wait(30)
