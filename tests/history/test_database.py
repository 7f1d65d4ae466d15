"""The file itself: many at once, killed in the middle, a disk that is full."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
import subprocess
import sys

import pytest

from cct_cloudflare.history import database
from cct_cloudflare.history.reading import Query, list_runs
from tests.history.runs import keep
from tests.runtime import ROOT

_KEEP = "from tests.history.runs import keep\n"


def start(script: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", _KEEP + script], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


def test_many_at_once_lose_nothing() -> None:
    each = "import sys; sys.stdin.readline()\nfor _ in range(10): assert keep()\n"
    with contextlib.ExitStack() as stack:
        started = [stack.enter_context(start(each)) for _ in range(4)]
        for process in started:
            process.communicate(b"\n")
        assert [process.returncode for process in started] == [0] * 4
    with database.opened() as connection:
        assert connection is not None
        runs = list_runs(connection, Query())
    assert len({run.id for run in runs}) == 40
    assert {run.status for run in runs} == {"succeeded"}


@pytest.mark.parametrize("when", ["BEGIN", "INSERT OR REPLACE INTO parts", "UPDATE runs", "COMMIT"])
def test_a_cct_that_is_killed_while_it_writes_leaves_a_sound_file(when: str) -> None:
    keep()
    script = f"""
import os, signal
from cct_cloudflare.history import database
whole = database._connect
def traced(uri):
    connection = whole(uri)
    connection.set_trace_callback(lambda said: said.startswith({when!r}) and os.kill(os.getpid(), signal.SIGKILL))
    return connection
database._connect = traced
keep()
"""
    with start(script) as process:
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert keep() is not None
    with database.opened() as connection:
        assert connection is not None
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        statuses = [run.status for run in list_runs(connection, Query())]
    assert statuses[0] == statuses[-1] == "succeeded"
    assert set(statuses[1:-1]) <= {"running"}


def test_a_full_disk_costs_one_warning_and_no_run_of_before() -> None:
    keep()
    script = """
import resource
from cct_cloudflare.history.recorder import recording
from tests.history.runs import asked, events, result
resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
told = []
with recording(asked(), warn=told.append) as record:
    assert len(list(record.watch(iter(events(result(output="x" * 100_000)))))) == 7
print(len(told), record.id, told[0])
"""
    with start(script) as process:
        out, _ = process.communicate()
    assert process.returncode == 0
    assert out.startswith(b"1 None This run is not kept.")
    with database.opened() as connection:
        assert connection is not None
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert list_runs(connection, Query())[-1].status == "succeeded"


def test_a_failed_migration_leaves_the_file_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    keep()
    before = len(database.MIGRATIONS)
    broken = (*database.MIGRATIONS, ("CREATE TABLE more (a)", "CREATE NONSENSE"))
    with monkeypatch.context() as patch:
        patch.setattr(database, "MIGRATIONS", broken)
        with pytest.raises(database.HistoryError), database.opened(write=True):
            pass
    connection = sqlite3.connect(database.path())
    assert connection.execute("PRAGMA user_version").fetchone() == (before,)
    assert connection.execute("SELECT name FROM sqlite_master WHERE name = 'more'").fetchall() == []
    connection.close()


def test_the_next_version_is_reached_by_what_it_adds(monkeypatch: pytest.MonkeyPatch) -> None:
    keep()
    monkeypatch.setattr(database, "MIGRATIONS", (*database.MIGRATIONS, ("ALTER TABLE runs ADD COLUMN more TEXT",)))
    with database.opened() as connection:
        assert connection is not None
        assert connection.execute("SELECT more FROM runs").fetchall() == [(None,)]
