from __future__ import annotations

from pathlib import Path

import pytest

from tests.runtime import CACHE, cct, runtime

__all__ = ["cct", "runtime"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def installed(runtime: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache in which the local runtime is installed."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(CACHE))
