"""Carries out a plan: everything is written beside its place first, then moved there in one step per file.

Until the moves, the project is as it was; each move replaces a whole file by a whole file; the manifest moves
last. So whatever kills this process, every file is the old one or the new one, and the next run completes
the rest: a file that already has its new content counts as identical whatever the manifest says.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from pathlib import Path, PurePosixPath

from cct_cloudflare.errors import ConfigError
from cct_cloudflare.folder_lock import folder_lock
from cct_cloudflare.scaffold.layout import BACKUP_NAME, STAGING_NAME
from cct_cloudflare.scaffold.manifest import MANIFEST_NAME
from cct_cloudflare.scaffold.planning import WRITES, Action, Plan, replan

_BINARY = getattr(os, "O_BINARY", 0)


def apply(plan: Plan) -> Plan:
    """Writes what the plan says and returns the plan that was carried out.

    The decisions are made again under the project's lock, so that a file that changed since the plan was
    shown is never lost; where nothing changed the two are equal. A plan that is done touches nothing.

    Raises what `plan` raises, and ConfigError (`output_unwritable`) when the disk refuses: then files
    and folders that this run created are gone again.
    """
    if plan.is_done:
        return plan
    with folder_lock(plan.project):
        current = replan(plan)
        if not current.is_done:
            writer = _Writer(current)
            try:
                writer.write()
            except OSError as error:
                writer.undo()
                raise _refused(current, error) from error
            except BaseException:
                writer.undo()
                raise
    return current


class _Writer:
    """One run: remembers what it has created, so that a failure can take it back."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._target = plan.target
        self._staging = plan.target / STAGING_NAME
        self._made_folders: list[Path] = []
        self._made_files: list[Path] = []

    def write(self) -> None:
        self._make_folder(self._target)
        self._clear_staging()  # of a run that was killed: the lock says that nobody works in it
        self._make_folder(self._staging)
        moves = self._stage()
        self._back_up()
        self._remove()
        for staged, path in moves:
            place = self._target / path
            self._make_folder(place.parent)
            if not place.exists():
                self._made_files.append(place)
            staged.replace(place)
        self._clear_staging()

    def undo(self) -> None:
        """Best effort: the error that led here is the one to tell."""
        with contextlib.suppress(OSError):
            self._clear_staging()
        for file in self._made_files:
            with contextlib.suppress(OSError):
                file.unlink()
        for folder in reversed(self._made_folders):
            with contextlib.suppress(OSError):  # not empty: somebody else put something there
                folder.rmdir()

    def _stage(self) -> list[tuple[Path, str]]:
        """Writes all content into the staging folder: a full disk shows before anything has been replaced."""
        contents = [
            (file.path, file.content) for file in self._plan.files if file.action in WRITES and file.content is not None
        ]
        contents.append((MANIFEST_NAME, self._plan.manifest.to_bytes()))
        moves = []
        for number, (path, content) in enumerate(contents):
            staged = self._staging / str(number)
            _write_file(staged, content, replaces=self._target / path)
            moves.append((staged, path))
        return moves

    def _back_up(self) -> None:
        paths = self._plan.having(Action.OVERWRITE)
        if not paths:
            return
        collected = self._staging / "backup"
        for path in paths:
            copy = collected / f"{path}.orig"  # no name that a test runner or compiler would pick up
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self._target / path, copy)
            _sync(copy)
        shelf = self._target / BACKUP_NAME
        self._make_folder(shelf)
        numbers = [int(entry.name) for entry in shelf.iterdir() if entry.name.isdecimal()]
        collected.rename(shelf / str(max(numbers, default=0) + 1))

    def _remove(self) -> None:
        for path in self._plan.having(Action.REMOVE):
            (self._target / path).unlink(missing_ok=True)
            for parent in list(PurePosixPath(path).parents)[:-1]:
                try:
                    (self._target / parent).rmdir()
                except OSError:
                    break  # something else lives there

    def _make_folder(self, folder: Path) -> None:
        missing = []
        while not folder.is_dir():
            missing.append(folder)
            folder = folder.parent
        for path in reversed(missing):
            path.mkdir()
            self._made_folders.append(path)

    def _clear_staging(self) -> None:
        if self._staging.exists():
            shutil.rmtree(self._staging)


def _write_file(path: Path, content: bytes, *, replaces: Path) -> None:
    """Writes a new file. What replaces older bytes reaches the disk before they go, and keeps their mode."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o666)
    with open(handle, "wb") as file:  # noqa: PTH123 - a descriptor, not a path
        file.write(content)
        try:
            mode = stat.S_IMODE(replaces.lstat().st_mode) & 0o777
        except FileNotFoundError:
            return
        file.flush()
        os.fsync(file.fileno())
    path.chmod(mode)


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _refused(plan: Plan, error: OSError) -> ConfigError:
    return ConfigError(
        f"The Worker project cannot be written to {plan.target}: {error.strerror or error}.",
        hint="Make room or the folder writable, and run the command again; nothing was left half-written.",
        code="output_unwritable",
    )
