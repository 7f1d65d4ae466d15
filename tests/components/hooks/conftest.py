from __future__ import annotations

from pathlib import Path

import pytest

from tests.components.hooks.calls import Answer, Fire, fire, git, install, repository


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder whose name a shell could misread."""
    folder = tmp_path / 'a project\'s "$HOME" `x`'
    folder.mkdir()
    return folder


@pytest.fixture
def ask(project: Path, home: Path) -> Fire:
    """Installs a hook into `project` and runs it: `ask(name, event, call, **environment)`."""

    def run(name: str, event: str, call: object, **more: str) -> Answer:
        return fire(name, event, call, install(name, project), home, **more)

    return run


@pytest.fixture(scope="session")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A clean repository on main, and a worktree of it on `feature`. Tests only look at them."""
    root = tmp_path_factory.mktemp("repositories")
    main = repository(root / "main")
    git(main, "worktree", "add", "-q", str(root / "feature"), "feature")
    return main, root / "feature"
