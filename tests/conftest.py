"""Every test runs in a home of its own, with none of the machine's settings."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.canary import pytest_runtest_makereport, watch_captures

__all__ = ["pytest_runtest_makereport"]

# Names that would change what cct does; a developer's own shell may hold any of them.
_PREFIXES = ("ANTHROPIC_", "CLOUDFLARE_", "CCT_", "CLAUDE_", "WRANGLER_", "XDG_")
_NAMES = frozenset({"NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "TTY_COMPATIBLE", "TTY_INTERACTIVE"})
_PROXIES = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"})


@pytest.fixture(autouse=True, scope="session")
def _captures() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        watch_captures(patch)
        yield


@pytest.fixture(autouse=True, scope="session")
def _interrupts() -> None:
    """A shell that starts the tests with `&` has them ignore Ctrl-C, and so would every cct that they start."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder, which HOME and the XDG variables name."""
    for name in list(os.environ):
        if name.startswith(_PREFIXES) or name in _NAMES or name.upper() in _PROXIES:
            monkeypatch.delenv(name)
    path = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(path))
    monkeypatch.setenv("USERPROFILE", str(path))
    for name, folder in {
        "CONFIG": ".config",
        "CACHE": ".cache",
        "DATA": ".local/share",
        "STATE": ".local/state",
    }.items():
        monkeypatch.setenv(f"XDG_{name}_HOME", str(path / folder))
    return path
