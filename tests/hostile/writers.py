"""Everything of cct that writes files, one by one: what it writes, and what must be there afterwards.

Runs as a script, too, because what it tries ends its process: `python -m tests.hostile.writers HOW WRITER FOLDER`.
"""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cct_cloudflare.errors import CctError
from cct_cloudflare.history import database
from cct_cloudflare.history.reading import Query, list_runs
from cct_cloudflare.history.record import Asked
from cct_cloudflare.history.recorder import recording
from cct_cloudflare.private_store import PrivateStore
from cct_cloudflare.sandbox.events import RunResult
from cct_cloudflare.sandbox.outputs import plan_outputs, save
from cct_cloudflare.sandbox.program import ProgramFile
from cct_cloudflare.scaffold import apply, plan

Tree = dict[str, bytes]

OLD: Tree = {"a.txt": b"old a", "sub/b.txt": b"old b"}
NEW: Tree = {"a.txt": b"A" * 3000, "sub/b.txt": b"B" * 3000, "c/d.txt": b"C" * 3000}
TEMPLATE: Tree = {"README.md": b"old", "src/index.ts": b"old"}
NEWER: Tree = {"README.md": b"n" * 3000, "src/index.ts": b"n" * 3000, "src/more.ts": b"n" * 3000}


def tree(folder: Path) -> Tree:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@dataclass(frozen=True)
class Writer:
    """`prepare` makes what is there before, `write` what the test interrupts, and `look` reads it as values.

    Each value is that of before or that of after, and all are of after when `write` came to its end.
    """

    prepare: Callable[[Path], None]
    write: Callable[[Path], None]
    look: Callable[[Path], Mapping[str, Any]]


def _save(folder: Path, files: Tree) -> None:
    given = [ProgramFile.from_bytes(path, data) for path, data in files.items()]
    save(plan_outputs(given, [], folder / "out"))


def _store(folder: Path) -> PrivateStore:
    return PrivateStore(folder / "workers.json")


def _record(folder: Path, prompt: str) -> None:
    """The history is where XDG_DATA_HOME says."""
    problems: list[str] = []
    with recording(Asked(kind="execute", project=folder, prompt=prompt), warn=problems.append) as record:
        record.finished(RunResult(success=True, output="x" * 3000, sandbox_id="a"))
    if problems:
        raise CctError(problems[0])


def _runs(folder: Path) -> Mapping[str, Any]:
    with database.opened(folder / "data" / "cct-cloudflare" / "history.db") as connection:
        runs = list_runs(connection, Query()) if connection else []
        if connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    # One that was killed stays "running"; the prompt is all that counts here.
    return {run.title: True for run in runs}


def _init(folder: Path, rendered: Tree) -> None:
    apply(plan(folder, rendered=rendered))


def _project(folder: Path) -> Mapping[str, Any]:
    place = folder / ".claude" / "sandbox" / "cloudflare"
    return {path: data for path, data in tree(place).items() if not path.startswith(".cct-")}


WRITERS: dict[str, Writer] = {
    "saved files, new folder": Writer(
        prepare=lambda folder: None,
        write=lambda folder: _save(folder, NEW),
        look=lambda folder: tree(folder / "out"),
    ),
    "saved files, folder that is there": Writer(
        prepare=lambda folder: _save(folder, OLD),
        write=lambda folder: _save(folder, NEW),
        look=lambda folder: {path: data for path, data in tree(folder / "out").items() if ".tmp/" not in path},
    ),
    "credentials and tokens": Writer(
        prepare=lambda folder: _store(folder).update(lambda value: value.update(old="x" * 500)),
        write=lambda folder: _store(folder).update(lambda value: value.update(new="y" * 3000)),
        look=lambda folder: _store(folder).read(),
    ),
    "history": Writer(
        prepare=lambda folder: _record(folder, "old"),
        write=lambda folder: _record(folder, "new"),
        look=_runs,
    ),
    "rendered project": Writer(
        prepare=lambda folder: _init(folder, TEMPLATE),
        write=lambda folder: _init(folder, NEWER),
        look=_project,
    ),
}

#: Where a process may be killed: before each call that changes the disk, and before each statement of SQL.
_STEPS = frozenset({"open", "os.mkdir", "os.rename", "os.link", "os.remove", "os.rmdir", "os.chmod", "shutil.rmtree"})


#: Their folder is anybody's, so what a killed run has staged there cannot be told from another run's at work.
_LITTER = frozenset({"saved files, new folder", "saved files, folder that is there"})


def use_folder(folder: Path) -> None:
    os.environ["XDG_DATA_HOME"] = str(folder / "data")


def _write_and_die(writer: Writer, folder: Path, step: int) -> bool:
    """Writes in a child that kills itself at its `step`th step; whether it came so far."""
    child = os.fork()
    if child == 0:
        seen = 0

        def look(_: str = "") -> None:
            nonlocal seen
            seen += 1
            if seen == step:
                os.kill(os.getpid(), signal.SIGKILL)

        really: Callable[..., sqlite3.Connection] = sqlite3.connect

        def connect(*args: Any, **options: Any) -> sqlite3.Connection:
            connection = really(*args, **options)
            connection.set_trace_callback(look)
            return connection

        setattr(sqlite3, "connect", connect)  # noqa: B010 - its type is a list of overloads
        sys.addaudithook(lambda event, _: look() if event in _STEPS else None)
        writer.write(folder)
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def killed(name: str, root: Path) -> None:
    """Kills the writer at each of its steps, in a fresh folder each time, and lets a second run heal."""
    writer = WRITERS[name]
    reference = root / "reference"
    reference.mkdir()
    use_folder(reference)
    writer.prepare(reference)
    old = dict(writer.look(reference))
    writer.write(reference)
    new = dict(writer.look(reference))
    step = 0
    was_killed = True
    while was_killed:
        step += 1
        folder = root / str(step)
        folder.mkdir()
        use_folder(folder)
        writer.prepare(folder)
        was_killed = _write_and_die(writer, folder, step)
        found = writer.look(folder)
        for key in {*found, *old}:
            assert found.get(key) in (old.get(key), new.get(key)), (step, key, found.get(key))
        writer.write(folder)
        assert writer.look(folder) == new, step
        if name not in _LITTER:
            assert not [path for path in tree(folder) if ".tmp" in path or ".cct-staging" in path], step
    assert step > 5, step


def full(name: str, root: Path) -> None:
    """The limit on a file's size stands in for the full disk: the same error at the same call."""
    writer = WRITERS[name]
    use_folder(root)
    writer.prepare(root)
    before = tree(root)
    largest = max((len(data) for data in before.values()), default=0)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (max(1000, largest),) * 2)
    _refused(writer, root, before)


def refused(name: str, root: Path) -> None:
    """A folder that may be read and not written to. Permissions mean nothing to root, so a root becomes nobody."""
    writer = WRITERS[name]
    warm, place = root / "warm", root / "place"
    for folder in (warm, place):
        folder.mkdir()
    # Whatever is imported late must have been: nobody may not be allowed to read it.
    use_folder(warm)
    writer.prepare(warm)
    writer.write(warm)
    use_folder(place)
    if os.geteuid() == 0:
        os.chown(place, _NOBODY, _NOBODY)
        os.setgroups([])
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)
    writer.prepare(place)
    before = tree(place)
    folders = [place, *(path for path in place.rglob("*") if path.is_dir())]
    for path in folders:
        path.chmod(0o555)
    try:
        _refused(writer, place, before)
    finally:
        for path in folders:
            path.chmod(0o755)


_NOBODY = 65534


def _refused(writer: Writer, root: Path, before: Tree) -> None:
    old = dict(writer.look(root))
    try:
        writer.write(root)
    except CctError as error:
        assert error.message, error
    else:
        raise AssertionError("it was written after all")
    found = writer.look(root)
    assert {key: found.get(key) for key in old} == old
    # SQLite may have begun a run in its file before the disk was full; nothing else has changed, or is new.
    after = tree(root)
    changed = {path for path in {*after, *before} if after.get(path) != before.get(path)}
    assert {path for path in changed if "history.db" not in path} == set(), changed


if __name__ == "__main__":
    {"killed": killed, "full": full, "refused": refused}[sys.argv[1]](sys.argv[2], Path(sys.argv[3]))
