"""Owns every `workerd` of one local session, and ends them all when the pipe from `cct` closes.

Run as ``python -m cct_cloudflare.sandbox.supervisor``, in a session of its own so that Ctrl-C in the terminal does not
reach it first. stdin: one line of JSON (`Orders`), then nothing until end of file, which means "stop": it comes
however `cct` ends, kill -9 included. stdout: one line of JSON, ``{"directory": …, "port": …}`` or ``{"error": …}``.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cct_cloudflare.sandbox import workerd
from cct_cloudflare.sandbox.runner import Pool, RunnerServer

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGHUP)

GATEWAY_SOCKET = "gateway"
_RUNNER_SOCKET = "runner"


@dataclass(frozen=True)
class Orders:
    """What to run. Secrets travel in `environment`, over the pipe: never in argv or this process's own environment."""

    workerd: str
    #: Compiled configurations: gateway, javascript, python.
    gateway: str
    sandboxes: dict[str, str]
    #: Where the supervisor makes its folder. The path is short: that of a Unix socket in it has 104 bytes at most.
    parent: str
    environment: dict[str, str] = field(repr=False)
    #: Sandboxes to start at once, by kind; they are not made up for.
    first: dict[str, int] = field(default_factory=dict)
    #: Booted spares to keep, by kind.
    spares: dict[str, int] = field(default_factory=dict)
    #: An address such as 127.0.0.1:8787 instead of the Unix socket.
    listen: str | None = None
    #: Whether what the Worker logs goes to the supervisor's stderr, or nowhere.
    log: bool = False

    def to_line(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"


def serve(orders: Orders) -> None:
    """Runs until stdin ends."""
    try:
        # Made here, not by cct: whoever makes it lives to remove it. Its mode is 0700.
        directory = Path(tempfile.mkdtemp(prefix="cct-", dir=orders.parent))
    except OSError as error:
        _say({"error": f"no folder could be made in {orders.parent}: {error.strerror}"})
        return
    pool = Pool(
        workerd=Path(orders.workerd),
        configs={kind: Path(path) for kind, path in orders.sandboxes.items()},
        directory=directory,
        spares=orders.spares,
    )
    gateway = None
    try:
        server = RunnerServer(directory / _RUNNER_SOCKET, pool)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        # Needed while a program runs, when 15 ms for an import would be in its way.
        threading.Thread(target=importlib.import_module, args=("psutil",), daemon=True).start()
        pool.fill(orders.first)
        pool.fill()
        log = sys.stderr.fileno() if orders.log else subprocess.DEVNULL
        gateway = workerd.start(
            Path(orders.workerd),
            Path(orders.gateway),
            address=orders.listen or f"unix:{directory / GATEWAY_SOCKET}",
            external={"runner": f"unix:{directory / _RUNNER_SOCKET}"},
            environment=orders.environment,
            directory=directory,
            stdout=log,
            stderr=log,
        )
        # From now on: one that never listens would otherwise outlive cct, and this process with it.
        end = threading.Thread(target=_end_with_cct, args=(gateway,), daemon=True)
        end.start()
        _say({"directory": str(directory), "port": gateway.wait_until_listening()})
        end.join()
    except (OSError, RuntimeError) as error:
        _say({"error": str(error)})
    finally:
        for number in _STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)  # ending already: nothing may break it off
        pool.close()
        if gateway is not None:
            gateway.kill()
        shutil.rmtree(directory, ignore_errors=True)


def _end_with_cct(gateway: workerd.Workerd) -> None:
    """Waits until cct has gone, however it went, and ends the Worker at once."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    gateway.process.kill()


def _say(value: dict[str, Any]) -> None:
    sys.stdout.buffer.write(json.dumps(value).encode() + b"\n")
    sys.stdout.buffer.flush()


def main() -> None:
    def stop(*_: object) -> None:
        raise SystemExit(0)

    for number in _STOP_SIGNALS:
        signal.signal(number, stop)
    line = b""
    while not line.endswith(b"\n"):
        # os.read, not sys.stdin: what a buffered reader has taken ahead would be missing later.
        if not (chunk := os.read(sys.stdin.fileno(), 65536)):
            return
        line += chunk
    serve(Orders(**json.loads(line)))


if __name__ == "__main__":
    main()
