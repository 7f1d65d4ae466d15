from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cct_cloudflare.config import (
    Key,
    cache_dir,
    config_dir,
    data_dir,
    find_anthropic_key,
    is_trusted,
    store_anthropic_key,
    trust,
    worker_target,
)
from cct_cloudflare.errors import ConfigError, Exit

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")

REAL = "sk-ant-api03-" + "aB3_-xY9" * 10


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
