"""The documents say what the code does. `python -m tests.test_docs` writes docs/reference.md anew."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from cct_cloudflare.cli.main import cct
from cct_cloudflare.errors import Exit

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
REFERENCE = ROOT / "docs" / "reference.md"
_INTRODUCTION = """\
# Every command and option

What `--help` says, all of it. Made by `python -m tests.test_docs`; a test holds it to the commands.
"""


def _help(*command: str) -> str:
    """In a process of its own: click keeps the help option that a command was first asked for."""
    environment = {**os.environ, "COLUMNS": "200"}
    argv = [sys.executable, "-m", "cct_cloudflare", *command, "--help"]
    return subprocess.run(argv, capture_output=True, text=True, check=True, env=environment).stdout.rstrip("\n")


def reference() -> str:
    """The help text of every command."""
    commands = [(), *_commands(cct, ())]
    return _INTRODUCTION + "".join(f"\n## `{' '.join(('cct', *c))}`\n\n```text\n{_help(*c)}\n```\n" for c in commands)


def _commands(group: click.Group, above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Every command of a group, and those of the groups in it, in the order of its help."""
    context = click.Context(group)
    for name in group.list_commands(context):
        yield (*above, name)
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from _commands(command, (*above, name))


def test_the_reference_is_what_the_commands_say() -> None:
    assert REFERENCE.read_text() == reference(), "run: python -m tests.test_docs"


def test_the_readme_names_every_command() -> None:
    named = re.findall(r"^\| `cct (\w+)", README.read_text(), re.MULTILINE)
    assert sorted(set(named)) == sorted(cct.list_commands(click.Context(cct)))


def test_every_exit_code_is_explained() -> None:
    rows = re.findall(r"^\| (\d+) \|", README.read_text(), re.MULTILINE)
    assert rows == [str(code.value) for code in Exit]


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/reference.md", "components/README.md"]
)
def test_links_lead_somewhere(page: str) -> None:
    path = ROOT / page
    for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
        assert (path.parent / target).exists(), target


@pytest.mark.parametrize(
    "named",
    re.findall(
        r"`((?:src|cct_cloudflare|components|templates)/[\w./-]+)`", (ROOT / "docs/architecture.md").read_text()
    ),
)
def test_the_architecture_names_files_that_exist(named: str) -> None:
    folder = ROOT / "templates" / "cloudflare" if named.startswith("src/") else ROOT
    assert (folder / named).exists()


if __name__ == "__main__":
    REFERENCE.write_text(reference())
