"""The layout of a Claude Code plugin marketplace."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cct_cloudflare.components.package import Catalog
from cct_cloudflare.errors import WorkerError
from cct_cloudflare.registries import RegistryCatalog, catalog_of, github
from cct_cloudflare.registries.github import Hosts
from tests.registries.servers import Site, agent, github_files

COMMIT = "2" * 40
HOOKS = {"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "echo done"}]}]}}


def tree(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data if isinstance(data, bytes) else data.encode())
    return folder


def marketplace(*plugins: Any, **more: Any) -> str:
    return json.dumps({"name": "m", "owner": {"name": "o"}, "plugins": plugins, **more})


def opened(folder: Path) -> RegistryCatalog:
    catalog = catalog_of(str(folder))
    assert isinstance(catalog, RegistryCatalog)
    return catalog


def refs(catalog: Catalog) -> list[str]:
    return [item.ref for item in catalog.items()]


def test_a_plugin_with_everything(tmp_path: Path) -> None:
    catalog = opened(
        tree(
            tmp_path,
            {
                ".claude-plugin/marketplace.json": marketplace(
                    {"name": "tools", "source": "./plugins/tools", "description": "Many tools."}
                ),
                "plugins/tools/.claude-plugin/plugin.json": '{"name": "other-name", "version": "1"}',
                "plugins/tools/README.md": "about",
                "plugins/tools/agents/x.md": agent("x", "An x."),
                "plugins/tools/agents/deep/y.md": agent("y"),
                "plugins/tools/agents/README.md": "about agents",
                "plugins/tools/commands/go.md": "# Go\n",
                "plugins/tools/skills/one/SKILL.md": agent("one"),
                "plugins/tools/skills/one/a/b.txt": "b",
                "plugins/tools/hooks/hooks.json": json.dumps(HOOKS),
                "plugins/tools/.mcp.json": '{"mcpServers": {"db": {"command": "db"}, "web": {"url": "https://x"}}}',
                "agents/decoy.md": agent("decoy"),
            },
        )
    )
    assert refs(catalog) == [
        "agent/tools/deep/y",
        "agent/tools/x",
        "command/tools/go",
        "hook/tools/tools",
        "mcp/tools/db",
        "mcp/tools/web",
        "skill/tools/one",
    ]
    by_ref = {item.ref: catalog.load(item) for item in catalog.items()}
    assert by_ref["agent/tools/x"].files == {"x.md": agent("x", "An x.").encode()}
    assert set(by_ref["skill/tools/one"].files) == {"SKILL.md", "a/b.txt"}
    hook = by_ref["hook/tools/tools"]
    assert (hook.main, list(hook.files)) == ("tools.json", ["tools.json"])
    assert json.loads(hook.files["tools.json"]) == {"description": "Many tools.", **HOOKS}
    assert json.loads(by_ref["mcp/tools/db"].files["db.json"])["mcpServers"] == {"db": {"command": "db"}}
    assert by_ref["mcp/tools/db"].item.description == "Many tools."
    assert catalog.listing.left_out == ()


def test_a_marketplace_entry_may_say_alone_what_a_plugin_is(tmp_path: Path) -> None:
    """As several plugins of one folder do, each with some of its skills."""
    files = {f"skills/{name}/SKILL.md": agent(name) for name in ("pdf", "docx", "art")}
    one = {"name": "documents", "source": "./", "strict": False, "skills": ["./skills/pdf", "./skills/docx/"]}
    two = {"name": "arts", "source": "./", "strict": False, "skills": ["./skills/art"]}
    catalog = opened(tree(tmp_path, {".claude-plugin/marketplace.json": marketplace(one, two), **files}))
    assert refs(catalog) == ["skill/arts/art", "skill/documents/docx", "skill/documents/pdf"]
    assert list(catalog.load(catalog.items()[0]).files) == ["SKILL.md"]


def test_paths_hooks_and_servers_that_a_manifest_gives_itself(tmp_path: Path) -> None:
    manifest = {
        "name": "p",
        "commands": ["./extra/one.md", "./more"],
        "agents": "./extra/agent.md",
        "hooks": HOOKS["hooks"],
        "mcpServers": "./servers.json",
    }
    catalog = opened(
        tree(
            tmp_path,
            {
                ".claude-plugin/plugin.json": json.dumps(manifest),
                "extra/one.md": "one",
                "extra/agent.md": agent("agent"),
                "extra/not.md": "not",
                "more/a/two.md": "two",
                "commands/three.md": "three",
                "servers.json": '{"flat": {"command": "flat"}}',
            },
        )
    )
    assert refs(catalog) == [
        "agent/p/agent",
        "command/p/a/two",
        "command/p/one",
        "command/p/three",
        "hook/p/p",
        "mcp/p/flat",
    ]
    assert json.loads(catalog.load(catalog.items()[4]).files["p.json"]) == HOOKS


def test_what_needs_its_plugin_is_left_out_and_named(tmp_path: Path) -> None:
    files = {
        ".claude-plugin/plugin.json": '{"name": "p"}',
        "hooks/hooks.json": json.dumps(HOOKS).replace("echo done", "bash ${CLAUDE_PLUGIN_ROOT}/x.sh"),
        ".mcp.json": '{"a": {"command": "${CLAUDE_PLUGIN_ROOT}/a"}, "b": {"command": "b"}}',
        "commands/run.md": "Run ${CLAUDE_PLUGIN_ROOT}/run.sh",
        "commands/fine.md": "Fine.",
        "skills/about/SKILL.md": agent("about", body="Plugins know ${CLAUDE_PLUGIN_ROOT}."),
    }
    catalog = opened(tree(tmp_path, files))
    assert refs(catalog) == ["command/p/fine", "mcp/p/b", "skill/p/about"]
    told = " ".join(catalog.listing.left_out)
    assert "hook p/p" in told
    assert "mcp p/a" in told
    assert "command p/run" in told


def test_plugins_that_lie_elsewhere_are_named_and_never_asked_for(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(github, "HOSTS", Hosts(f"{site.url}/api", f"{site.url}/raw"))
    sources: list[Any] = [
        {"source": "github", "repo": "other/plugin"},
        {"source": "url", "url": f"{site.url}/elsewhere.git"},
        {"source": "git-subdir", "url": "https://github.com/other/x.git", "path": "p"},
        {"source": "github", "repo": "owner/repo", "ref": "old"},
        {"source": "npm", "package": "x"},
        "../outside",
        "./a/../../outside",
        "/etc",
        "C:\\x",
        7,
        None,
    ]
    plugins = [{"name": f"p{number}", "source": source} for number, source in enumerate(sources)]
    plugins += [
        {"name": "own", "source": {"source": "github", "repo": "Owner/Repo"}},
        {"name": "here", "source": "./h"},
    ]
    files = {
        ".claude-plugin/marketplace.json": marketplace(*plugins).encode(),
        "agents/x.md": agent("x").encode(),
        "h/agents/y.md": agent("y").encode(),
    }
    site.files = github_files("owner/repo", COMMIT, files)
    catalog = catalog_of("github:owner/repo")
    assert isinstance(catalog, RegistryCatalog)
    assert refs(catalog) == ["agent/here/y", "agent/own/x"]
    assert len(catalog.listing.left_out) == len(sources)
    assert "other/plugin" in catalog.listing.left_out[0]
    assert all(path.startswith(("api/repos/owner/repo/", "raw/owner/repo/")) for path in site.asked)


def test_a_root_for_plugins_that_give_only_a_name(tmp_path: Path) -> None:
    text = marketplace({"name": "p", "source": "p"}, metadata={"pluginRoot": "./plugins"})
    files = {".claude-plugin/marketplace.json": text, "plugins/p/agents/x.md": agent("x")}
    assert refs(opened(tree(tmp_path, files))) == ["agent/p/x"]


def test_on_a_web_site_what_is_named_with_its_file(site: Site) -> None:
    plugin = {
        "name": "p",
        "source": "./p",
        "agents": ["./agents/x.md", "./agents/gone.md"],
        "skills": ["./skills/s"],
        "commands": "./commands",
    }
    site.files = {
        ".claude-plugin/marketplace.json": marketplace(plugin).encode(),
        "p/agents/x.md": agent("x", "An x.").encode(),
        "p/skills/s/SKILL.md": agent("s").encode(),
        "p/commands/unknown.md": b"cannot be listed",
        "p/hooks/hooks.json": json.dumps(HOOKS).encode(),
        "p/.mcp.json": b'{"mcpServers": {"db": {"command": "db"}}}',
    }
    catalog = catalog_of(site.url)
    assert isinstance(catalog, RegistryCatalog)
    assert refs(catalog) == ["agent/p/x", "hook/p/p", "mcp/p/db", "skill/p/s"]
    assert catalog.listing.left_out == ("Folders of the plugin p: a site cannot be listed, its git repository can.",)
    assert catalog.items()[0].description == "An x."
    assert catalog.load(catalog.items()[0]).files == {"x.md": agent("x", "An x.").encode()}
    assert refs(catalog_of(f"{site.url}/.claude-plugin/marketplace.json")) == refs(catalog)


@pytest.mark.parametrize(
    "text",
    ["", "null", "[]", "7", '"x"', "{", "{}", '{"plugins": null}', '{"plugins": {"a": 1}}', "[" * 100_000],
)
def test_a_marketplace_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    """Hostile inputs, Components: JSON null, array, scalar where an object belongs → refused."""
    catalog = opened(tree(tmp_path, {".claude-plugin/marketplace.json": text, "agents/x.md": agent("x")}))
    with pytest.raises(WorkerError) as caught:
        catalog.items()
    assert caught.value.code == "registry_invalid"


@pytest.mark.parametrize(
    "plugin",
    [None, 7, [], {}, {"name": None}, {"name": "../x", "source": "./"}, {"name": "a/b", "source": "./"}, {"name": ""}],
)
def test_plugins_of_another_shape_are_left_out(tmp_path: Path, plugin: object) -> None:
    text = marketplace(plugin, {"name": "p", "source": "./"})
    assert refs(opened(tree(tmp_path, {".claude-plugin/marketplace.json": text, "agents/x.md": agent("x")}))) == [
        "agent/p/x"
    ]


@pytest.mark.parametrize("value", [None, 7, "x", [1], ["../../etc"], {"a": 1}, {"a": {"source": 7}}, [None, {}]])
@pytest.mark.parametrize("key", ["agents", "commands", "skills", "hooks", "mcpServers"])
def test_fields_of_another_shape_do_no_harm(tmp_path: Path, key: str, value: object) -> None:
    text = marketplace({"name": "p", "source": "./", key: value})
    catalog = opened(tree(tmp_path, {".claude-plugin/marketplace.json": text, "agents/x.md": agent("x")}))
    assert "agent/p/x" in refs(catalog)
    for item in catalog.items():
        catalog.load(item)


def test_a_marketplace_wins_over_folders_at_its_top_and_a_components_repository_over_both(tmp_path: Path) -> None:
    text = marketplace({"name": "p", "source": "./p"})
    files = {
        ".claude-plugin/marketplace.json": text,
        "p/agents/x.md": agent("x"),
        "agents/y.md": agent("y"),
    }
    assert refs(opened(tree(tmp_path, files))) == ["agent/p/x"]
    tree(tmp_path, {"components/agents/z.md": agent("z")})
    assert refs(catalog_of(str(tmp_path))) == ["agent/z"]


def test_links_of_a_folder_end_and_do_not_lead_out(tmp_path: Path) -> None:
    outside = tree(tmp_path / "outside", {"agents/secret.md": agent("secret")})
    market = tree(
        tmp_path / "market",
        {".claude-plugin/marketplace.json": marketplace({"name": "p", "source": "./p"}), "p/agents/x.md": agent("x")},
    )
    (market / "p" / "agents" / "loop").symlink_to(market / "p")
    (market / "p" / "agents" / "out").symlink_to(outside / "agents")
    (market / "p" / "agents" / "secret.md").symlink_to(outside / "agents" / "secret.md")
    found = refs(opened(market))
    assert "agent/p/x" in found
    assert not any("secret" in ref for ref in found)
    assert len(found) < 5
