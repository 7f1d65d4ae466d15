"""A folder for builds is there as long as the session, and no longer."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cct_cloudflare.config import cache_dir
from cct_cloudflare.dev.builds import builds_folder
from cct_cloudflare.errors import ConfigError


def test_each_session_has_a_folder_of_its_own() -> None:
    with builds_folder() as one, builds_folder() as two:
        (one / "x").mkdir()
        assert one != two
        assert one.is_dir()
    assert list((cache_dir() / "dev").iterdir()) == []


def test_what_a_killed_session_left_is_removed_and_what_is_in_use_is_not() -> None:
    code = (
        "from cct_cloudflare.dev.builds import builds_folder\nwith builds_folder() as f: print(f, flush=True); input()"
    )
    left, alive = (
        subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    )
    with left, alive:
        assert left.stdout is not None
        assert alive.stdout is not None
        folders = [Path(process.stdout.readline().strip()) for process in (left, alive) if process.stdout]
        left.send_signal(signal.SIGKILL)
        left.wait()
        assert [folder.is_dir() for folder in folders] == [True, True]
        with builds_folder():
            assert [folder.is_dir() for folder in folders] == [False, True]
        alive.communicate("\n")


def test_something_else_in_its_place_is_an_error() -> None:
    cache_dir().mkdir(parents=True)
    (cache_dir() / "dev").write_text("a file")
    with pytest.raises(ConfigError) as caught, builds_folder():
        pass
    assert caught.value.code == "toolchain"
