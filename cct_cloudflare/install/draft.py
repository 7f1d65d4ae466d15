"""A place as it will be: changes are made here one after the other, and come out as one.

Each change sees what those before it left, nothing is written, and what ends as it began is no change.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from cct_cloudflare.components.names import name_key
from cct_cloudflare.install.journal import Change, Write
from cct_cloudflare.install.lockfile import Lock
from cct_cloudflare.install.site import LOCK_PATH, Site


@dataclass
class _File:
    before: bytes | None
    now: bytes | None
    executable: bool = False


class Draft:
    """`lock` is what the lock will say; the steps of a plan replace it as they go."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.lock = site.read_lock()
        self._files: dict[str, _File] = {}
        self._listed: dict[str, list[str]] = {}

    def read(self, path: str) -> bytes | None:
        return self._file(path).now

    def write(self, path: str, content: bytes | None, *, executable: bool = False) -> None:
        file = self._file(path)
        file.now, file.executable = content, executable

    def spelt(self, path: str) -> str | None:
        """The file that is at `path`, under whatever spelling: case and Unicode form do not count."""
        folder, _, name = path.rpartition("/")
        key = name_key(name)
        names = [other for other in self._names(folder) if name_key(other) == key]
        return f"{folder}/{name if name in names else names[0]}" if names else None

    def restore(self, snapshot: dict[str, tuple[bytes | None, bool]], lock: Lock) -> None:
        """Takes back what was done since `snapshot`."""
        for path, file in self._files.items():
            file.now, file.executable = snapshot.get(path, (file.before, False))
        self.lock = lock

    def snapshot(self) -> dict[str, tuple[bytes | None, bool]]:
        return {path: (file.now, file.executable) for path, file in self._files.items()}

    def finish(self) -> tuple[Change, Lock]:
        """Everything as one change, the lock file included, and the lock that it leaves."""
        if not self.lock.components:
            self.write(LOCK_PATH, None)
        emptied: list[str] = []
        for folder in sorted(self.lock.folders, key=lambda path: -path.count("/")):
            if self._is_empty(folder, emptied):
                emptied.append(folder)
        lock = self.lock
        if lock.components:
            self.write(LOCK_PATH, b"")  # it may be what its folder is made for
            folders = {*lock.folders, *self._missing_folders()}.difference(emptied)
            lock = replace(lock, folders=tuple(sorted(folders)))
            self.write(LOCK_PATH, lock.to_bytes(None if self.site.is_user else self.site.root))
        writes = [
            Write(path, file.before, file.now, file.executable)
            for path, file in self._files.items()
            if file.now != file.before
        ]
        # Until the lock file has moved, a reader sees what was installed before.
        writes.sort(key=lambda write: write.path == LOCK_PATH)
        gone = [folder for folder in emptied if self.site.has_folder(folder)]
        return Change(writes, self._missing_folders(), gone), lock

    def _file(self, path: str) -> _File:
        if path not in self._files:
            content = self.site.read(path)
            self._files[path] = _File(content, content)
        return self._files[path]

    def _on_disk(self, folder: str) -> list[str]:
        if folder not in self._listed:
            self._listed[folder] = self.site.names(folder)
        return self._listed[folder]

    def _names(self, folder: str) -> list[str]:
        """The names in a folder as they will be; folders count as they are on the disk."""
        inside = {path.rpartition("/")[2]: file.now for path, file in self._files.items() if _parent(path) == folder}
        kept = [name for name in self._on_disk(folder) if inside.get(name, b"") is not None]
        return [*kept, *(name for name, now in inside.items() if now is not None and name not in kept)]

    def _missing_folders(self) -> list[str]:
        wanted = {
            above
            for path, file in self._files.items()
            if file.now is not None and file.before is None
            for above in _folders_above(path)
        }
        return sorted(folder for folder in wanted if not self.site.has_folder(folder))

    def _is_empty(self, folder: str, gone: list[str]) -> bool:
        left = [name for name in self._names(folder) if f"{folder}/{name}" not in gone]
        below = f"{folder}/"
        return not left and not any(
            path.startswith(below) and file.now is not None for path, file in self._files.items()
        )


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _folders_above(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[: end + 1]) for end in range(len(parts))]
