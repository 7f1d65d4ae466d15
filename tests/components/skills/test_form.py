"""What every bundled skill promises, and that what it says of its files and scripts is so."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cct_cloudflare.components.frontmatter import parse
from cct_cloudflare.components.names import name_problem
from cct_cloudflare.resources import components_dir, templates_dir
from tests.components.readme import rows
from tests.components.skills.script import SKILLS
from tests.runtime import ROOT

FOLDERS = sorted(path.parent for path in SKILLS.rglob("SKILL.md"))
SCRIPTS = sorted(SKILLS.rglob("*.py"))
TEXTS = sorted(SKILLS.rglob("*.md"))
# What Claude Code 2.1.330 has by itself, read from its init event.
TAKEN = set(
    re.findall(
        r"\S+",
        """
        agents auto-mode-setup autocompact batch claude-api clear code-review color compact config context
        dataviz debug deep-research doctor effort fast fewer-permission-prompts focus goal heapdump init
        insights list-agents loop mcp model output-style plugin-authoring recap reload-plugins reload-skills
        rename run run-skill-generator security-review simplify team-onboarding update-config usage verify
        workflow-authoring
        """,
    )
)


def label(path: Path) -> str:
    return path.relative_to(SKILLS).as_posix()


def leaves(kind: str) -> set[str]:
    return {path.stem for path in (components_dir() / kind).rglob("*.md")}


def test_the_readme_lists_exactly_the_skills() -> None:
    assert sorted(name for name, *_ in rows("Skills")) == [label(folder) for folder in FOLDERS]
    assert len(FOLDERS) >= 6
    assert "testing/playwright" in map(label, FOLDERS)


def test_names_collide_neither_with_each_other_nor_with_claude_code() -> None:
    skills = [folder.name for folder in FOLDERS]
    assert len(set(skills)) == len(skills)
    assert not set(skills) & leaves("commands")
    assert not (set(skills) | leaves("commands")) & TAKEN
    assert not leaves("agents") & {"claude", "Explore", "general-purpose", "Plan", "statusline-setup"}


@pytest.mark.parametrize("folder", FOLDERS, ids=label)
def test_a_skill_is_well_made(folder: Path) -> None:
    text = (folder / "SKILL.md").read_text(encoding="utf-8")
    document = parse(text)
    assert document.warnings == () and set(document.metadata) == {"name", "description"}
    assert document.metadata["name"] == folder.name
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", folder.name) and len(folder.name) <= 64
    assert 80 <= len(document.metadata["description"]) <= 400
    assert "Use " in document.metadata["description"]
    assert "<" not in document.metadata["description"]
    assert len(document.body.splitlines()) <= 100 and len(document.body) <= 7_000
    assert text.replace("\n", "").isprintable()


@pytest.mark.parametrize("folder", FOLDERS, ids=label)
def test_each_file_is_named_by_the_skill_and_each_name_is_a_file(folder: Path) -> None:
    text = (folder / "SKILL.md").read_text(encoding="utf-8")
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    files = {name for name in files if "__pycache__" not in name} - {"SKILL.md"}
    assert all(name_problem(name) is None for name in files)
    linked = set(re.findall(r"\]\((references/[^)]+)\)", text))
    started = {f"scripts/{name}" for name in re.findall(r"\$\{CLAUDE_SKILL_DIR\}/scripts/([\w-]+\.py)", text)}
    assert linked | started == files


@pytest.mark.parametrize("script", SCRIPTS, ids=label)
def test_a_script_needs_only_python_3_9_and_its_standard_library(script: Path) -> None:
    tree = ast.parse(script.read_text(encoding="utf-8"), feature_version=(3, 9))
    imported = {
        alias.name.partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    } | {node.module.partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    assert imported <= sys.stdlib_module_names
    assert not imported & {"socket", "urllib", "http", "ssl", "pickle", "ctypes"}
    assert "from __future__ import annotations" in script.read_text(encoding="utf-8")


@pytest.mark.parametrize("script", SCRIPTS, ids=label)
def test_the_skill_and_the_help_name_the_same_options(script: Path, tmp_path: Path) -> None:
    shown = subprocess.run([sys.executable, script, "--help"], cwd=tmp_path, capture_output=True, text=True, check=True)
    known = set(re.findall(r"--[a-z-]+", shown.stdout)) | {"--"}
    skill = (script.parent.parent / "SKILL.md").read_text(encoding="utf-8")
    used = set()
    for line in skill.splitlines():
        if script.name in line:
            # What follows `--` belongs to the command that the script starts.
            used |= set(re.findall(r"(?<!\S)--[a-z-]*", re.split(r"\s--\s", line.split(script.name, 1)[1])[0]))
    assert used <= known
    documented = set(re.findall(r"^\| `(--[a-z-]+)", skill, re.MULTILINE))
    assert documented <= known
    assert known - {"--", "--help"} <= set(re.findall(r"--[a-z-]+", skill)), "an option that the skill keeps to itself"


@pytest.mark.parametrize("text", TEXTS, ids=label)
def test_no_text_runs_a_shell_by_itself_or_pipes_a_download(text: Path) -> None:
    content = text.read_text(encoding="utf-8")
    assert not re.search(r"(?<!\S)!`|^\s*(```|~~~)!", content, re.MULTILINE)
    assert not re.search(r"\b(curl|wget)\b[^`\n]*\|", content)
    hosts = set(re.findall(r"https?://([^/\s\"'`)>]+)", content))
    assert hosts <= {"example.com", "127.0.0.1:4173", "test"}


@pytest.mark.parametrize("text", TEXTS, ids=label)
def test_what_a_text_shows_can_be_parsed(text: Path) -> None:
    for language, code in re.findall(
        r"^```(\w+)\n(.*?)^```$", text.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    ):
        if language == "jsonc":
            json.loads(code)
        elif language == "sh":
            subprocess.run(["bash", "-n"], input=code, text=True, check=True)
        else:
            assert language in {"ts", "markdown"}


def test_the_configuration_that_the_workers_skill_shows_has_keys_that_wrangler_knows() -> None:
    places = (ROOT / ".work/worker/.claude/sandbox/cloudflare", templates_dir() / "cloudflare")
    schemas = [place / "node_modules" / "wrangler" / "config-schema.json" for place in places]
    schema = next((schema for schema in schemas if schema.is_file()), None)
    if schema is None:
        pytest.skip("wrangler is not installed here")
    known = json.loads(schema.read_text(encoding="utf-8"))["definitions"]["RawConfig"]["properties"]
    text = (SKILLS / "cloudflare" / "workers" / "SKILL.md").read_text(encoding="utf-8")
    shown = json.loads(re.findall(r"^```jsonc\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[0])
    assert set(shown) <= set(known)
