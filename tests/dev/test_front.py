"""The address stays while Workers change; each is played here by a server on a Unix socket that records and answers."""

from __future__ import annotations

import contextlib
import queue
import shutil
import socket
import socketserver
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path

import pytest

from cct_cloudflare.dev.front import Front, Served, _status, open_front
from cct_cloudflare.dev.ports import listen
from tests.runtime import PATIENCE, wait_until

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

Answer = Callable[["Worker", socket.socket], None]


@dataclass
class Worker:
    path: Path
    answer: Answer
    heads: list[bytes] = field(default_factory=list)
    #: Is set when the front has closed a connection.
    hung_up: threading.Event = field(default_factory=threading.Event)


def say(text: bytes) -> Answer:
    return lambda worker, connection: connection.sendall(text)


def wait_for_the_end(worker: Worker, connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
    while connection.recv(4096):
        pass
    worker.hung_up.set()


@pytest.fixture
def start() -> Iterator[Callable[[str, Answer], Worker]]:
    """Starts a Worker of that name, which answers every connection in this way and closes it."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder)

        def start(name: str, answer: Answer) -> Worker:
            worker = Worker(folder / name, answer)

            class Handler(socketserver.BaseRequestHandler):
                def handle(self) -> None:
                    head = b""
                    while b"\r\n\r\n" not in head:
                        head += self.request.recv(4096)
                    worker.heads.append(head)
                    with contextlib.suppress(OSError):
                        worker.answer(worker, self.request)

            server = socketserver.ThreadingUnixStreamServer(str(worker.path), Handler)
            server.daemon_threads = True
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
            return worker

        yield start


@dataclass
class Address:
    front: Front
    port: int
    served: queue.Queue[Served]

    def get(
        self, path: str = "/", body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request("GET" if body is None else "POST", path, body, headers or {})
            response = connection.getresponse()
            return response.status, response.read()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def last(self) -> Served:
        return self.served.get(timeout=PATIENCE)


@pytest.fixture
def address() -> Iterator[Address]:
    served: queue.Queue[Served] = queue.Queue()
    with listen(0) as listening, open_front(listening.sockets, served.put) as front:
        yield Address(front, listening.port, served)


Start = Callable[[str, Answer], Worker]


def test_a_request_and_its_answer_pass_as_they_are(address: Address, start: Start) -> None:
    worker = start("a", say(OK))
    address.front.point(worker.path)
    assert address.get("/run?secret=1", headers={"Authorization": "Bearer x", "X-Odd": "\xe9"}) == (200, b"ok")
    (head,) = worker.heads
    assert head.startswith(b"GET /run?secret=1 HTTP/1.1\r\n")
    assert f"\r\nHost: 127.0.0.1:{address.port}\r\n".encode() in head
    assert b"\r\nAuthorization: Bearer x\r\n" in head
    assert b"\r\nX-Odd: \xe9\r\n" in head
    told = address.last()
    assert (told.method, told.path, told.status) == ("GET", "/run", 200)


@pytest.mark.parametrize("asked", ["keep-alive", "close", None])
def test_a_connection_carries_one_request(address: Address, start: Start, asked: str | None) -> None:
    worker = start("a", say(OK))
    address.front.point(worker.path)
    address.get(headers={"Connection": asked} if asked else {})
    (head,) = worker.heads
    assert head.lower().count(b"\r\nconnection:") == 1
    assert head.endswith(b"\r\nConnection: close\r\n\r\n")


def test_an_upgrade_keeps_its_connection(address: Address, start: Start) -> None:
    worker = start("a", say(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"))
    address.front.point(worker.path)
    with address.connect() as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        assert b" 101 " in client.recv(4096)
    assert b"\r\nConnection: Upgrade\r\n" in worker.heads[0]
    assert address.last().status == 101


def test_the_next_request_goes_to_the_next_worker_and_what_is_under_way_stays(address: Address, start: Start) -> None:
    old, new = start("old", wait_for_the_end), start("new", say(OK))
    address.front.point(old.path)
    with address.connect() as client:
        client.sendall(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"data: 1" in client.recv(4096)
        address.front.point(new.path)
        assert address.get() == (200, b"ok")
        assert wait_until(lambda: address.front.busy(new.path) == 0)
        assert address.front.busy(old.path) == 1
        assert not old.hung_up.is_set()
    assert old.hung_up.wait(PATIENCE), "the Worker learns that its client has left"
    assert wait_until(lambda: address.front.busy(old.path) == 0)
    assert [told.status for told in (address.last(), address.last())] == [200, None]


def test_where_no_worker_is_the_client_is_told_in_the_apis_own_words(address: Address, start: Start) -> None:
    gone = Path("/tmp/there-is-no-such-socket")
    for worker in (None, gone):
        if worker is not None:
            address.front.point(worker)
        status, body = address.get()
        assert status == 502
        assert b'"errorCode": "worker_unreachable"' in body
        assert address.last().status == 502
    assert address.front.has_lost(gone)


def test_a_worker_that_ends_before_it_has_said_anything_counts_as_gone(address: Address, start: Start) -> None:
    """One that is killed may still take connections while it dies."""
    worker = start("a", say(b""))
    address.front.point(worker.path)
    for body in (None, b"x" * 100_000):
        assert address.get(body=body)[0] == 502
        assert address.last().status == 502
    assert address.front.has_lost(worker.path)


def test_a_worker_that_ends_in_mid_answer_ends_the_answer(address: Address, start: Start) -> None:
    worker = start("a", say(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"))
    address.front.point(worker.path)
    with address.connect() as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        with client.makefile("rb") as answer:
            assert answer.read().endswith(b"short")
    assert address.last().status == 200


def test_an_answer_that_comes_before_the_body_was_read_arrives(address: Address, start: Start) -> None:
    refusal = b"HTTP/1.1 413 Payload Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig"
    worker = start("a", say(refusal))
    address.front.point(worker.path)
    body = b"x" * 4_000_000
    with address.connect() as client:
        client.sendall(b"POST /run HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n")
        with contextlib.suppress(OSError):
            client.sendall(body)
        with client.makefile("rb") as answer:
            assert answer.read() == refusal
    assert address.last().status == 413


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHos", b"x" * 100_000])
def test_what_is_no_request_reaches_nobody(address: Address, start: Start, sent: bytes) -> None:
    worker = start("a", say(OK))
    address.front.point(worker.path)
    with address.connect() as client:
        with contextlib.suppress(OSError):
            client.sendall(sent)
            client.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            assert client.recv(4096) == b""
    assert address.get() == (200, b"ok")
    assert len(worker.heads) == 1


def test_the_end_waits_for_nobody(start: Start) -> None:
    worker = start("a", wait_for_the_end)
    with listen(0) as listening, open_front(listening.sockets, lambda _: None) as front:
        front.point(worker.path)
        client = socket.create_connection(("127.0.0.1", listening.port), timeout=PATIENCE)
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"data: 1" in client.recv(4096)
    with client, contextlib.suppress(ConnectionError):
        assert client.recv(4096) == b""
    assert worker.hung_up.wait(PATIENCE)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"HTTP/1.1 200 OK\r\n", 200),
        (b"HTTP/1.0 404 Not Found\r\n", 404),
        (b"HTTP/1.1 20", None),
        (b"HTTP/1.1 100 Continue\r\n\r\n", None),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 413 Payload Too Large\r\n", 413),
        (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n", 200),
        (b"HTTP/1.1 101 Switching Protocols\r\n", 101),
        (b"SSH-2.0", None),
    ],
)
def test_the_status_is_that_of_the_answer(head: bytes, status: int | None) -> None:
    assert _status(head) == status
