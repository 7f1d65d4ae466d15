from __future__ import annotations

from pathlib import Path

import pytest

from tests.runtime import cct, runtime
from tests.worker_tools.worker import Project, make_project

__all__ = ["cct", "project", "runtime"]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path / "of-tools")
