"""What the bundled catalog promises, component by component."""

from __future__ import annotations

import re

import pytest

from cct_cloudflare.components.arguments import expand
from cct_cloudflare.components.frontmatter import parse
from cct_cloudflare.components.model import Component, Kind
from cct_cloudflare.components.prompt import merge
from cct_cloudflare.components.sources import BundledSource
from cct_cloudflare.resources import components_dir

BUNDLED = BundledSource()
AGENTS = [BUNDLED.load(entry) for entry in BUNDLED.entries(Kind.AGENT)]
COMMANDS = [BUNDLED.load(entry) for entry in BUNDLED.entries(Kind.COMMAND)]
ALL = [*AGENTS, *COMMANDS]
README = (components_dir() / "README.md").read_text(encoding="utf-8")


def test_the_catalog_has_what_the_documentation_names() -> None:
    assert len(AGENTS) >= 8 and len(COMMANDS) >= 6
    assert {"development-team/frontend-developer", "development-team/python-developer"} <= {a.name for a in AGENTS}
    assert {"setup/setup-react", "testing/generate-tests"} <= {c.name for c in COMMANDS}


def test_the_readme_lists_exactly_the_catalog() -> None:
    listed = re.findall(r"^\| `([^`]+)` \| [^|]{20,} \|$", README, re.MULTILINE)
    assert sorted(listed) == sorted(component.name for component in ALL)


def test_no_two_have_one_leaf() -> None:
    for components in (AGENTS, COMMANDS):
        assert len({component.leaf for component in components}) == len(components)


@pytest.mark.parametrize("component", ALL, ids=lambda component: component.name)
def test_a_component_is_well_made(component: Component) -> None:
    assert component.warnings == ()
    assert component.title == component.leaf
    assert component.description == component.frontmatter["description"].strip()
    assert 40 <= len(component.description) <= 200
    assert len(component.body.splitlines()) <= 60
    assert parse(component.path.read_text(encoding="utf-8")).body == component.body


@pytest.mark.parametrize("agent", AGENTS, ids=lambda agent: agent.name)
def test_an_agent_says_how_it_works_and_what_it_delivers(agent: Component) -> None:
    assert "## How you work" in agent.body
    assert "## What you deliver" in agent.body
    assert agent.model in ("inherit", "opus")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_a_command_takes_the_whole_prompt_and_nothing_by_accident(command: Component) -> None:
    assert command.argument_hint
    expansion = expand(command.body, "PROMPT", command.argument_names)
    assert expansion.replaced and not expansion.unused and not expansion.unfilled
    assert expansion.text.count("PROMPT") == 1
    merged = merge([], [command], "PROMPT", components_dir())
    assert merged.warnings == () and merged.included_files == ()
