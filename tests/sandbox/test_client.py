from __future__ import annotations

import gc
import json
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import warnings
from pathlib import Path
from typing import Any

import pytest

from cct_cloudflare.errors import ConfigError, Exit, UsageError, WorkerError
from cct_cloudflare.generation import patience
from cct_cloudflare.sandbox.client import ExecuteRequest, WorkerClient
from cct_cloudflare.sandbox.events import Event, Output, RunResult
from cct_cloudflare.sandbox.program import Program, ProgramFile
from tests.canary import TOKEN
from tests.sandbox.loopback import EVENT_STREAM, RESULT, Request, answer, reset, serve, sse, until_gone


def ask(url: str, token: str | None = TOKEN, question: str = "q", **options: Any) -> list[Event]:
    with WorkerClient(url, token, **options) as client:
        return list(client.execute(ExecuteRequest(question=question)))


def failure(url: str, **options: Any) -> WorkerError:
    with pytest.raises(WorkerError) as caught:
        ask(url, **options)
    assert caught.value.message
    assert TOKEN not in str(caught.value.to_json())
    return caught.value


def test_execute_sends_the_question_and_yields_events_until_the_result() -> None:
    stream = EVENT_STREAM + b": ping\n\n" + sse("stdout", {"text": "55\n"}) + sse("later", {}) + sse("result", RESULT)
    with serve(stream + sse("stdout", {"text": "after the end"})) as worker:
        request = ExecuteRequest(question="é", language="python", max_tokens=9, timeout_ms=5, system="s", model="m")
        with WorkerClient(worker.url + "/", TOKEN) as client:
            events = list(client.execute(request))
    assert events == [Output("stdout", "55\n"), RunResult(success=True, output="55\n", sandbox_id="a1")]
    [sent] = worker.requests
    assert sent.line == "POST /execute HTTP/1.1"
    assert json.loads(sent.body) == {
        "question": "é",
        "language": "python",
        "maxTokens": 9,
        "timeout": 5,
        "system": "s",
        "model": "m",
    }
    assert sent.headers["authorization"] == f"Bearer {TOKEN}"
    assert sent.headers["accept"] == "text/event-stream"
    assert sent.headers["accept-encoding"] == "identity"
    assert sent.headers["content-type"] == "application/json"


def test_run_sends_the_program() -> None:
    program = Program("python", "main.py", (ProgramFile("main.py", "1"), ProgramFile.from_bytes("b", b"\xff")))
    with serve(EVENT_STREAM + sse("result", RESULT)) as worker, WorkerClient(worker.url, None) as client:
        assert len(list(client.run(program, timeout_ms=1000))) == 1
    [sent] = worker.requests
    assert sent.line == "POST /run HTTP/1.1"
    assert "authorization" not in sent.headers
    assert json.loads(sent.body) == {
        "language": "python",
        "entrypoint": "main.py",
        "files": [{"path": "main.py", "content": "1"}, {"path": "b", "content": "/w==", "encoding": "base64"}],
        "timeout": 1000,
    }


def test_the_local_worker_is_behind_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with serve(EVENT_STREAM + sse("result", RESULT), uds=path) as worker:
        assert len(ask("http://localhost", uds=path)) == 1
    assert len(worker.requests) == 1


def test_a_proxy_is_not_asked_on_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(answer(500, b"")) as proxy, serve(EVENT_STREAM + sse("result", RESULT)) as worker:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        ask(worker.url)
    assert proxy.requests == []


def test_health_is_asked_without_the_token() -> None:
    body = {
        "status": "ok",
        "timestamp": "2026-11-01T00:00:00Z",
        "worker": "w",
        "version": "0.1.0",
        "model": "m",
        "languages": ["python"],
        "sandboxes": ["process"],
    }
    with serve(answer(200, json.dumps(body).encode())) as worker, WorkerClient(worker.url, TOKEN) as client:
        health = client.health()
    assert (health.status, health.version, health.languages) == ("ok", "0.1.0", ("python",))
    assert health.to_json() == {**body, "deployment": None}
    assert "authorization" not in worker.requests[0].headers


def test_closing_the_iterator_closes_the_connection() -> None:
    gone = threading.Event()

    def handler(connection: socket.socket, _: Request) -> None:
        connection.sendall(EVENT_STREAM + sse("stdout", {"text": "a"}))
        until_gone(connection)
        gone.set()

    with serve(handler) as worker, WorkerClient(worker.url, TOKEN) as client:
        events = client.execute(ExecuteRequest(question="q"))
        next(events)
        assert not gone.is_set()
        events.close()  # type: ignore[attr-defined]
        assert gone.wait(20)


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs POSIX signals")
@pytest.mark.parametrize("head", [EVENT_STREAM + sse("stdout", {"text": "…"}), EVENT_STREAM, b""])
def test_another_thread_can_end_a_request(head: bytes) -> None:
    asked, left = threading.Event(), threading.Event()

    def handler(connection: socket.socket, _: Request) -> None:
        connection.sendall(head)
        asked.set()
        until_gone(connection)
        left.set()

    with serve(handler) as worker, WorkerClient(worker.url, None) as client:

        def cut() -> None:
            asked.wait(30)
            client.cut()

        cutter = threading.Thread(target=cut)
        cutter.start()
        with pytest.raises(WorkerError):
            list(client.execute(ExecuteRequest(question="q")))
        cutter.join()
        assert left.wait(30)
        with pytest.raises(WorkerError):
            list(client.execute(ExecuteRequest(question="never sent in full")))
        assert len(worker.requests) == 1


def test_ctrl_c_before_the_answer_closes_the_connection() -> None:
    gone = threading.Event()

    def handler(connection: socket.socket, _: Request) -> None:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        until_gone(connection)
        gone.set()

    with serve(handler) as worker, WorkerClient(worker.url, TOKEN) as client:
        with pytest.raises(KeyboardInterrupt):
            list(client.execute(ExecuteRequest(question="q")))
        assert gone.wait(20)


@pytest.mark.parametrize("to", ["/execute", "{other}/execute", "https://example.invalid/"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_error_and_nobody_else_gets_the_token(status: int, to: str) -> None:
    with serve(EVENT_STREAM + sse("result", RESULT)) as other:
        with serve(answer(status, b"", "text/plain", f"Location: {to.format(other=other.url)}")) as worker:
            error = failure(worker.url)
        assert (error.code, len(worker.requests), other.requests) == ("worker_invalid", 1, [])


def test_the_workers_own_error_keeps_code_hint_and_retryable() -> None:
    body = {"success": False, "error": "Busy.", "errorCode": "too_many_runs", "hint": "Wait.", "retryable": True}
    with serve(answer(429, json.dumps(body).encode())) as worker:
        error = failure(worker.url)
    assert error.to_json() == body
    assert len(worker.requests) == 1, "an /execute is never sent twice"


def test_an_error_after_the_stream_has_begun() -> None:
    body = {"success": False, "error": "Cut.", "errorCode": "model_interrupted", "hint": "Again.", "retryable": True}
    with serve(EVENT_STREAM + sse("generation", {"path": "a", "delta": "b"}) + sse("error", body)) as worker:
        error = failure(worker.url)
    assert (error.code, error.exit_code) == ("model_interrupted", Exit.GENERATION)


@pytest.mark.parametrize(
    ("status", "body", "kind", "retryable"),
    [
        (502, b"<html><title>Bad gateway</title>", "text/html", True),
        (500, b"", "text/plain", True),
        (429, b"slow down", "text/plain", True),
        (404, b"<h1>There is nothing here yet</h1>", "text/html", False),
        (401, b"[]", "application/json", False),
        (400, b'{"error": "x"}', "application/json", False),
        (400, b'{"error": 3, "errorCode": "invalid_json"}', "application/json", False),
        (403, b"\xff\xfe" * 100_000, "text/html", False),
        (200, b"<html>Sign in to the network</html>", "text/html", False),
        (200, json.dumps(RESULT).encode(), "application/json", False),
        (204, b"", "text/event-stream", False),
    ],
)
def test_an_answer_that_is_not_this_apis(status: int, body: bytes, kind: str, retryable: bool) -> None:
    with serve(answer(status, body, kind)) as worker:
        error = failure(worker.url)
    assert (error.code, error.retryable) == ("worker_invalid", retryable)


@pytest.mark.parametrize(
    "rest",
    [
        b"",
        b"data: 1\n\n",
        sse("stdout", {"text": "a"}),
        sse("result", RESULT)[:-1],
        b"event: result\n",
        sse("later", RESULT),
    ],
)
def test_a_stream_without_a_result(rest: bytes) -> None:
    with serve(EVENT_STREAM + rest) as worker:
        assert failure(worker.url).code == "stream_ended"


def test_a_stream_that_is_cut_in_the_middle() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    with serve(head + b"ff\r\n" + sse("stdout", {"text": "a"})) as worker:
        assert failure(worker.url).code == "stream_ended"


def test_a_stream_that_is_reset() -> None:
    got_first = threading.Event()

    def handler(connection: socket.socket, _: Request) -> None:
        connection.sendall(EVENT_STREAM + sse("stdout", {"text": "a"}))
        got_first.wait(20)
        reset(connection)

    with serve(handler) as worker, WorkerClient(worker.url, TOKEN) as client:
        events = client.execute(ExecuteRequest(question="q"))
        assert next(events) == Output("stdout", "a")
        got_first.set()
        with pytest.raises(WorkerError) as caught:
            next(events)
    assert caught.value.code == "stream_ended"


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200", EVENT_STREAM, EVENT_STREAM + sse("stdout", {"text": "a"})])
def test_silence(head: bytes) -> None:
    gone = threading.Event()

    def handler(connection: socket.socket, _: Request) -> None:
        connection.sendall(head)
        until_gone(connection)
        gone.set()

    with serve(handler) as worker:
        assert failure(worker.url, silence_timeout=0.2).code == "worker_silent"
        assert gone.wait(20)


def test_pings_do_not_keep_a_client_waiting_for_ever() -> None:
    """A Worker that is alive and never comes to an end: past what generation and program may take it is given up."""
    never = threading.Event()

    def ping(connection: socket.socket, _: Request) -> None:
        connection.sendall(EVENT_STREAM + sse("stdout", {"text": "so far"}))
        while not never.wait(0.02):
            connection.sendall(b": ping\n\n")

    with serve(ping) as server, WorkerClient(server.url, TOKEN, run_margin=-0.8) as client:
        events = client.run(Program("python", "a.py", ()), timeout_ms=1000)
        assert next(events) == Output("stdout", "so far")
        with pytest.raises(WorkerError) as caught:
            list(events)
    assert caught.value.code == "worker_silent"
    assert "longer than a run can take" in caught.value.message


def test_an_answer_that_never_begins_is_given_up_as_a_whole() -> None:
    """Header by header, each before the silence is too long."""
    never = threading.Event()

    def drip(connection: socket.socket, _: Request) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        for number in range(10_000):
            if never.wait(0.02):
                return
            connection.sendall(f"X-{number}: x\r\n".encode())

    with (
        serve(drip) as server,
        WorkerClient(server.url, TOKEN, run_margin=-0.8) as client,
        pytest.raises(WorkerError) as caught,
    ):
        list(client.run(Program("python", "a.py", ()), timeout_ms=1000))
    assert caught.value.code == "worker_silent"


def test_the_longest_generation_is_waited_for() -> None:
    assert patience().most > patience().calls * patience().call


def test_an_endless_answer_is_capped() -> None:
    def handler(connection: socket.socket, _: Request) -> None:
        connection.sendall(EVENT_STREAM)
        while True:  # until the client goes
            connection.sendall(sse("stdout", {"text": "x" * 1000}))

    with serve(handler) as worker:
        error = failure(worker.url, max_response_bytes=100_000)
    assert error.code == "worker_invalid"
    assert "100000" in error.message


@pytest.mark.parametrize("event", [b"event: result\ndata: {\n\n", sse("stdout", {"text": 5}), sse("result", [])])
def test_an_event_that_is_not_what_the_contract_says(event: bytes) -> None:
    with serve(EVENT_STREAM + event) as worker:
        assert failure(worker.url).code == "worker_invalid"


# Workers that cannot be reached


def unreachable(url: str, says: str, *, hints: str = "", **options: Any) -> None:
    error = failure(url, **options)
    assert (error.code, error.exit_code, error.retryable) == ("worker_unreachable", Exit.WORKER, True)
    assert says in error.message
    assert hints in error.hint


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    unreachable(f"http://127.0.0.1:{port}", "refused", hints="cct dev")


def test_the_local_socket_is_gone(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        # httpcore 1.0 leaves a Unix socket that did not connect to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        unreachable("http://localhost", "The local Worker", hints="again", uds=tmp_path / "none")
        gc.collect()


def test_the_name_does_not_resolve(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    unreachable("https://worker.invalid", "host name could not be resolved")


def test_connecting_is_given_up_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    over, answered = threading.Event(), threading.Event()

    def getaddrinfo(*_: Any, **__: Any) -> Any:
        over.wait(20)
        answered.set()
        raise socket.gaierror(socket.EAI_AGAIN, "try again")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    try:
        unreachable("https://worker.invalid", "took too long", open_timeout=0.1)
        assert not answered.is_set()
    finally:
        over.set()


@pytest.mark.parametrize("end", [lambda _: None, reset])
def test_the_connection_ends_before_an_answer(end: Any) -> None:
    with serve(lambda connection, _: end(connection)) as worker:
        unreachable(worker.url, "connection")
    assert len(worker.requests) == 1


def test_tls_is_answered_with_plain_http() -> None:
    with serve(answer(400, b""), eager=True) as worker:
        unreachable(worker.url.replace("http:", "https:"), "TLS")


def test_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl here to make a certificate")
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    make = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    where = ["-keyout", str(key), "-out", str(certificate), "-subj", "/CN=localhost", "-days", "2"]
    subprocess.run([*make, *where], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with serve(EVENT_STREAM + sse("result", RESULT), tls=context) as worker:
        unreachable(worker.url, "certificate")
    assert worker.requests == []


# What is refused before anything is sent


@pytest.mark.parametrize("url", ["http://worker.example.com", "ftp://x", "https://user:pw@x.dev", "x.workers.dev", ""])
def test_urls_that_must_not_be_used(url: str) -> None:
    with pytest.raises(ConfigError):
        WorkerClient(url, TOKEN)


@pytest.mark.parametrize("token", ["", "a b", "a\r\nX-Injected: 1", "é"])
def test_tokens_that_must_not_be_sent(token: str) -> None:
    with pytest.raises(ConfigError) as caught:
        WorkerClient("https://worker.example.com", token)
    assert not token or token not in caught.value.message


def test_a_question_that_is_not_text_is_not_sent() -> None:
    with serve(EVENT_STREAM) as worker, pytest.raises(UsageError) as caught:
        ask(worker.url, question="a\udcffb")
    assert caught.value.code == "invalid_request"
    assert worker.requests == []


def test_a_wrong_token_says_where_the_right_one_goes() -> None:
    body = {"success": False, "error": "No.", "errorCode": "unauthorized", "hint": "Bearer …", "retryable": False}
    with serve(answer(401, json.dumps(body).encode())) as worker:
        error = failure(worker.url)
    assert (error.code, error.exit_code) == ("unauthorized", Exit.CONFIG)
