"""What a reader looks up has a heading of its own: every error code, event, variable and option."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
import pytest

from cct_cloudflare.cli.main import cct
from cct_cloudflare.errors import CODES
from tests.guides.pages import headings, project_files
from tests.runtime import ROOT

#: Set by shells and terminals, by nobody else.
_NOT_THE_USERS = frozenset({"COLUMNS", "TERM", "_CCT_COMPLETE"})
_BINDINGS = frozenset({"ASSETS", "LOADER", "RUN_GATE", "RUNNER", "SANDBOX", "CONTAINER", "CF_VERSION_METADATA"})


def _source(name: str) -> str:
    return project_files()[name].decode()


def _events() -> list[str]:
    body = re.search(r"export interface Events \{\n(.*?)\n\}", _source("src/api.ts"), re.DOTALL)
    assert body is not None
    return re.findall(r"^  (\w+):", body[1], re.MULTILINE)


def _variables() -> set[str]:
    """Those that the Worker is given, and those that cct and the Node tools look at."""
    worker = set(re.findall(r"^  ([A-Z_]+)\??:", _source("src/env.ts"), re.MULTILINE)) - _BINDINGS
    python = "\n".join(path.read_text() for path in (ROOT / "cct_cloudflare").rglob("*.py"))
    looked_at = re.findall(r"environ(?:\.get\(|\[)\"([A-Z_]+)\"", python)
    named = re.findall(r"^[A-Z_]+_VARIABLE = \"([A-Z_]+)\"", python, re.MULTILINE)
    tools = _source("tools/command.ts")
    taken = re.findall(r"const \{ ([^}]+) \} = process\.env", tools)
    of_tools = {name for names in taken for name in names.split(", ")}
    return (worker | set(looked_at) | set(named) | of_tools) - _NOT_THE_USERS


def _options(command: click.Command) -> Iterator[str]:
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            yield max(parameter.opts, key=len)
    if isinstance(command, click.Group):
        context = click.Context(command, info_name="cct")
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from _options(inner)


def _tool_options() -> set[str]:
    """The options of client.ts, launcher.ts and monitor.ts."""
    text = "".join(_source(name) for name in ("launcher.ts", "monitor.ts", "tools/command.ts"))
    return {f"--{name}" for name in re.findall(r"\b([a-z-]+)'?: \{ type: '", text)}


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_error_code_has_a_heading(code: str) -> None:
    assert code in headings("SANDBOX_DEBUGGING.md")


@pytest.mark.parametrize("event", _events())
def test_every_event_has_a_heading(event: str) -> None:
    assert event in headings("README.md")


@pytest.mark.parametrize("variable", sorted(_variables()))
def test_every_variable_has_a_heading(variable: str) -> None:
    assert variable in headings("README.md")


@pytest.mark.parametrize("option", sorted(set(_options(cct)) | _tool_options()))
def test_every_option_has_a_heading(option: str) -> None:
    assert any(re.split(r"[ ,=]", heading)[0] == option for heading in headings("README.md"))
