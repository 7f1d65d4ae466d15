"""Events of a run → lines of progress: few enough for somebody to read, whatever the program prints."""

from __future__ import annotations

from cct_cloudflare.plain import plain_line
from cct_cloudflare.sandbox.events import Booted, Event, FileWritten, Generation, Output, ProgramReady, Started
from cct_cloudflare.wording import counted

#: A line about what the model writes comes with each of these many characters.
GENERATION_STEP = 400
#: Lines about output and files; what is more comes with the result alone.
MAX_LINES = 100
_MAX_LINE = 200


class Teller:
    """Sees every event of one run, in their order."""

    def __init__(self) -> None:
        self._written: dict[str, int] = {}
        self._told = 0
        self._lines = 0

    def line(self, event: Event) -> str | None:
        """What to say of it, on one line and safe for a terminal; None for nothing."""
        match event:
            case Started():
                return _short(f"Sandbox {event.sandbox}: {event.isolation}" if event.isolation else event.sandbox)
            case Generation():
                return self._generation(event)
            case Booted():
                return f"The sandbox is up ({event.ms:.0f} ms)."
            case ProgramReady():
                files = counted(len(event.files), "file")
                return _short(f"The program is complete: {event.entrypoint} ({event.language}, {files}). It runs now.")
            case Output():
                text = plain_line(event.text)
                return self._bounded(f"{event.stream}: {text}") if text else None
            case FileWritten():
                return self._bounded(f"Wrote {event.path} ({counted(event.bytes, 'byte')}).")
        return None

    def _generation(self, event: Generation) -> str | None:
        is_new = event.path not in self._written
        self._written[event.path] = self._written.get(event.path, 0) + len(event.delta)
        total = sum(self._written.values())
        if not is_new and total - self._told < GENERATION_STEP:
            return None
        self._told = total
        return _short(f"Claude writes {event.path}: {counted(self._written[event.path], 'character')} so far.")

    def _bounded(self, line: str) -> str | None:
        self._lines += 1
        if self._lines > MAX_LINES:
            return None
        return _short(line) if self._lines < MAX_LINES else "There is more, which comes with the result."


def _short(line: str) -> str:
    line = plain_line(line)
    return line if len(line) <= _MAX_LINE else line[: _MAX_LINE - 1] + "…"
