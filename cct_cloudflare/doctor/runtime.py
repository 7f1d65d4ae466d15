"""Running programs on this machine: the local Worker, and what earlier sessions left."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from cct_cloudflare import config
from cct_cloudflare.doctor.check import Finding, Progress, fail, ok, skip, warn
from cct_cloudflare.doctor.context import Context
from cct_cloudflare.errors import CctError, ConfigError
from cct_cloudflare.folder_lock import folder_lock
from cct_cloudflare.sandbox.program import Program, ProgramFile
from cct_cloudflare.sandbox.toolchain import ensure_runtime, installed_runtime
from cct_cloudflare.wording import counted

if TYPE_CHECKING:
    import psutil

_GREETING = Program("javascript", "main.js", (ProgramFile("main.js", "console.log('well')"),))

#: What starts and keeps a supervisor or a workerd.
_KEEPERS = re.compile(r"python|pypy|node|cct", re.IGNORECASE)

_SUPERVISOR = "cct_cloudflare.sandbox.supervisor"

#: Seconds that a process has to end by itself before it is killed.
_END_PATIENCE = 3.0


def look_at_local_worker(_: Context) -> Finding:
    """Starts the local Worker as a run does, asks it for its health, and runs a small program in a sandbox."""
    from cct_cloudflare.sandbox.session import local_session

    if sys.platform == "win32":
        return skip("Programs cannot be run on this machine, which is Windows.")
    if installed_runtime() is None:
        return skip(
            "Not installed yet; the first run does it (about 500 MB from npm, once).",
            "cct doctor --fix installs it now.",
            _install,
        )
    begin = time.perf_counter()
    try:
        with local_session(None, language="javascript") as client:
            version = client.health().version
            result = list(client.run(_GREETING))[-1]
    except CctError as error:
        return fail(f"The local Worker does not run: {error.message}", _reinstall())
    if getattr(result, "output", None) != "well\n":
        return fail("The local Worker runs, but its sandbox does not.", _reinstall())
    milliseconds = round((time.perf_counter() - begin) * 1000)
    return ok(f"The local Worker {version} started, and ran a program in its sandbox, in {milliseconds} ms.")


def look_at_leftovers(_: Context) -> Finding:
    """What a session leaves when its supervisor was killed with it."""
    processes, folders, half_made = orphans(), list(_stale_folders()), list(_half_made())
    parts = [
        counted(len(found), one, many)
        for found, one, many in (
            (processes, "process", "processes"),
            (folders, "session folder", "session folders"),
            (half_made, "half-made folder in the cache", "half-made folders in the cache"),
        )
        if found
    ]
    if not parts:
        return ok("Nothing is left of earlier sessions.")
    return warn(f"Killed sessions have left {', '.join(parts)}.", "cct doctor --fix ends and removes them.", _clean_up)


def _install(progress: Progress) -> str:
    ensure_runtime(progress)
    return "Installed the local runtime."


def _clean_up(progress: Progress) -> str:
    """Looks again: what is ended must be abandoned now, not some seconds ago."""
    import psutil

    progress("Ending what killed sessions left")
    processes = orphans()
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    _, alive = psutil.wait_procs(processes, timeout=_END_PATIENCE)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=_END_PATIENCE)
    folders = list(_stale_folders())
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    removed = len(folders)
    for parent in _cache_folders():
        # Only under the lock is it certain that nobody makes something there.
        with contextlib.suppress(ConfigError), folder_lock(parent, patience=0):
            for folder in parent.glob("making-*"):
                shutil.rmtree(folder, ignore_errors=True)
                removed += 1
    ended, left = counted(len(processes), "process", "processes"), counted(removed, "folder")
    return f"Ended {ended} and removed {left} of killed sessions."


def _reinstall() -> str:
    return f"The next run makes it anew after: rm -r {config.cache_dir()}"


def orphans() -> list[psutil.Process]:
    """Supervisors and `workerd`s of this user whose session has gone, so that init, or its like, is their parent.

    Every other parent that they have is a Python (a supervisor, a cct) or a Node (a build); one that cannot be looked
    at counts as alive.
    """
    import psutil

    toolchain = (config.cache_dir() / "toolchain").resolve()
    found = []
    for process in psutil.process_iter(["uids", "exe", "cmdline"]):
        uids, executable, command = (process.info[name] for name in ("uids", "exe", "cmdline"))
        if uids is None or uids.real != os.getuid() or not executable:
            continue
        is_workerd = Path(executable).name == "workerd" and Path(executable).is_relative_to(toolchain)
        if not is_workerd and _SUPERVISOR not in (command or ()):
            continue
        with contextlib.suppress(psutil.Error):
            if not _is_kept(process):
                found.append(process)
    return found


def _is_kept(process: psutil.Process) -> bool:
    import psutil

    parent = process.parent()
    # Of another user's process, which init mostly is, no more can be seen; none of them starts ours.
    if parent is None or parent.uids().real != os.getuid():
        return False
    try:
        name = Path(parent.exe()).name
    except psutil.AccessDenied:
        name = parent.name()  # a container's init may hide its program even from its own user
        if parent.pid != 1:
            return True
    return _KEEPERS.match(name) is not None


def _stale_folders() -> Iterator[Path]:
    """Folders of sessions in which nobody listens any more: their sockets refuse. One that starts has no socket yet."""
    for parent in sorted({tempfile.gettempdir(), "/tmp"}):  # noqa: S108 - where sessions make theirs
        for folder in sorted(Path(parent).glob("cct-*")):
            with contextlib.suppress(OSError):
                sockets = [path for path in folder.iterdir() if path.is_socket()]
                if folder.lstat().st_uid == os.getuid() and sockets and all(map(_is_deserted, sockets)):
                    yield folder


def _is_deserted(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
    return False


def _half_made() -> Iterator[Path]:
    """What an installation that was killed has left; while another one is under way, nothing is judged."""
    for parent in _cache_folders():
        found = sorted(parent.glob("making-*"))
        if found:
            with contextlib.suppress(ConfigError), folder_lock(parent, patience=0):
                yield from found


def _cache_folders() -> list[Path]:
    return [path for name in ("toolchain", "worker") if (path := config.cache_dir() / name).is_dir()]
