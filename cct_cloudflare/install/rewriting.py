"""A component's command lines at `--scope user`: its scripts lie in the user's `.claude`, not in a project's.

Only what names one of its own scripts is rewritten, and only where a shell would take the result as it took the
original; everything else is refused.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from cct_cloudflare.components.names import printable
from cct_cloudflare.errors import UsageError
from cct_cloudflare.install.site import Site
from cct_cloudflare.merging.model import Piece

_ROOT = r"\$(?:CLAUDE_PROJECT_DIR\b|\{CLAUDE_PROJECT_DIR\})"
_PREFIX = re.compile(rf'(?:"{_ROOT}"/|{_ROOT}/|(?<![^\s;|&(\'"])(?:\./)?)\.claude/(?=(?:hooks|scripts)/)')
_PLAIN_IN_QUOTES = re.compile(r"[^\"$`\\!]*")


def for_user(pieces: Sequence[Piece], scripts: Collection[str], site: Site, ref: str) -> tuple[Piece, ...]:
    """The pieces with their `scripts` (`.claude/hooks/x.py`) in the user's folder.

    Raises UsageError when a command line names one in a way that cannot be changed safely.
    """
    if not scripts:
        return tuple(pieces)
    writer = _Writer(scripts, site, ref)
    return tuple(replace(piece, value=writer.value(piece.value, "")) for piece in pieces)


class _Writer:
    def __init__(self, scripts: Collection[str], site: Site, ref: str) -> None:
        self._tails = tuple(script.removeprefix(".claude/") for script in scripts)
        self._folder = str(site.claude_dir)
        self._is_home = site.is_home
        self._ref = ref

    def value(self, value: Any, key: str) -> Any:
        if isinstance(value, dict):
            return {name: self.value(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.value(inner, key) for inner in value]
        if isinstance(value, str) and any(tail in value for tail in self._tails):
            return self._argument(value) if key == "args" else self._line(value)
        return value

    def _argument(self, text: str) -> str:
        """One word that no shell sees."""
        return self._checked(text, _PREFIX.sub(lambda _: f"{self._folder}/", text))

    def _line(self, line: str) -> str:
        parts: list[str] = []
        at = 0
        for match in _PREFIX.finditer(line):
            if not any(line.startswith(tail, match.end()) for tail in self._tails):
                continue
            parts += (line[at : match.start()], self._prefix(match.group(), _quote_before(line, match.start()), line))
            at = match.end()
        return self._checked(line, "".join((*parts, line[at:])))

    def _prefix(self, was: str, quote: str, line: str) -> str:
        if quote == "'" or (quote == '"' and was.startswith('"')):
            raise self._refused(line)
        if self._is_home:
            return "$HOME/.claude/" if quote else '"$HOME"/.claude/'
        if quote and not _PLAIN_IN_QUOTES.fullmatch(self._folder):
            raise self._refused(line)
        return f"{self._folder}/" if quote else f"{shlex.quote(self._folder)}/"

    def _checked(self, before: str, after: str) -> str:
        # Every mention has to have been one that is understood.
        ours = ('"$HOME"/.claude/', "$HOME/.claude/", f"{self._folder}/", f"{shlex.quote(self._folder)}/")
        for tail in self._tails:
            at = after.find(tail)
            while at >= 0:
                if not after[:at].endswith(ours):
                    raise self._refused(before)
                at = after.find(tail, at + 1)
        return after

    def _refused(self, line: str) -> UsageError:
        return UsageError(
            f"{self._ref} cannot be installed for the user: its command line names a script of a project in a way that"
            f" cannot be changed safely: {printable(line[:200])}",
            hint="Install it into a project: leave --scope user out.",
        )


def _quote_before(line: str, end: int) -> str:
    """The quote that is open at `end`, as a POSIX shell reads a line; empty where none is."""
    quote, at = "", 0
    while at < end:
        char = line[at]
        if char == "\\" and quote != "'":
            at += 1
        elif quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        at += 1
    return quote
