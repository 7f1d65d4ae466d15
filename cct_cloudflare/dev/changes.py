"""What the files of a project's Worker say, and when that may have changed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cct_cloudflare.scaffold.source import WorkerSource, is_worker_source, read_worker_source
from cct_cloudflare.scaffold.variables import CONFIG, worker_variables

#: Between two looks without a sign of change, and how long changes must have ceased to count as one; milliseconds.
_LOOK_MS, _QUIET_MS = 1000, 100


@dataclass(frozen=True)
class Snapshot:
    """All that a local Worker is made from."""

    source: WorkerSource
    #: `vars` of wrangler.toml that this machine's Worker takes.
    variables: Mapping[str, str]


def read_snapshot(target: Path) -> Snapshot:
    """Reads the project in `target` (`.claude/sandbox/cloudflare`). Raises ConfigError and UnsafeError."""
    return Snapshot(read_worker_source(target), worker_variables(target))


def looks(target: Path) -> Iterator[None]:
    """Yields soon after a file in `target` that counts has changed, and once a second in any case; never ends.

    Only the folders of the source are watched, each by itself: beside them may lie node_modules. The look in between
    also finds what a watch cannot: changes while it is set up, and on file systems that tell nothing.
    """
    from watchfiles import watch

    def counts(_: object, path: str) -> bool:
        name = Path(path).relative_to(real).as_posix()
        return is_worker_source(name) or name == CONFIG

    real = target.resolve()
    while True:
        folders = _folders(real)
        try:
            for _ in watch(
                *folders,
                watch_filter=counts,
                recursive=False,
                step=_QUIET_MS,
                rust_timeout=_LOOK_MS,
                yield_on_timeout=True,
            ):
                yield
                if _folders(real) != folders:
                    break
        except FileNotFoundError:
            # A folder went between the look and the watch, perhaps the project itself.
            time.sleep(_LOOK_MS / 1000)
            yield


def _folders(target: Path) -> list[Path]:
    """The folders that hold the source: its top and all below `src` and `scripts`; what is there of them."""
    found = [target]
    for folder in found:
        with_source = (path for path in _children(folder) if is_worker_source(path.relative_to(target).as_posix()))
        found += [path for path in with_source if path.is_dir() and not path.is_symlink()]
    return found


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []
