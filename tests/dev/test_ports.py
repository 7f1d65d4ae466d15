"""The address of `cct dev`."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from cct_cloudflare.dev import ports
from cct_cloudflare.dev.ports import listen
from cct_cloudflare.errors import ConfigError


@pytest.fixture
def taken(request: pytest.FixtureRequest) -> Iterator[int]:
    """A port on which somebody listens, at one address of this machine."""
    family, host = getattr(request, "param", (socket.AF_INET, "127.0.0.1"))
    with socket.socket(family) as other:
        try:
            other.bind((host, 0))
        except OSError:
            pytest.skip(f"this machine has no {host}")
        other.listen()
        yield other.getsockname()[1]


@pytest.mark.parametrize("taken", [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")], indirect=True)
def test_a_port_that_is_taken_at_any_address_of_localhost_is_an_error(taken: int) -> None:
    with pytest.raises(ConfigError, match=str(taken)) as caught, listen(taken):
        pass
    assert caught.value.code == "port_taken"
    assert "--port" in caught.value.hint


def test_what_was_bound_for_a_port_in_vain_is_given_back() -> None:
    with socket.socket(socket.AF_INET6) as other:
        try:
            other.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ConfigError), listen(port):
            pass
        with socket.socket() as again:
            again.bind(("127.0.0.1", port))


def test_without_a_wish_it_is_the_first_one_that_is_free(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "DEFAULT_PORT", taken)
    with listen(None) as listening:
        assert listening.port != taken
        assert not listening.asked


def test_when_all_of_them_are_taken_it_is_any(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "DEFAULT_PORT", taken)
    monkeypatch.setattr(ports, "_TRIES", 1)
    with listen(None) as listening:
        assert listening.port not in (0, taken)


def test_it_listens_at_once_on_every_address_of_localhost_and_on_no_other() -> None:
    with listen(0) as listening:
        assert listening.url == f"http://localhost:{listening.port}"
        assert {one.getsockname()[:2] for one in listening.sockets} <= {
            ("127.0.0.1", listening.port),
            ("::1", listening.port),
        }
        for one in listening.sockets:
            socket.create_connection(one.getsockname()[:2]).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", listening.port))
