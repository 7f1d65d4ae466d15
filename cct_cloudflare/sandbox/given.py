"""A program of the user's own: files on disk, or standard input, become a `Program`."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from cct_cloudflare.errors import UsageError
from cct_cloudflare.sandbox.program import Program, ProgramFile

LANGUAGES = ("python", "javascript", "typescript", "web")

_LANGUAGE_OF = {
    ".py": "python",
    ".js": "javascript",
    ".mjs": "javascript",
    ".cjs": "javascript",
    ".jsx": "javascript",
    ".ts": "typescript",
    ".mts": "typescript",
    ".cts": "typescript",
    ".tsx": "typescript",
    ".html": "web",
    ".htm": "web",
}
_FROM_STDIN = {"python": "main.py", "javascript": "main.js", "typescript": "main.ts", "web": "index.html"}

#: The Worker's own bound on the body is 16 MiB; base64 adds a third.
MAX_BYTES = 11 * 1024 * 1024


def program_from_stdin(data: bytes, language: str | None) -> Program:
    """One file, read from standard input. Raises UsageError without a language: there is no name to tell it from."""
    if language is None:
        raise UsageError(
            "A program from standard input needs a language.", hint=f"Add --language {'|'.join(LANGUAGES)}."
        )
    name = _FROM_STDIN[language]
    return Program(language, name, (ProgramFile.from_bytes(name, _bounded(data)),))


def program_from_files(paths: Sequence[Path], language: str | None) -> Program:
    """The first file starts; the others are named relative to its folder. Raises UsageError."""
    entry = paths[0]
    if entry.is_dir():
        raise _is_folder(entry)
    chosen = language or _LANGUAGE_OF.get(entry.suffix.lower())
    if chosen is None:
        raise UsageError(
            f"The language of {entry.name} cannot be told from its name.",
            hint=f"Add --language {'|'.join(LANGUAGES)}.",
        )
    folder = entry.resolve().parent
    files: dict[str, ProgramFile] = {}
    left = MAX_BYTES
    for path in paths:
        name = _name_in(folder, path)
        if name in files:
            continue
        data = _read(path, left)
        left -= len(data)
        files[name] = ProgramFile.from_bytes(name, data)
    return Program(chosen, _name_in(folder, entry), tuple(files.values()))


def program_from_contents(files: Sequence[ProgramFile], entrypoint: str | None, language: str | None) -> Program:
    """Files that lie nowhere; the first one starts unless `entrypoint` names another. Raises UsageError."""
    named = {file.path for file in files}
    entry = entrypoint or files[0].path
    if entry not in named:
        raise UsageError(f"{entry} is to start, but is not among the files.", hint="Give it, or name another.")
    if len(named) < len(files):
        raise UsageError("Two of the files have the same path.", hint="Give each path once.")
    chosen = language or _LANGUAGE_OF.get(PurePosixPath(entry).suffix.lower())
    if chosen is None:
        raise UsageError(
            f"The language of {entry} cannot be told from its name.", hint=f"Say which: {', '.join(LANGUAGES)}."
        )
    for file in files:
        _check_encoding(file)
    if sum(map(_size, files)) > MAX_BYTES:
        raise _too_large()
    return Program(chosen, entry, tuple(files))


def _check_encoding(file: ProgramFile) -> None:
    try:
        if file.encoding == "base64":
            base64.b64decode(file.content, validate=True)
    except (binascii.Error, ValueError) as error:
        raise UsageError(
            f"The base64 of {file.path} is not valid.",
            hint="Encode its bytes again, or give it as text.",
            code="invalid_request",
        ) from error


def _size(file: ProgramFile) -> int:
    """In bytes."""
    if file.encoding == "base64":
        return len(file.content) * 3 // 4
    return len(file.content.encode("utf-8", "surrogatepass"))


def _name_in(folder: Path, path: Path) -> str:
    # The folder's links are resolved, the file's own name is what the program knows it by.
    whole = path.parent.resolve() / path.name
    try:
        return whole.relative_to(folder).as_posix()
    except ValueError:
        raise UsageError(
            f"{path} lies outside {folder}, the folder of the first file.",
            hint="Files are named relative to that folder; copy it there.",
        ) from None


def _read(path: Path, left: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(left + 1)
    except IsADirectoryError:
        raise _is_folder(path) from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
    return _bounded(data, left)


def _is_folder(path: Path) -> UsageError:
    return UsageError(
        f"{path} is a folder.", hint=f"Name the files in it, the one that starts before the others: {path}/main.py …"
    )


def _bounded(data: bytes, left: int = MAX_BYTES) -> bytes:
    if len(data) > left:
        raise _too_large()
    return data


def _too_large() -> UsageError:
    return UsageError(
        f"The program's files are larger than {MAX_BYTES // 2**20} MiB together.",
        hint="Give it less: a part of the data, or files that are compressed.",
        code="payload_too_large",
    )
