"""Where the rendered project lies, and the check that nothing on the way there leads elsewhere."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from cct_cloudflare.errors import ConfigError, UnsafeError, UsageError

STAGING_NAME = ".cct-staging"
BACKUP_NAME = ".cct-backup"

_ON_THE_WAY = (".claude", "sandbox")


def target_of(project: Path) -> Path:
    """The folder of the project's Worker."""
    return project.joinpath(*_ON_THE_WAY, "cloudflare")


def resolve_project(project: Path) -> Path:
    """The project's real folder. Raises UsageError where there is none."""
    real = Path(os.path.realpath(project))
    if not real.is_dir():
        raise UsageError(f"There is no folder {project}.", hint="Name an existing project with --directory.")
    return real


def check_layout(project: Path, paths: Iterable[str]) -> None:
    """Holds that writing `paths` (relative, with slashes) below the target stays below it.

    `project` is real. The folders between it and the target may be links within the project; the target and
    everything in it may not be links at all.

    Raises UnsafeError for a link, ConfigError for something that is neither file nor folder where one belongs.
    """
    target = target_of(project)
    way = project
    for name in _ON_THE_WAY:
        way = way / name
        if _is_link(way):
            if not Path(os.path.realpath(way)).is_relative_to(project):
                raise _leads_away(way)
            if not way.is_dir():
                raise _in_the_way(way, "folder")
        else:
            _check_kind(way, folder=True)
    if not os.path.lexists(target):
        return  # nothing lies below it, and most projects are new
    folders = {target / STAGING_NAME, target / BACKUP_NAME}
    files = set()
    for path in paths:
        files.add(target / path)
        folders.update(target / parent for parent in PurePosixPath(path).parents)
    for folder in sorted(folders):
        _check_kind(folder, folder=True)
    for file in files:
        _check_kind(file, folder=False)


def _check_kind(path: Path, *, folder: bool) -> None:
    try:
        mode = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return  # NotADirectory: the folder above is checked as well and says so
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be looked at: {error.strerror}.",
            hint="Check the permissions of the folders above it.",
            code="output_unwritable",
        ) from error
    if _is_link(path):
        raise _leads_away(path)
    if not (stat.S_ISDIR(mode) if folder else stat.S_ISREG(mode)):
        raise _in_the_way(path, "folder" if folder else "file")


def _is_link(path: Path) -> bool:
    try:
        status = path.lstat()
    except OSError:
        return False
    junction = getattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", None)
    is_junction = junction is not None and getattr(status, "st_reparse_tag", 0) == junction
    return stat.S_ISLNK(status.st_mode) or is_junction


def _leads_away(path: Path) -> UnsafeError:
    return UnsafeError(
        f"{path} is a link; writing through it would change files somewhere else.",
        hint="Remove the link, or choose another project with --directory.",
    )


def _in_the_way(path: Path, wanted: str) -> ConfigError:
    return ConfigError(
        f"A {wanted} must go to {path}, and something else is there.",
        hint="Move it away and run the command again.",
        code="output_unwritable",
    )
