"""What the bundled catalog promises of its agents and commands, component by component."""

from __future__ import annotations

import re

import pytest

from cct_cloudflare.components.arguments import expand
from cct_cloudflare.components.frontmatter import parse
from cct_cloudflare.components.model import Component, Kind
from cct_cloudflare.components.prompt import merge
from cct_cloudflare.components.sources import BundledSource
from cct_cloudflare.resources import components_dir
from tests.components.readme import rows

BUNDLED = BundledSource()
AGENTS = [BUNDLED.load(entry) for entry in BUNDLED.entries(Kind.AGENT)]
COMMANDS = [BUNDLED.load(entry) for entry in BUNDLED.entries(Kind.COMMAND)]
ALL = [*AGENTS, *COMMANDS]
WHERE = {("agent", name): where for name, where, _ in rows("Agents")} | {
    ("command", name): where for name, where, _ in rows("Commands")
}

# As Claude Code names them in its permission rules.
TOOLS = {"Read", "Grep", "Glob", "Bash", "Edit", "Write", "WebFetch", "WebSearch"}


def label(component: Component) -> str:
    return f"{component.kind}-{component.name}"


def test_the_catalog_has_what_the_documentation_names() -> None:
    assert len(AGENTS) >= 24 and len(COMMANDS) >= 16
    assert {"development-team/frontend-developer", "development-team/python-developer"} <= {a.name for a in AGENTS}
    assert {"setup/setup-react", "testing/generate-tests"} <= {c.name for c in COMMANDS}


@pytest.mark.parametrize(("title", "components"), [("Agents", AGENTS), ("Commands", COMMANDS)])
def test_the_readme_lists_exactly_the_catalog(title: str, components: list[Component]) -> None:
    listed = rows(title)
    assert sorted(row[0] for row in listed) == sorted(component.name for component in components)
    assert {where for _, where, _ in listed} <= {"sandbox", "project", "both"}
    assert all(len(reason) >= 20 for *_, reason in listed)
    assert len({reason for *_, reason in listed}) == len(listed)


def test_no_two_have_one_leaf() -> None:
    for components in (AGENTS, COMMANDS):
        assert len({component.leaf for component in components}) == len(components)


@pytest.mark.parametrize("component", ALL, ids=label)
def test_a_component_is_well_made(component: Component) -> None:
    assert component.warnings == ()
    assert component.title == component.leaf
    assert component.description == component.frontmatter["description"].strip()
    assert 40 <= len(component.description) <= 200
    assert len(component.body.splitlines()) <= 60
    assert len(component.body) <= 6_000
    assert parse(component.path.read_text(encoding="utf-8")).body == component.body
    assert component.body.replace("\n", "").isprintable()
    assert "http://" not in component.body and "https://" not in component.body


@pytest.mark.parametrize("component", ALL, ids=label)
def test_one_for_a_project_says_what_it_does_without_one(component: Component) -> None:
    if WHERE[component.kind.value, component.name] == "project":
        assert "Without a repository at hand" in component.body


@pytest.mark.parametrize("agent", AGENTS, ids=label)
def test_an_agent_says_how_it_works_and_what_it_delivers(agent: Component) -> None:
    assert agent.frontmatter["name"] == agent.leaf
    assert agent.body.index("## How you work") < agent.body.index("## What you deliver")
    assert re.search(r"\bUse\b", agent.description), "Claude Code chooses an agent by its description"
    assert agent.model in ("inherit", "opus")
    assert set(agent.tools) <= TOOLS
    assert set(agent.frontmatter) <= {"name", "description", "model", "tools"}


@pytest.mark.parametrize("agent", AGENTS, ids=label)
def test_an_agent_that_changes_nothing_has_no_tool_to_edit_with(agent: Component) -> None:
    if "change nothing" in agent.body:
        assert agent.tools and not {"Edit", "Write"} & set(agent.tools)


@pytest.mark.parametrize("command", COMMANDS, ids=label)
def test_a_command_takes_the_whole_prompt_and_nothing_by_accident(command: Component) -> None:
    assert command.argument_hint
    assert set(command.frontmatter) <= {"description", "argument-hint", "allowed-tools"}
    expansion = expand(command.body, "PROMPT", command.argument_names)
    assert expansion.replaced and not expansion.unused and not expansion.unfilled
    assert expansion.text.count("PROMPT") == 1
    merged = merge([], [command], "PROMPT", components_dir())
    assert merged.warnings == () and merged.included_files == ()


@pytest.mark.parametrize("command", COMMANDS, ids=label)
def test_a_command_allows_single_programs_only(command: Component) -> None:
    """A rule names a program and its subcommand; `*` stands for arguments of that, never for the rest of a shell."""
    for rule in command.tools:
        match = re.fullmatch(r"Bash\((?P<words>[a-z-]+ [^*()]*?)(?P<rest> \*)?\)", rule)
        assert match, rule
        words = match["words"].split()
        assert words[0] in {"git", "gh", "npm", "pip-audit", "cargo", "govulncheck"}
        assert not {"push", "merge", "fix", "install", "publish", "run", "exec", "api"} & set(words)


@pytest.mark.parametrize("component", ALL, ids=label)
def test_no_text_tells_to_pipe_a_download_or_to_skip_a_safeguard(component: Component) -> None:
    assert not re.search(r"\b(curl|wget)\b[^`\n]*\|", component.body)
    for flag in ("--dangerously-skip-permissions", "bypassPermissions"):
        assert flag not in component.body
    for flag in ("--no-verify", "--force", "--legacy-peer-deps"):
        for line in component.body.splitlines():
            assert flag not in line or re.search(r"\b[Nn]o `" + flag, line), "only to forbid it"
