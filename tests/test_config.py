from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cct_cloudflare import private_store
from cct_cloudflare.config import (
    Key,
    cache_dir,
    config_dir,
    data_dir,
    find_anthropic_key,
    is_loopback,
    is_trusted,
    store_anthropic_key,
    store_worker,
    trust,
    worker_target,
)
from cct_cloudflare.errors import ConfigError, Exit, UsageError
from cct_cloudflare.private_store import PrivateStore

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")

REAL = "sk-ant-api03-" + "aB3_-xY9" * 10


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_folders_are_below_the_users_home(home: Path) -> None:
    for folder in (config_dir(), cache_dir(), data_dir()):
        assert folder.is_relative_to(home)
        assert not folder.exists(), "asking makes nothing"


# The Anthropic key


def test_the_order_of_the_places(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"ANTHROPIC_API_KEY={REAL}4\n")
    assert find_anthropic_key(tmp_path) == Key(f"{REAL}4", "dotenv")
    store_anthropic_key(f"{REAL}3")
    assert find_anthropic_key(tmp_path) == Key(f"{REAL}3", "stored")
    environ = {"ANTHROPIC_API_KEY": f"{REAL}2"}
    assert find_anthropic_key(tmp_path, environ=environ) == Key(f"{REAL}2", "environment")
    assert find_anthropic_key(tmp_path, f"{REAL}1", environ) == Key(f"{REAL}1", "flag")


def test_the_process_environment_is_read_at_the_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", REAL)
    assert find_anthropic_key(tmp_path).value == REAL


def test_none_names_all_places(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        find_anthropic_key(tmp_path, environ={"ANTHROPIC_API_KEY": ""})
    error = caught.value
    assert (error.code, error.exit_code) == ("key_missing", Exit.CONFIG)
    for place in ("ANTHROPIC_API_KEY", str(tmp_path / ".env"), str(config_dir()), "--anthropic-api-key", "--demo"):
        assert place in error.hint


def test_repr_never_shows_the_key(tmp_path: Path) -> None:
    key = find_anthropic_key(tmp_path, REAL)
    assert REAL not in repr(key) + str(key) + f"{key}"


@pytest.mark.parametrize("value", [REAL, "sk-ant-x", "local-gateway-key", "test", "abc123", "sk-ant-api03-xxyyour-key"])
def test_what_may_be_a_key(value: str, tmp_path: Path) -> None:
    assert find_anthropic_key(tmp_path, value).value == value


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (f" {REAL}", "white space"),
        (f"{REAL}\n", "white space"),
        (f"{REAL} {REAL}", "white space"),
        (" ", "white space"),
        (f"{REAL}\u00a0", "white space"),
        (f"{REAL}\x00", "white space"),
        (f'"{REAL}"', "quotation marks"),
        (f"'{REAL}", "quotation marks"),
        ("é" + REAL, "characters"),
        ("k" * 5000, "characters"),
        ("<your-key>", "placeholder"),
        ("${ANTHROPIC_API_KEY}", "placeholder"),
        ("$KEY", "placeholder"),
        ("sk-ant-...", "placeholder"),
        ("sk-ant-…", "placeholder"),
        ("sk-ant-api03-***", "placeholder"),
        ("sk-ant-", "placeholder"),
        ("sk-ant-xxx", "placeholder"),
        ("XXXX", "placeholder"),
        ("your-api-key", "placeholder"),
        ("your_api_key_here", "placeholder"),
        ("YOUR_KEY", "placeholder"),
        ("sk-ant-your-key-here", "placeholder"),
        ("insert-key", "placeholder"),
        ("changeme", "placeholder"),
        ("change-me", "placeholder"),
        ("api_key", "placeholder"),
        ("anthropic_api_key", "placeholder"),
        ("null", "placeholder"),
        ("undefined", "placeholder"),
    ],
)
def test_what_cannot_be_a_key(value: str, says: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"ANTHROPIC_API_KEY={REAL}\n")
    for environ, flag in (({"ANTHROPIC_API_KEY": value}, None), ({}, value)):
        with pytest.raises(ConfigError) as caught:
            find_anthropic_key(tmp_path, flag, environ)
        assert says in caught.value.message
        assert caught.value.exit_code is Exit.CONFIG
        if len(value.strip()) > 20:
            assert value.strip() not in str(caught.value.to_json()), "a key is never quoted"
    with pytest.raises(ConfigError):
        store_anthropic_key(value)
    assert not config_dir().exists()


# The project's .env


@pytest.mark.parametrize(
    "text",
    [
        "ANTHROPIC_API_KEY=k1",
        "ANTHROPIC_API_KEY=k1\r\n",
        "\ufeffANTHROPIC_API_KEY=k1\n",
        "  export  ANTHROPIC_API_KEY = k1  \n",
        "ANTHROPIC_API_KEY='k1'\n",
        'ANTHROPIC_API_KEY="k1" # mine\n',
        "ANTHROPIC_API_KEY=k1 # mine\n",
        "# ANTHROPIC_API_KEY=no\nANTHROPIC_API_KEY=k1\n#ANTHROPIC_API_KEY=no\n",
        "ANTHROPIC_API_KEY=old\nANTHROPIC_API_KEY=k1\n",
        "OTHER=1\nMY_ANTHROPIC_API_KEY=no\nANTHROPIC_API_KEY=k1\nANTHROPIC_API_KEY_OLD=no\n",
        "BROKEN='\n=\n\x00\nANTHROPIC_API_KEY=k1",
    ],
)
def test_dotenv(text: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(text.encode())
    assert find_anthropic_key(tmp_path, environ={}) == Key("k1", "dotenv")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "OTHER=1",
        "ANTHROPIC_API_KEY=",
        "ANTHROPIC_API_KEY=''",
        "ANTHROPIC_API_KEY=  # none",
        "ANTHROPIC_API_KEY",
        "x" * 2_000_000,
    ],
)
def test_dotenv_without_a_key(text: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(text)
    with pytest.raises(ConfigError) as caught:
        find_anthropic_key(tmp_path, environ={})
    assert caught.value.code == "key_missing"


@pytest.mark.parametrize("value", ["$OTHER", "${OTHER}", "$(cat key)", "'k1", '"k1" x', "k1 k2"])
def test_dotenv_is_not_evaluated(value: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"OTHER=k1\nANTHROPIC_API_KEY={value}\n")
    with pytest.raises(ConfigError) as caught:
        find_anthropic_key(tmp_path, environ={"OTHER": "k1"})
    assert str(tmp_path / ".env") in caught.value.message


def test_no_other_name_and_no_other_file_counts(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name in (".env.local", "env", "sub/.env"):
        (tmp_path / name).write_text(f"ANTHROPIC_API_KEY={REAL}")
    (tmp_path / ".env").write_text("ANTHROPIC_BASE_URL=https://evil.example\nCCT_TOKEN=t\n")
    with pytest.raises(ConfigError):
        find_anthropic_key(tmp_path, environ={})
    assert "ANTHROPIC_BASE_URL" not in os.environ
    assert worker_target(environ={}) is None


def _folder(path: Path) -> None:
    path.mkdir()


def _pipe(path: Path) -> None:
    os.mkfifo(path)


@posix
@pytest.mark.parametrize("make", [_folder, _pipe])
def test_a_dotenv_that_is_no_file_is_passed_over(make: Callable[[Path], None], tmp_path: Path) -> None:
    make(tmp_path / ".env")
    with pytest.raises(ConfigError) as caught:
        find_anthropic_key(tmp_path, environ={})
    assert caught.value.code == "key_missing"


@given(st.text())
def test_no_dotenv_raises_anything_else(text: str) -> None:
    from cct_cloudflare.config.keys import _dotenv_value

    for line in text.splitlines():
        assert isinstance(_dotenv_value(line), str)


# Workers


@pytest.mark.parametrize(
    ("url", "address", "origin"),
    [
        ("https://a.workers.dev", "https://a.workers.dev", "https://a.workers.dev"),
        ("https://A.Workers.DEV/", "https://a.workers.dev", "https://a.workers.dev"),
        ("https://a.workers.dev:443/x/", "https://a.workers.dev/x", "https://a.workers.dev"),
        ("https://a.dev:8443", "https://a.dev:8443", "https://a.dev:8443"),
        ("HTTP://localhost:8787", "http://localhost:8787", "http://localhost:8787"),
        ("http://127.0.0.1:8787/", "http://127.0.0.1:8787", "http://127.0.0.1:8787"),
        ("http://127.1.2.3:80", "http://127.1.2.3", "http://127.1.2.3"),
        ("http://[::1]:8787", "http://[::1]:8787", "http://[::1]:8787"),
    ],
)
def test_worker_urls(url: str, address: str, origin: str) -> None:
    for target in (worker_target(url, {}), worker_target(None, {"CLOUDFLARE_WORKER_URL": url})):
        assert target is not None
        assert (target.url, target.origin, target.token) == (address, origin, None)


@pytest.mark.parametrize(
    "url",
    [
        "http://a.workers.dev",
        "http://10.0.0.1",
        "http://0.0.0.0:8787",
        "http://localhost.evil.com",
        "http://127.0.0.1.evil.com",
        "https://user@a.dev",
        "https://user:secret-pw@a.dev",
        "https://:secret-pw@a.dev",
        "https://@a.dev",
        "https://a.dev?x=1",
        "https://a.dev#x",
        "https://a.dev/?",
        "https://",
        "https:///x",
        "a.workers.dev",
        "//a.dev",
        "ftp://a.dev",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://a.dev:99999",
        "https://a.dev:x",
        "https://a .dev",
        "https://a.dev\n",
        "https://a.dev\t.evil.com",
        "https://a.dev\\@evil.com",
        "https://\u0430.dev",
        "https://[::1",
        "https://-a.dev",
        "",
    ],
)
def test_worker_urls_that_are_refused(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        worker_target(url, {"CCT_TOKEN": "t"})
    assert "secret-pw" not in str(caught.value.to_json())
    if url:
        with pytest.raises(ConfigError):
            worker_target(None, {"CLOUDFLARE_WORKER_URL": url})
    with pytest.raises(ConfigError):
        store_worker(url, "t")


def test_the_flag_wins_over_the_variable_and_none_is_none() -> None:
    environ = {"CLOUDFLARE_WORKER_URL": "https://env.dev", "CCT_TOKEN": "t"}
    target = worker_target("https://flag.dev", environ)
    assert target is not None
    assert (target.origin, target.token) == ("https://flag.dev", "t")
    assert worker_target(None, {"CCT_TOKEN": "t"}) is None
    assert worker_target(None, {"CLOUDFLARE_WORKER_URL": ""}) is None


def test_a_stored_token_goes_to_exactly_its_origin() -> None:
    store_worker("https://a.workers.dev/base", "token-a")
    store_worker("https://b.workers.dev:8443", "token-b")

    def token(url: str, environ: dict[str, str] | None = None) -> str | None:
        target = worker_target(url, environ or {})
        assert target is not None
        return target.token

    assert token("https://a.workers.dev") == "token-a"
    assert token("https://A.workers.dev:443/other") == "token-a"
    assert token("https://b.workers.dev:8443") == "token-b"
    assert token("https://b.workers.dev") is None
    assert token("https://x.a.workers.dev") is None
    assert token("https://a.workers.dev.evil.com") is None
    assert token("https://a.workers.dev", {"CCT_TOKEN": "from-env"}) == "from-env"


def test_repr_never_shows_the_token() -> None:
    target = worker_target("https://a.dev", {"CCT_TOKEN": "token-a"})
    assert "token-a" not in repr(target)


@pytest.mark.parametrize("token", ["a b", "a\n", "é", "\x00", "t" * 5000])
def test_tokens_that_are_refused(token: str) -> None:
    with pytest.raises(ConfigError) as caught:
        worker_target("https://a.dev", {"CCT_TOKEN": token})
    assert token not in caught.value.message


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.1.2.3", "::1", "[::1]"])
def test_is_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "10.0.0.1", "0.0.0.0", "localhost.", "localhost.evil.dev", "127.1", "::2"])
def test_is_not_loopback(host: str) -> None:
    assert not is_loopback(host)


# Trusted projects


def test_trust_is_for_one_source_at_one_place(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    assert not is_trusted(one, "h1")
    trust(one, "h1")
    assert is_trusted(one, "h1")
    assert is_trusted(one / ".." / "one", "h1")
    assert not is_trusted(one, "h2")
    assert not is_trusted(one, "")
    assert not is_trusted(two, "h1")
    trust(one, "h2")
    assert not is_trusted(one, "h1")
    assert list(one.iterdir()) == [], "nothing is written into the project"


# The files behind it


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
