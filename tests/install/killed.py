"""Installing and removing in a process that kills itself, or meets a full disk, at the n-th step that touches one."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cct_cloudflare.components.package import Package
from cct_cloudflare.errors import CctError
from tests.install.trees import add, remove

REFS = (
    "agent/quality/code-reviewer",
    "hook/git/guard-main",
    "mcp/devtools/github",
    "setting/permissions/deny-secrets",
    "skill/testing/playwright",
)


#: How the process ends when it got through before the n-th step, and when it got through in spite of it.
NOT_REACHED, GOT_OVER_IT = 50, 51


def watch(limit: int, *, full: bool) -> list[int]:
    """Counts every call that changes a disk. The one that reaches `limit` is the process's last, or fails."""
    count = [0]

    def wrap(name: str) -> None:
        original: Callable[..., Any] = getattr(os, name)

        def step(*args: Any, **more: Any) -> Any:
            if name == "open" and not (len(args) > 1 and isinstance(args[1], int) and args[1] & os.O_CREAT):
                return original(*args, **more)
            count[0] += 1
            if count[0] == limit:
                if full:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*args, **more)

        setattr(os, name, step)

    for name in ("open", "replace", "rename", "unlink", "mkdir", "rmdir", "fsync", "fchmod"):
        wrap(name)
    return count


def main(limit: int, kind: str, project: Path, packages: Sequence[Package]) -> int:
    """`kind` is `add` or `remove`, with `-full` for a full disk."""
    count = watch(limit, full=kind.endswith("full"))
    try:
        if kind.startswith("add"):
            add(project, *packages, approve=True)
        else:
            remove(project, *REFS)
    except CctError as error:
        return int(error.exit_code)
    return NOT_REACHED if count[0] < limit else GOT_OVER_IT
