"""`@path` in a prompt: which project files it names, and their text.

As in Claude Code 2.1.330 a mention starts a word (`someone@host` is none), may be quoted (`@"with space.txt"`), may
name lines (`@file.py#L3-9`), and the punctuation of a sentence after it is not part of it. What names no file
stays what it was: text.

A file is sent to Claude's API, so what may hold a secret is never read, whoever wrote the mention.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from cct_cloudflare.components.files import UnreadableFileError, read_text
from cct_cloudflare.components.names import printable

MAX_FILE_BYTES = 64 * 1024
MAX_TOTAL_BYTES = 128 * 1024

_MENTION = re.compile(r'(?<!\S)@(?:"(?P<quoted>[^"\n]+)"(?P<quoted_lines>#L\d+(?:-L?\d+)?)?|(?P<bare>[^\s"@`]+))')
_LINES = re.compile(r"#L(\d{1,9})(?:-L?(\d{1,9}))?$")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_PUNCTUATION = ".,;:!?)]}>'*_…"
_MAX_PUNCTUATION = 8

_SECRET_FOLDERS = frozenset(
    {
        ".git",
        ".svn",
        ".hg",
        ".ssh",
        ".aws",
        ".azure",
        ".gnupg",
        ".kube",
        ".docker",
        ".gcloud",
        ".wrangler",
        ".terraform",
    }
)
_SECRET_NAME = re.compile(
    r"""
      \.env.* | .*\.env | \.dev\.vars.*
    | \.(netrc|npmrc|pypirc|pgpass|htpasswd|git-credentials|vault-token|boto|s3cfg|yarnrc\.yml) | _netrc
    | .*\.(pem|key|p8|p12|pfx|jks|keystore|kdbx?|ppk|asc|gpg|age|ovpn|tfvars|tfstate)(\.backup)?
    | id_(rsa|dsa|ecdsa|ed25519)(_sk)?.*
    | (.*[-_.])?(credentials?|secrets?)(\.(json|ya?ml|toml|ini|cfg|txt|csv|xml))?
    | service[-_]?account.*\.json | client[-_]?secret.*\.json
    | settings\.local\.json
    | git~\d+
    """,
    re.VERBOSE | re.DOTALL,
)
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY( BLOCK)?-----")


@dataclass(frozen=True)
class IncludedFile:
    """`path` is relative to the project, with `/`; `label` adds the lines, when only some were asked for."""

    path: str
    label: str
    text: str

    @property
    def bytes(self) -> int:
        return len(self.text.encode("utf-8"))


@dataclass(frozen=True)
class Mentions:
    files: tuple[IncludedFile, ...]
    warnings: tuple[str, ...]


def read_mentions(text: str, project: Path) -> Mentions:
    """The files that `text` mentions, each once, in the order of their mentions. Their own mentions are not followed.

    A file that exists and may not be included (outside the project, a secret, too large, not text) is a warning.
    """
    root = project.resolve()
    files: dict[str, IncludedFile] = {}
    warnings: dict[str, None] = {}
    total = 0
    for target in _targets(text, root):
        refusal = f"@{printable(target.written)} is not included: "
        try:
            file = _read(target, root)
        except UnreadableFileError as error:
            warnings[f"{refusal}{error}"] = None
            continue
        if file.label in files:
            continue
        if total + file.bytes > MAX_TOTAL_BYTES:
            warnings[f"{refusal}the files together are larger than {MAX_TOTAL_BYTES // 1024} KiB"] = None
            continue
        total += file.bytes
        files[file.label] = file
    return Mentions(tuple(files.values()), tuple(warnings))


@dataclass(frozen=True)
class _Target:
    written: str
    path: Path
    lines: tuple[int, int] | None


def _targets(text: str, root: Path) -> Iterator[_Target]:
    for match in _MENTION.finditer(text):
        if match["quoted"] is not None:
            candidates = [match["quoted"] + (match["quoted_lines"] or "")]
        else:
            candidates = list(_without_punctuation(match["bare"]))
        found = next((target for candidate in candidates if (target := _existing(candidate, root))), None)
        if found is not None:
            yield found


def _without_punctuation(word: str) -> Iterator[str]:
    yield word
    for _ in range(_MAX_PUNCTUATION):
        if not word or word[-1] not in _PUNCTUATION:
            return
        word = word[:-1]
        yield word


def _existing(written: str, root: Path) -> _Target | None:
    for name, lines in _readings(written):
        path = root / name
        try:
            if name and path.is_file():
                return _Target(written, path, lines)
        except (OSError, ValueError):  # a NUL, a name that is too long, a folder that may not be searched
            continue
    return None


def _readings(written: str) -> Iterator[tuple[str, tuple[int, int] | None]]:
    yield written, None
    lines = _LINES.search(written)
    if lines is not None:
        first = int(lines[1])
        yield written[: lines.start()], (first, int(lines[2] or first))


def _read(target: _Target, root: Path) -> IncludedFile:
    resolved = target.path.resolve()
    if not resolved.is_relative_to(root):
        raise UnreadableFileError("it is outside the project")
    relative = resolved.relative_to(root)
    # Both spellings count: a link may hide a secret behind a harmless name, and a secret's name its content.
    written = PurePath(os.path.relpath(target.path, root))
    if may_hold_secret(relative) or may_hold_secret(written):
        raise UnreadableFileError("it may hold a secret")
    text = read_text(resolved, MAX_FILE_BYTES)
    if _PRIVATE_KEY.search(text):
        raise UnreadableFileError("it holds a private key")
    label = relative.as_posix()
    if target.lines is not None:
        first, last = target.lines
        text = "".join(_LINE.findall(text)[max(first, 1) - 1 : last])
        label += f"#L{first}-{last}" if last != first else f"#L{first}"
    return IncludedFile(relative.as_posix(), label, text)


def may_hold_secret(path: PurePath) -> bool:
    """Whether a file of this name, or in a folder of this name, commonly holds a secret. Case does not count."""
    *folders, name = (_plain(part) for part in path.parts) if path.parts else [""]
    return (
        any(folder in _SECRET_FOLDERS or _SECRET_NAME.fullmatch(folder) for folder in folders)
        or name in _SECRET_FOLDERS
        or _SECRET_NAME.fullmatch(name) is not None
    )


def _plain(part: str) -> str:
    """The name as the most forgiving file system reads it: no case, no invisible characters, no dots at its end."""
    folded = unicodedata.normalize("NFKC", part).casefold()
    return "".join(char for char in folded if unicodedata.category(char) != "Cf").rstrip(". ")
