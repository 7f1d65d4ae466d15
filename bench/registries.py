"""Fifty components from a registry whose every answer takes 50 ms: one request after the other takes 2.5 s and more."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from bench.measure import Row, Series, absolute

_RUNS = 10
_LATENCY = 0.05
_COUNT = 50
_NAMES = [f"team/agent-{number:02}" for number in range(_COUNT)]


def rows() -> Iterator[Row]:
    with _serving() as address, tempfile.TemporaryDirectory() as folder:
        cct = str(Path(sys.executable).with_name("cct"))
        home = Path(folder) / "home"
        environment = {**os.environ, "HOME": str(home)}
        environment |= {f"XDG_{kind}_HOME": str(home / kind) for kind in ("CONFIG", "CACHE", "DATA", "STATE")}

        def run(*argv: str) -> float:
            begun = time.perf_counter()
            subprocess.run([cct, *argv], check=True, env=environment, stdout=subprocess.DEVNULL)
            return (time.perf_counter() - begun) * 1000

        def add(project: Path) -> float:
            project.mkdir()
            argv = ["add", "--agent", ",".join(_NAMES), "--yes", "--json", "--directory", str(project)]
            duration = run(*argv)
            assert len(list(project.rglob("*.md"))) == _COUNT
            shutil.rmtree(project)
            return duration

        pinning, first, again = [], [], []
        for _ in range(_RUNS):
            shutil.rmtree(home, ignore_errors=True)
            pinning.append(run("registry", "add", "team", address, "--json"))
            first.append(add(Path(folder) / "project"))
            again.append(add(Path(folder) / "project"))
        yield absolute("cct registry add, 50 ms per request", Series(tuple(pinning)), 1000)
        yield absolute(f"cct add, {_COUNT} components, 50 ms per request", Series(tuple(first)), 1000)
        yield absolute(f"cct add, {_COUNT} components, already fetched", Series(tuple(again)), 1000)


@contextmanager
def _serving() -> Iterator[str]:
    texts = {name: f"---\nname: {name}\ndescription: The agent {name}.\n---\n\nWork.\n".encode() for name in _NAMES}
    files = {f"/cli-tool/components/agents/{name}.md": text for name, text in texts.items()}
    entries = [{"name": name.partition("/")[2], "path": f"{name}.md", "description": f"Of {name}."} for name in _NAMES]
    files["/docs/components.json"] = json.dumps({"agents": entries}).encode()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Else the second packet of an answer waits for the first one's acknowledgement: 40 ms that are nobody's.
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            time.sleep(_LATENCY)
            body = files.get(self.path, b"")
            self.send_response(200 if body else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
            pass

    class Server(ThreadingHTTPServer):
        # With the five of its base, the sixth of the connections at once is taken a second later.
        request_queue_size = 64

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
