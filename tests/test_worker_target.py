"""Which Worker a command goes to, and which token goes with it."""

from __future__ import annotations

import pytest

from cct_cloudflare.config import is_loopback, store_worker, worker_target
from cct_cloudflare.errors import ConfigError, UsageError


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
