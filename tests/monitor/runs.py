"""Runs, as values, for tests of what is made of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from cct_cloudflare.monitor.health import Worker
from cct_cloudflare.monitor.observe import Observation, Timeline
from cct_cloudflare.monitor.report import Report
from cct_cloudflare.monitor.series import Series
from cct_cloudflare.monitor.system import System
from cct_cloudflare.sandbox.client import Health
from cct_cloudflare.sandbox.events import (
    AnnouncedFile,
    Booted,
    Event,
    Generation,
    Output,
    ProgramReady,
    Started,
)
from tests.results import METRICS, MODEL, RESULT

URL = "https://cct.example.workers.dev"
HEALTH = Health("ok", "cct-cloudflare-sandbox", "0.1.0", MODEL, ("python",), ("isolate",))
WORKER = Worker(URL, 23.0, HEALTH)
SYSTEM = System("cct 0.1.0", "Python 3.12.1", None, "linux", "6.1", "x64", 2, 8_000_000_000)
EVENTS: tuple[Event, ...] = (
    Started("a1", "isolate", "a fresh isolate", MODEL, None, 30_000),
    Generation("main.py", "print("),
    Generation("main.py", "55)\n"),
    Booted(180, False),
    ProgramReady("python", "main.py", (AnnouncedFile("main.py", 10),), ()),
    Output("stdout", "5"),
    Output("stdout", "5\n"),
    RESULT,
)
#: When each of EVENTS comes, in milliseconds.
TIMES = (20, 500, 1900, 400, 2010, 2030, 2040, 2100)
TIMELINE = Timeline(20, 500, 400, 2010, 2030, 2100)
RUN = Observation(TIMELINE, RESULT)


def run(total_ms: float = 2100, **changes: Any) -> Observation:
    """A run that took so long; `changes` are of its result."""
    return Observation(TIMELINE, replace(RESULT, metrics=replace(METRICS, total_ms=total_ms), **changes))


def report(*runs: Observation, demo: bool = False) -> Report:
    return Report(WORKER, SYSTEM, Series(runs or (RUN,)), demo=demo)


class Clock:
    """Time that goes on only when a test says so, in milliseconds."""

    def __init__(self) -> None:
        self.ms = 0.0

    def __call__(self) -> float:
        return self.ms / 1000


def timed(clock: Clock, events: tuple[Event, ...] = EVENTS, times: tuple[float, ...] = TIMES) -> Iterator[Event]:
    """The events, each when it is its time."""
    for event, at in zip(events, times, strict=True):
        clock.ms = at
        yield event
