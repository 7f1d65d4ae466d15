"""Runs to keep, made from a few words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cct_cloudflare.history.record import Asked
from cct_cloudflare.history.recorder import recording
from cct_cloudflare.sandbox.client import ExecuteRequest
from cct_cloudflare.sandbox.events import (
    AnnouncedFile,
    Event,
    Generation,
    Metrics,
    Output,
    ProgramReady,
    RunResult,
    Started,
    Usage,
)
from cct_cloudflare.sandbox.program import ProgramFile
from tests import results
from tests.results import MODEL

CODE = "print('hi')\n"
STARTED = Started("run-1", "process", "a process of its own", MODEL, "python", 30_000)


def asked(prompt: str | None = "Say hi", **changes: Any) -> Asked:
    request = changes.pop("request", ExecuteRequest(question=prompt or ""))
    values: dict[str, Any] = {"kind": "execute", "project": Path("/project"), "prompt": prompt, "request": request}
    return Asked(**{**values, **changes})


def result(**changes: Any) -> RunResult:
    values: dict[str, Any] = {
        "output": "hi\n",
        "sandbox_id": "run-1",
        "question": "Say hi",
        "code": CODE,
        "files": (ProgramFile("main.py", CODE),),
        "sandbox": "process",
        "isolation": "a process of its own",
        "usage": Usage(1000, 200, 0.004),
        "metrics": Metrics(generation_ms=900.0, boot_ms=100.0, execution_ms=50.0, total_ms=1000.0),
    }
    return results.result(**{**values, **changes})


def ready(**files: str) -> ProgramReady:
    announced = tuple(AnnouncedFile(path, len(text.encode())) for path, text in _named(files))
    return ProgramReady("python", announced[0].path, announced, ())


def events(ending: RunResult | None = None) -> list[Event]:
    """A whole run, of one file and one line of output; without an ending its result is missing."""
    told: list[Event] = [STARTED, Generation("main.py", CODE[:5]), Generation("main.py", CODE[5:])]
    told += [ready(main_py=CODE), Output("stdout", "hi\n"), Output("stderr", "hm\n")]
    return told if ending is None else [*told, ending]


def keep(what: Asked | None = None, told: Sequence[Event] | None = None, *, enabled: bool = True) -> str | None:
    """Keeps a run that went as `told`, and returns its id; any warning is an error."""
    with recording(what or asked(), warn=_no_warning, enabled=enabled) as record:
        for _ in record.watch(iter(events(result()) if told is None else told)):
            pass
    return record.id


def broken_off(told: Sequence[Event], by: BaseException) -> Iterator[Event]:
    yield from told
    raise by


def _named(files: dict[str, str]) -> list[tuple[str, str]]:
    return [(".".join(name.rsplit("_", 1)), text) for name, text in files.items()]


def _no_warning(text: str) -> None:
    raise AssertionError(text)
