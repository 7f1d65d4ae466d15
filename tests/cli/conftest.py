from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.sources import FIRST, written


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return written(tmp_path / "source", FIRST)
