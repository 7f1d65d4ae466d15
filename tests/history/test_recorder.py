from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Sequence
from pathlib import Path

import pytest

from cct_cloudflare.errors import CctError, ConfigError, WorkerError
from cct_cloudflare.history import database
from cct_cloudflare.history.reading import Query, find_run, list_runs
from cct_cloudflare.history.record import RunRecord, RunSummary, UsedComponent
from cct_cloudflare.history.recorder import recording
from cct_cloudflare.sandbox.client import ExecuteRequest
from cct_cloudflare.sandbox.events import Event, Generation, RunResult
from cct_cloudflare.sandbox.outputs import SavedFile, SavedFiles
from cct_cloudflare.sandbox.program import Program, ProgramFile, RefusedFile
from tests.history.runs import CODE, STARTED, asked, broken_off, events, keep, ready, result
from tests.results import MODEL

SECRET = "sk-ant-api03-of-the-history-1"


def runs() -> list[RunSummary]:
    with database.opened() as connection:
        return list_runs(connection, Query()) if connection else []


def last() -> RunRecord:
    with database.opened() as connection:
        return find_run(connection, "last")


def test_a_run_is_kept_with_all_that_was_asked_and_all_that_came() -> None:
    agent = UsedComponent(kind="agent", name="data/analyst", source="bundled", sha256="ab" * 32)
    request = ExecuteRequest(
        question="Say hi, please", system="You are kind.", model="opus", timeout_ms=5000, max_tokens=900
    )
    saved = SavedFiles(Path("/project/out"), (SavedFile("main.py", len(CODE), "new"),), ())
    with recording(asked("Say hi", request=request, components=(agent,)), warn=pytest.fail) as record:
        seen = list(record.watch(iter(events(result()))))
        record.finished(result(), saved)
    assert seen == events(result()), "events pass unchanged"
    kept = last()
    assert kept.summary.id == record.id
    assert (kept.summary.status, kept.summary.exit_code, kept.summary.error_code) == ("succeeded", 0, None)
    assert (kept.prompt, kept.question, kept.system) == ("Say hi", "Say hi, please", "You are kind.")
    assert dict(kept.request) == {"model": "opus", "timeout": 5000, "maxTokens": 900}
    assert kept.components == (agent,)
    assert (kept.entrypoint, kept.program[0].path, kept.program[0].content) == ("main.py", "main.py", CODE)
    assert (kept.output.text, kept.output.cut, kept.error.text) == ("hi\n", False, "")
    assert kept.details["metrics"] == result().metrics.to_json()
    assert kept.details["outputDirectory"] == "/project/out"
    assert kept.details["savedFiles"] == [{"path": "main.py", "bytes": len(CODE), "status": "new"}]
    assert (kept.summary.model, kept.summary.input_tokens, kept.summary.cost_usd) == (MODEL, 1000, 0.004)


@pytest.mark.parametrize(
    ("ending", "status", "code", "exit_code"),
    [
        (result(), "succeeded", None, 0),
        (result(success=False, error_code="program_failed", error="Traceback"), "failed", "program_failed", 1),
        (result(success=False, error_code="sandbox_timeout"), "failed", "sandbox_timeout", 6),
        (result(refused_files=(RefusedFile("../x", "leaves the folder"),)), "failed", None, 7),
    ],
)
def test_a_result_tells_how_a_run_ended(ending: RunResult, status: str, code: str | None, exit_code: int) -> None:
    keep(told=events(ending))
    [run] = runs()
    assert (run.status, run.error_code, run.exit_code) == (status, code, exit_code)


@pytest.mark.parametrize(
    ("error", "status", "code", "exit_code"),
    [
        (WorkerError("Gone.", code="stream_ended"), "error", "stream_ended", 4),
        (WorkerError("Too much.", code="model_overloaded"), "error", "model_overloaded", 5),
        (KeyboardInterrupt(), "interrupted", "interrupted", 130),
        (BrokenPipeError(), "interrupted", "interrupted", None),
        (RuntimeError("a fault of ours"), "error", "internal", None),
    ],
)
def test_what_had_come_before_a_run_broke_off_is_kept(
    error: BaseException, status: str, code: str, exit_code: int | None
) -> None:
    with pytest.raises(type(error)), recording(asked(), warn=pytest.fail) as record:
        for _ in record.watch(broken_off(events(), error)):
            pass
    kept = last()
    assert (kept.summary.status, kept.summary.error_code, kept.summary.exit_code) == (status, code, exit_code)
    assert kept.output.text == "hi\n"
    assert kept.program[0].content == CODE
    assert kept.summary.model == MODEL


def test_a_program_that_was_cut_off_is_kept_as_far_as_it_was_written() -> None:
    told: list[Event] = [STARTED, Generation("main.py", "print("), Generation("main.py", "1")]
    with pytest.raises(KeyboardInterrupt), recording(asked(), warn=pytest.fail) as record:
        for _ in record.watch(broken_off(told, KeyboardInterrupt())):
            pass
    kept = last()
    assert [(file.path, file.content) for file in kept.program] == [("main.py", "print(1")]
    assert kept.entrypoint is None


def test_a_request_that_never_got_an_answer_is_kept_too() -> None:
    with pytest.raises(WorkerError), recording(asked(), warn=pytest.fail) as record:
        list(record.watch(broken_off([], WorkerError("No Worker."))))
    assert [(run.id, run.error_code) for run in runs()] == [(record.id, "worker_unreachable")]
    assert last().error.text == "No Worker."


def test_what_fails_before_anything_is_asked_is_no_run() -> None:
    with pytest.raises(ConfigError), recording(asked(), warn=pytest.fail):
        raise ConfigError("No key.")
    assert not database.path().exists()


def test_a_run_is_in_the_file_from_its_first_event_on() -> None:
    with recording(asked(), warn=pytest.fail) as record:
        told = record.watch(iter(events(result())))
        next(told)
        assert [(run.id, run.status) for run in runs()] == [(record.id, "running")]
        list(told)
    assert runs()[0].status == "succeeded"


def test_the_program_is_the_one_that_was_written_not_what_it_made_of_itself() -> None:
    ending = result(files=(ProgramFile("main.py", "overwritten"), ProgramFile("made.txt", "by the program")))
    keep(told=events(ending))
    assert [(file.path, file.content) for file in last().program] == [("main.py", CODE)]


def test_another_attempt_replaces_the_program() -> None:
    again = "print('again')\n"
    told = [*events(), Generation("other.py", again), ready(other_py=again), result()]
    keep(told=told)
    assert [(file.path, file.content) for file in last().program] == [("other.py", again)]


def test_files_that_could_not_be_saved_are_kept() -> None:
    ending = result(files=(ProgramFile("main.py", CODE), ProgramFile("a.bin", "AP8=", "base64")))
    with recording(asked(), warn=pytest.fail) as record:
        list(record.watch(iter(events(ending))))
        record.finished(ending, None, ConfigError("Read-only.", code="output_unwritable"))
    kept = last()
    assert (kept.summary.status, kept.summary.error_code, kept.summary.exit_code) == ("error", "output_unwritable", 3)
    assert [(file.path, file.encoding, file.bytes) for file in kept.written] == [("a.bin", "base64", 2)]
    assert kept.output.text == "hi\n"


def test_a_program_of_ones_own_is_kept_when_the_run_begins() -> None:
    program = Program("javascript", "main.js", (ProgramFile("main.js", "1"), ProgramFile("data.bin", "AP8=", "base64")))
    what = asked(kind="run", prompt=None, request=None, program=program, timeout_ms=700)
    with pytest.raises(KeyboardInterrupt), recording(what, warn=pytest.fail) as record:
        list(record.watch(broken_off([STARTED], KeyboardInterrupt())))
    kept = last()
    assert (kept.summary.kind, kept.summary.title, kept.summary.language) == ("run", "main.js data.bin", "javascript")
    assert [(file.path, file.content, file.bytes) for file in kept.program] == [
        ("main.js", "1", 1),
        ("data.bin", "AP8=", 2),
    ]
    assert dict(kept.request) == {"language": "javascript", "timeout": 700}
    assert kept.entrypoint == "main.js"


def test_runs_of_the_scripted_model_cost_nothing() -> None:
    keep(asked(demo=True))
    assert (runs()[0].demo, runs()[0].cost_usd) == (True, 0.0)


@pytest.mark.parametrize("how", ["argument", "variable"])
def test_nothing_is_kept_when_nobody_wants_it(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if how == "variable":
        monkeypatch.setenv("CCT_NO_HISTORY", "1")
    assert keep(enabled=how != "argument") is None
    assert not database.path().exists()


# Secrets


def everything() -> str:
    """All that the file holds, however it is stored."""
    with database.opened() as connection:
        assert connection is not None
        found = []
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            found += [str(row) for row in connection.execute(f"SELECT * FROM {name}")]
        return "\n".join(found) + str(
            [find_run(connection, run.id).to_json() for run in list_runs(connection, Query())]
        )


def leaky(secret: str) -> tuple[Sequence[Event], RunResult]:
    ending = result(
        output=f"out {secret}",
        error=f"error {secret}",
        isolation=secret,
        model=secret,
        language=secret,
        sandbox=secret,
        sandbox_id=secret,
        error_code="program_failed",
        success=False,
        refused_files=(RefusedFile(secret, secret),),
        files=(
            ProgramFile(f"{secret}.py", secret),
            ProgramFile("b", "c2stYW50LWFwaTAzLW9mLXRoZS1oaXN0b3J5LTE=", "base64"),
        ),
    )
    return [STARTED, Generation("main.py", f"key = '{secret}'"), ready(main_py=f"key = '{secret}'"), ending], ending


@pytest.mark.parametrize("source", ["asked", "ANTHROPIC_API_KEY", "CCT_TOKEN", "CLOUDFLARE_API_TOKEN"])
def test_a_known_secret_is_nowhere_in_the_file(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if source != "asked":
        monkeypatch.setenv(source, SECRET)
    what = asked(
        f"Use {SECRET} please",
        request=ExecuteRequest(question=f"q {SECRET}", system=f"s {SECRET}", model=SECRET),
        place=f"https://{SECRET}.example",
        worker_url=f"https://x.example/{SECRET}",
        project=Path(f"/home/{SECRET}"),
        secrets=(SECRET,) if source == "asked" else (),
    )
    told, ending = leaky(SECRET)
    with recording(what, warn=pytest.fail) as record:
        list(record.watch(iter(told)))
        saved = SavedFiles(Path(f"/x/{SECRET}"), (SavedFile(SECRET, 1, "new"),), ())
        record.finished(ending, saved)
    with recording(what, warn=pytest.fail) as record:
        list(record.watch(iter(told)))
        record.finished(ending, None, CctError(f"Not saved: {SECRET}"))
    assert SECRET not in everything()
    raw = b"".join(path.read_bytes() for path in database.path().parent.iterdir())
    assert SECRET.encode() not in raw
    kept = last()
    assert kept.prompt == "Use [redacted] please"
    assert kept.details["redacted"] is True
    assert [file.content for file in kept.written] == ["[redacted]", None], "binary data with a secret is not kept"


def test_the_search_for_secrets_can_fail() -> None:
    told, _ = leaky(SECRET)
    keep(asked(f"Use {SECRET} please"), told)
    assert SECRET in everything()
    assert last().details["redacted"] is False


# A history that cannot be used


def warned(**changes: object) -> tuple[list[str], str | None]:
    told: list[str] = []
    with recording(asked(), warn=told.append) as record:
        seen = list(record.watch(iter(events(result()))))
    assert seen == events(result())
    return told, record.id


def test_a_folder_that_is_a_file_costs_one_warning(home: Path) -> None:
    (home / ".local").mkdir()
    (home / ".local" / "share").write_text("not a folder")
    told, identity = warned()
    assert identity is None
    assert len(told) == 1
    assert "not kept" in told[0]
    assert "CCT_NO_HISTORY" in told[0]


def test_a_damaged_file_costs_one_warning_and_stays_as_it_is() -> None:
    database.path().parent.mkdir(parents=True)
    database.path().write_bytes(b"no database" * 500)
    told, _ = warned()
    assert len(told) == 1
    assert "damaged" in told[0]
    assert database.path().read_bytes() == b"no database" * 500


def test_a_file_of_a_newer_cct_costs_one_warning_and_stays_as_it_is() -> None:
    keep()
    newer = len(database.MIGRATIONS) + 1
    with sqlite3.connect(database.path()) as connection:
        connection.execute(f"PRAGMA user_version = {newer}")
    connection.close()
    told, _ = warned()
    assert len(told) == 1
    assert "newer cct" in told[0]
    with sqlite3.connect(database.path()) as connection:
        assert connection.execute("SELECT count(*) FROM runs").fetchone() == (1,)
    connection.close()


def test_a_run_whose_file_was_taken_away_meanwhile_still_ends_well() -> None:
    told: list[str] = []
    with recording(asked(), warn=told.append) as record:
        for index, _ in enumerate(record.watch(iter(events(result())))):
            if index == 0:
                with sqlite3.connect(database.path()) as connection:
                    connection.execute("DROP TABLE details")
                connection.close()
    assert len(told) == 1
    assert record.id is None


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX's")
def test_the_file_is_readable_for_its_owner_alone() -> None:
    os.umask(os.umask(0))  # read, and set again
    keep()
    assert stat.S_IMODE(database.path().stat().st_mode) == 0o600
    assert stat.S_IMODE(database.path().parent.stat().st_mode) == 0o700
    database.path().chmod(0o644)
    keep()
    assert stat.S_IMODE(database.path().stat().st_mode) == 0o600
