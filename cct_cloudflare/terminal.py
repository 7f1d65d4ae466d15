"""The terminal: which display a run gets, and how an error is shown.

Beside `cli/`, this, `displays.py`, `monitor/screens.py` and `wizard/screen.py` are the only modules that print.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import TextIO

from cct_cloudflare.displays import (
    Display,
    Intro,
    JsonDisplay,
    PlainDisplay,
    QuietDisplay,
    RichDisplay,
    rich_console,
)
from cct_cloudflare.errors import CctError
from cct_cloudflare.plain import plain, plain_line
from cct_cloudflare.streams import forgive, is_rich

__all__ = ["Display", "Intro", "make_display", "plain", "render_error", "show_error"]


def make_display(
    *,
    as_json: bool = False,
    quiet: bool = False,
    no_color: bool = False,
    stdout: TextIO | None = None,
    stderr: TextIO | None = None,
    environ: Mapping[str, str] | None = None,
) -> Display:
    """The display that the flags, the environment (NO_COLOR, TERM) and the streams ask for."""
    stdout, stderr = stdout or sys.stdout, stderr or sys.stderr
    forgive(stdout, stderr)
    if as_json:
        return JsonDisplay(stdout, stderr)
    if quiet:
        return QuietDisplay(stdout, stderr)
    if is_rich(stderr, no_color=no_color, environ=environ):
        return RichDisplay(stdout, stderr)
    return PlainDisplay(stdout, stderr)


def render_error(error: CctError) -> str:
    """The error for people: one sentence, and what to do next below it where there is something."""
    lines = [f"Error: {plain_line(error.message)}"]
    if error.hint:
        # Lines of a list stay lines; the indent keeps them from being taken for something else.
        lines += [
            f"{'       ' if at else 'Hint:  '}{plain_line(line)}" for at, line in enumerate(error.hint.split("\n"))
        ]
    if error.attachment:
        lines += ["", plain(error.attachment).rstrip("\n")]
    return "\n".join(lines) + "\n"


def show_error(
    error: CctError,
    *,
    as_json: bool = False,
    no_color: bool = False,
    stdout: TextIO | None = None,
    stderr: TextIO | None = None,
    environ: Mapping[str, str] | None = None,
) -> None:
    """Prints an error: text on stderr, or with `as_json` the error object on stdout."""
    stdout, stderr = stdout or sys.stdout, stderr or sys.stderr
    forgive(stderr)
    if as_json:
        stdout.write(json.dumps(error.to_json()) + "\n")
        stdout.flush()
        return
    text = render_error(error)
    if is_rich(stderr, no_color=no_color, environ=environ):
        from rich.text import Text

        label, _, rest = text.partition(":")
        rich_console(stderr).print(Text.assemble((f"{label}:", "bold red"), rest), end="", soft_wrap=True)
    else:
        stderr.write(text)
        stderr.flush()
