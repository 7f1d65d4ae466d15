"""Saving the files that came back: everything is judged again here, because the Worker may be anybody's.

`plan_outputs` decides from names alone, `save` writes. Saving is all or nothing: a new folder appears by one rename;
into a folder that is there, files are staged first, put in place one by one, and taken back when one fails.
No link inside the folder is followed and no file is ever executable.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import shutil
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from cct_cloudflare.errors import ConfigError, UnsafeError
from cct_cloudflare.folder import Folder, NotPlainError
from cct_cloudflare.limits import PROGRAM_FILES, SAVED_FILES
from cct_cloudflare.sandbox.paths import unsafe_path
from cct_cloudflare.sandbox.program import ProgramFile, RefusedFile

#: The program's files, and those that it wrote.
MAX_FILES = PROGRAM_FILES + SAVED_FILES
MAX_BYTES = 100 * 1000 * 1000

SaveStatus = Literal["new", "replaced", "unchanged"]


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """`path` is safe and relative, with `/` between its segments."""

    path: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class OutputPlan:
    directory: Path
    files: tuple[PlannedFile, ...]
    refused: tuple[RefusedFile, ...]


@dataclass(frozen=True, slots=True)
class SavedFile:
    """`path` is relative to the folder; `bytes` is the size."""

    path: str
    bytes: int
    status: SaveStatus

    def to_json(self) -> dict[str, Any]:
        return {"path": self.path, "bytes": self.bytes, "status": self.status}


@dataclass(frozen=True, slots=True)
class SavedFiles:
    """`directory` is None when there was nothing to save: no folder is made then."""

    directory: Path | None
    saved: tuple[SavedFile, ...]
    refused: tuple[RefusedFile, ...]


def fresh_directory(parent: Path, run_id: str) -> Path:
    """`cloudflare-<run id>` in `parent`, under a name that is not taken. Nothing is made."""
    # The id comes from the Worker: what is not plain is replaced, not cleaned.
    name = run_id if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}", run_id) else secrets.token_hex(8)
    candidates = (parent / f"cloudflare-{name}{'' if n == 1 else f'-{n}'}" for n in range(1, 10_000))
    return next(path for path in candidates if not path.exists() and not path.is_symlink())


def plan_outputs(files: Sequence[ProgramFile], refused: Sequence[RefusedFile], directory: Path) -> OutputPlan:
    """Sorts files with an unsafe name out, after those that were refused already.

    Raises UnsafeError, and nothing is saved: for the same path twice (also by case or Unicode form), for a file where
    another file needs a folder, for more than MAX_FILES files or MAX_BYTES bytes. Raises WorkerError for bad base64.
    """
    if len(files) > MAX_FILES:
        raise UnsafeError(f"The run produced {len(files)} files; at most {MAX_FILES} are saved.", hint=_FEWER)
    dropped = list(refused)
    planned: list[PlannedFile] = []
    size = 0
    for file in files:
        if reason := unsafe_path(file.path):
            dropped.append(RefusedFile(file.path, reason))
            continue
        data = file.data
        size += len(data)
        if size > MAX_BYTES:
            raise UnsafeError(f"The run produced more than {MAX_BYTES // 10**6} MB of files.", hint=_FEWER)
        planned.append(PlannedFile(file.path, data))
    _refuse_collisions([file.path for file in planned])
    return OutputPlan(directory, tuple(planned), tuple(dict.fromkeys(dropped)))


def save(plan: OutputPlan) -> SavedFiles:
    """Writes what is planned. A file that is there with other content is replaced, and reported so.

    Raises UnsafeError when a link or something else than a file or folder is in the way, ConfigError
    (`output_unwritable`) when the system does not let it write; the folder is then as it was.
    """
    if not plan.files:
        return SavedFiles(None, (), plan.refused)
    try:
        # The folder itself is the user's word, links included; below it nothing is followed.
        directory = plan.directory.resolve()
        saved = _save_into(directory, plan.files) if directory.exists() else _save_new(directory, plan.files)
    except NotPlainError as error:
        raise UnsafeError(
            f"Nothing was saved: {plan.directory / error.path} {error.reason}.",
            hint="Move it away, or choose another folder with --output.",
        ) from error
    except (OSError, RuntimeError) as error:  # RuntimeError: a circle of links, in Python before 3.13
        raise ConfigError(
            f"The files could not be saved in {plan.directory}: {getattr(error, 'strerror', None) or error}.",
            hint="Check the folder's permissions and the free space, or choose another with --output.",
            code="output_unwritable",
        ) from error
    return SavedFiles(directory, saved, plan.refused)


_FEWER = "Ask for a program that writes less, or put its files into one archive."


def _refuse_collisions(paths: Sequence[str]) -> None:
    taken: dict[str, str] = {}
    for path in paths:
        if other := taken.get(_key(path)):
            same = "twice" if other == path else f'and "{other}", which are one file on some systems'
            raise UnsafeError(f'The run produced "{path}" {same}; nothing was saved.', hint=_RENAME)
        taken[_key(path)] = path
    for path in paths:
        parts = path.split("/")
        for end in range(1, len(parts)):
            if file := taken.get(_key("/".join(parts[:end]))):
                raise UnsafeError(f'"{file}" is a file and the folder of "{path}"; nothing was saved.', hint=_RENAME)


_RENAME = "Run it again, and ask for other file names."


def _key(path: str) -> str:
    """Equal for paths that some file system takes for one."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", path).casefold())


def _save_new(directory: Path, files: Sequence[PlannedFile]) -> tuple[SavedFile, ...]:
    with contextlib.ExitStack() as undo:
        for parent in [path for path in reversed(directory.parents) if not path.exists()]:
            parent.mkdir()
            undo.callback(parent.rmdir)
        staging = directory.with_name(f".{directory.name}.{secrets.token_hex(8)}.tmp")
        staging.mkdir()
        undo.callback(shutil.rmtree, staging)
        with Folder.open(staging) as root:
            for file in files:
                _make_folders(root, file.path)
                with root.at(file.path) as (folder, name):
                    folder.write_new(name, file.data)
        staging.rename(directory)
        undo.pop_all()
    return tuple(SavedFile(file.path, len(file.data), "new") for file in files)


def _save_into(directory: Path, files: Sequence[PlannedFile]) -> tuple[SavedFile, ...]:
    with Folder.open(directory) as root:
        # All is looked at before anything is written.
        saved = tuple(SavedFile(file.path, len(file.data), _status(root, file)) for file in files)
        changes = [(file, planned) for file, planned in zip(saved, files, strict=True) if file.status != "unchanged"]
        # Staged inside the folder: only there a rename is sure to stay within one file system.
        with root.temporary() as staging:
            for number, (file, planned) in enumerate(changes):
                staging.write_new(f"new-{number}", planned.data, durable=file.status == "replaced")
            with contextlib.ExitStack() as undo:
                for number, (file, _) in enumerate(changes):
                    _put(root, staging, number, file, undo)
                undo.pop_all()
    return saved


def _status(root: Folder, file: PlannedFile) -> SaveStatus:
    try:
        with root.at(file.path) as (folder, name):
            kind = folder.kind(name)
            if kind is None:
                return "new"
            if kind == "folder":
                raise NotPlainError(file.path, "is a folder")
            return "unchanged" if folder.holds(name, file.data) else "replaced"
    except FileNotFoundError:
        return "new"


def _put(root: Folder, staging: Folder, number: int, file: SavedFile, undo: contextlib.ExitStack) -> None:
    """Moves a staged file to its place; `undo` knows beforehand how to take it back."""
    _make_folders(root, file.path, lambda made: undo.callback(_in_place(root, made, Folder.rmdir)))
    with root.at(file.path) as (folder, name):
        if file.status == "replaced":
            folder.keep(name, staging, f"old-{number}")
            undo.callback(_in_place(root, file.path, lambda at, to: staging.move(f"old-{number}", at, to)))
        else:
            undo.callback(_in_place(root, file.path, Folder.unlink))
        staging.move(f"new-{number}", folder, name)


def _in_place(root: Folder, path: str, act: Callable[[Folder, str], None]) -> Callable[[], None]:
    """`act` on `path`, found again when it is called: a thousand folders are not kept open until then."""

    def call() -> None:
        with root.at(path) as (folder, name):
            act(folder, name)

    return call


def _make_folders(root: Folder, path: str, on_made: Callable[[str], object] = lambda _: None) -> None:
    """Makes the folders above `path`, the outermost first, and tells each that was not there."""
    parts = path.split("/")
    for end in range(1, len(parts)):
        above = "/".join(parts[:end])
        with root.at(above) as (folder, name):
            if folder.make(name):
                on_made(above)
