"""Several files of a place changed as one: all of them or none, whatever kills the process meanwhile.

Everything that a change needs is first written into one file in the user's state folder. From the moment that this
journal is there, the change counts as made: whoever comes next carries it to its end. Before, nothing has been
touched. Each file moves in one step, so that at every moment it is the old one or the new one, and each step looks at
what is there: done twice it does the same, and what somebody else has changed meanwhile is left alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cct_cloudflare.errors import ConfigError
from cct_cloudflare.folder import Folder, NotPlainError
from cct_cloudflare.install.site import Site, not_plain, unwritable
from cct_cloudflare.install.state import JOURNAL

_BACKWARDS = "backwards"
_BACKUPS = "backups"
#: How many changes back the files that were replaced or removed are kept.
KEPT_BACKUPS = 20
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Write:
    """One file: what was there, and what takes its place; None for no file. `path` is that of `Site`.

    `mode` is what the file has before the change, which a file that is put back gets again.
    """

    path: str
    before: bytes | None
    after: bytes | None
    executable: bool = False
    mode: int | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """`made` are folders that are missing, outermost first; `emptied` those that go when nothing is left in them."""

    writes: Sequence[Write]
    made: Sequence[str] = ()
    emptied: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """`backup` holds what was replaced or removed. `left` are paths that somebody else changed before the end."""

    backup: Path | None = None
    left: tuple[str, ...] = ()


class ChangedMeanwhileError(Exception):
    """A file is not any more what the change was planned for. Nothing of the change is left."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


def commit(site: Site, change: Change) -> Outcome:
    """Makes a change. The caller holds the site and has healed it.

    Raises ChangedMeanwhileError, UnsafeError for a link, and ConfigError (`output_unwritable`) when a disk refuses:
    then everything is as it was before.
    """
    real = _really(site, change)
    try:
        with Folder.open(site.root) as root:
            real = _with_modes(root, real)
            run = _Run(root, real, secrets.token_hex(8))
            run.check()
            site.state.mkdir(mode=0o700, parents=True, exist_ok=True)
            backup = _back_up(site, change)
            _write_journal(site, real, run.id)
            try:
                run.forward()
            except BaseException:
                # Whatever comes now, a process that dies while it goes back is to be continued backwards.
                with contextlib.suppress(OSError):
                    (site.state / _BACKWARDS).touch()
                run.backward()
                _close(site)
                raise
            _close(site)
    except NotPlainError as error:
        raise not_plain(site.root / error.path, error) from error
    except OSError as error:
        raise unwritable(site.claude_dir, error) from error
    return Outcome(backup)


def is_pending(site: Site) -> bool:
    """Whether a change was interrupted, or is being made at this moment."""
    return (site.state / JOURNAL).exists()


def heal(site: Site) -> Outcome | None:
    """Carries a change that was interrupted to its end; None when there is none. The caller holds the site.

    Raises as `commit`.
    """
    journal = site.state / JOURNAL
    try:
        data = journal.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"{journal} cannot be read: {error.strerror}.", hint="Check its permissions.") from error
    try:
        known = _parse(data)
        if known is None:
            # Only a damaged disk leaves one that cannot be read: what was under way is not known any more.
            journal.replace(journal.with_name(f"{JOURNAL}.damaged"))
            return None
        change, run_id = known
        with Folder.open(site.root) as root:
            run = _Run(root, change, run_id, is_healing=True)
            if (site.state / _BACKWARDS).exists():
                run.backward()
            else:
                run.forward()
            _close(site)
    except NotPlainError as error:
        raise not_plain(site.root / error.path, error) from error
    except OSError as error:
        raise unwritable(site.claude_dir, error) from error
    return Outcome(left=tuple(run.left))


class _Run:
    """One change on its way. All paths are real ones, relative to the root."""

    def __init__(self, root: Folder, change: Change, run_id: str, *, is_healing: bool = False) -> None:
        self.id = run_id
        self.left: list[str] = []
        self._root = root
        self._change = change
        self._is_healing = is_healing

    def check(self) -> None:
        """Raises ChangedMeanwhileError when a file is not what the change was planned for."""
        for write in self._change.writes:
            if self._content(write.path) != write.before:
                raise ChangedMeanwhileError(write.path)

    def forward(self) -> None:
        for path in self._change.made:
            self._make(path)
        # Removals first: a new file may have a name that differs from an old one by case alone.
        for number, write in sorted(enumerate(self._change.writes), key=lambda item: item[1].after is not None):
            self._put(number, write.path, write.before, write.after, executable=write.executable)
        for path in self._change.emptied:
            self._drop_folder(path)

    def backward(self) -> None:
        """Best effort, file by file: what cannot be taken back now is taken back by whoever heals."""
        failed: OSError | None = None
        for path in reversed(self._change.emptied):
            with contextlib.suppress(NotPlainError):
                self._make(path)
        steps = sorted(enumerate(self._change.writes), key=lambda item: item[1].before is not None)
        for number, write in steps:
            try:
                self._put(number, write.path, write.after, write.before, mode=write.mode, is_undo=True)
            except OSError as error:
                failed = failed or error
        for path in reversed(self._change.made):
            self._drop_folder(path)
        if failed is not None:
            raise failed

    def _put(
        self,
        number: int,
        path: str,
        before: bytes | None,
        after: bytes | None,
        *,
        executable: bool = False,
        mode: int | None = None,
        is_undo: bool = False,
    ) -> None:
        staged = f".cct-{self.id}-{number}.tmp"
        try:
            with self._root.at(path) as (folder, name):
                folder.unlink(staged)
                current = folder.read(name)
                if current == after:
                    return
                if current != before:
                    if not self._is_healing and not is_undo:
                        raise ChangedMeanwhileError(path)
                    self.left.append(path)
                elif after is None:
                    folder.unlink(name)
                else:
                    kept = folder.mode(name) if before is not None else mode
                    folder.write_new(staged, after, durable=before is not None, executable=executable, mode=kept)
                    try:
                        folder.move(staged, folder, name)
                    except OSError:
                        folder.unlink(staged)
                        raise
        except FileNotFoundError:
            if after is not None:
                if not self._is_healing and not is_undo:
                    raise ChangedMeanwhileError(path) from None
                self.left.append(path)  # the folder has gone, and somebody wanted it so
        except NotPlainError:
            if not self._is_healing and not is_undo:
                raise
            self.left.append(path)  # a link, or a folder: no step of a change leaves one where a file belongs

    def _content(self, path: str) -> bytes | None:
        try:
            with self._root.at(path) as (folder, name):
                return folder.read(name)
        except FileNotFoundError:
            return None

    def _make(self, path: str) -> None:
        with contextlib.suppress(FileNotFoundError), self._root.at(path) as (folder, name):
            folder.make(name)

    def _drop_folder(self, path: str) -> None:
        with contextlib.suppress(OSError, NotPlainError), self._root.at(path) as (folder, name):
            folder.rmdir(name)


def _really(site: Site, change: Change) -> Change:
    """The same with real paths. A folder that is to be made lies in one that is there, or in another such."""
    return Change(
        [Write(site.real(write.path), write.before, write.after, write.executable) for write in change.writes],
        [site.real(path) for path in change.made],
        [site.real(path) for path in change.emptied],
    )


def _with_modes(root: Folder, change: Change) -> Change:
    def mode(path: str) -> int | None:
        try:
            with root.at(path) as (folder, name):
                return folder.mode(name)
        except FileNotFoundError:
            return None

    return replace(change, writes=[replace(write, mode=mode(write.path)) for write in change.writes])


def _write_journal(site: Site, change: Change, run_id: str) -> None:
    """One line of JSON, then the bytes before and after of every file."""
    head = {
        "version": _VERSION,
        "id": run_id,
        "writes": [
            {
                "path": write.path,
                "before": None if write.before is None else len(write.before),
                "after": None if write.after is None else len(write.after),
                "executable": write.executable,
                "mode": write.mode,
            }
            for write in change.writes
        ],
        "made": list(change.made),
        "emptied": list(change.emptied),
    }
    (site.state / _BACKWARDS).unlink(missing_ok=True)
    staged = site.state / f"{JOURNAL}.tmp"
    staged.unlink(missing_ok=True)  # of a process that was killed: the lock says that nobody writes it
    fd = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    with open(fd, "wb") as file:  # noqa: PTH123 - a descriptor
        file.write(json.dumps(head).encode() + b"\n")
        for write in change.writes:
            file.write((write.before or b"") + (write.after or b""))
        file.flush()
        os.fsync(fd)
    staged.replace(site.state / JOURNAL)


def _parse(data: bytes) -> tuple[Change, str] | None:
    """A journal; None when it is none. The folder is the user's own, and damage is all that is feared."""
    line, _, body = data.partition(b"\n")
    at = 0

    def take(size: int | None) -> bytes | None:
        nonlocal at
        if size is None:
            return None
        at += size
        if at > len(body):
            raise ValueError("cut")
        return body[at - size : at]

    try:
        head: dict[str, Any] = json.loads(line)
        if head["version"] != _VERSION:
            return None
        writes = [
            Write(entry["path"], take(entry["before"]), take(entry["after"]), entry["executable"], entry["mode"])
            for entry in head["writes"]
        ]
        return Change(writes, head["made"], head["emptied"]), str(head["id"])
    except (ValueError, KeyError, TypeError):
        return None


def _back_up(site: Site, change: Change) -> Path | None:
    """Copies of the files that the change replaces or removes, for people who want one back."""
    kept = [write for write in change.writes if write.before is not None]
    if not kept:
        return None
    shelf = site.state / _BACKUPS
    shelf.mkdir(mode=0o700, exist_ok=True)
    numbers = sorted(int(entry.name) for entry in shelf.iterdir() if entry.name.isdecimal())
    for number in numbers[: max(0, len(numbers) + 1 - KEPT_BACKUPS)]:
        shutil.rmtree(shelf / str(number), ignore_errors=True)
    backup = shelf / str(max(numbers, default=0) + 1)
    for write in kept:
        copy = backup / write.path
        copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(copy, os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
        with open(fd, "wb") as file:  # noqa: PTH123 - a descriptor
            file.write(write.before or b"")
    return backup


def _close(site: Site) -> None:
    """Forgets a change that has come to its end. A journal that cannot be removed says what is so already."""
    with contextlib.suppress(OSError):
        (site.state / JOURNAL).unlink(missing_ok=True)
        (site.state / _BACKWARDS).unlink(missing_ok=True)
