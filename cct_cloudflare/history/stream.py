"""What is known of a run from its events alone, should no result come."""

from __future__ import annotations

from collections.abc import Iterator

from cct_cloudflare.sandbox.events import Event, Generation, Output, ProgramReady, RunResult, Started
from cct_cloudflare.sandbox.program import Program, ProgramFile


class StreamedRun:
    """Collects events; every attribute is what was known last."""

    def __init__(self) -> None:
        self.model: str | None = None
        self.sandbox: str | None = None
        self.sandbox_id: str | None = None
        self._language: str | None = None
        self._ready: ProgramReady | None = None
        self._written: dict[str, list[str]] = {}
        self._printed: list[str] = []

    def see(self, event: Event) -> None:
        if isinstance(event, Started):
            self.model, self._language = event.model, event.language
            self.sandbox, self.sandbox_id = event.sandbox, event.sandbox_id
        elif isinstance(event, Generation):
            if self._ready is not None:  # another attempt: the program is written anew
                self._ready, self._written = None, {}
            self._written.setdefault(event.path, []).append(event.delta)
        elif isinstance(event, ProgramReady):
            self._ready = event
        elif isinstance(event, Output) and event.stream == "stdout":
            self._printed.append(event.text)

    @property
    def output(self) -> str:
        return "".join(self._printed)

    def program(self, result: RunResult | None) -> Program | None:
        """The program, or what was written of it; None when nothing had come.

        Its text is that of the stream: the program may have changed its own files before they came back.
        """
        files = tuple(self._files(result))
        if not files:
            return None
        ready = self._ready
        language = (ready and ready.language) or (result and result.language) or self._language or ""
        entrypoint = ready.entrypoint if ready else _entrypoint(result) if result else ""
        return Program(language, entrypoint, files)

    def _files(self, result: RunResult | None) -> Iterator[ProgramFile]:
        if self._ready is None:
            if self._written or result is None:
                yield from (ProgramFile(path, "".join(parts)) for path, parts in self._written.items())
            else:
                yield from result.files
            return
        came_back = {file.path: file for file in result.files} if result else {}
        for announced in self._ready.files:
            text = "".join(self._written.get(announced.path, ()))
            if len(text.encode("utf-8", "surrogatepass")) == announced.bytes or announced.path not in came_back:
                yield ProgramFile(announced.path, text)
            else:
                yield came_back[announced.path]


def _entrypoint(result: RunResult) -> str:
    """The file whose text the answer gives as its code."""
    return next((file.path for file in result.files if file.content == result.code), "")
