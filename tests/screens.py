"""Two streams that stand for a terminal or a file, and what a run shows on them."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

from cct_cloudflare.sandbox.events import Event, RunResult
from cct_cloudflare.sandbox.outputs import SavedFiles
from cct_cloudflare.terminal import Display, Intro, make_display

#: What a terminal may obey: no text of others that was made plain holds any of it.
ACTIVE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ud800-\udfff]")


class Stream(io.StringIO):
    def __init__(self, tty: bool) -> None:
        super().__init__()
        self.tty = tty

    def isatty(self) -> bool:
        return self.tty


class Screen:
    """Two streams, and what a run shows on them."""

    def __init__(
        self, *, tty: bool = False, stdout_tty: bool | None = None, environ: dict[str, str] | None = None
    ) -> None:
        self.out, self.err = Stream(tty if stdout_tty is None else stdout_tty), Stream(tty)
        self.environ = environ or {"TERM": "xterm-256color"}

    def display(self, **flags: bool) -> Display:
        return make_display(stdout=self.out, stderr=self.err, environ=self.environ, **flags)

    def show(self, events: Sequence[Event], result: RunResult, saved: SavedFiles, intro: Intro, **flags: bool) -> None:
        with self.display(**flags) as display:
            display.begin(intro)
            display.progress("Starting")
            display.note("Rendered")
            for event in events:
                display.event(event)
            display.finish(result, saved)

    @property
    def stdout(self) -> str:
        return self.out.getvalue()

    @property
    def stderr(self) -> str:
        return self.err.getvalue()
