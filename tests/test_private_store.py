"""The files that keys, tokens and trust stand in."""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cct_cloudflare import private_store
from cct_cloudflare.config import config_dir, find_anthropic_key, store_anthropic_key, store_worker, trust
from cct_cloudflare.errors import ConfigError
from cct_cloudflare.private_store import PrivateStore

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")

REAL = "sk-ant-api03-" + "aB3_-xY9" * 10


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@posix
def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        paths = [store_anthropic_key(REAL), store_worker("https://a.dev", "t")]
        trust(tmp_path, "h")
    finally:
        os.umask(before)
    assert mode(config_dir()) == 0o700
    for path in [*paths, *config_dir().iterdir()]:
        assert mode(path) == 0o600


@posix
def test_wrong_permissions_are_mended_on_reading(tmp_path: Path) -> None:
    path = store_anthropic_key(REAL)
    path.chmod(0o644)
    assert find_anthropic_key(tmp_path, environ={}).value == REAL
    assert mode(path) == 0o600


@posix
def test_a_file_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store_anthropic_key(REAL)
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(ConfigError) as caught:
        find_anthropic_key(tmp_path, environ={})
    assert "another user" in caught.value.message


@posix
def test_a_link_is_refused_and_not_written_through(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text('{"anthropicApiKey": "k1"}')
    config_dir().mkdir(parents=True)
    (config_dir() / "credentials.json").symlink_to(elsewhere)
    with pytest.raises(ConfigError):
        find_anthropic_key(tmp_path, environ={})
    with pytest.raises(ConfigError):
        store_anthropic_key(REAL)
    assert elsewhere.read_text() == '{"anthropicApiKey": "k1"}'


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"', "[" * 100_000])
def test_a_corrupt_file_is_named_and_left_as_it_is(text: str, tmp_path: Path) -> None:
    path = config_dir() / "credentials.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    for use in (lambda: find_anthropic_key(tmp_path, environ={}), lambda: store_anthropic_key(REAL)):
        with pytest.raises(ConfigError) as caught:
            use()
        assert str(path) in caught.value.message
    assert path.read_text() == text


@pytest.mark.parametrize("value", [5, ["k"], {"a": 1}, True])
def test_a_stored_key_of_a_wrong_type(value: Any, tmp_path: Path) -> None:
    path = config_dir() / "credentials.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"anthropicApiKey": value}))
    with pytest.raises(ConfigError):
        find_anthropic_key(tmp_path, environ={})


def test_what_else_is_in_the_file_is_kept() -> None:
    store = PrivateStore(config_dir() / "credentials.json")
    store.update(lambda value: value.update(later={"x": [1]}))
    store_anthropic_key(REAL)
    assert store.read() == {"anthropicApiKey": REAL, "later": {"x": [1]}}


@pytest.mark.parametrize("name", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_file_and_no_litter(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = store_anthropic_key(REAL)
    before = sorted(path.parent.iterdir())

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, name, full)
        patch.setattr(Path, name, full, raising=False)
        with pytest.raises(ConfigError) as caught:
            store_anthropic_key(f"{REAL}2")
    assert "No space left" in caught.value.message
    assert PrivateStore(path).read() == {"anthropicApiKey": REAL}
    assert sorted(path.parent.iterdir()) == before


def test_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from cct_cloudflare.private_store import PrivateStore\n"
        "for n in range(20): PrivateStore(Path(sys.argv[1])).update(lambda v: v.update({f'{sys.argv[2]}-{n}': 1}))"
    )
    path = tmp_path / "shared.json"
    writers = [subprocess.Popen([sys.executable, "-c", code, str(path), str(number)]) for number in range(4)]
    assert [writer.wait() for writer in writers] == [0, 0, 0, 0]
    assert PrivateStore(path).read() == {f"{writer}-{n}": 1 for writer in range(4) for n in range(20)}


def test_a_lock_that_nobody_gives_back_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private_store, "LOCK_SECONDS", 0.0)
    store = PrivateStore(tmp_path / "x.json")
    with private_store._locked(tmp_path / "x.json.lock"), pytest.raises(ConfigError) as caught:
        store.update(lambda value: value.update(a=1))
    assert "Another cct" in caught.value.message
    assert store.read() == {}
