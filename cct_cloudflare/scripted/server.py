"""The scripted model as an HTTP server on this machine's loopback."""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self, cast

from cct_cloudflare.scripted import catalog, checks, wire
from cct_cloudflare.scripted.faults import Fault

_NO_FAULT = Fault()
#: As the API has it for a model whose date it does not tell.
_EPOCH = "1970-01-01T00:00:00Z"
#: Seconds between two pings of a stream that sends nothing else.
_PING_INTERVAL = 0.01


@dataclass
class RecordedRequest:
    """A request as it came; `headers` has lower-case names, `body` is None when it was not a JSON object."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: dict[str, Any] | None
    #: Set when the client has left before the answer had ended.
    disconnected: threading.Event = field(default_factory=threading.Event)


class ScriptedModel:
    """Answers Anthropic's Messages API on 127.0.0.1 while the context is open.

    `faults` is consumed by calls to `/v1/messages`, one item per call that passes the checks of the API; None is a
    call without a fault, and when the items have run out there are no faults any more (`itertools.repeat` for one
    that lasts). `pace` is in seconds, between two events of a stream. `port` 0 takes any that is free. `key` is
    the only one that is accepted; without it every one is.

    `url` is what ANTHROPIC_BASE_URL must be. `requests` has every request in the order in which it came.
    """

    def __init__(
        self,
        replies: Iterable[catalog.AnyReply] | None = None,
        *,
        faults: Iterable[Fault | None] = (),
        pace: float = 0.008,
        port: int = 0,
        key: str | None = None,
    ) -> None:
        self.replies: tuple[catalog.AnyReply, ...] = tuple(catalog.replies() if replies is None else replies)
        self.requests: list[RecordedRequest] = []
        self.pace = pace
        self.key = key
        self._faults: Iterator[Fault | None] = iter(faults)
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._port = port
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        if self._server is None:
            raise RuntimeError("the scripted model is not running: use it as a context manager")
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._closing.clear()
        self._server = _Server(self, self._port)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is None or self._thread is None:
            return
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server = None

    def next_fault(self) -> Fault:
        with self._lock:
            return next(self._faults, None) or _NO_FAULT

    def record(self, request: RecordedRequest) -> None:
        with self._lock:
            self.requests.append(request)

    def sleep(self, seconds: float) -> None:
        """Waits; raises when the server closes meanwhile."""
        if self._closing.wait(seconds):
            raise _Closing


class _Closing(Exception):  # noqa: N818 — a reason to stop, not an error
    """The server closes while an answer is under way."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A stalled answer must not keep the process.
    block_on_close = False

    def __init__(self, model: ScriptedModel, port: int) -> None:
        self.model = model
        super().__init__(("127.0.0.1", port), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that leaves between two requests is no event; anything else is a fault of ours, and shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(cast(Any, request), client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "cct-scripted-model"

    @property
    def _model(self) -> ScriptedModel:
        return cast(_Server, self.server).model

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 — the name in the base class
        """Says nothing: what was asked is in `requests`."""

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        length = self.headers.get("content-length", "")
        if not length.isdigit():
            self._refuse(checks.Refusal(411, "invalid_request_error", "Content-Length is required"))
            return
        if int(length) > checks.MAX_BODY_BYTES:
            # The body stays unread, so the connection cannot be used again.
            self.close_connection = True
            self._refuse(checks.Refusal(413, "request_too_large", "Request exceeds the maximum size"))
            return
        self._serve(self.rfile.read(int(length)))

    def _serve(self, raw: bytes) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = RecordedRequest(self.command, self.path, headers, _json_object(raw))
        self._model.record(request)
        try:
            checks.check_headers(headers, self._model.key)
            self._route(request, raw)
        except checks.Refusal as refusal:
            self._refuse(refusal)
        except ConnectionError:
            request.disconnected.set()
            self.close_connection = True
        except _Closing:
            self.close_connection = True

    def _route(self, request: RecordedRequest, raw: bytes) -> None:
        match request.method, request.path.partition("?")[0]:
            case "POST", "/v1/messages":
                self._messages(request, checks.parse_body(raw))
            case "POST", "/v1/messages/count_tokens":
                body = checks.parse_body(raw)
                checks.check_count_tokens(body)
                self._json(200, {"input_tokens": _input_tokens(body)})
            case "GET", "/v1/models":
                self._json(200, _model_list())
            case _:
                raise checks.Refusal(404, "not_found_error", "Not found")

    def _messages(self, request: RecordedRequest, body: dict[str, Any]) -> None:
        checks.check_message(body, request.headers["anthropic-version"])
        fault = self._model.next_fault()
        if fault.delay:
            self._model.sleep(fault.delay)
        if fault.status is not None:
            answer = wire.error_body(fault.error_type, fault.message, fault.error_code)
            self._json(fault.status, answer, fault.headers)
            return
        reply = catalog.find(_asked(body), self._model.replies)
        if reply is None:
            known = "; ".join(reply.prompt for reply in self._model.replies)
            raise checks.Refusal(
                400, "invalid_request_error", f"The scripted model does not know this prompt. It knows: {known}"
            )
        call = wire.Call(body["model"], _input_tokens(body), reply, _tool_to_call(body, reply), fault)
        if body.get("stream"):
            self._stream(call)
        else:
            self._json(200, wire.message(call))

    def _stream(self, call: wire.Call) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Cache-Control", "no-cache")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        pace = self._model.pace
        for item in wire.stream(call):
            if isinstance(item, wire.End):
                self._end(item)
                return
            self._chunk(item)
            if pace:
                self._model.sleep(pace)
        self._chunk(b"")

    def _end(self, end: wire.End) -> None:
        if end.how == "cut":
            self.close_connection = True
            return
        while end.how in ("stall", "pings"):
            self._model.sleep(_PING_INTERVAL)
            if end.how == "pings":
                self._chunk(wire.PING)
            elif self._client_has_left():
                raise ConnectionResetError
        self._chunk(b"")

    def _client_has_left(self) -> bool:
        """Writes would show it, but a stream that is silent does not write."""
        connection: socket.socket = self.connection
        connection.setblocking(False)
        try:
            return connection.recv(1, socket.MSG_PEEK) == b""
        except BlockingIOError:
            return False
        finally:
            connection.setblocking(True)

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        self.wfile.flush()

    def _refuse(self, refusal: checks.Refusal) -> None:
        self._json(refusal.status, wire.error_body(refusal.error_type, refusal.message))

    def _json(self, status: int, body: dict[str, Any], headers: Mapping[str, str] | None = None) -> None:
        data = json.dumps(body, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if request_id := body.get("request_id"):
            self.send_header("request-id", request_id)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


def _json_object(raw: bytes) -> dict[str, Any] | None:
    with suppress(ValueError, RecursionError):
        body = json.loads(raw)
        if isinstance(body, dict):
            return body
    return None


def _texts(content: str | list[dict[str, Any]]) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(block["text"] for block in content if block["type"] == "text")


def _is_tool_result(message: dict[str, Any]) -> bool:
    content = message["content"]
    return not isinstance(content, str) and any(block["type"] == "tool_result" for block in content)


def _asked(body: dict[str, Any]) -> str:
    """What the user said last; the results of tools come in the user's name, and are not what is asked."""
    said = [message for message in body["messages"] if message["role"] == "user" and not _is_tool_result(message)]
    return _texts(said[-1]["content"]) if said else ""


def _tool_to_call(body: dict[str, Any], reply: catalog.AnyReply) -> str | None:
    """The name of the tool that the reply is given with; None where it is prose.

    A program is handed over with a tool that takes one, whatever that is called. When a call was answered, all is said.
    """
    if _is_tool_result(body["messages"][-1]):
        return None
    for tool in body.get("tools", []):
        takes = tool["input_schema"].get("properties", {})
        if tool["name"] == reply.tool if isinstance(reply, catalog.ToolReply) else {"language", "files"} <= set(takes):
            name: str = tool["name"]
            return name
    return None


def _input_tokens(body: dict[str, Any]) -> int:
    said = [_texts(message["content"]) for message in body["messages"]]
    return wire.tokens("".join([_texts(body.get("system", "")), *said, json.dumps(body.get("tools", []))]))


def _model_list() -> dict[str, Any]:
    names = list(checks.models())
    data = [{"type": "model", "id": name, "display_name": name, "created_at": _EPOCH} for name in names]
    return {"data": data, "has_more": False, "first_id": names[0], "last_id": names[-1]}
