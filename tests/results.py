"""The result of a run, as a value: one that went well, of which a test changes what it is about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cct_cloudflare.sandbox.events import Metrics, RunResult, Usage
from cct_cloudflare.sandbox.program import ProgramFile

MODEL = "claude-sonnet-5-5"
CODE = "print(55)\n"
METRICS = Metrics(
    generation_ms=2000,
    boot_ms=180,
    execution_ms=40,
    total_ms=2100,
    peak_memory_bytes=52_000_000,
    queue_ms=7,
    first_token_ms=500,
    tokens_per_second=200,
    spare=False,
    stdout_bytes=3,
    stderr_bytes=0,
    file_bytes=10,
)
RESULT = RunResult(
    success=True,
    output="55\n",
    sandbox_id="a1",
    question="Q",
    code=CODE,
    language="python",
    files=(ProgramFile("main.py", CODE),),
    sandbox="isolate",
    isolation="a fresh isolate",
    model=MODEL,
    usage=Usage(1200, 300, 0.0081),
    metrics=METRICS,
)


def result(**changes: Any) -> RunResult:
    return replace(RESULT, **changes)
