"""How long the commands themselves take."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.measure import RUNS, Row, Series, absolute, ratio, series

_PROMPT = "What is the 10th Fibonacci number?"


def rows() -> Iterator[Row]:
    cct = str(Path(sys.executable).with_name("cct"))
    reference = series(lambda: subprocess.run([sys.executable, "-c", "import click"], check=True))
    version = series(lambda: subprocess.run([cct, "--version"], check=True, stdout=subprocess.DEVNULL))
    yield ratio("cct --version", version, 1.5, 'python -c "import click"', reference)
    yield absolute("Scaffold of an empty project", _scaffold(), 150)
    demo = _demo([cct, "--sandbox", "cloudflare", "--prompt", _PROMPT], ("metrics",))
    yield absolute("cct --demo, less the model's own time", demo, 1000)
    observed = _demo([cct, "monitor", _PROMPT], ("runs", 0, "metrics"))
    yield ratio("cct monitor --demo, likewise", observed, 1.2, "cct --demo, likewise", demo)


def _scaffold() -> Series:
    """In a process of its own each time: an import that was done before would not count."""
    script = (
        "import sys, time; start = time.perf_counter()\n"
        "from pathlib import Path\n"
        "from cct_cloudflare.scaffold import apply, plan\n"
        "apply(plan(Path(sys.argv[1])))\n"
        "print((time.perf_counter() - start) * 1000)\n"
    )
    values = []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as project:
            answer = subprocess.run([sys.executable, "-c", script, project], check=True, capture_output=True, text=True)
            values.append(float(answer.stdout))
    return Series(tuple(values))


def _demo(command: list[str], metrics: Sequence[str | int]) -> Series:
    """`metrics` leads to the Worker's metrics in the JSON that the command prints."""
    values = []
    for _ in range(RUNS + 1):
        with tempfile.TemporaryDirectory() as project:
            start = time.perf_counter()
            answer = subprocess.run(
                [*command, "--demo", "--yes", "--json"],
                check=True,
                cwd=project,
                capture_output=True,
                text=True,
            )
            whole = (time.perf_counter() - start) * 1000
        found = json.loads(answer.stdout)
        for step in metrics:
            found = found[step]
        values.append(whole - found["generationMs"])
    return Series(tuple(values[1:]))
