from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.claude.client import Claude, NotInstalledError, Wall, install
from tests.runtime import Cct
from tests.runtime import cct as cct
from tests.runtime import runtime as runtime


@pytest.fixture(scope="session")
def binary(request: pytest.FixtureRequest) -> Path:
    run_id = getattr(request.config, "workerinput", {}).get("testrunuid", "alone")
    try:
        return install(run_id)
    except NotInstalledError as error:
        pytest.skip(f"Claude Code could not be installed: {error}")


@pytest.fixture
def claude(binary: Path, cct: Cct, home: Path) -> Iterator[Claude]:
    """The client in the project that `cct` works in, and with the same home."""
    with Wall() as wall:
        yield Claude(binary, home, cct.project, wall)
