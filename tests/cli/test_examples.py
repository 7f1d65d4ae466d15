"""The examples below each command's help are command lines that there are."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click
import pytest

from cct_cloudflare.cli.main import cct

# What an example says of itself stands behind it, in brackets.
_EXAMPLE = re.compile(r"^ +(cct\b.*?)(?: {2,}\(.*\))?$", re.MULTILINE)


def _commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from _commands(below, f"{path} {name}")


COMMANDS = dict(_commands(cct, "cct"))


def _examples() -> Iterator[str]:
    for command in COMMANDS.values():
        yield from (found.group(1) for found in _EXAMPLE.finditer(command.epilog or ""))


def test_there_are_examples() -> None:
    assert len(set(_examples())) > 60


@pytest.mark.parametrize("example", sorted(set(_examples())))
def test_an_example_has_commands_and_options_that_there_are(example: str) -> None:
    words = shlex.split(example)
    path = words.pop(0)
    while isinstance(COMMANDS[path], click.Group) and words and not words[0].startswith("-"):
        path = f"{path} {words.pop(0)}"
        assert path in COMMANDS, f"{path} is no command"
    known = {name for parameter in COMMANDS[path].params for name in (*parameter.opts, *parameter.secondary_opts)}
    assert {word for word in words if word.startswith("--")} <= known
