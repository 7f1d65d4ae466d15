"""The places where deployed Workers answer: the real Worker, in a local `workerd`, with what it was given."""

from __future__ import annotations

import contextlib
import secrets
import socket
import threading
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from cct_cloudflare.sandbox.local import LocalWorker, local_worker
from cct_cloudflare.sandbox.toolchain import LocalRuntime

#: Secrets that the Worker gets as they are; its token is given another way.
_GIVEN: tuple[str, ...] = ("ANTHROPIC_API_KEY", "CCT_TOKEN_NEXT")


@dataclass
class Worker:
    """A Worker of the account. `secrets` and `variables` have the values that it was given."""

    secrets: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    bindings: dict[str, str] = field(default_factory=dict)
    versions: list[str] = field(default_factory=list)


class Site:
    """Where one Worker answers. Each deployment is a process of its own; the ones before live on until the end.

    The first `lag` connections after a change still reach the deployment before: Cloudflare's places differ a while.
    """

    def __init__(self, runtime: LocalRuntime, more: dict[str, str]) -> None:
        self._runtime = runtime
        self._more = more
        self._stack = contextlib.ExitStack()
        self._deployments: list[LocalWorker | None] = [None]
        self._lagging = 0
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.lag = 0
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def deploy(self, worker: Worker | None) -> None:
        """From now on this is what answers; None is what Cloudflare answers under a name that it does not know."""
        running = None
        if worker is not None:
            given = {name: worker.secrets[name] for name in _GIVEN if name in worker.secrets}
            deployment = {"CCT_DEPLOYMENT": worker.variables["CCT_DEPLOYMENT"]}
            token = worker.secrets.get("CCT_TOKEN", secrets.token_hex())
            running = self._stack.enter_context(
                local_worker(
                    self._runtime,
                    environment={**given, **deployment, **self._more},
                    listen="127.0.0.1:0",
                    token=token,
                )
            )
        with self._lock:
            self._deployments.append(running)
            self._lagging = self.lag

    def close(self) -> None:
        self._listener.close()
        self._stack.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._pass_on, args=(connection,), daemon=True).start()

    def _pass_on(self, connection: socket.socket) -> None:
        with self._lock:
            is_lagging = self._lagging > 0
            self._lagging -= is_lagging
            worker = self._deployments[-2 if is_lagging else -1]
        with connection, contextlib.suppress(OSError):
            if worker is None:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n")
                return
            parts = urlsplit(worker.url)
            assert parts.hostname is not None
            with socket.create_connection((parts.hostname, parts.port)) as backend:
                back = threading.Thread(target=_copy, args=(backend, connection), daemon=True)
                back.start()
                _copy(connection, backend)
                back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
