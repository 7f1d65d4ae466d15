"""The ways to show an observation: one JSON object, lines of text, or a terminal on which the phases move.

stdout carries the report, stderr what happens meanwhile. Everything from a Worker has been made harmless before.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO

from cct_cloudflare.displays import STYLES, OnStreams, rich_console
from cct_cloudflare.monitor.describe import check_line, describe, watch_lines, worker_fact
from cct_cloudflare.monitor.health import Check, Worker
from cct_cloudflare.monitor.lines import Line, fact, text_of
from cct_cloudflare.monitor.observe import Moment, Observation, Observer
from cct_cloudflare.monitor.phases import axis_for, chart_lines, phases_so_far
from cct_cloudflare.monitor.report import Report
from cct_cloudflare.plain import plain_line
from cct_cloudflare.streams import forgive, is_rich
from cct_cloudflare.wording import duration

if TYPE_CHECKING:
    from rich.console import OverflowMethod, RenderableType
    from rich.live import Live
    from rich.text import Text

_WORDS: dict[Moment, str] = {
    "started": "the Worker has the request",
    "first_text": "Claude writes",
    "sandbox_ready": "the sandbox is ready",
    "program": "the program is complete and starts",
    "first_output": "the program prints",
    "result": "the result is here",
}

_WIDTH = 100
_FRAMES_PER_SECOND = 12


class Screen(OnStreams):
    """Shows nothing on the way, and the report in plain lines at the end. A context manager around all of it."""

    def greeted(self, worker: Worker) -> None:
        """The Worker is there."""

    def run_begins(self, number: int, count: int, observer: Observer) -> None:
        """`observer` goes on to learn about the run."""

    def moment(self, observer: Observer, moment: Moment) -> None:
        """Something has happened in the run."""

    def run_ends(self, run: Observation) -> None:
        """The run has its result."""

    def report(self, report: Report) -> None:
        """The end. An error in it is told only where nobody else could."""
        self._print(describe(report, _WIDTH))

    def checked(self, check: Check) -> None:
        """One check of a watch."""
        self._print([check_line(check)])

    def watched(self, checks: Sequence[Check]) -> None:
        """The end of a watch."""
        self._print(watch_lines(checks))

    def _print(self, lines: Sequence[Line]) -> None:
        self._stdout.write("".join(f"{text_of(line)}\n" for line in lines))
        self._stdout.flush()


class JsonScreen(Screen):
    """One JSON object for all runs; of a watch, one line for each check."""

    def report(self, report: Report) -> None:
        self._write(report.to_json())

    def checked(self, check: Check) -> None:
        self._write(check.to_json())

    def watched(self, checks: Sequence[Check]) -> None:
        return

    def _write(self, body: dict[str, Any]) -> None:
        self._stdout.write(json.dumps(body) + "\n")
        self._stdout.flush()


class LineScreen(Screen):
    """Each moment on a line of its own, on stderr."""

    def greeted(self, worker: Worker) -> None:
        self._tell(text_of(worker_fact(worker)))

    def run_begins(self, number: int, count: int, observer: Observer) -> None:
        if count > 1:
            self._tell(f"  Run {number} of {count}")

    def moment(self, observer: Observer, moment: Moment) -> None:
        at = getattr(observer.timeline, moment)
        self._tell(f"  {duration(at):>8}  {_WORDS[moment]}")

    def _tell(self, line: str) -> None:
        self._stderr.write(f"{line}\n")
        self._stderr.flush()


class LiveScreen(Screen):
    """A terminal: the phases as bars that grow, replaced by the report at the end."""

    def __init__(self, stdout: TextIO, stderr: TextIO) -> None:
        super().__init__(stdout, stderr)
        self._console = rich_console(stderr)
        self._live: Live | None = None
        self._worker: Worker | None = None
        self._observer: Observer | None = None
        self._number, self._count = 0, 0
        self._runs: list[Observation] = []
        self._checks: list[Check] = []

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stop()

    def greeted(self, worker: Worker) -> None:
        self._worker = worker

    def run_begins(self, number: int, count: int, observer: Observer) -> None:
        self._number, self._count, self._observer = number, count, observer
        self._start()

    def run_ends(self, run: Observation) -> None:
        self._runs.append(run)

    def warn(self, text: str) -> None:
        # Above what moves.
        self._console.print(f"Warning: {plain_line(text)}", style="yellow", soft_wrap=True)

    def report(self, report: Report) -> None:
        self._stop()
        self._print([[], *describe(report, self._width)])

    def checked(self, check: Check) -> None:
        self._checks.append(check)
        self._start()

    def watched(self, checks: Sequence[Check]) -> None:
        self._stop()
        super().watched(checks)

    @property
    def _width(self) -> int:
        return min(self._console.width, 120)

    def _start(self) -> None:
        if self._live is None:
            from rich.live import Live

            self._live = Live(
                console=self._console,
                get_renderable=self._picture,
                refresh_per_second=_FRAMES_PER_SECOND,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()

    def _stop(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _picture(self) -> RenderableType:
        """What is shown now; also called from rich's own thread."""
        from rich.console import Group

        lines = watch_lines(self._checks) if self._checks else self._run_lines()
        # One line each, or the picture would jump.
        return Group(*(_styled(line, no_wrap=True) for line in lines))

    def _run_lines(self) -> list[Line]:
        lines: list[Line] = [[]]
        if self._worker is not None:
            lines.append(worker_fact(self._worker))
        if self._count > 1:
            lines.append(fact("Run", (f"{self._number} of {self._count}", "bold"), (self._so_far(), "dim")))
        observer = self._observer
        if observer is None:
            return lines
        elapsed = observer.elapsed_ms
        lines.append([])
        lines += chart_lines(phases_so_far(observer), axis_for(elapsed), self._width)
        lines.append(fact("Total", (duration(elapsed), "bold")))
        return lines

    def _so_far(self) -> str:
        totals = [run.timeline.result for run in self._runs if run.timeline.result is not None]
        return f"  the last took {duration(totals[-1])}" if totals else ""

    def _print(self, lines: Sequence[Line]) -> None:
        if not self._stdout.isatty():
            super()._print(lines)
            return
        console = rich_console(self._stdout)
        for line in lines:
            console.print(_styled(line))


def _styled(line: Line, *, no_wrap: bool = False) -> Text:
    from rich.text import Text

    overflow: OverflowMethod = "ellipsis" if no_wrap else "fold"
    return Text.assemble(*((text, STYLES[style]) for text, style in line), no_wrap=no_wrap, overflow=overflow)


def make_screen(
    *,
    as_json: bool = False,
    quiet: bool = False,
    no_color: bool = False,
    stdout: TextIO | None = None,
    stderr: TextIO | None = None,
) -> Screen:
    """The screen that the flags, the environment and the streams ask for."""
    stdout, stderr = stdout or sys.stdout, stderr or sys.stderr
    forgive(stdout, stderr)
    if as_json:
        return JsonScreen(stdout, stderr)
    if quiet:
        return Screen(stdout, stderr)
    if is_rich(stderr, no_color=no_color):
        return LiveScreen(stdout, stderr)
    return LineScreen(stdout, stderr)
