"""From the end of generation to the program's first output: how much of the sandbox's start nobody waits for."""

from __future__ import annotations

import time
from collections.abc import Iterator

from bench.measure import RUNS, Row, Series, absolute
from cct_cloudflare.sandbox.client import ExecuteRequest, WorkerClient
from cct_cloudflare.sandbox.events import Output, RunResult, Started
from cct_cloudflare.sandbox.local import LocalWorker, local_worker
from cct_cloudflare.sandbox.session import ModelAccess
from cct_cloudflare.sandbox.toolchain import ensure_runtime
from cct_cloudflare.scripted import Reply, ReplyFile, ScriptedModel


def _reply(language: str, path: str, comment: str, code: str) -> Reply:
    """A program that prints at once, after text that takes Claude a second or so to write."""
    content = "".join(f"{comment} line {number}\n" for number in range(150)) + code
    return Reply(f"Print one number in {language}.", language, path, (ReplyFile(path, content),))


def rows() -> Iterator[Row]:
    runtime = ensure_runtime(print)
    javascript = _reply("javascript", "main.js", "//", "console.log(1024)\n")
    python = _reply("python", "main.py", "#", "print(1024)\n")
    with ScriptedModel([javascript, python]) as model:
        access = ModelAccess("sk-ant-scripted", model.url)
        with local_worker(runtime, environment=access.to_environment()) as worker:
            yield absolute("End of generation to first output, JavaScript", _series(worker, javascript), 30)
            yield absolute("End of generation to first output, Python", _series(worker, python), 80)


def _series(worker: LocalWorker, reply: Reply) -> Series:
    return Series(tuple(_once(worker, reply.prompt) for _ in range(RUNS + 1))[1:])


def _once(worker: LocalWorker, question: str) -> float:
    """The Worker says how long generation took from its start; when it started and when output came is seen here."""
    started = printed = 0.0
    with WorkerClient(worker.url, worker.token, uds=worker.socket) as client:
        for event in client.execute(ExecuteRequest(question=question)):
            if isinstance(event, Started):
                started = time.perf_counter()
            elif isinstance(event, Output) and not printed:
                printed = time.perf_counter()
            elif isinstance(event, RunResult):
                return (printed - started) * 1000 - (event.metrics.generation_ms or 0)
    raise RuntimeError("no result")
