"""A local session: the Worker on this machine, for as long as the context manager is open."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cct_cloudflare.errors import WorkerError
from cct_cloudflare.sandbox.supervisor import GATEWAY_SOCKET, Orders
from cct_cloudflare.sandbox.toolchain import LocalRuntime

#: How long the supervisor has to end everything after its pipe is closed, in seconds.
_END_PATIENCE = 5.0


@dataclass(frozen=True)
class LocalWorker:
    """Where the local Worker listens, and the token of this session."""

    url: str
    token: str = field(repr=False)
    #: The Unix socket to use instead of `url`'s host; None when it listens on a port.
    socket: Path | None
    supervisor_pid: int


@contextmanager
def local_worker(
    runtime: LocalRuntime,
    *,
    environment: Mapping[str, str],
    first: Mapping[str, int] | None = None,
    spares: Mapping[str, int] | None = None,
    listen: str | None = None,
    token: str | None = None,
    log: int | None = None,
) -> Iterator[LocalWorker]:
    """Starts the local Worker and ends it, with everything that it runs, on the way out.

    `environment` is what the Worker is given: the Anthropic key and its base URL. By kind of sandbox, `first` are
    started at once beside the Worker, and `spares` are kept booted ahead of need. What the Worker logs, why it does not
    start among it, goes to the file descriptor `log`. Raises WorkerError when it does not come up.
    """
    token = token or secrets.token_urlsafe(32)
    orders = Orders(
        workerd=str(runtime.workerd),
        gateway=str(runtime.gateway),
        sandboxes={kind: str(path) for kind, path in runtime.sandboxes.items()},
        parent=_short_directory(),
        environment={**environment, "CCT_TOKEN": token},
        first=dict(first or {}),
        spares=dict(spares or {}),
        listen=listen,
        log=log is not None,
    )
    supervisor = subprocess.Popen(
        # -P: the current folder may hold a module of the same name as one of ours.
        [sys.executable, "-P", "-m", "cct_cloudflare.sandbox.supervisor"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if log is None else log,
        # The same imports as here, and nothing else of the environment: no key may be in it.
        env={"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        # Ctrl-C in the terminal goes to cct, which then closes the pipe.
        start_new_session=True,
        cwd="/",
    )
    try:
        yield _handshake(supervisor, orders, token)
    finally:
        _end(supervisor)


def _short_directory() -> str:
    """A folder whose path leaves room for a socket's name: 104 bytes in all on macOS."""
    default = tempfile.gettempdir()
    return default if len(default) < 60 else "/tmp"  # noqa: S108 (mkdtemp makes it safe)


def _handshake(supervisor: subprocess.Popen[bytes], orders: Orders, token: str) -> LocalWorker:
    if supervisor.stdin is None or supervisor.stdout is None:
        raise WorkerError("The supervisor has no pipes.")
    try:
        supervisor.stdin.write(orders.to_line())
        supervisor.stdin.flush()
        line = supervisor.stdout.readline()
    except OSError:
        line = b""
    answer = json.loads(line or b'{"error": "it ended without a word"}')
    if "error" in answer:
        raise WorkerError(
            f"The local Worker did not start: {answer['error']}.",
            hint="Run the command again; if it stays so, use a deployed Worker with --worker-url.",
        )
    if orders.listen is not None:
        host = orders.listen.rsplit(":", 1)[0]
        return LocalWorker(f"http://{host}:{answer['port']}", token, None, supervisor.pid)
    return LocalWorker("http://localhost", token, Path(answer["directory"]) / GATEWAY_SOCKET, supervisor.pid)


def _end(supervisor: subprocess.Popen[bytes]) -> None:
    for pipe in (supervisor.stdin, supervisor.stdout):
        if pipe is not None:
            pipe.close()
    try:
        supervisor.wait(_END_PATIENCE)
    except subprocess.TimeoutExpired:
        supervisor.terminate()  # its own cleaning up is still the best there is
        try:
            supervisor.wait(_END_PATIENCE)
        except subprocess.TimeoutExpired:
            supervisor.kill()
            supervisor.wait()
