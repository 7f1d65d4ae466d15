from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from cct_cloudflare import config
from cct_cloudflare.doctor import Context, mend
from cct_cloudflare.doctor.files import private_files
from cct_cloudflare.history import database
from tests.doctor.looking import look, told

KEY = "sk-ant-api03-CANARY"


def nothing(_: str) -> None:
    """Nobody wants to know."""


def test_no_files_yet(project: Path) -> None:
    assert look(project, "private-files").status == "skip"


def test_private_files(project: Path) -> None:
    config.store_anthropic_key(KEY)
    assert look(project, "private-files").status == "ok"


def test_a_file_that_others_can_read_is_told_and_closed(project: Path) -> None:
    file = config.store_anthropic_key(KEY)
    file.chmod(0o644)
    check = look(project, "private-files")
    status, detail, fix = told(check)
    assert (status, "credentials.json has mode 644" in detail) == ("warn", True)
    assert fix.startswith(f"chmod 600 {file}")
    [mended] = mend([check], nothing)
    assert mended.success
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert look(project, "private-files").status == "ok"


def test_how_a_file_was_is_told_even_when_the_key_has_been_read_since(project: Path) -> None:
    config.store_anthropic_key(KEY).chmod(0o644)
    context = Context(project)
    context.key.get()
    assert look(context, "private-files").status == "warn"


@pytest.mark.parametrize("content", ["not json", "[]"])
def test_a_damaged_file_is_a_failure(project: Path, content: str) -> None:
    config.store_anthropic_key(KEY).write_text(content)
    status, detail, fix = told(look(project, "private-files"))
    assert (status, "is not a JSON object" in detail) == ("fail", True)
    assert fix


def test_a_link_is_a_failure(project: Path, tmp_path: Path) -> None:
    file = config.store_anthropic_key(KEY)
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    assert told(look(project, "private-files"))[:2] == ("fail", f"{file} was not read: it is a link.")


def test_what_a_killed_cct_left_is_removed_when_it_is_old(project: Path) -> None:
    file = config.store_anthropic_key(KEY)
    left = file.with_name(".credentials.json.0123456789abcdef.tmp")
    left.write_text("{}")
    left.chmod(0o600)
    assert look(project, "private-files").status == "ok", "somebody may be writing it now"
    os.utime(left, (0, 0))
    check = look(project, "private-files")
    assert check.status == "warn"
    assert mend([check], nothing)[0].success
    assert not left.exists()
    assert file.exists()


# The history


def test_no_history_yet(project: Path) -> None:
    assert look(project, "history").status == "skip"
    assert not database.path().exists()


def test_a_history_that_is_turned_off(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(database.OFF_VARIABLE, "1")
    assert database.OFF_VARIABLE in look(project, "history").finding.detail


def test_a_history_that_can_be_read(project: Path) -> None:
    with database.opened(write=True):
        pass
    assert told(look(project, "history")) == ("ok", "The history can be read: 0 runs.", "")


def test_a_damaged_history_is_a_failure(project: Path) -> None:
    with database.opened(write=True):
        pass
    database.path().write_bytes(b"this is no database " * 500)
    status, detail, fix = told(look(project, "history"))
    assert (status, "damaged" in detail) == ("fail", True)
    assert fix


def test_a_history_of_a_newer_cct_is_a_failure(project: Path) -> None:
    with database.opened(write=True) as connection:
        assert connection is not None
        connection.execute("PRAGMA user_version = 9999")
    assert told(look(project, "history"))[0] == "fail"


def test_a_history_that_others_can_read(project: Path) -> None:
    with database.opened(write=True):
        pass
    database.path().chmod(0o640)
    assert "history.db has mode 640" in look(project, "private-files").finding.detail


def test_what_another_cct_renames_while_it_is_looked_at_is_not_left_behind(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.store_worker("https://a.example", "token-of-a-worker")
    gone = config.config_dir() / ".workers.json.0123456789abcdef.tmp"
    monkeypatch.setattr(Path, "glob", lambda *_: iter([gone]))
    assert [file.path.name for file in private_files()] == ["workers.json"]
