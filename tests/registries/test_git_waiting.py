"""Two that fetch one repository: the second one says that it waits, and takes what the first one fetched."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from cct_cloudflare.config import cache_dir
from cct_cloudflare.folder_lock import folder_lock
from cct_cloudflare.registries import git
from cct_cloudflare.registries.address import parse_address
from cct_cloudflare.registries.git import open_git
from tests.registries.conftest import MakeRepository, run_git
from tests.registries.servers import agent


@pytest.fixture
def upstream(make_repository: MakeRepository) -> Path:
    return make_repository({"agents/a/x.md": agent("x")})


def opened_while_another_has_it(upstream: Path, revision: str | None) -> list[str]:
    """What is said; the other one ends as soon as somebody waits."""
    address = parse_address(str(upstream), ref="main")
    notes: list[str] = []
    with ExitStack() as other:
        repository = next((cache_dir() / "registries" / "git").iterdir())
        other.enter_context(folder_lock(repository))

        def note(text: str) -> None:
            notes.append(text)
            other.close()

        assert open_git(address, revision, offline=False, stale=False, note=note).paths()
    return notes


def test_the_wait_is_said(upstream: Path) -> None:
    open_git(parse_address(str(upstream), ref="main"), None, offline=False, stale=False, note=lambda _: None)
    (said,) = opened_while_another_has_it(upstream, None)
    assert said == f"Another cct fetches git+{upstream.as_uri()} just now. Waiting for it."


def test_what_the_other_one_fetched_is_not_fetched_again(upstream: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    revision = run_git(upstream, "rev-parse", "HEAD")
    open_git(parse_address(str(upstream), ref="main"), revision, offline=False, stale=False, note=lambda _: None)
    has, asked = git._has, list[str]()

    def after_the_first_time(repository: Path, commit: str) -> bool:
        asked.append(commit)
        return len(asked) > 1 and has(repository, commit)

    monkeypatch.setattr(git, "_has", after_the_first_time)
    monkeypatch.setattr(git, "_fetch", lambda *_: pytest.fail("it was fetched again"))
    assert len(opened_while_another_has_it(upstream, revision)) == 1
    assert asked == [revision] * 2
