"""Components of every kind given to a run: what counts, what is named as left out, what the history knows of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cct_cloudflare.pricing import resolve_model
from cct_cloudflare.scripted import ScriptedModel
from tests.install.trees import write_tree
from tests.runtime import KEY, PROMPT, Cct, access, ask, reply

SAID = 'console.log("said");'
HAIKU = resolve_model("haiku")
FLAGS = ("--setting", "small", "--skill", "brief", "--hook", "stop", "--mcp", "tools")


@pytest.fixture
def registry(cct: Cct, tmp_path: Path) -> Path:
    """A registry of the user's, in a folder."""
    line = {"type": "command", "command": "true"}
    root = write_tree(
        tmp_path / "registry",
        {
            "agents/x/terse.md": "---\nname: terse\nmodel: opus\n---\nBe terse, always.\n",
            "settings/x/small.json": json.dumps(
                {"model": "haiku", "env": {"CLAUDE_CODE_MAX_OUTPUT_TOKENS": "900", "MY_TOKEN": "s3cret-of-mine"}}
            ),
            "skills/x/brief/SKILL.md": "---\nname: brief\ndescription: Short.\n---\nBe brief in all things.\n",
            "skills/x/brief/scripts/a.py": "print(1)\n",
            "hooks/x/stop.json": json.dumps({"hooks": {"Stop": [{"hooks": [line]}]}}),
            "mcps/x/tools.json": json.dumps({"mcpServers": {"tools": {"command": "npx", "args": ["tools"]}}}),
        },
    )
    assert cct("registry", "add", "team", root).code == 0
    return root


def gateway(registry: Path, url: str) -> None:
    content = {"env": {"ANTHROPIC_BASE_URL": url}}
    write_tree(registry, {"settings/x/gateway.json": json.dumps(content)})


def last(cct: Cct) -> dict[str, Any]:
    return cct("history", "show", "last", "--json").json


def test_what_means_something_counts_and_the_rest_is_named(cct: Cct, registry: Path) -> None:
    with ScriptedModel([reply({"main.js": SAID})], pace=0) as model:
        done = ask(cct, model, *FLAGS, "--json")
        shown = ask(cct, model, *FLAGS, "--agent", "python-developer")
        quiet = ask(cct, model, *FLAGS, "--quiet")
    assert (done.code, done.json["output"]) == (0, "said\n"), done.stderr
    body = model.requests[0].body or {}
    assert (body["model"], body["max_tokens"]) == (HAIKU, 900)
    assert "Be brief in all things." in json.dumps(body["system"])
    left = {(part["component"], part["what"]) for part in done.json["notApplied"]}
    assert left == {
        ("setting/x/small", "env.MY_TOKEN"),
        ("skill/x/brief", "scripts/a.py"),
        ("hook/x/stop", "hooks.Stop"),
        ("mcp/x/tools", "mcpServers.tools"),
    }
    for component, what in left:
        assert component in shown.stderr
        assert what in shown.stderr
        assert f"Warning: Left out: {component}: " in quiet.stderr
    assert quiet.stdout == "said\n"
    [prompt] = (line for line in shown.stderr.splitlines() if line.startswith("  Prompt"))
    assert prompt.endswith("of them from agents and skills; development-team/python-developer, x/brief")
    assert "s3cret" not in done.stdout + done.stderr + shown.stderr + json.dumps(model.requests[0].body)


def test_the_history_knows_them_and_sends_the_same_again(cct: Cct, registry: Path) -> None:
    with ScriptedModel([reply({"main.js": SAID})], pace=0) as model:
        assert ask(cct, model, *FLAGS, "--agent", "terse").code == 0
        write_tree(registry, {"skills/x/brief/SKILL.md": "Be long.\n"})
        again = cct("history", "rerun", "last", "--yes", "--json", env=access(model))
    assert again.code == 0, again.stderr
    assert model.requests[0].body == model.requests[1].body
    assert "skill x/brief has changed since" in again.stderr
    kept = last(cct)
    assert [(part["kind"], part["name"], part["source"]) for part in kept["components"]] == [
        ("agent", "x/terse", "team"),
        ("skill", "x/brief", "team"),
        ("setting", "x/small", "team"),
        ("hook", "x/stop", "team"),
        ("mcp", "x/tools", "team"),
    ]


def test_an_agents_model_comes_before_a_settings(cct: Cct, registry: Path) -> None:
    with ScriptedModel([reply({"main.js": SAID})], pace=0) as model:
        done = ask(cct, model, "--agent", "terse", "--setting", "small", "--json")
    assert (model.requests[0].body or {})["model"] == resolve_model("opus")
    assert {"component": "setting/x/small", "what": "model"}.items() <= done.json["notApplied"][-1].items()


@pytest.mark.parametrize("more", [[], ["--direct"], ["--dry-run"]])
def test_an_address_for_the_key_is_refused(cct: Cct, registry: Path, more: list[str]) -> None:
    with ScriptedModel([reply({"main.js": SAID})], pace=0) as model:
        gateway(registry, model.url)
        done = cct("--setting", "gateway", "--prompt", PROMPT, "--yes", "--json", *more, env={"ANTHROPIC_API_KEY": KEY})
    assert (done.code, done.json["errorCode"]) == (7, "unsafe_component")
    assert model.requests == []
    assert cct.files() == {}


@pytest.mark.parametrize("more", [[], ["--direct"]])
def test_an_address_that_is_trusted_is_asked_and_told(cct: Cct, registry: Path, more: list[str]) -> None:
    with ScriptedModel([reply({"main.js": SAID})], pace=0) as model:
        gateway(registry, model.url)
        argv = ["--setting", "gateway", "--prompt", PROMPT, "--yes", "--trust", *more]
        done = cct(*argv, env={"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": "http://127.0.0.1:9"})
        assert done.code == 0, done.stderr
        assert f"asked at {model.url}" in done.stderr
        assert len(model.requests) == 1
        assert last(cct)["apiUrl"] == model.url
        assert f"Asked at   {model.url}" in cct("history", "show", "last").stdout
        planned = cct(*argv, "--dry-run", "--json", env={"ANTHROPIC_API_KEY": KEY})
        assert planned.json["apiUrl"] == model.url
        again = cct("history", "rerun", "last", "--yes", env=access(model))
        assert f"was asked at {model.url} then" in again.stderr


def test_the_scripted_model_takes_no_address(cct: Cct, registry: Path) -> None:
    gateway(registry, "http://127.0.0.1:9")
    argv = ["--demo", "--setting", "gateway", "--trust", "--yes", "--json"]
    done = cct(*argv, "--prompt", "What is the 10th Fibonacci number?")
    assert done.code == 0, done.stderr
    assert [part["what"] for part in done.json["notApplied"]] == ["env.ANTHROPIC_BASE_URL"]


def test_monitor_names_them_as_well(cct: Cct, registry: Path) -> None:
    argv = ["monitor", "--demo", "--hook", "stop", "What is the 10th Fibonacci number?", "--yes"]
    assert [part["what"] for part in cct(*argv, "--json").json["notApplied"]] == ["hooks.Stop"]
    assert "hook/x/stop: hooks.Stop" in cct(*argv).stderr
