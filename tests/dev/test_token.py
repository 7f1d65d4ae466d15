"""The token of a session: where it comes from, where it is kept meanwhile, and that it goes."""

from __future__ import annotations

import shlex
import stat
import subprocess
import sys

import pytest

from cct_cloudflare.config import config_dir, session_worker, store_worker, worker_target
from cct_cloudflare.dev.access import find_token
from cct_cloudflare.dev.howto import cct_line, curl_line
from cct_cloudflare.errors import ConfigError

URL = "http://localhost:8787"


def token_of(url: str) -> str | None:
    target = worker_target(url, {})
    assert target is not None
    return target.token


def test_cct_knows_it_while_the_session_lasts() -> None:
    with session_worker(URL, "t0ken"):
        assert token_of(URL) == "t0ken"
        assert token_of("http://localhost:8788") is None
        assert stat.S_IMODE((config_dir() / "workers.json").stat().st_mode) == 0o600
    assert token_of(URL) is None


def test_it_goes_however_the_session_ends() -> None:
    with pytest.raises(KeyboardInterrupt), session_worker(URL, "t0ken"):
        raise KeyboardInterrupt
    assert token_of(URL) is None


def test_what_was_kept_for_that_address_before_comes_back() -> None:
    store_worker(URL, "mine")
    store_worker("https://a.workers.dev", "other")
    with session_worker(URL, "t0ken"):
        assert token_of(URL) == "t0ken"
    assert token_of(URL) == "mine"
    assert token_of("https://a.workers.dev") == "other"


def test_what_a_killed_session_left_does_not_whatever_its_address() -> None:
    code = (
        "import os; from cct_cloudflare.config import session_worker as s\nwith s(%r, 'left'): os.kill(os.getpid(), 9)"
    )
    for url in (URL, "http://localhost:9000"):
        subprocess.run([sys.executable, "-c", code % url], check=False)
        assert token_of(url) == "left"
    with session_worker(URL, "next"):
        assert token_of("http://localhost:9000") is None
    assert token_of(URL) is None


def test_what_somebody_stores_meanwhile_stays() -> None:
    with session_worker(URL, "t0ken"):
        store_worker(URL, "mine")
    assert token_of(URL) == "mine"


def test_every_session_has_its_own_unless_the_environment_names_one() -> None:
    assert find_token({}).value != find_token({}).value
    assert find_token({"CCT_TOKEN": "mine"}).from_environment
    assert "mine" not in repr(find_token({"CCT_TOKEN": "mine"}))
    with pytest.raises(ConfigError):
        find_token({"CCT_TOKEN": "two words"})


@pytest.mark.parametrize("has_model", [True, False])
def test_the_lines_to_copy_are_one_line_each_and_parse(has_model: bool) -> None:
    for line in (curl_line(URL, "t0-_ken", has_model=has_model), cct_line(URL, has_model=has_model)):
        assert "\n" not in line
        words = shlex.split(line)
        assert any(word.startswith(URL) for word in words)
    assert "Authorization: Bearer t0-_ken" in shlex.split(curl_line(URL, "t0-_ken", has_model=has_model))


def test_a_token_of_the_environment_is_left_to_the_shell() -> None:
    assert '"Authorization: Bearer $CCT_TOKEN"' in curl_line(URL, None, has_model=True)
