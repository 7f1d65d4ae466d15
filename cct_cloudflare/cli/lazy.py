"""A group whose commands are imported when they are used, so that `cct --version` starts at once."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import NamedTuple

import click


class LazyCommand(NamedTuple):
    """`target` is `module:attribute`; `help` is its line in the group's own help."""

    target: str
    help: str


class LazyGroup(click.Group):
    def __init__(self, *args: object, lazy: Mapping[str, LazyCommand], **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]  # click's own many parameters, passed through
        self._lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        lazy = self._lazy.get(cmd_name)
        if lazy is None:
            return None
        module, _, attribute = lazy.target.partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.help) for name, command in self._lazy.items()])
