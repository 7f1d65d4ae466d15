"""A place that components are installed to: a project, or the user's own `.claude`.

Paths are those of the lock file: `.claude/…` whatever the folder is called, or `.mcp.json`. Each is judged where it
really leads before anything is read or written: links between folders may stay inside the place, a file that is a
link is refused.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cct_cloudflare.errors import ConfigError, UnsafeError
from cct_cloudflare.folder import Folder, NotPlainError
from cct_cloudflare.folder_lock import folder_lock
from cct_cloudflare.install.lockfile import LOCK_NAME, Lock, Scope, parse_lock
from cct_cloudflare.install.state import state_of
from cct_cloudflare.scaffold.layout import resolve_project

LOCK_PATH = f".claude/{LOCK_NAME}"
#: An install takes a fraction of a second, but many may wait for each other.
PATIENCE_SECONDS = 60.0
MAX_FILE_BYTES = 50 * 1024 * 1024


@dataclass(frozen=True)
class Site:
    """`root` is real, and holds the folder `claude`; nothing outside `boundary` is read or written."""

    root: Path
    claude: str
    boundary: Path
    is_user: bool = False

    @classmethod
    def of_project(cls, directory: Path) -> Site:
        """Raises UsageError where there is no such folder."""
        project = resolve_project(directory)
        return cls(project, ".claude", project)

    @classmethod
    def of_user(cls) -> Site:
        """What `CLAUDE_CONFIG_DIR` names, else `.claude` in the home folder; also when it is not there yet."""
        named = os.environ.get("CLAUDE_CONFIG_DIR", "").strip()
        folder = Path(os.path.realpath(Path(named) if named else Path.home() / ".claude"))
        return cls(folder.parent, folder.name, folder, is_user=True)

    @classmethod
    def of(cls, scope: Scope, directory: Path) -> Site:
        return cls.of_user() if scope is Scope.USER else cls.of_project(directory)

    @property
    def claude_dir(self) -> Path:
        return self.root / self.claude

    @property
    def is_home(self) -> bool:
        """Whether this is the user's `.claude` in the home folder, so that `"$HOME"/.claude` means it anywhere."""
        return self.claude_dir == Path(os.path.realpath(Path.home() / ".claude"))

    @property
    def state(self) -> Path:
        """Where the backups and the journal of this place are kept."""
        return state_of(self.claude_dir)

    def show(self, path: str) -> Path:
        """The path as a person finds it."""
        return self.root / self._within(path)

    def real(self, path: str) -> str:
        """Where `path` leads, relative to the root and without links.

        Raises UnsafeError for a link that leads out, or a file that is one; ConfigError for what is in the way.
        """
        place = self.show(path)
        folder = Path(os.path.realpath(place.parent))
        if not folder.is_relative_to(self.boundary) and place != self.boundary:
            raise self._leads_out(place.parent)
        return (folder / place.name).relative_to(self.root).as_posix()

    def read(self, path: str) -> bytes | None:
        """The bytes of a file; None where there is nothing. Raises what `real` raises, and ConfigError."""
        with self._reading(path):
            try:
                with Folder.open(self.root) as root, root.at(self.real(path)) as (folder, name):
                    return folder.read(name, limit=MAX_FILE_BYTES)
            except FileNotFoundError:
                return None
        return None

    def names(self, path: str) -> list[str]:
        """What lies in a folder, sorted; nothing where it is missing."""
        with self._reading(path):
            try:
                with Folder.open(self.root) as root, root.at(f"{self.real(path)}/x") as (folder, _):
                    return sorted(folder.names())
            except FileNotFoundError:
                return []
        return []

    def has_folder(self, path: str) -> bool:
        """Raises UnsafeError for a link that leads out, ConfigError for what is no folder."""
        place = self.show(path)
        if not os.path.lexists(place):
            return False
        if not Path(os.path.realpath(place)).is_relative_to(self.boundary):
            raise self._leads_out(place)
        if not place.is_dir():
            raise not_plain(place, NotPlainError(path, "is not a folder"))
        return True

    def read_lock(self) -> Lock:
        """Raises ConfigError when it cannot be used."""
        data = self.read(LOCK_PATH)
        return Lock() if data is None else parse_lock(self.show(LOCK_PATH), data)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """One writer at a time; the lock leaves no file in a project."""
        if not self.is_user:
            with folder_lock(self.root, patience=PATIENCE_SECONDS):
                yield
            return
        try:
            self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(self.state, error) from error
        with folder_lock(self.state, patience=PATIENCE_SECONDS):
            yield

    def _leads_out(self, place: Path) -> UnsafeError:
        return UnsafeError(
            f"{place} leads out of {self.boundary}; nothing is read or written there.",
            hint="Remove the link, or choose another project with --directory.",
        )

    def _within(self, path: str) -> str:
        return self.claude + path.removeprefix(".claude") if path.partition("/")[0] == ".claude" else path

    @contextlib.contextmanager
    def _reading(self, path: str) -> Iterator[None]:
        try:
            yield
        except NotPlainError as error:
            raise not_plain(self.show(path), error) from error
        except OSError as error:
            raise ConfigError(
                f"{self.show(path)} cannot be read: {error.strerror or error}.",
                hint="Check its permissions, and those of the folders above it.",
                code="output_unwritable",
            ) from error


def not_plain(place: Path, error: NotPlainError) -> UnsafeError | ConfigError:
    if "link" in error.reason:
        return UnsafeError(
            f"{place} {error.reason}; writing through it would change files somewhere else.",
            hint="Remove the link, or choose another place with --directory or --scope.",
        )
    return ConfigError(
        f"{place} {error.reason}, and something else belongs there.",
        hint="Move it away and run the command again.",
        code="output_unwritable",
    )


def unwritable(place: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"{place} cannot be written: {error.strerror or error}.",
        hint="Make room or the folder writable, and run the command again; nothing was left half-written.",
        code="output_unwritable",
    )
