"""A folder whose links are never followed.

Where the system can (Linux, macOS), each step is relative to an open folder (`dir_fd`), so that nothing that is
exchanged for a link meanwhile leads elsewhere; elsewhere each step is looked at first.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Self

_HAS_DIR_FD = {os.open, os.mkdir, os.stat, os.rename, os.unlink, os.rmdir, os.link} <= os.supports_dir_fd
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_BINARY = getattr(os, "O_BINARY", 0)
_OPEN_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)


class NotPlainError(Exception):
    """A link, or the wrong sort of thing, is at `path` (below the folder that was opened first)."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path} {reason}")
        self.path = path
        self.reason = reason


class Folder:
    """An open folder. A name is a single segment, a path has `/` between its own.

    Every method raises OSError, and NotPlainError for what it would have to follow.
    """

    def __init__(self, path: Path, fd: int | None, where: str = "") -> None:
        self._path = path
        self._fd = fd
        self._where = where

    @classmethod
    @contextlib.contextmanager
    def open(cls, path: Path) -> Iterator[Self]:
        """Opens a folder that is trusted to be what it is: its own path may lead over links."""
        fd = os.open(path, _OPEN_FOLDER) if _HAS_DIR_FD else None
        try:
            yield cls(path, fd)
        finally:
            if fd is not None:
                os.close(fd)

    @contextlib.contextmanager
    def at(self, path: str) -> Iterator[tuple[Folder, str]]:
        """The folder that holds `path`, and the name in it. Raises FileNotFoundError when a folder is missing."""
        *folders, name = path.split("/")
        with contextlib.ExitStack() as opened:
            folder = self
            for segment in folders:
                folder = opened.enter_context(folder._enter(segment))
            yield folder, name

    @contextlib.contextmanager
    def temporary(self) -> Iterator[Folder]:
        """A new folder in this one for files alone; it is removed at the end, with whatever is in it."""
        name = f".cct-{secrets.token_hex(8)}.tmp"
        os.mkdir(self._at(name), 0o700, dir_fd=self._fd)
        try:
            with self._enter(name) as folder:
                try:
                    yield folder
                finally:
                    for left in folder.names():
                        folder.unlink(left)
        finally:
            self.rmdir(name)

    def kind(self, name: str) -> Literal["file", "folder"] | None:
        """None where there is nothing. Raises NotPlainError for a link, a pipe, a device."""
        try:
            info = os.stat(self._at(name), dir_fd=self._fd, follow_symlinks=False)
        except FileNotFoundError:
            return None
        # A junction of Windows is a folder to `stat` and a link in effect.
        if stat.S_ISLNK(info.st_mode) or getattr(info, "st_reparse_tag", False):
            raise NotPlainError(self._name(name), "is a link")
        if stat.S_ISDIR(info.st_mode):
            return "folder"
        if stat.S_ISREG(info.st_mode):
            return "file"
        raise NotPlainError(self._name(name), "is neither a file nor a folder")

    def make(self, name: str) -> bool:
        """Makes a folder; False when there is one already."""
        if self.kind(name) == "folder":
            return False
        os.mkdir(self._at(name), dir_fd=self._fd)
        return True

    def names(self) -> list[str]:
        return os.listdir(self._path if self._fd is None else self._fd)  # noqa: PTH208 - a descriptor

    def mode(self, name: str) -> int | None:
        """The permission bits of what is there; None where there is nothing."""
        try:
            info = os.stat(self._at(name), dir_fd=self._fd, follow_symlinks=False)
        except FileNotFoundError:
            return None
        return stat.S_IMODE(info.st_mode) & 0o777

    def read(self, name: str, *, limit: int | None = None) -> bytes | None:
        """The bytes of a file; None where there is nothing. One that is larger than `limit` is not plain."""
        kind = self.kind(name)
        if kind is None:
            return None
        if kind != "file":
            raise NotPlainError(self._name(name), "is a folder")
        fd = os.open(self._at(name), os.O_RDONLY | _NOFOLLOW | _BINARY, dir_fd=self._fd)
        with open(fd, "rb") as file:  # noqa: PTH123 - a descriptor
            if limit is not None and os.fstat(fd).st_size > limit:
                raise NotPlainError(self._name(name), f"is larger than {limit // (1024 * 1024)} MiB")
            return file.read()

    def write_new(
        self, name: str, data: bytes, *, durable: bool = False, executable: bool = False, mode: int | None = None
    ) -> None:
        """Writes a file that is not there yet. `durable` waits until the disk has it.

        `mode` are its exact permission bits; without them it gets what a new file gets, executable only if told so.
        """
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW | _BINARY
        fd = os.open(self._at(name), flags, 0o777 if executable else 0o666, dir_fd=self._fd)
        with open(fd, "wb") as file:  # noqa: PTH123 - a descriptor
            file.write(data)
            if mode is not None and hasattr(os, "fchmod"):
                os.fchmod(fd, mode)
            if durable:
                file.flush()
                os.fsync(fd)

    def holds(self, name: str, data: bytes) -> bool:
        """Whether the file that is there has exactly these bytes."""
        fd = os.open(self._at(name), os.O_RDONLY | _NOFOLLOW | _BINARY, dir_fd=self._fd)
        with open(fd, "rb") as file:  # noqa: PTH123 - a descriptor
            return os.fstat(fd).st_size == len(data) and file.read(len(data) + 1) == data

    def move(self, name: str, to: Folder, to_name: str) -> None:
        """Within one file system, at once, over a file that is there."""
        os.replace(self._at(name), to._at(to_name), src_dir_fd=self._fd, dst_dir_fd=to._fd)

    def keep(self, name: str, to: Folder, to_name: str) -> None:
        """A second name for the file, or a copy where the file system has no such thing."""
        try:
            os.link(self._at(name), to._at(to_name), src_dir_fd=self._fd, dst_dir_fd=to._fd, follow_symlinks=False)
        except (OSError, NotImplementedError):
            fd = os.open(self._at(name), os.O_RDONLY | _NOFOLLOW | _BINARY, dir_fd=self._fd)
            with open(fd, "rb") as file:  # noqa: PTH123 - a descriptor
                to.write_new(to_name, file.read())

    def unlink(self, name: str) -> None:
        """Does nothing when the file is not there."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._at(name), dir_fd=self._fd)

    def rmdir(self, name: str) -> None:
        os.rmdir(self._at(name), dir_fd=self._fd)

    @contextlib.contextmanager
    def _enter(self, name: str) -> Iterator[Folder]:
        kind = self.kind(name)
        if kind is None:
            raise FileNotFoundError(name)
        if kind != "folder":
            raise NotPlainError(self._name(name), "is not a folder")
        fd = os.open(name, _OPEN_FOLDER | _NOFOLLOW, dir_fd=self._fd) if self._fd is not None else None
        try:
            yield Folder(self._path / name, fd, self._name(name))
        finally:
            if fd is not None:
                os.close(fd)

    def _at(self, name: str) -> str:
        return name if self._fd is not None else str(self._path / name)

    def _name(self, name: str) -> str:
        return f"{self._where}/{name}" if self._where else name
