"""What would take effect, as it is shown before anything is written."""

from __future__ import annotations

import json

from cct_cloudflare.components.model import Kind
from cct_cloudflare.validation import Command, Effects, Permission, Setting, Url, Variable, effects
from tests.validation.packages import agent, command, package, server, setting, skill


def test_a_setting_shows_its_rules_variables_and_commands() -> None:
    made = setting(
        {
            "description": "d",
            "model": "sonnet",
            "permissions": {"allow": ["Read", "Bash(ls)"], "deny": ["WebFetch"], "defaultMode": "plan"},
            "env": {"DEBUG": "1", "API_TOKEN": "abc123", "OTHER_TOKEN": "${TOKEN}", "N": 3},
            "statusLine": {"type": "command", "command": "./line.sh", "padding": 0},
            "apiKeyHelper": "./key.sh --now",
            "policyHelpers": {"linux": {"path": "/opt/helper"}},
            "sandbox": {"enabled": True, "network": {"allowedDomains": ["a.test"]}},
            "enabledPlugins": {"a@b": True},
            "extraKnownMarketplaces": {"b": {"source": {"source": "url", "url": "https://b.test/m.json"}}},
        }
    )
    assert effects(made) == Effects(
        commands=(
            Command("./line.sh", "statusLine"),
            Command("./key.sh --now", "apiKeyHelper"),
            Command("/opt/helper", "policyHelpers.linux.path"),
        ),
        environment=(
            Variable("DEBUG", "1", "settings"),
            Variable("API_TOKEN", "********", "settings"),
            Variable("OTHER_TOKEN", "${TOKEN}", "settings"),
            Variable("N", "3", "settings"),
        ),
        permissions=(
            Permission("allow", "Read", "settings"),
            Permission("allow", "Bash(ls)", "settings"),
            Permission("deny", "WebFetch", "settings"),
            Permission("defaultMode", "plan", "settings"),
            Permission("sandbox.enabled", "true", "settings"),
            Permission("sandbox.network.allowedDomains", "a.test", "settings"),
            Permission("enabledPlugins.a@b", "true", "settings"),
            Permission("extraKnownMarketplaces.b.source.source", "url", "settings"),
        ),
        urls=(Url("https://b.test/m.json", "extraKnownMarketplaces.b.source.url"),),
        settings=(Setting("model", "sonnet"),),
    )


def test_a_setting_of_any_other_sort_is_shown_as_well() -> None:
    made = setting(
        {
            "$schema": "https://x.test",
            "cleanupPeriodDays": 7,
            "fallbackModel": ["a", "b"],
            "attribution": {"commit": "", "nested": {"token": "of my own"}},
            "empty": {},
        }
    )
    assert effects(made).settings == (
        Setting("cleanupPeriodDays", "7"),
        Setting("fallbackModel", '["a", "b"]'),
        Setting("attribution.commit", ""),
        Setting("attribution.nested.token", "********"),
        Setting("empty", "{}"),
    )


def test_hooks_of_every_type_show_when_they_act_and_what_they_do() -> None:
    made = setting(
        {
            "hooks": {
                "PreToolUse": [
                    {
                        "matcher": "Bash|Write",
                        "hooks": [
                            {"type": "command", "command": "python3", "args": ["-I", "a b.py", ""]},
                            {"type": "http", "url": "https://h.test/x"},
                        ],
                    },
                    {"matcher": "*", "hooks": [{"type": "mcp_tool", "server": "s", "tool": "t"}]},
                ],
                "Stop": [{"hooks": [{"type": "prompt", "prompt": "Done?"}]}],
            }
        },
        Kind.HOOK,
    )
    assert effects(made) == Effects(
        commands=(
            Command("python3 -I 'a b.py' ''", "hook PreToolUse (Bash|Write)"),
            Command("MCP tool s/t", "hook PreToolUse"),
            Command("asks a model: Done?", "hook Stop"),
        ),
        urls=(Url("https://h.test/x", "hook PreToolUse (Bash|Write)"),),
    )


def test_a_server_shows_its_command_line_and_who_it_talks_to() -> None:
    assert effects(server(command="npx", args=["-y", "thing@1.2.3", "--key", "$KEY"], env={"PASSWORD": "hunter2"})) == (
        Effects(
            commands=(Command("npx -y thing@1.2.3 --key $KEY", "MCP server thing"),),
            environment=(Variable("PASSWORD", "********", "MCP server thing"),),
        )
    )
    made = server(type="http", url="https://x.test/mcp", headers={"Authorization": "Bearer ${T}", "X-Api-Key": "k1"})
    assert effects(made) == Effects(
        environment=(
            Variable("header Authorization", "Bearer ${T}", "MCP server thing"),
            Variable("header X-Api-Key", "********", "MCP server thing"),
        ),
        urls=(Url("https://x.test/mcp", "MCP server thing"),),
    )


def test_markdown_shows_what_it_allows_and_runs() -> None:
    made = command("allowed-tools: Bash(git add *, git commit *), Read", "Branch: !`git branch --show-current`\n")
    assert effects(made) == Effects(
        commands=(Command("git branch --show-current", "when the command is loaded"),),
        permissions=(
            Permission("allow", "Bash(git add *, git commit *)", "while the command is at work"),
            Permission("allow", "Read", "while the command is at work"),
        ),
    )
    made = agent(
        "name: t\ndescription: d\npermissionMode: plan\nmcpServers:\n  - github\n  - s: {command: ./s}\n"
        "hooks:\n  Stop:\n    - hooks:\n        - {type: command, command: ./h}\n"
    )
    assert effects(made) == Effects(
        commands=(Command("./h", "hook Stop"), Command("./s", "MCP server s")),
        permissions=(Permission("permissionMode", "plan", "the agent"),),
    )
    assert not effects(skill("name: t\ndescription: d"))


def test_what_has_no_effect_shows_none() -> None:
    assert not effects(package(Kind.AGENT, "t.md", "Just text.\n"))
    assert not effects(setting("{"))
    assert not effects(setting({"description": "d", "$schema": "https://x.test"}))
    assert not effects(setting({"permissions": {"allow": ["Bash(*)"]}}, Kind.MCP))


def test_effects_are_safe_to_print_and_lose_nothing() -> None:
    made = setting({"env": {"A\x1b[2J": "\u202eb\n"}, "permissions": {"allow": ["Bash(a\tb)"]}})
    assert effects(made).environment == (Variable("A\\u001b[2J", "\\u202eb\\n", "settings"),)
    assert effects(made).permissions == (Permission("allow", "Bash(a\\tb)", "settings"),)


def test_values_that_have_the_shape_of_a_secret_are_masked_whatever_they_are_called() -> None:
    values = {"A": "ghp_" + "a" * 36, "B": "postgres://me:secret@db.test/x", "C": "postgres://me:${PW}@db.test/x"}
    shown = {variable.name: variable.value for variable in effects(setting({"env": values})).environment}
    assert shown == {"A": "********", "B": "********", "C": "postgres://me:${PW}@db.test/x"}


def test_effects_as_json() -> None:
    data = effects(setting({"env": {"A": "1"}, "permissions": {"deny": ["Read"]}, "apiKeyHelper": "x"})).to_json()
    assert json.loads(json.dumps(data)) == {
        "commands": [{"line": "x", "where": "apiKeyHelper"}],
        "environment": [{"name": "A", "value": "1", "where": "settings"}],
        "permissions": [{"key": "deny", "value": "Read", "where": "settings"}],
        "urls": [],
        "settings": [],
    }
