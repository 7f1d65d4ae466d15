"""Files that a component names and does not have."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Container, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from cct_cloudflare.validation.checks.problem import At, Lines, Problem, error, warning

_LINK = re.compile(r"\]\(\s*<?([^)\s>#]{1,300})")
_OWN_FILE = re.compile(r"\$\{?CLAUDE_SKILL_DIR\}?/([\w./-]{1,300})")
# By convention these folders are a skill's own; other paths may mean the project.
_CODED = re.compile(r"`(?:\./)?((?:scripts|references|assets|templates)/[\w./-]{1,300})`")
_SCHEME = re.compile(r"[a-zA-Z][\w+.-]*:|//|/|~|\$|\{|<|@")
_SIDE_FILE = re.compile(r"\.claude/(?:hooks|scripts)/([\w.-]{1,200}\.\w{1,8})")
_FENCED = re.compile(r"^(?:```|~~~)", re.MULTILINE)


def missing_from_skill(text: str, files: Container[str]) -> Iterator[Problem]:
    """`files` are the paths in the skill's folder."""
    inside_code = False
    for number, line in enumerate(text.split("\n"), 1):
        if _FENCED.match(line.lstrip()):
            inside_code = not inside_code
        for path in _own_files(line):
            if not _is_there(path, files):
                yield error(number, "missing-file", f"names {path}, which is not in the skill's folder")
        if inside_code:
            continue
        for path in map(unquote, _LINK.findall(line)):
            if not _SCHEME.match(path) and not _is_there(path, files):
                yield error(number, "missing-file", f"links to {path}, which is not in the skill's folder")
        for path in _CODED.findall(line):
            if not _is_there(path, files):
                yield warning(number, "missing-file", f"names {path}, which is not in the skill's folder")


def missing_side_files(data: Mapping[str, Any], files: Container[str], lines: Lines) -> Iterator[Problem]:
    """`files` are the names of the scripts that go to `.claude/hooks` or `.claude/scripts` with the component."""
    for at, text in _texts(data, ()):
        for name in _SIDE_FILE.findall(text):
            if name not in files:
                yield error(lines[at], "missing-file", f"runs {name}, which is not beside it")


def _own_files(line: str) -> Iterator[str]:
    """A full stop ends a sentence, not a path."""
    yield from (path.rstrip(".") for path in _OWN_FILE.findall(line))


def _is_there(path: str, files: Container[str]) -> bool:
    normal = posixpath.normpath(path)
    return normal in files or normal in (".", "")


def _texts(value: Any, at: At) -> Iterator[tuple[At, str]]:
    if isinstance(value, str) and at[:1] != ("description",):
        yield at, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, (*at, str(key)))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts(inner, (*at, str(index)))
