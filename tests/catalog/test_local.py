"""A folder as a catalog: what is listed, and what is loaded."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from cct_cloudflare.catalog import DirectoryCatalog, bundled_catalog, packing, project_catalog
from cct_cloudflare.components.model import Kind
from cct_cloudflare.components.package import Item
from cct_cloudflare.errors import Exit, UsageError
from cct_cloudflare.resources import components_dir
from tests.catalog.trees import AGENT, agents, catalog
from tests.components.trees import write_tree

SKILL = "---\nname: {0}\ndescription: knows {0}\nallowed-tools: Read\n---\n# {0}\n"
HOOK = {"description": "d", "hooks": {"Stop": [{"hooks": [{"type": "command", "command": "x"}]}]}}


def refs(found: DirectoryCatalog, kind: Kind | None = None) -> list[str]:
    return [item.ref for item in found.items(kind)]


def refused(found: DirectoryCatalog, kind: Kind, name: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        found.load(Item(kind, name, "", found.label))
    assert caught.value.exit_code == Exit.USAGE
    return caught.value


def test_every_kind_is_listed_by_its_category_and_leaf(tmp_path: Path) -> None:
    found = catalog(
        tmp_path,
        {
            "skills/b/deep/er/SKILL.md": SKILL.format("er"),
            "skills/flat/SKILL.md": SKILL.format("other-name"),
            "mcps/a/m.json": '{"mcpServers": {"m": {"description": "the server\'s own words", "command": "x"}}}',
            "hooks/a/h.json": '{"hooks": {"Stop": [], "PreToolUse": []}}',
            "settings/s.json": '{"env": {"A": "1"}, "model": "sonnet"}',
            "commands/a/b/c.md": "# Do it\n",
            **agents("x/y"),
        },
    )
    assert [(item.ref, item.description) for item in found.items()] == [
        ("agent/x/y", "about y"),
        ("command/a/b/c", "Do it"),
        ("setting/s", "Sets env, model"),
        ("hook/a/h", "Runs on Stop, PreToolUse"),
        ("mcp/a/m", "the server's own words"),
        ("skill/b/deep/er", "knows er"),
        ("skill/flat", "knows other-name"),
    ]
    agent, *_, nested, flat = found.items()
    assert (agent.category, agent.leaf, agent.tools, agent.title) == ("x", "y", ("Read", "Grep"), "")
    assert (nested.category, nested.title, nested.tools) == ("b/deep", "", ("Read",))
    assert (flat.category, flat.title, flat.source) == ("", "other-name", "test")
    assert refs(found, Kind.SKILL) == ["skill/b/deep/er", "skill/flat"]


def test_what_is_no_component_is_left_out(tmp_path: Path) -> None:
    found = catalog(
        tmp_path,
        {
            "agents/README.md": "about the folder",
            "agents/readme.md": AGENT.format("readme"),
            "agents/.hidden.md": "x",
            "agents/node_modules/x/a.md": "x",
            "agents/__pycache__/a.md": "x",
            "agents/notes.txt": "x",
            "agents/odd\x1b.md": "x",
            "hooks/a/h.json": json.dumps(HOOK),
            "hooks/a/h.py": "",
            "skills/SKILL.md": "belongs to no folder of its own",
            "skills/a/b/notes.md": "x",
            "skills/a/s/SKILL.md": "x",
            "skills/a/s/inner/SKILL.md": "part of a/s",
            "index.json": "{}",
        },
    )
    assert refs(found) == ["agent/readme", "hook/a/h", "skill/a/s"]


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("mcps/m.json", b"null", "it is not a JSON object"),
        ("mcps/m.json", b"[1]", "it is not a JSON object"),
        ("settings/m.json", b'"text"', "it is not a JSON object"),
        ("hooks/m.json", b"{", "it is not a JSON object"),
        ("agents/m.md", b"\xff\xfe", "it is not UTF-8 text"),
        ("agents/m.md", b"x" * (256 * 1024 + 1), "it is larger than 256 KiB"),
        ("skills/m/SKILL.md", b"a\0", "it is not text"),
    ],
)
def test_what_cannot_be_used_is_listed_and_says_so(file: str, content: bytes, said: str, tmp_path: Path) -> None:
    (item,) = catalog(tmp_path, {file: content}).items()
    assert item.description == f"Cannot be used: {said}."


def test_json_with_comments_is_described(tmp_path: Path) -> None:
    (item,) = catalog(tmp_path, {"settings/s.json": '{"description": "d", /* c */ "model": "x",}'}).items()
    assert item.description == "d"


def test_nothing_that_is_listed_can_steer_a_terminal(tmp_path: Path) -> None:
    text = '---\nname: "\\e[31mred"\ndescription: "a\\e]0;t\\a \\u202Eevil"\ntools: "Read\\e[2J"\n---\n'
    found = catalog(tmp_path, {"agents/a.md": text, "mcps/m.json": '{"description": "\\u001b[2J\\u202ex"}'}, "l\x1b")
    for item in found.items():
        for shown in (item.description, item.title, item.source, *item.tools):
            assert shown.isprintable()
    assert [item.description for item in found.items()] == ["a\\u001b]0;t\\u0007 \\u202eevil", "\\u001b[2J\\u202ex"]


def test_a_description_is_bounded(tmp_path: Path) -> None:
    text = "---\ndescription: " + "\u202eé" * 20_000 + "\n---\n"
    (item,) = catalog(tmp_path, {"agents/a.md": text}).items()
    assert len(item.description) <= 1024


def test_a_package_has_every_file_as_it_is(tmp_path: Path) -> None:
    binary = bytes(range(256)) * 40
    files: dict[str, str | bytes] = {
        "skills/c/s/SKILL.md": b"\xef\xbb\xbf# S\r\n",
        "skills/c/s/assets/logo@2x.png": binary,
        "skills/c/s/scripts/run.sh": "#!/bin/sh\n",
        "skills/c/s/.hidden": "x",
        "skills/c/s/__pycache__/a.pyc": "x",
        "skills/c/s/node_modules/a/b.js": "x",
    }
    found = catalog(tmp_path, files)
    (tmp_path / "skills/c/s/scripts/run.sh").chmod(0o755)
    package = found.load(found.items(Kind.SKILL)[0])
    assert dict(package.files) == {
        "SKILL.md": b"\xef\xbb\xbf# S\r\n",
        "assets/logo@2x.png": binary,
        "scripts/run.sh": b"#!/bin/sh\n",
    }
    assert (package.main, package.revision) == ("SKILL.md", None)
    assert package.executable == {"scripts/run.sh"}
    assert hashlib.sha256(package.files["assets/logo@2x.png"]).digest() == hashlib.sha256(binary).digest()


def test_a_hook_or_setting_brings_what_lies_beside_it_under_its_name(tmp_path: Path) -> None:
    beside = {f"hooks/a/h.{suffix}": suffix for suffix in ("py", "sh", "js", "mjs", "ts", "txt", "md")}
    found = catalog(
        tmp_path,
        {
            **beside,
            "hooks/a/h.json": "{}",
            "hooks/a/h2.py": "",
            "settings/s.v1.json": "{}",
            "settings/s.v1.py": "",
            "settings/s.py": "",
            "mcps/m.json": "{}",
            "mcps/m.py": "",
        },
    )
    assert [sorted(found.load(item).files) for item in found.items()] == [
        ["s.v1.json", "s.v1.py"],
        ["h.js", "h.json", "h.mjs", "h.py", "h.sh", "h.ts"],
        ["m.json"],
    ]


@pytest.mark.parametrize(
    ("files", "kind", "said"),
    [
        ({"agents/x.md": b"x" * (256 * 1024 + 1)}, Kind.AGENT, "larger than 256 KiB"),
        ({"agents/x.md": b"\xff\xfe"}, Kind.AGENT, "not UTF-8"),
        ({"mcps/x.json": b"{" * (256 * 1024 + 1)}, Kind.MCP, "larger than 256 KiB"),
        ({"skills/x/SKILL.md": b"a\0b"}, Kind.SKILL, "not text"),
        ({"skills/x/SKILL.md": "", "skills/x/a:b": ""}, Kind.SKILL, "no name for a file"),
        ({"skills/x/SKILL.md": "", "skills/x/con.txt": ""}, Kind.SKILL, "no name for a file"),
        ({"skills/x/SKILL.md": "", "skills/x/a\u202e": ""}, Kind.SKILL, "no name for a file"),
    ],
)
def test_what_is_too_large_or_no_text_is_not_loaded(
    files: dict[str, str | bytes], kind: Kind, said: str, tmp_path: Path
) -> None:
    error = refused(catalog(tmp_path, files), kind, "x")
    assert error.code == "component_invalid"
    assert said in error.message and error.message.isprintable()


def test_a_package_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = catalog(tmp_path, {"skills/x/SKILL.md": "x" * 10, **{f"skills/x/{n}": "y" * 10 for n in range(9)}})
    monkeypatch.setattr(packing, "MAX_PACKAGE_BYTES", 100)
    monkeypatch.setattr(packing, "MAX_PACKAGE_FILES", 10)
    assert len(found.load(found.items()[0]).files) == 10
    monkeypatch.setattr(packing, "MAX_PACKAGE_BYTES", 99)
    assert refused(found, Kind.SKILL, "x").code == "component_invalid"
    monkeypatch.setattr(packing, "MAX_PACKAGE_BYTES", 100)
    monkeypatch.setattr(packing, "MAX_PACKAGE_FILES", 9)
    assert refused(found, Kind.SKILL, "x").code == "component_invalid"


def test_a_file_of_50_megabytes_is_not_read_to_its_end(tmp_path: Path) -> None:
    found = catalog(tmp_path, {"skills/x/SKILL.md": ""})
    with (tmp_path / "skills/x/large.bin").open("wb") as file:
        file.truncate(50 * 1024 * 1024)
    assert "larger than 20 MiB" in refused(found, Kind.SKILL, "x").message


@pytest.mark.parametrize("link", ["skills/x/scripts/out.py", "skills/x/folder", "skills/x/SKILL.md"])
def test_a_package_with_a_link_that_leads_out_is_refused(link: str, tmp_path: Path) -> None:
    outside = write_tree(tmp_path / "outside", {"secret": "s", "folder/secret": "s"})
    found = catalog(tmp_path / "inside", {"skills/x/SKILL.md": "", "skills/x/scripts/a.py": ""})
    place = tmp_path / "inside" / link
    place.unlink(missing_ok=True)
    place.symlink_to(outside / ("folder" if link.endswith("folder") else "secret"))
    assert refused(found, Kind.SKILL, "x").code in ("component_invalid", "component_not_found")


def test_a_side_file_that_is_a_link_to_elsewhere_is_refused(tmp_path: Path) -> None:
    write_tree(tmp_path / "outside", {"secret": "s"})
    found = catalog(tmp_path / "inside", {"hooks/h.json": "{}"})
    (tmp_path / "inside/hooks/h.py").symlink_to(tmp_path / "outside/secret")
    assert "leads out of the catalog" in refused(found, Kind.HOOK, "h").message


def test_a_link_into_a_git_directory_is_not_followed(tmp_path: Path) -> None:
    found = catalog(tmp_path, {".git/config": "[remote] token", "skills/x/SKILL.md": "", **agents("a")})
    (tmp_path / "agents/b.md").symlink_to(tmp_path / ".git/config")
    (tmp_path / "skills/x/c").symlink_to(tmp_path / ".git")
    assert refs(found, Kind.AGENT) == ["agent/a"]
    assert refused(found, Kind.SKILL, "x").code == "component_invalid"


def test_links_that_stay_inside_are_followed_and_end(tmp_path: Path) -> None:
    found = catalog(tmp_path, {"skills/x/SKILL.md": "s", "shared/text.md": "t", **agents("a")})
    (tmp_path / "skills/x/text.md").symlink_to(tmp_path / "shared/text.md")
    (tmp_path / "agents/loop").symlink_to(tmp_path / "agents")
    assert found.load(found.items(Kind.SKILL)[0]).files == {"SKILL.md": b"s", "text.md": b"t"}
    assert refs(found, Kind.AGENT) == ["agent/a"]
    (tmp_path / "skills/x/again").symlink_to(tmp_path / "skills/x")
    assert "contains itself" in refused(found, Kind.SKILL, "x").message


def test_a_pipe_is_refused_and_does_not_block(tmp_path: Path) -> None:
    found = catalog(tmp_path, {"skills/x/SKILL.md": ""})
    os.mkfifo(tmp_path / "skills/x/pipe")
    assert "not a regular file" in refused(found, Kind.SKILL, "x").message
    os.mkfifo(tmp_path / "skills/x/pipe.md")
    os.mkfifo(tmp_path / "agents.md")
    (tmp_path / "agents").mkdir()
    os.mkfifo(tmp_path / "agents/p.md")
    (item,) = found.items(Kind.AGENT)
    assert item.description == "Cannot be used: it is not a regular file."


@pytest.mark.parametrize("name", ["gone", "../agents/a", "/etc/passwd", "a/../a", "README"])
def test_what_is_not_there_or_no_name_is_not_loaded(name: str, tmp_path: Path) -> None:
    found = catalog(tmp_path, {"agents/README.md": "x", **agents("a")})
    assert refused(found, Kind.AGENT, name).code == "component_not_found"


def test_an_empty_folder_and_one_that_is_not_there_have_nothing(tmp_path: Path) -> None:
    assert DirectoryCatalog("x", tmp_path, tmp_path).items() == []
    assert DirectoryCatalog("x", tmp_path / "gone", tmp_path).items() == []


def test_a_project_has_agents_commands_and_skills_of_its_own(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {
            **{f".claude/{path}": text for path, text in agents("mine").items()},
            ".claude/hooks/h.json": json.dumps(HOOK),
            ".claude/settings/s.json": "{}",
            ".claude/skills/s/SKILL.md": "x",
        },
    )
    found = project_catalog(tmp_path)
    assert refs(found) == ["agent/mine", "skill/s"]
    assert {item.source for item in found.items()} == {"project"}
    assert refused(found, Kind.HOOK, "h").code == "component_not_found"


def test_every_bundled_component_is_loaded_with_its_files() -> None:
    found = bundled_catalog()
    packed = {item.ref: found.load(item) for item in found.items()}
    assert len(packed) >= 24 + 16 + 10 + 10 + 8 + 6
    assert set(packed["hook/git/guard-main"].files) == {"guard-main.json", "guard-main.py"}
    assert set(packed["skill/git/bisect"].files) == {"SKILL.md", "scripts/verdict.py"}
    there = sum(path.is_file() for kind in Kind for path in (components_dir() / kind.folder).rglob("[!_.]*"))
    litter = sum(path.is_file() for path in components_dir().rglob("__pycache__/*"))
    assert sum(len(package.files) for package in packed.values()) == there - litter
