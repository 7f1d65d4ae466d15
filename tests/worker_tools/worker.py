"""A loopback server that speaks the Worker's API, and the project's own Node tools run against it."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cct_cloudflare.sandbox.toolchain import find_node
from cct_cloudflare.scaffold.render import template_dir, template_paths
from tests.sandbox.loopback import EVENT_STREAM, Handler, Loopback, Request, answer, serve, sse

TOKEN = "canary-token-0123456789"

HEALTH: Mapping[str, Any] = {
    "status": "ok",
    "timestamp": "2026-11-23T00:00:00.000Z",
    "worker": "cct-cloudflare-sandbox",
    "version": "0.1.0",
    "deployment": None,
    "model": "claude-sonnet-5-5",
    "languages": ["python", "javascript", "typescript", "web"],
    "sandboxes": ["isolate"],
}

ANSWER: Mapping[str, Any] = {
    "success": True,
    "question": "What is the 10th Fibonacci number?",
    "code": "print(55)\n",
    "output": "55\n",
    "error": "",
    "errorCode": None,
    "exitCode": 0,
    "language": "python",
    "files": [{"path": "main.py", "content": "print(55)\n"}],
    "refusedFiles": [],
    "sandboxId": "run-1",
    "sandbox": "isolate",
    "isolation": "a fresh isolate",
    "model": "claude-sonnet-5-5",
    "attempts": 1,
    "executionTime": 12,
    "usage": {"inputTokens": 1200, "outputTokens": 300, "costUsd": 0.0081},
    "metrics": {
        "queueMs": 3,
        "firstTokenMs": 500,
        "generationMs": 2000,
        "tokensPerSecond": 200,
        "bootMs": 180,
        "spare": True,
        "executionMs": 12,
        "totalMs": 2100,
        "peakMemoryBytes": 52_000_000,
        "stdoutBytes": 3,
        "stderrBytes": 3,
        "fileBytes": 10,
    },
    "truncated": False,
    "outputLossy": False,
    "outputMayBeIncomplete": False,
}

BEFORE_OUTPUT: Sequence[tuple[str, Any]] = (
    (
        "started",
        {
            "sandboxId": "run-1",
            "sandbox": "isolate",
            "isolation": "a fresh isolate",
            "model": "claude-sonnet-5-5",
            "language": None,
            "timeoutMs": 30000,
        },
    ),
    ("generation", {"path": "main.py", "delta": "print("}),
    ("generation", {"path": "main.py", "delta": "55)\n"}),
    ("boot", {"ms": 180, "spare": True, "queueMs": 0}),
    (
        "program",
        {
            "language": "python",
            "entrypoint": "main.py",
            "files": [{"path": "main.py", "bytes": 10}],
            "refusedFiles": [],
        },
    ),
    ("attempt", {"number": 1, "of": 1}),
)


def answered(**changes: Any) -> dict[str, Any]:
    return {**ANSWER, **changes}


def events(result: Mapping[str, Any] = ANSWER, *, stdout: str = "55\n", stderr: str = "") -> list[tuple[str, Any]]:
    """The stream of a whole run."""
    printed = [("stdout", {"text": stdout})] * bool(stdout) + [("stderr", {"text": stderr})] * bool(stderr)
    return [*BEFORE_OUTPUT, *printed, ("result", dict(result))]


def with_files(*files: Mapping[str, str], **changes: Any) -> bytes:
    """The stream of a run that produced these files."""
    return stream(events(answered(files=list(files), **changes)))


def stream(told: Sequence[tuple[str, Any]]) -> bytes:
    return EVENT_STREAM + b"".join(sse(name, body) for name, body in told)


def refusal(status: int, code: str, message: str = "No.", hint: str = "Do it.", *, retryable: bool = False) -> bytes:
    body = {"success": False, "error": message, "errorCode": code, "hint": hint, "retryable": retryable}
    return answer(status, json.dumps(body).encode())


@contextlib.contextmanager
def worker(reply: bytes | Handler, health: bytes | None = None) -> Iterator[Loopback]:
    """Answers `GET /health` itself and every other request with `reply`."""
    healthy = health or answer(200, json.dumps(HEALTH).encode())

    def handle(connection: socket.socket, request: Request) -> None:
        if request.line.startswith("GET /health "):
            connection.sendall(healthy)
        elif isinstance(reply, bytes):
            connection.sendall(reply)
        else:
            reply(connection, request)

    with serve(handle) as server:
        yield server


def sent(server: Loopback) -> dict[str, Any]:
    """The body of the one request that was not for health."""
    [request] = [request for request in server.requests if request.line.startswith("POST ")]
    body: dict[str, Any] = json.loads(request.body)
    return body


@functools.cache
def node() -> str:
    """Node itself: what lies in a venv's `bin` may be a script around it, which takes the signals that are for Node."""
    asked = [str(find_node()), "-p", "process.execPath"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()


@dataclass(frozen=True)
class Ran:
    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


@dataclass(frozen=True)
class Project:
    """A project whose rendered Worker folder has the tools and no installed package."""

    root: Path

    @property
    def folder(self) -> Path:
        return self.root / ".claude" / "sandbox" / "cloudflare"

    def start(self, tool: str, *arguments: str, cwd: Path | None = None, **environ: str) -> subprocess.Popen[bytes]:
        env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return subprocess.Popen(
            [node(), str(self.folder / tool), *arguments],
            cwd=cwd or self.root,
            env={**env, "CCT_TOKEN": TOKEN, **environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, tool: str, *arguments: str, stdin: str = "", cwd: Path | None = None, **environ: str) -> Ran:
        process = self.start(tool, *arguments, cwd=cwd, **environ)
        try:
            stdout, stderr = process.communicate(stdin.encode(), timeout=60)
        finally:
            process.kill()
            process.wait()
        return Ran(process.returncode, stdout.decode(), stderr.decode())

    def module(self, script: str, **environ: Any) -> Ran:
        """Runs a module that lies beside client.ts."""
        (self.folder / "script.mts").write_text(script, encoding="utf-8")
        return self.run("script.mts", **environ)


def make_project(root: Path) -> Project:
    """What `cct init` would render there, as far as the tools need it: none of it is templated."""
    project = Project(root)
    wanted = ("src/", "tools/", "client.ts", "launcher.ts", "monitor.ts", "package.json")
    for path in template_paths(template_dir()):
        if path.startswith(wanted):
            target = project.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((template_dir() / path).read_bytes())
    return project


def tree(root: Path) -> dict[str, bytes]:
    """Every file below `root` but for `.claude`."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".claude" not in path.relative_to(root).parts
    }
