"""The history when it has become large, and what keeping a run takes."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from bench.measure import RUNS, Row, Series, absolute, series
from cct_cloudflare.history import database
from cct_cloudflare.history.identity import new_id

RUNS_KEPT = 100_000
_MODELS = ("claude-sonnet-5-5", "claude-opus-5-5", "claude-haiku-5-5")
_STATUSES = ("succeeded",) * 17 + ("failed", "error", "interrupted")
_WORDS = ("sum", "the", "primes", "below", "a", "thousand", "and", "draw", "an", "animated", "page", "with", "chart")
#: One run every five minutes or so, for a year.
_INTERVAL_MS = 300_000
_FIRST_MS = 1_770_000_000_000


def rows() -> Iterator[Row]:
    cct = str(Path(sys.executable).with_name("cct"))
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "XDG_DATA_HOME": folder}
        fill(Path(folder) / "cct-cloudflare" / "history.db")
        for argv, limit in (
            (["history"], 200),
            (["history", "--search", "animated page", "--failed"], 400),
            (["history", "show", "last"], 200),
            (["stats"], 1500),
        ):
            taken = series(lambda argv=argv: _call([cct, *argv], environment))  # type: ignore[misc]
            yield absolute(f"cct {' '.join(argv)}, {RUNS_KEPT:,} runs", taken, limit)
        yield absolute("Keeping a run", _keeping(environment), 50)


def fill(file: Path, runs: int = RUNS_KEPT) -> None:
    """Writes a history of that many runs: prompts of some ten words, a program and an output for each."""
    chance = random.Random(0)
    file.parent.mkdir(parents=True, exist_ok=True)
    connection = database.connect(file)
    with database.transaction(connection):
        for number in range(1, runs + 1):
            _add(connection.execute, chance, number)
    connection.close()


def _add(execute: object, chance: random.Random, number: int) -> None:
    assert callable(execute)
    started = _FIRST_MS + number * _INTERVAL_MS + chance.randrange(_INTERVAL_MS)
    prompt = " ".join(chance.choices(_WORDS, k=12))
    identity, status, model = new_id(started), chance.choice(_STATUSES), chance.choice(_MODELS)
    total = chance.lognormvariate(8.5, 0.5)
    execute(
        "INSERT INTO runs VALUES (?, ?, ?, 'execute', 'this machine', 0, ?, ?, ?, 0, ?, 'python', ?, ?, ?, ?, ?, ?, ?,"
        " ?, NULL)",
        (
            number,
            identity,
            started,
            status,
            prompt,
            "program_failed" if status == "failed" else None,
            model,
            total + 100,
            total,
            total * 0.9,
            total * 0.03,
            total * 0.07,
            chance.randrange(800, 5000),
            chance.randrange(200, 4000),
            chance.random() / 50,
        ),
    )
    execute("INSERT INTO words VALUES (?, ?)", (number, f"{prompt}\nmain.py\n{model}"))
    details = {"project": "/home/somebody/project", "request": {}, "components": [], "entrypoint": "main.py"}
    execute("INSERT INTO details VALUES (?, ?)", (number, json.dumps({**details, "metrics": {"totalMs": total}})))
    program = f"# {prompt}\n" + "".join(f"print({chance.random()})\n" for _ in range(20))
    for position, (role, path, text) in enumerate((("output", None, prompt), ("program", "main.py", program))):
        body = zlib.compress(text.encode())
        execute("INSERT INTO texts VALUES (?, randomblob(32), ?)", (number * 2 + position, body))
        execute(
            "INSERT INTO parts VALUES (?, ?, 0, ?, ?, ?, 'utf8', 0)",
            (number, role, number * 2 + position, path, len(text)),
        )


def _call(argv: list[str], environment: dict[str, str]) -> None:
    subprocess.run(argv, check=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _keeping(environment: dict[str, str]) -> Series:
    """In a process of its own each time, as every run is: from the first event to the file being closed."""
    script = (
        "import time; from pathlib import Path\n"
        "from cct_cloudflare.history.recorder import recording\n"
        "from cct_cloudflare.history.record import Asked\n"
        "from cct_cloudflare.sandbox.client import ExecuteRequest\n"
        "from cct_cloudflare.sandbox.events import AnnouncedFile, Generation, ProgramReady, RunResult\n"
        "ready = ProgramReady('python', 'main.py', (AnnouncedFile('main.py', 900),), ())\n"
        "events = [Generation('main.py', 'print(1)\\n' * 100), ready, RunResult(True, '1\\n' * 100, 'id')]\n"
        "request = ExecuteRequest(question='q' * 3000)\n"
        "asked = Asked(kind='execute', project=Path('.'), prompt='p' * 500, request=request)\n"
        "start = time.perf_counter()\n"
        "with recording(asked, warn=print) as record:\n"
        "    for event in record.watch(iter(events)): pass\n"
        "print((time.perf_counter() - start) * 1000)\n"
    )
    values = []
    for _ in range(RUNS):
        answer = subprocess.run(
            [sys.executable, "-c", script], check=True, env=environment, capture_output=True, text=True
        )
        values.append(float(answer.stdout))
    return Series(tuple(values))
