"""What may be shown on a stream: colours, and characters of any language."""

from __future__ import annotations

import io
import os
import select
from collections.abc import Mapping
from typing import TextIO


def wants_color(*, no_color: bool, environ: Mapping[str, str] | None = None) -> bool:
    """Whether colours are welcome, where there is a terminal at all: not with NO_COLOR, nor on a dumb one."""
    environ = os.environ if environ is None else environ
    return not no_color and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def is_rich(stream: TextIO, *, no_color: bool, environ: Mapping[str, str] | None = None) -> bool:
    """Whether what is shown on `stream` may have colours and move."""
    return stream.isatty() and wants_color(no_color=no_color, environ=environ)


def is_unread(stream: TextIO) -> bool:
    """Whether the reader of a pipe has gone, so that nobody will see what is written. Where that cannot be told: no."""
    try:
        number = stream.fileno()
    except (OSError, ValueError):
        return False
    if not hasattr(select, "poll"):
        return False
    poll = select.poll()
    poll.register(number, 0)  # what is wrong with it is told in any case
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))


def forgive(*streams: TextIO) -> None:
    """A character that the terminal's encoding lacks must not end a run."""
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
