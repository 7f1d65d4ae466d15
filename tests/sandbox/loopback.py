"""A server on loopback (or a Unix socket) that answers with whatever bytes a test says."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

EVENT_STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nConnection: close\r\n\r\n"
RESULT: dict[str, Any] = {"success": True, "output": "55\n", "sandboxId": "a1"}


def sse(name: str, body: Any) -> bytes:
    return f"event: {name}\ndata: {json.dumps(body)}\n\n".encode()


def answer(status: int, body: bytes, kind: str = "application/json", *more: str) -> bytes:
    head = [f"HTTP/1.1 {status} X", f"Content-Type: {kind}", f"Content-Length: {len(body)}", "Connection: close", *more]
    return "\r\n".join([*head, "", ""]).encode() + body


@dataclass(frozen=True)
class Request:
    line: str
    headers: dict[str, str]
    body: bytes


Handler = Callable[[socket.socket, Request], None]


@dataclass
class Loopback:
    url: str
    requests: list[Request] = field(default_factory=list)


def reset(connection: socket.socket) -> None:
    """Ends the connection with RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def until_gone(connection: socket.socket) -> None:
    """Waits until the client has closed its end."""
    with contextlib.suppress(OSError):
        while connection.recv(65536):
            pass


@contextlib.contextmanager
def serve(
    handler: Handler | bytes, uds: Path | None = None, *, tls: ssl.SSLContext | None = None, eager: bool = False
) -> Iterator[Loopback]:
    """Each connection: one request is read, then `handler` has the socket, which is closed after it.

    An eager server takes the first bytes for the request, whatever they are.
    """
    if uds is None:
        listener = socket.create_server(("127.0.0.1", 0))
        server = Loopback(f"{'https' if tls else 'http'}://127.0.0.1:{listener.getsockname()[1]}")
    else:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(uds))
        listener.listen()
        server = Loopback("http://localhost")
    threads: list[threading.Thread] = []

    def talk(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            connection.settimeout(30)
            if tls:
                connection = tls.wrap_socket(connection, server_side=True)
            request = _read_request(connection, eager)
            if request is None:
                return
            server.requests.append(request)
            if isinstance(handler, bytes):
                connection.sendall(handler)
            else:
                handler(connection, request)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threads.append(threading.Thread(target=talk, args=(connection,)))
                threads[-1].start()

    acceptor = threading.Thread(target=accept)
    acceptor.start()
    try:
        yield server
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)  # wakes `accept`, which closing alone does not
        listener.close()
        acceptor.join()
        for thread in threads:
            thread.join()


def _read_request(connection: socket.socket, eager: bool) -> Request | None:
    data = b""
    while b"\r\n\r\n" not in data and not (eager and data):
        part = connection.recv(65536)
        if not part:
            return None
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    line, *fields = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
    while len(body) < int(headers.get("content-length", "0")):
        body += connection.recv(65536)
    return Request(line, headers, body)
