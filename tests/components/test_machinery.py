"""What the bundled catalog promises of its settings and MCP servers; its hooks have tests of their own."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from cct_cloudflare.components.names import name_problem
from cct_cloudflare.pricing import default_model, model_table, resolve_model
from cct_cloudflare.resources import components_dir
from tests.components.readme import rows

# What Claude Code 2.1.330 knows, of what is used here: key → the type that it takes. Read from the client's own schema.
KNOWN: dict[str, type] = {
    "attribution.commit": str,
    "attribution.pr": str,
    "attribution.sessionUrl": bool,
    "cleanupPeriodDays": int,
    "disableClaudeAiConnectors": bool,
    "disableSkillShellExecution": bool,
    "env.BASH_DEFAULT_TIMEOUT_MS": str,
    "env.BASH_MAX_TIMEOUT_MS": str,
    "env.CLAUDE_CODE_DISABLE_FEEDBACK_SURVEY": str,
    "env.DISABLE_ERROR_REPORTING": str,
    "env.DISABLE_TELEMETRY": str,
    "fallbackModel": list,
    "model": str,
    "permissions.allow": list,
    "permissions.ask": list,
    "permissions.blockReadsOutsideWorkingDirectories": bool,
    "permissions.deny": list,
    "permissions.disableBypassPermissionsMode": str,
    "sandbox.allowUnsandboxedCommands": bool,
    "sandbox.enabled": bool,
    "statusLine.command": str,
    "statusLine.type": str,
    "worktree.symlinkDirectories": list,
}
RULE = re.compile(r"(?P<tool>Bash|Read|Edit)\((?P<what>[^()]+)\)|Bash|Edit|Write|NotebookEdit|WebFetch|WebSearch")


def catalog(kind: str) -> dict[str, Any]:
    root = components_dir() / kind
    paths = sorted(root.rglob("*.json"))
    return {path.relative_to(root).with_suffix("").as_posix(): json.loads(path.read_text("utf-8")) for path in paths}


SETTINGS, MCPS = catalog("settings"), catalog("mcps")
BOTH = [("settings", name) for name in SETTINGS] + [("mcps", name) for name in MCPS]


def leaves(value: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, inner in value.items():
        if isinstance(inner, dict):
            yield from leaves(inner, f"{prefix}{key}.")
        else:
            yield prefix + key, inner


def content(name: str) -> dict[str, Any]:
    return {key: value for key, value in SETTINGS[name].items() if key != "description"}


def test_the_catalog_has_what_the_documentation_names() -> None:
    assert len(SETTINGS) >= 10 and len(MCPS) >= 8
    assert "permissions/deny-secrets" in SETTINGS and "devtools/github" in MCPS


@pytest.mark.parametrize(("title", "found"), [("Settings", SETTINGS), ("MCPs", MCPS)])
def test_the_readme_lists_exactly_the_catalog(title: str, found: dict[str, Any]) -> None:
    listed = rows(title)
    assert sorted(name for name, *_ in listed) == sorted(found)
    assert all(len(reason) >= 20 for *_, reason in listed)


@pytest.mark.parametrize(("kind", "name"), BOTH, ids=lambda value: value)
def test_a_file_is_well_made(kind: str, name: str) -> None:
    text = (components_dir() / kind / f"{name}.json").read_text(encoding="utf-8")
    loaded = json.loads(text)
    assert text == json.dumps(loaded, indent=2, ensure_ascii=False) + "\n"
    assert name_problem(name) is None and name.count("/") == 1
    assert next(iter(loaded)) == "description"
    assert 40 <= len(loaded["description"]) <= 250 and loaded["description"].isprintable()


@pytest.mark.parametrize("kind", ["settings", "mcps"])
def test_no_two_have_one_leaf_or_one_description(kind: str) -> None:
    found = catalog(kind)
    assert len({name.rpartition("/")[2] for name in found}) == len(found)
    assert len({value["description"] for value in found.values()}) == len(found)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_has_keys_that_claude_code_knows(name: str) -> None:
    found = dict(leaves(content(name)))
    assert found
    for key, value in found.items():
        assert type(value) is KNOWN[key], key


def test_no_key_is_known_in_vain() -> None:
    assert {key for name in SETTINGS for key, _ in leaves(content(name))} == set(KNOWN)


@pytest.mark.parametrize("name", [name for name in SETTINGS if "permissions" in SETTINGS[name]])
def test_permission_rules_mean_what_they_say(name: str) -> None:
    permissions = SETTINGS[name]["permissions"]
    for kind in ("allow", "ask", "deny"):
        rules = permissions.get(kind, [])
        assert len(set(rules)) == len(rules)
        for rule in rules:
            # Claude Code checks files by Read(…) and Edit(…) rules alone; `:*` is its old form of a prefix.
            match = RULE.fullmatch(rule)
            assert match and ":*" not in rule, rule
            if kind == "allow":
                assert match["tool"] == "Bash" and re.match(r"[a-z]+(?! \*)", match["what"]), rule
    assert permissions.get("disableBypassPermissionsMode", "disable") == "disable"


def test_what_is_allowed_in_git_stays_here_and_loses_nothing() -> None:
    for rule in SETTINGS["permissions/git-daily"]["permissions"]["allow"]:
        program, subcommand, *rest = rule[5:-1].split()
        assert program == "git" and subcommand in {"add", "commit", "fetch", "switch", "stash"}
        # `fetch --upload-pack=…` starts a program; `switch` can throw changes away.
        assert "*" not in rest or subcommand in ("add", "commit", "stash") or rest[0] == "-c"


def test_models_are_ones_that_the_project_knows() -> None:
    named = {SETTINGS[name].get("model") for name in SETTINGS} - {None}
    named |= {model for name in SETTINGS for model in SETTINGS[name].get("fallbackModel", [])}
    assert resolve_model("sonnet") == default_model()
    assert {resolve_model(model) for model in named} <= set(model_table().prices)


def test_a_status_line_runs_its_own_script() -> None:
    root = components_dir() / "settings"
    scripts = {path.relative_to(root).with_suffix("").as_posix() for path in root.rglob("*.py")}
    with_command = {name for name in SETTINGS if "statusLine" in SETTINGS[name]}
    assert scripts == with_command
    for name in scripts:
        leaf = name.rpartition("/")[2]
        assert SETTINGS[name]["statusLine"] == {
            "type": "command",
            "command": f'python3 -IS "$CLAUDE_PROJECT_DIR"/.claude/scripts/{leaf}.py',
        }
        ast.parse((root / f"{name}.py").read_text(encoding="utf-8"), feature_version=(3, 9))


@pytest.mark.parametrize("name", MCPS)
def test_a_server_is_pinned_or_remote_and_holds_no_secret(name: str) -> None:
    ((server, entry),) = MCPS[name]["mcpServers"].items()
    assert set(MCPS[name]) == {"description", "mcpServers"}
    assert re.fullmatch(r"[a-z][a-z0-9-]{1,40}", server)
    if "command" in entry:
        assert set(entry) <= {"command", "args", "env"} and entry["command"] == "npx"
        yes, package, *rest = entry["args"]
        assert yes == "-y" and re.fullmatch(r"(?:@[a-z0-9-]+/)?[a-z0-9-]+@\d+\.\d+\.\d+", package)
        assert all(re.fullmatch(r"--?[a-z-]+|[a-z]+", word) for word in rest)
        secrets = entry.get("env", {})
    else:
        assert set(entry) <= {"type", "url", "headers"} and entry["type"] == "http"
        assert re.fullmatch(r"https://[a-z0-9.-]+(?:/[a-z0-9/_-]*)?", entry["url"])
        secrets = entry.get("headers", {})
    for value in secrets.values():
        reference = re.fullmatch(r"(?:Bearer )?\$\{([A-Z_]+)\}", value)
        assert reference, value
        assert reference[1] in MCPS[name]["description"], "the person who installs it must know what to set"


def test_no_two_servers_have_one_name() -> None:
    servers = [server for value in MCPS.values() for server in value["mcpServers"]]
    assert len(set(servers)) == len(servers)
