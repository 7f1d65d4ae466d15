"""Web servers on loopback that keep registries, write down what they were asked, and can misbehave."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Site:
    """`files` by their paths, without a slash at the start. `failing` has statuses, `redirects` where paths lead."""

    url: str
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    connections: set[Any] = field(default_factory=set)
    most_at_once: int = 0
    at_once: int = 0
    failing: dict[str, int] = field(default_factory=dict)
    failure_headers: dict[str, str] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    endless: set[str] = field(default_factory=set)
    cut: set[str] = field(default_factory=set)
    encodings: dict[str, str] = field(default_factory=dict)
    gate: threading.Barrier | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def serving(files: Mapping[str, bytes | str] | None = None) -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.removeprefix("/")
            with site.lock:
                site.asked.append(path)
                site.connections.add(self.client_address)
                site.at_once += 1
                site.most_at_once = max(site.most_at_once, site.at_once)
            try:
                if site.gate is not None:
                    site.gate.wait(10)
                self._answer(path)
            finally:
                with site.lock:
                    site.at_once -= 1

        def _answer(self, path: str) -> None:
            if path in site.endless:
                self._endless()
            elif path in site.redirects:
                self._send(302, b"", headers={"Location": site.redirects[path]})
            elif path in site.failing:
                self._send(site.failing[path], b"no", headers=site.failure_headers)
            elif path not in site.files:
                self._send(404, b"not here")
            else:
                body = site.files[path]
                etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
                if self.headers.get("If-None-Match") == etag:
                    self._send(304, b"", headers={"ETag": etag})
                else:
                    encoding = {"Content-Encoding": site.encodings[path]} if path in site.encodings else {}
                    self._send(200, body, cut=path in site.cut, headers={"ETag": etag, **encoding})

        def _send(
            self, status: int, body: bytes, *, cut: bool = False, headers: Mapping[str, str] | None = None
        ) -> None:
            with site.lock:
                site.statuses.append(status)
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            if status != 304:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if cut else body)
            if cut:
                self.close_connection = True

        def _endless(self) -> None:
            self.send_response(200)
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            try:
                while True:
                    self.wfile.write(b"x" * 65_536)
            except OSError:
                return

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that has seen enough hangs up; that is no error to print."""

    server = Server(("127.0.0.1", 0), Handler)
    site = Site(f"http://127.0.0.1:{server.server_port}")
    site.files = {path: text if isinstance(text, bytes) else text.encode() for path, text in (files or {}).items()}
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def repository(kinds: Mapping[str, Mapping[str, str]], root: str = "cli-tool/components/") -> dict[str, bytes]:
    """`{"agents": {"a/x.md": text}}` → the files of a components repository."""
    return {f"{root}{kind}/{path}": text.encode() for kind, files in kinds.items() for path, text in files.items()}


def public_index(**kinds: list[dict[str, Any]]) -> bytes:
    """An index in the public shape."""
    return json.dumps({**kinds, "templates": [], "componentsMarketplace": {}}).encode()


def agent(name: str, description: str = "Does things.", body: str = "Work well.") -> str:
    return f"---\nname: {name}\ndescription: {description}\n---\n\n{body}\n"


def github_files(repository: str, commit: str, files: Mapping[str, bytes], ref: str = "HEAD") -> dict[str, bytes]:
    """What GitHub's API and raw host answer of one commit, as one site: `api/…` and `raw/…`."""
    tree = [{"path": path, "mode": "100644", "type": "blob", "size": len(data)} for path, data in files.items()]
    answers = {
        f"api/repos/{repository}/commits/{ref}": commit.encode(),
        f"api/repos/{repository}/git/trees/{commit}?recursive=1": json.dumps({"tree": tree}).encode(),
    }
    return answers | {f"raw/{repository}/{commit}/{path}": data for path, data in files.items()}
