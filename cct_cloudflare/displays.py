"""The ways to show a run: one JSON object, the program's output alone, lines of text, or a terminal with colours.

stdout carries the program's output (or the JSON object), everything else goes to stderr. Whatever came from a Worker,
a model or a program passes through `plain`; only `--json` keeps it exact, as escapes.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Protocol, Self, TextIO

from cct_cloudflare.errors import Exit
from cct_cloudflare.left_out import NotApplied, told
from cct_cloudflare.plain import PlainStream, plain_line
from cct_cloudflare.receipt import Closing, Receipt, make_receipt, verdict
from cct_cloudflare.sandbox.events import Booted, Event, Generation, Output, ProgramReady, RunResult, Started
from cct_cloudflare.sandbox.outputs import SavedFiles
from cct_cloudflare.wording import counted, duration

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status

Style = Literal["", "dim", "bold", "good", "bad", "warn", "name"]
Span = tuple[str, Style]

#: What rich calls them.
STYLES: Mapping[Style, str] = {
    "": "",
    "dim": "dim",
    "bold": "bold",
    "good": "green",
    "bad": "red",
    "warn": "yellow",
    "name": "bold cyan",
}

_LABEL_WIDTH = 8


@dataclass(frozen=True, slots=True)
class Intro:
    """What is known before anything is sent. `question` and `system` are the merged prompt; None for `cct run`.

    `system_from` says whose text the system text is, `components` are those whose text is sent, and `not_applied` is
    what of all of them means nothing in a sandbox.
    """

    where: str = "this machine"
    question: str | None = None
    system: str | None = None
    system_from: str = "agents"
    components: tuple[str, ...] = ()
    included_files: int = 0
    not_applied: tuple[NotApplied, ...] = ()
    demo: bool = False


class Display(Protocol):
    """Shows one run: `begin`, then any `progress` and `event`, then `finish`, unless an error ends it before.

    A context manager: leaving it, also by an exception, leaves the terminal as it was. Errors are not shown here,
    but by `show_error`; a display with `tells_errors` tells the one of `Closing` itself.
    """

    tells_errors: bool

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None: ...

    def begin(self, intro: Intro) -> None: ...

    def progress(self, text: str) -> None:
        """What is being waited for: an installation, a start."""

    def note(self, text: str) -> None:
        """Something that happened, and stays on the screen."""

    def warn(self, text: str) -> None: ...

    def event(self, event: Event) -> None: ...

    def finish(self, result: RunResult, saved: SavedFiles, closing: Closing | None = None) -> None:
        """`result` already counts the files that this side refused; `closing` is what else is known here."""


class OnStreams:
    """What every way to show something has: two streams, a context, warnings."""

    def __init__(self, stdout: TextIO, stderr: TextIO) -> None:
        self._stdout = stdout
        self._stderr = stderr

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        return

    def warn(self, text: str) -> None:
        self._stderr.write(f"Warning: {plain_line(text)}\n")
        self._stderr.flush()


class _BaseDisplay(OnStreams):
    tells_errors = False

    def begin(self, intro: Intro) -> None:
        return

    def progress(self, text: str) -> None:
        return

    def note(self, text: str) -> None:
        return


class JsonDisplay(_BaseDisplay):
    """One JSON object on stdout at the end: the Worker's answer, and what was saved. Non-ASCII is escaped."""

    tells_errors = True

    def __init__(self, stdout: TextIO, stderr: TextIO) -> None:
        super().__init__(stdout, stderr)
        self._not_applied: tuple[NotApplied, ...] | None = None  # a program of one's own has no components

    def begin(self, intro: Intro) -> None:
        self._not_applied = None if intro.question is None else intro.not_applied

    def event(self, event: Event) -> None:
        return

    def finish(self, result: RunResult, saved: SavedFiles, closing: Closing | None = None) -> None:
        closing = closing or Closing()
        body = {
            **result.to_json(),
            "savedFiles": [file.to_json() for file in saved.saved],
            "outputDirectory": None if saved.directory is None else str(saved.directory),
            "cost": closing.cost and closing.cost.to_json(),
            "historyId": closing.history_id,
        }
        if self._not_applied is not None:
            body["notApplied"] = [part.to_json() for part in self._not_applied]
        if closing.error is not None:
            # The answer is not lost with its files: it stays, under the error that decides the exit code.
            body |= {**closing.error.to_json(), "programError": _program_error(result)}
        self._stdout.write(json.dumps(body) + "\n")
        self._stdout.flush()


def _program_error(result: RunResult) -> dict[str, str | None] | None:
    """What the answer said of the program, where another error stands in its place."""
    return None if result.success else {"error": result.error, "errorCode": result.error_code}


class _OutputDisplay(_BaseDisplay):
    """Gives the program's stdout and stderr on, made harmless, each as it comes."""

    def __init__(self, stdout: TextIO, stderr: TextIO) -> None:
        super().__init__(stdout, stderr)
        self._clean = {"stdout": PlainStream(), "stderr": PlainStream()}
        self._open_line: TextIO | None = None  # the stream whose last character was no line break

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        # The reader of a pipe may have gone, which is then what `error` says.
        with contextlib.suppress(BrokenPipeError):
            self._end_line()

    def _output(self, event: Output) -> None:
        self._give(event.stream, self._clean[event.stream].feed(event.text))

    def _end_output(self) -> None:
        self._give("stdout", self._clean["stdout"].end())
        self._give("stderr", self._clean["stderr"].end())

    def _give(self, name: Literal["stdout", "stderr"], text: str) -> None:
        if not text:
            return
        stream = self._stdout if name == "stdout" else self._stderr
        if stream is not self._open_line:
            self._end_line()
        stream.write(text)
        stream.flush()
        self._open_line = None if text.endswith("\n") else stream

    def _end_line(self) -> None:
        """What follows on the terminal begins on a line of its own; nothing is added to a stream that is redirected."""
        if self._open_line is not None and self._open_line.isatty():
            self._stderr.write("\n")
            self._stderr.flush()
        self._open_line = None


class QuietDisplay(_OutputDisplay):
    """Only the program's own output, and a line where not all that was asked for is there or went well."""

    def begin(self, intro: Intro) -> None:
        for line in told(intro.not_applied):
            self.warn(f"Left out: {line}")

    def event(self, event: Event) -> None:
        if isinstance(event, Output):
            self._output(event)

    def finish(self, result: RunResult, saved: SavedFiles, closing: Closing | None = None) -> None:
        self._end_output()
        self._end_line()
        if result.exit_code is not Exit.OK:
            self._stderr.write(f"{verdict(result)}\n")
        if result.truncated:
            self._stderr.write("The output or the files passed a limit; the rest was dropped.\n")
        self._stderr.flush()


class PlainDisplay(_OutputDisplay):
    """The whole run as lines of text: for logs, pipes and terminals without colour."""

    def __init__(self, stdout: TextIO, stderr: TextIO) -> None:
        super().__init__(stdout, stderr)
        self._demo = False
        self._boot: Booted | None = None
        self._code = PlainStream()
        self._code_path: str | None = None
        self._code_at_start = True
        self._announced_output = False

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._end_code()
        super().__exit__(kind, error, tb)

    def begin(self, intro: Intro) -> None:
        self._rest()
        self._demo = intro.demo
        if intro.question is not None:
            characters = len(intro.question) + len(intro.system or "")
            parts = [f"{characters:,} characters"]
            parts += [f"{len(intro.system):,} of them from {intro.system_from}"] if intro.system else []
            parts += [", ".join(map(plain_line, intro.components))] if intro.components else []
            if intro.included_files:
                parts.append(f"{counted(intro.included_files, 'file')} included")
            self._fact("Prompt", [("; ".join(parts), "")])
        if intro.not_applied:
            self._fact("Left out", [("\n".join(map(plain_line, told(intro.not_applied))), "warn")])
        if intro.demo:
            self._fact("Model", [("SCRIPTED MODEL", "warn"), (" (demo): its answers are written in advance", "")])
        self._fact("Where", [(plain_line(intro.where), "")])

    def progress(self, text: str) -> None:
        self.note(text)

    def note(self, text: str) -> None:
        self._rest()
        self._write([(f"  {plain_line(text)}\n", "dim")])

    def warn(self, text: str) -> None:
        self._rest()
        self._fact("Warning", [(plain_line(text), "warn")])

    def event(self, event: Event) -> None:
        if isinstance(event, Started):
            self._started(event)
        elif isinstance(event, Generation):
            self._generation(event)
        elif isinstance(event, Booted):
            self._boot = event
        elif isinstance(event, ProgramReady):
            self._program(event)
        elif isinstance(event, Output):
            self._rest()
            if not self._announced_output:
                self._announced_output = True
                # With one of the two redirected, the output does not appear below this heading.
                if self._stdout.isatty() == self._stderr.isatty():
                    self._heading("Output")
            self._output(event)

    def finish(self, result: RunResult, saved: SavedFiles, closing: Closing | None = None) -> None:
        self._rest()
        self._end_output()
        self._end_line()
        self._receipt(make_receipt(result, saved, boot=self._boot, demo=self._demo, closing=closing))

    def _started(self, event: Started) -> None:
        self._rest()
        isolation = f": {plain_line(event.isolation)}" if event.isolation else ""
        self._fact("Sandbox", [(plain_line(event.sandbox), ""), (isolation, "dim")])
        if event.model is None:
            self._wait("Starting the sandbox")
            return
        if not self._demo:
            self._fact("Model", [(plain_line(event.model), "")])
        self._wait("The scripted model is writing" if self._demo else "Claude is thinking")

    def _generation(self, event: Generation) -> None:
        self._rest()
        if event.path != self._code_path:
            self._end_code()
            self._code_path = event.path
            self._heading(plain_line(event.path))
        self._code_text(self._code.feed(event.delta))

    def _code_text(self, text: str) -> None:
        """Each line behind a bar, so that code and what it prints cannot be taken for each other."""
        spans: list[Span] = []
        for line in text.splitlines(keepends=True):
            if self._code_at_start:
                spans.append(("  │ ", "dim"))
            spans.append((line.replace("\t", "    "), ""))
            self._code_at_start = line.endswith("\n")
        if spans:
            self._write(spans)

    def _end_code(self) -> None:
        self._code_text(self._code.end())
        if not self._code_at_start:
            self._write([("\n", "")])
            self._code_at_start = True

    def _program(self, event: ProgramReady) -> None:
        self._rest()
        self._end_code()
        if event.refused_files:
            self._write([("\n", "")])
        for file in event.refused_files:
            self._fact("Refused", [(f"{plain_line(file.path)}: it {plain_line(file.reason)}", "warn")])
        if event.language != "web":
            self._wait("Running")

    def _receipt(self, receipt: Receipt) -> None:
        mark: Span = ("✓ ", "good") if receipt.ok else ("! ", "warn") if receipt.succeeded else ("✗ ", "bad")
        total = "" if receipt.total_ms is None else f"  {duration(receipt.total_ms)}"
        self._write([("\n", ""), mark, (receipt.verdict, "bold"), (f"{total}\n", "dim")])
        for label, lines in receipt.facts:
            style: Style = "warn" if label in ("Refused", "Note") else ""
            self._fact(label, [("\n".join(lines), style)])

    # What RichDisplay does in its own way

    def _heading(self, text: str) -> None:
        self._write([("\n", ""), (f"{text}\n", "name")])

    def _fact(self, label: str, value: list[Span]) -> None:
        """A label and its value, which may have several lines."""
        text = "".join(part for part, _ in value).replace("\n", "\n" + " " * (_LABEL_WIDTH + 3))
        self._write([(f"  {label:<{_LABEL_WIDTH}} {text}\n", "")])

    def _write(self, spans: list[Span]) -> None:
        self._stderr.write("".join(text for text, _ in spans))
        self._stderr.flush()

    def _wait(self, text: str) -> None:
        """Shows that something goes on; lines of text need no such sign."""

    def _rest(self) -> None:
        """Ends what `_wait` began."""


class RichDisplay(PlainDisplay):
    """The same on a terminal: colours, aligned columns, and a spinner while nothing else moves."""

    def __init__(self, stdout: TextIO, stderr: TextIO) -> None:
        super().__init__(stdout, stderr)
        self._console = rich_console(stderr)
        self._status: Status | None = None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._rest()
        super().__exit__(kind, error, tb)

    def progress(self, text: str) -> None:
        self._wait(text)

    def _fact(self, label: str, value: list[Span]) -> None:
        from rich.table import Table
        from rich.text import Text

        grid = Table.grid(padding=(0, 1))
        grid.add_column(width=_LABEL_WIDTH + 2, style="dim")
        grid.add_column(overflow="fold")
        grid.add_row(f"  {label}", Text.assemble(*((text, STYLES[style]) for text, style in value)))
        self._console.print(grid)

    def _write(self, spans: list[Span]) -> None:
        from rich.text import Text

        text = Text.assemble(*((part, STYLES[style]) for part, style in spans), end="")
        self._console.print(text, end="", soft_wrap=True)

    def _wait(self, text: str) -> None:
        from rich.text import Text

        shown = Text(f"{plain_line(text)}…", style="dim")
        if self._status is None:
            self._status = self._console.status(shown, spinner="dots", spinner_style="cyan")
            self._status.start()
        else:
            self._status.update(shown)

    def _rest(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None


def rich_console(stderr: TextIO) -> Console:
    """A console that prints text as it is: no markup, no guesses about what to highlight."""
    from rich.console import Console

    return Console(file=stderr, highlight=False, markup=False, emoji=False)
