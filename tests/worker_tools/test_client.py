"""client.ts as a library: what its generators yield and throw."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from typing import Any

import pytest

from tests.sandbox.loopback import EVENT_STREAM, Handler, Request, answer, reset, serve, sse, until_gone
from tests.worker_tools.worker import ANSWER, HEALTH, TOKEN, Project, events, refusal, sent, stream, worker

COLLECT = """
import { execute, health, run } from './client.ts';
const { URL: url, CCT_TOKEN: token, SILENCE: silence } = process.env;
const options = { url, token, ...(silence ? { silenceMs: Number(silence) } : {}) };
const names = [];
try {
  for await (const event of %s) names.push(event);
  console.log(JSON.stringify({ events: names }));
} catch (error) {
  const { name, code, hint, retryable, message } = error;
  console.log(JSON.stringify({ events: names, error: { name, code, hint, retryable, message } }));
}
"""
EXECUTE = COLLECT % "execute(options, { question: 'Q', timeout: 1000 })"


def collect(project: Project, reply: bytes | Handler, script: str = EXECUTE, **environ: str) -> dict[str, Any]:
    with worker(reply) as server:
        ran = project.module(script, URL=server.url, **environ)
    assert (ran.code, ran.stderr) == (0, "")
    collected: dict[str, Any] = ran.json
    return collected


def failure(project: Project, reply: bytes | Handler, **environ: str) -> dict[str, Any]:
    error: dict[str, Any] = collect(project, reply, **environ)["error"]
    assert error["name"] == "ToolError"
    return error


def test_every_event_comes_typed_and_in_order(project: Project) -> None:
    told = events(stderr="warn\n")
    collected = collect(project, stream(told))
    assert [(event["name"], event["data"]) for event in collected["events"]] == told


def test_the_request_is_the_contracts(project: Project) -> None:
    with worker(stream(events())) as server:
        project.module(EXECUTE, URL=server.url)
    assert sent(server) == {"question": "Q", "timeout": 1000}
    [request] = server.requests
    assert request.line == "POST /execute HTTP/1.1"
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.headers["accept"] == "text/event-stream"
    assert request.headers["content-type"] == "application/json"


def test_a_program_of_ones_own(project: Project) -> None:
    program = {"language": "javascript", "entrypoint": "a.js", "files": [{"path": "a.js", "content": "1"}]}
    with worker(stream(events())) as server:
        project.module(COLLECT % f"run(options, {json.dumps(program)}, {{ timeout: 500 }})", URL=server.url)
    assert server.requests[0].line == "POST /run HTTP/1.1"
    assert sent(server) == {**program, "timeout": 500}


def test_health_sends_no_token(project: Project) -> None:
    with worker(b"") as server:
        ran = project.module(COLLECT % "[await health(options)]", URL=server.url)
    assert ran.json == {"events": [HEALTH]}
    assert "authorization" not in server.requests[0].headers


def test_line_ends_comments_and_new_events_are_no_trouble(project: Project) -> None:
    told = b"".join(sse(name, body) for name, body in [*events()[:-1], ("invented-later", [1])])
    last = b": ping\r\n\r\nevent: result\r\ndata: " + json.dumps({**ANSWER, "new": {"x": 1}}).encode() + b"\r\n\r\n"
    collected = collect(project, EVENT_STREAM + told.replace(b"\n", b"\r") + last)
    assert "error" not in collected
    assert collected["events"][-1]["data"] == ANSWER


@pytest.mark.parametrize("cut", [0, 1, 5])
def test_a_stream_without_a_result_is_an_error(project: Project, cut: int) -> None:
    body = b"".join(sse(name, body) for name, body in events()[:cut])
    error = failure(project, EVENT_STREAM + body)
    assert (error["code"], error["retryable"]) == ("stream_ended", True)


def test_half_a_result_is_none(project: Project) -> None:
    assert failure(project, stream(events())[:-1])["code"] == "stream_ended"


def test_a_connection_that_breaks_is_an_error(project: Project) -> None:
    def handler(connection: socket.socket, _: Request) -> None:
        connection.sendall(stream(events()[:2]))
        reset(connection)

    assert failure(project, handler)["code"] == "stream_ended"


def test_an_error_event_keeps_code_hint_and_retryable(project: Project) -> None:
    body = {"success": False, "error": "Busy.", "errorCode": "model_overloaded", "hint": "Wait.", "retryable": True}
    assert failure(project, EVENT_STREAM + sse("error", body)) == {
        "name": "ToolError",
        "code": "model_overloaded",
        "hint": "Wait.",
        "retryable": True,
        "message": "Busy.",
    }


def test_a_refusal_keeps_code_hint_and_retryable(project: Project) -> None:
    error = failure(project, refusal(429, "too_many_runs", "Full.", "Wait.", retryable=True))
    assert (error["code"], error["message"], error["hint"], error["retryable"]) == (
        "too_many_runs",
        "Full.",
        "Wait.",
        True,
    )


@pytest.mark.parametrize(
    "reply",
    [
        answer(200, b"<html>", "text/html"),
        answer(200, b"{}"),
        answer(500, b"<html>", "text/html"),
        answer(500, b"x" * 1_000_000, "text/html"),
        answer(403, b"null"),
        answer(403, b'{"error": 1}'),
        EVENT_STREAM + b"event: result\ndata: {\n\n",
        EVENT_STREAM + b"event: result\ndata: null\n\n",
        EVENT_STREAM + b"event: error\ndata: []\n\n",
        EVENT_STREAM + b"event: result\ndata: " + b"[" * 200_000 + b"\n\n",
        EVENT_STREAM + sse("stdout", {"text": 1}),
        EVENT_STREAM + sse("stdout", {}),
        EVENT_STREAM + sse("result", {**ANSWER, "success": "yes"}),
        EVENT_STREAM + sse("result", {**ANSWER, "files": {}}),
        EVENT_STREAM + sse("result", {**ANSWER, "files": [{"path": "a", "content": "b", "encoding": "gzip"}]}),
        EVENT_STREAM + sse("result", {**ANSWER, "errorCode": "\x1b[2J"}),
        EVENT_STREAM + sse("result", {name: value for name, value in ANSWER.items() if name != "metrics"}),
        EVENT_STREAM + b'event: boot\ndata: {"ms": 1e999, "spare": true}\n\n',
    ],
)
def test_what_is_not_this_api_is_an_error(project: Project, reply: bytes) -> None:
    assert failure(project, reply)["code"] == "worker_invalid"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(project: Project, status: int) -> None:
    with worker(stream(events())) as elsewhere:
        error = failure(project, answer(status, b"", "text/plain", f"Location: {elsewhere.url}/execute"))
    assert error["code"] == "worker_invalid"
    assert elsewhere.requests == []


def test_silence_ends_the_request(project: Project) -> None:
    def handler(connection: socket.socket, _: Request) -> None:
        connection.sendall(stream(events()[:2]))
        until_gone(connection)

    assert failure(project, handler, SILENCE="50")["code"] == "worker_silent"


def test_no_answer_at_all_is_silence_too(project: Project) -> None:
    assert failure(project, lambda connection, _: until_gone(connection), SILENCE="50")["code"] == "worker_silent"


def test_health_that_does_not_come_is_a_worker_out_of_reach(project: Project) -> None:
    with serve(lambda connection, _: until_gone(connection)) as server:
        ran = project.module(COLLECT % "[await health(options)]", URL=server.url, SILENCE="50")
    assert ran.json["error"]["code"] == "worker_unreachable"


def test_an_endless_answer_is_capped(project: Project) -> None:
    def handler(connection: socket.socket, _: Request) -> None:
        connection.sendall(EVENT_STREAM)
        while True:
            connection.sendall(b"data: " + b"x" * (1 << 20) + b"\n")

    assert failure(project, handler)["code"] == "worker_invalid"


def test_nobody_listening(project: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = project.module(EXECUTE, URL=f"http://127.0.0.1:{port}").json["error"]
    assert (error["code"], error["retryable"]) == ("worker_unreachable", True)
    assert "refused" in error["message"]


def test_a_token_that_would_change_the_header_is_refused_and_not_quoted(project: Project) -> None:
    with worker(stream(events())) as server:
        ran = project.module(EXECUTE, URL=server.url, CCT_TOKEN="secret\r\nX: y")
    assert ran.json["error"]["code"] == "config"
    assert "secret" not in ran.stdout + ran.stderr
    assert server.requests == []


@pytest.mark.parametrize("leave", ["break;", "abort.abort(new Error('enough'));"])
def test_leaving_early_closes_the_connection(project: Project, leave: str) -> None:
    gone = threading.Event()

    def handler(connection: socket.socket, _: Request) -> None:
        connection.sendall(stream(events()[:2]))
        with contextlib.suppress(ConnectionError):
            assert connection.recv(1) == b""
        gone.set()

    script = f"""
import {{ execute }} from './client.ts';
const abort = new AbortController();
try {{
  for await (const event of execute({{ url: process.env.URL, signal: abort.signal }}, {{ question: 'Q' }})) {{
    console.log(event.name);
    {leave}
  }}
}} catch (error) {{
  console.log(error.message);
}}
for await (const chunk of process.stdin);
"""
    (project.folder / "script.mts").write_text(script)
    with worker(handler) as server, project.start("script.mts", URL=server.url) as process:
        # The process is still there, waiting for its input to end: it is not its exit that closes the connection.
        assert gone.wait(20)
        assert process.poll() is None
        words = process.communicate()[0].decode().split()
    assert words[0] == "started"
    assert ("enough" in words) == ("abort" in leave)
