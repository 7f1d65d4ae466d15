"""Listing loads no more than it needs: every `cct list` would wait for the rest."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cct_cloudflare.config import registries_file
from cct_cloudflare.registries import book
from tests.catalog.trees import agents
from tests.components.trees import write_tree

#: What asks others, reads text or searches it; a command that lists a folder does none of that.
_UNUSED = (
    *(f"cct_cloudflare.registries.{name}" for name in ("arranging", "fetching", "git", "github", "plugins", "site")),
    *("cct_cloudflare.catalog.search", "httpx", "jellyfish", "rich", "ssl", "subprocess", "yaml"),
)


def loaded(project: Path, *options: str) -> tuple[set[str], list[str]]:
    """The sources that are listed, and what of the above was imported for it."""
    script = (
        "import sys\n"
        "from cct_cloudflare.cli.main import run_cli\n"
        f"code = run_cli(['list', '--json', '--directory', {str(project)!r}, *{options!r}])\n"
        f"print([name for name in {_UNUSED!r} if name in sys.modules], file=sys.stderr)\n"
        "sys.exit(code)\n"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return {item["source"] for item in json.loads(answer.stdout)["items"]}, json.loads(answer.stderr.replace("'", '"'))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "team", agents("a/one", "a/two"))


def test_a_folder_that_is_named(tmp_path: Path, folder: Path) -> None:
    assert loaded(tmp_path, "--from", str(folder)) == ({str(folder)}, [])


def test_a_registry_that_is_a_folder(tmp_path: Path, folder: Path) -> None:
    book.remember(book.Registry("team", str(folder)))
    assert registries_file().exists()
    assert loaded(tmp_path) == ({"team", "bundled"}, [])
