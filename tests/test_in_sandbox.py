from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cct_cloudflare.catalog import bundled_catalog
from cct_cloudflare.components.model import Kind
from cct_cloudflare.components.package import Item, Package
from cct_cloudflare.errors import UnsafeError, UsageError
from cct_cloudflare.in_sandbox import Wish, apply, left_of, settle
from cct_cloudflare.left_out import NotApplied, told
from cct_cloudflare.limits import MOST_MAX_TOKENS
from cct_cloudflare.named import Named
from cct_cloudflare.pricing import resolve_model
from cct_cloudflare.run import RunPlan, RunRequest, plan_run
from tests.components.trees import agent, command, write_tree

SONNET, OPUS, HAIKU = map(resolve_model, ("sonnet", "opus", "haiku"))
SECRET = "sk-of-somebody"


def package(kind: Kind, name: str, content: Any, **others: bytes) -> Package:
    main = "SKILL.md" if kind is Kind.SKILL else f"{name.rpartition('/')[2]}.json"
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Package(Item(kind, name, "", "test"), {main: data, **others}, main)


def setting(name: str = "a/b", **content: Any) -> Package:
    return package(Kind.SETTING, name, content)


def left(*packages: Package, trust: bool = False) -> dict[str, str]:
    """What is not applied of packages, with the reasons."""
    return {part.what: part.why for part in apply(packages, trust=trust).not_applied}


def test_what_claude_code_alone_does_is_named_part_by_part() -> None:
    found = left(
        setting(
            description="x",
            permissions={"allow": ["Bash(ls)"], "defaultMode": "bypassPermissions"},
            hooks={"Stop": [], "PreToolUse": []},
            statusLine={"type": "command", "command": "x"},
            env={"DISABLE_TELEMETRY": "1", "API_TIMEOUT_MS": "1"},
            fallbackModel=["opus"],
        )
    )
    assert set(found) == {
        "permissions.allow",
        "permissions.defaultMode",
        "hooks.Stop",
        "hooks.PreToolUse",
        "statusLine",
        "env.DISABLE_TELEMETRY",
        "env.API_TIMEOUT_MS",
        "fallbackModel",
    }
    assert all(found.values())


def test_servers_and_files_of_skills_are_named() -> None:
    servers = package(Kind.MCP, "dev/two", {"mcpServers": {"one": {}, "two\x1b[31m": {}}})
    skill = package(
        Kind.SKILL, "x/y", b"---\nallowed-tools: Bash\n---\nDo it.", **{"scripts/a.py": b"", "LICENSE": b""}
    )
    assert list(left(servers)) == ["mcpServers.one", "mcpServers.two\\u001b[31m"]
    assert list(left(skill)) == ["allowed-tools", "LICENSE", "scripts/a.py"]


@pytest.mark.parametrize("kind", [Kind.SETTING, Kind.HOOK, Kind.MCP, Kind.SKILL])
def test_every_bundled_component_means_something_or_is_named(kind: Kind) -> None:
    catalog = bundled_catalog()
    for item in catalog.items(kind):
        applied = apply([catalog.load(item)], trust=False)
        assert applied.instructions or applied.models or applied.not_applied, item.name


def test_a_skill_brings_its_text_and_its_model() -> None:
    applied = apply([package(Kind.SKILL, "x/y", b"---\nmodel: haiku\n---\n\nDo it.\n")], trust=False)
    assert [(text.name, text.body.strip()) for text in applied.instructions] == [("x/y", "Do it.")]
    assert applied.models == (Wish("skill/x/y", "model", HAIKU),)


@pytest.mark.parametrize(
    ("content", "model"),
    [
        ({"model": "opus"}, OPUS),
        ({"env": {"ANTHROPIC_MODEL": "haiku"}}, HAIKU),
        ({"model": "opus", "env": {"ANTHROPIC_MODEL": "haiku"}}, HAIKU),
        ({"env": {"ANTHROPIC_MODEL": "haiku"}, "model": "opus"}, HAIKU),
        ({"model": "inherit"}, None),
        ({"model": "opusplan"}, None),
        ({"model": 5}, None),
    ],
)
def test_a_setting_chooses_the_model(content: dict[str, Any], model: str | None, tmp_path: Path) -> None:
    applied = apply([setting(**content)], trust=False)
    assert settle(applied.models, None, "")[0] == model


def test_a_model_that_is_none_is_named() -> None:
    assert "not known" in left(setting(model="sonet"))["model"]


@pytest.mark.parametrize(
    ("value", "tokens"),
    [("4000", 4000), (4000, 4000), ("0", None), ("x", None), (str(MOST_MAX_TOKENS + 1), None), (None, None)],
)
def test_a_setting_bounds_the_answer(value: Any, tokens: int | None) -> None:
    applied = apply([setting(env={"CLAUDE_CODE_MAX_OUTPUT_TOKENS": value})], trust=False)
    assert settle(applied.max_tokens, None, "")[0] == tokens
    assert bool(applied.not_applied) == (tokens is None)


def test_the_first_wish_counts_and_the_others_are_named() -> None:
    wishes = [Wish("setting/a", "model", OPUS), Wish("setting/b", "model", HAIKU), Wish("setting/c", "model", OPUS)]
    assert settle(wishes, None, "") == (OPUS, (NotApplied("setting/b", "model", f"setting/a chose {OPUS}"),))
    chosen, late = settle(wishes, SONNET, "--model")
    assert chosen == SONNET
    assert [part.component for part in late] == ["setting/a", "setting/b", "setting/c"]
    assert settle([], None, "") == (None, ())


@pytest.mark.parametrize("name", ["ANTHROPIC_BASE_URL", "NODE_OPTIONS", "LD_PRELOAD", "PYTHONPATH", "https_proxy"])
def test_an_address_and_a_loader_are_refused_unless_trusted(name: str) -> None:
    risky = setting(env={name: "http://127.0.0.1:1"})
    with pytest.raises(UnsafeError) as caught:
        apply([risky], trust=False)
    assert (caught.value.code, caught.value.exit_code) == ("unsafe_component", 7)
    assert name in caught.value.message
    applied = apply([risky], trust=True)
    if name == "ANTHROPIC_BASE_URL":
        assert applied.api_url == Wish("setting/a/b", "env.ANTHROPIC_BASE_URL", "http://127.0.0.1:1")
    else:
        assert [part.what for part in applied.not_applied] == [f"env.{name}"]


@pytest.mark.parametrize("name", ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "MY_SECRET", "ANTHROPIC_CUSTOM_HEADERS"])
def test_a_key_is_never_taken_and_never_told(name: str) -> None:
    applied = apply([setting(env={name: SECRET})], trust=True)
    assert "never from a component" in applied.not_applied[0].why
    assert SECRET not in repr(applied)


@pytest.mark.parametrize("value", ["ftp://x", "https://user:pass@x", "x y", None])
def test_an_address_that_is_none_is_refused_even_when_trusted(value: Any) -> None:
    with pytest.raises(UsageError) as caught:
        apply([setting(env={"ANTHROPIC_BASE_URL": value})], trust=True)
    assert caught.value.code == "component_invalid"
    assert "pass" not in caught.value.message


@pytest.mark.parametrize("content", [b"null", b"[]", b"3", b"{", b"\xff", b'{"a": 1, "a": 2}'])
def test_what_is_no_object_is_refused(content: bytes) -> None:
    for kind in (Kind.SETTING, Kind.HOOK, Kind.MCP):
        with pytest.raises(UsageError) as caught:
            apply([package(kind, "a/b", content)], trust=False)
        assert caught.value.code == "component_invalid"


def test_odd_shapes_are_named_and_break_nothing() -> None:
    assert list(left(setting(permissions="all", hooks=3, env=[1], x="\x1b]0;t\x07"))) == ["permissions", "hooks", "x"]
    assert left(package(Kind.MCP, "a/b", {"mcpServers": []})) == {}


def test_parts_with_one_reason_share_a_line() -> None:
    parts = [NotApplied("hook/a", "x", "w"), NotApplied("hook/b", "y", "w"), NotApplied("hook/a", "z", "w")]
    assert told(parts) == ["hook/a: x, z (w)", "hook/b: y (w)"]


def test_what_agents_and_commands_ask_beside_their_text_is_named() -> None:
    asking = {"hooks": {"Stop": []}, "mcpServers": ["x"], "skills": "", "tools": "Read", "model": "opus"}
    components = [agent("x/a", "A.", frontmatter=asking), command("x/c", "C.", frontmatter=asking), agent("b", "B.")]
    assert [(part.component, part.what) for part in left_of(components)] == [
        ("agent/x/a", "hooks"),
        ("agent/x/a", "mcpServers"),
        ("command/x/c", "hooks"),
        ("command/x/c", "model"),
    ]


# In a plan


def planned(tmp_path: Path, **options: Any) -> RunPlan:
    return plan_run(RunRequest("x", tmp_path, **options))


@pytest.fixture
def with_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings are found in the bundled catalog, which this replaces."""
    root = write_tree(
        tmp_path / "catalog",
        {
            "settings/model/small.json": json.dumps(
                {"model": "haiku", "env": {"CLAUDE_CODE_MAX_OUTPUT_TOKENS": "900"}}
            ),
            "settings/model/gateway.json": json.dumps({"env": {"ANTHROPIC_BASE_URL": "https://gateway.example"}}),
            "skills/x/brief/SKILL.md": "Be brief. !`id`",
            "agents/big.md": "---\nmodel: opus\n---\nThink.",
        },
    )
    monkeypatch.setattr("cct_cloudflare.catalog.local.components_dir", lambda: root)
    monkeypatch.setattr("cct_cloudflare.components.sources.components_dir", lambda: root)
    return root


def test_a_setting_yields_to_an_agent_and_both_to_the_option(tmp_path: Path, with_setting: Path) -> None:
    alone = planned(tmp_path, settings=("small",))
    assert (alone.model, alone.execute.max_tokens, alone.not_applied) == (HAIKU, 900, ())
    with_agent = planned(tmp_path, settings=("small",), agents=("big",))
    assert (with_agent.model, with_agent.not_applied[0].why) == (OPUS, f"an agent chose {OPUS}")
    chosen = planned(tmp_path, settings=("small",), agents=("big",), model="sonnet", max_tokens=5000)
    assert (chosen.execute.model, chosen.execute.max_tokens) == (SONNET, 5000)
    assert [part.why for part in chosen.not_applied] == [f"--model chose {SONNET}", "--max-tokens chose 5000"]
    assert alone.with_model(OPUS).model == HAIKU, "the project's default comes last"


def test_a_skill_joins_the_system_text(tmp_path: Path, with_setting: Path) -> None:
    plan = planned(tmp_path, skills=("brief",), agents=("big",))
    system = plan.execute.system or ""
    assert system.index("Think.") < system.index("Use these skills") < system.index("Be brief.")
    assert planned(tmp_path, skills=("x/brief",)).execute.system == (
        "Use these skills where they fit the task. Files and scripts that they name are not there.\n\n"
        '<skill name="x/brief">\nBe brief. !`id`\n</skill>'
    )
    assert any("shell lines are never run" in warning for warning in plan.merged.warnings)


def test_every_component_is_listed_and_comes_once(tmp_path: Path, with_setting: Path) -> None:
    body = planned(tmp_path, skills=("brief", "x/brief"), agents=("big",), settings=("small",)).to_json()
    assert [(part["kind"], part["name"]) for part in body["components"]] == [
        ("agent", "big"),
        ("skill", "x/brief"),
        ("setting", "model/small"),
    ]


def test_the_projects_own_skill_shadows_the_bundled_one(tmp_path: Path, with_setting: Path) -> None:
    write_tree(tmp_path, {".claude/skills/brief/SKILL.md": "Be long."})
    [found] = Named(tmp_path).packages([(Kind.SKILL, "brief")])
    assert found.item.source == "project"


def test_what_is_not_there_is_told_like_any_component(tmp_path: Path, with_setting: Path) -> None:
    with pytest.raises(UsageError) as caught:
        planned(tmp_path, hooks=("small",))
    assert caught.value.code == "component_not_found"
    assert "--setting small" in caught.value.hint
    with pytest.raises(UsageError) as caught:
        planned(tmp_path, mcps=("../x",))
    assert caught.value.code == "component_invalid"


def test_every_name_is_judged_before_anything_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> object:
        raise AssertionError("it was looked for")

    monkeypatch.setattr("cct_cloudflare.run.Named", never)
    for options in ({"agents": ("a", "../b")}, {"agents": ("a",), "mcps": ("b\\c",)}, {"skills": ("%2e%2e/x",)}):
        with pytest.raises(UsageError) as caught:
            planned(tmp_path, **options)
        assert caught.value.code == "component_invalid"


def test_an_address_that_a_place_does_not_use_is_named(tmp_path: Path, with_setting: Path) -> None:
    plan = planned(tmp_path, settings=("gateway",), trust=True)
    assert plan.api_url is not None
    elsewhere = plan.without_api_url("a Worker decides")
    assert elsewhere.api_url is None
    assert elsewhere.not_applied == (NotApplied("setting/model/gateway", "env.ANTHROPIC_BASE_URL", "a Worker decides"),)
