"""What holds for every choice of components and every order: a project with a rich `.claude/` gets it all back."""

from __future__ import annotations

import json
import random
import shutil
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from cct_cloudflare.components.package import Package
from cct_cloudflare.install.lockfile import read_lock
from cct_cloudflare.install.plan import Status
from cct_cloudflare.merging import jsonc
from cct_cloudflare.merging.model import Decision
from tests.install.trees import add, bundled, package, remove, tree, write_tree

#: The same examples in every run, and no clock.
laws = settings(max_examples=25, deadline=None, derandomize=True, database=None)

SETTINGS = """\
{
  // what this team agreed on
  "$schema": "https://json.schemastore.org/claude-code-settings.json",
  "permissions": {
    "allow": ["Bash(npm test)", "Bash(ls)"], /* more may come */
    "deny": [
      "Read(./.env)", // mine
    ],
  },
  "env": {"TEAM": "1"},
  "hooks": {
    "PreToolUse": [
      {"matcher": "Bash|Monitor", "hooks": [{"type": "command", "command": "./own.sh"}]},
    ]
  },
}
"""
RICH: dict[str, str | bytes] = {
    ".claude/settings.json": SETTINGS,
    ".claude/settings.local.json": SETTINGS.replace("\n", "\r\n").encode(),
    ".mcp.json": '\ufeff{"mcpServers":{"mine":{"command":"x","args":[]},"linear":{"type":"http","url":"https://mine.example"}}}',
    ".claude/agents/own.md": "---\nname: own\n---\nMine.\r\n",
    ".claude/commands/deep/own.md": "Mine.\n",
    ".claude/commands/OWN.md": "Mine, too.\n",
    ".claude/hooks/own.sh": "#!/bin/sh\nexit 0\n",
    ".claude/skills/own/SKILL.md": "Mine.\n",
    ".claude/sandbox/cloudflare/wrangler.toml": "name = 'x'\n",
    "src/main.py": "print()\n",
}


def rich(root: Path) -> Path:
    write_tree(root, RICH)
    (root / ".claude/scripts").mkdir()  # empty, and the user's
    (root / ".claude/settings.json").chmod(0o600)
    (root / ".claude/hooks/own.sh").chmod(0o755)
    return root


def times(root: Path) -> dict[str, int]:
    merged = {".claude/settings.json", ".claude/settings.local.json", ".mcp.json"}
    files = (path for path in root.rglob("*") if path.is_file())
    return {
        name: path.stat().st_mtime_ns for path in files if (name := path.relative_to(root).as_posix()) not in merged
    }


def test_everything_of_the_bundled_catalog_comes_and_goes(tmp_path: Path) -> None:
    project = rich(tmp_path / "project")
    before, when = tree(project), times(project)
    packages = bundled()
    add(project, *packages, approve=True, every=Decision.BOTH)
    assert len(read_lock(project).components) == len(packages)
    order = [each.item.ref for each in packages]
    random.Random(4).shuffle(order)
    for ref in order:
        remove(project, ref)
    assert tree(project) == before
    assert times(project) == when


def test_everything_of_the_bundled_catalog_goes_at_once_and_leaves_no_folder(tmp_path: Path) -> None:
    packages = bundled()
    add(tmp_path, *packages)
    remove(tmp_path, *(each.item.ref for each in packages))
    assert tree(tmp_path) == {}


def test_a_second_time_changes_nothing(tmp_path: Path) -> None:
    project = rich(tmp_path / "project")
    packages = bundled()
    first = add(project, *packages, approve=True, every=Decision.KEEP)
    before, when = tree(project), times(project)
    again = add(project, *packages, approve=True, every=Decision.KEEP)
    assert again.plan.is_done
    installed, left_out = (
        [step.ref for step in first.plan.having(status)] for status in (Status.INSTALLED, Status.KEPT_OUT)
    )
    assert [step.ref for step in again.plan.having(Status.UNCHANGED)] == installed
    assert [step.ref for step in again.plan.having(Status.KEPT_OUT)] == left_out
    assert (tree(project), times(project)) == (before, when)


def hook(event: str, group: dict[str, str]) -> dict[str, object]:
    return {"hooks": {event: [{**group, "hooks": [{"type": "command", "command": ".claude/hooks/guard.py"}]}]}}


BASH = {"matcher": "Bash|Monitor"}
#: Components that meet in the same files: keys, rules, hooks, scripts and servers that several want, some differently.
MEETING = [
    package("agent", "a/one", "One.\n"),
    package("agent", "b/one", "Another one.\n"),
    package("agent", "c/own", "Not mine.\n"),
    package("command", "a/Own", "Own, but for case.\n"),
    package("skill", "s/own", "A skill.\n", more__x_md="x", own_bin=b"\x00\xff"),
    package("setting", "p/allow", {"permissions": {"allow": ["Bash(ls)", "Read"]}, "env": {"A": "1"}}),
    package("setting", "p/again", {"permissions": {"allow": ["Read"]}, "env": {"A": "1", "B": "2"}}),
    package("setting", "p/other", {"env": {"A": "other", "TEAM": "2"}, "model": "opus"}),
    package("hook", "g/guard", hook("PreToolUse", BASH), guard_py="1"),
    package("hook", "h/guard", hook("PreToolUse", BASH), guard_py="1"),
    package("hook", "i/guard", hook("Stop", {}), guard_py="2"),
    package("mcp", "m/linear", {"mcpServers": {"linear": {"type": "http", "url": "https://other.example"}}}),
    package("mcp", "n/linear", {"mcpServers": {"linear": {"command": "x"}, "mine": {"command": "x"}}}),
    package("mcp", "o/fresh", {"mcpServers": {"fresh": {"command": "y"}}}),
]


@laws
@given(
    chosen=st.lists(st.sampled_from(range(len(MEETING))), unique=True, min_size=1),
    every=st.sampled_from(tuple(Decision)),
    together=st.booleans(),
    has_own=st.booleans(),
    scope=st.sampled_from(("project", "local")),
    data=st.data(),
)
def test_taking_out_what_was_put_in_gives_the_original(
    chosen: list[int], every: Decision, together: bool, has_own: bool, scope: str, data: st.DataObject
) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        project = rich(folder / "project") if has_own else write_tree(folder / "project", {"a": ""})
        before = tree(project)
        packages = [MEETING[index] for index in chosen]
        for batch in [packages] if together else [[each] for each in packages]:
            add_deciding(project, batch, every, scope)
        installed = [locked.ref for locked in read_lock(project).components]
        jsonc.load((project / ".claude/settings.json").read_bytes() if has_own else b"{}")
        for ref in data.draw(st.permutations(installed)):
            remove(project, ref)
        assert tree(project) == before
    finally:
        shutil.rmtree(folder)


def add_deciding(project: Path, packages: list[Package], every: Decision, scope: str) -> None:
    """Where both is no choice, the component's; nothing stays open."""
    from cct_cloudflare.install.applying import apply
    from cct_cloudflare.install.plan import Decisions
    from cct_cloudflare.install.planning import plan_add
    from tests.install.trees import request

    asked = request(project, *packages, scope=scope).deciding(Decisions(every))
    for _ in range(50):
        plan = plan_add(asked)
        if not plan.questions:
            break
        question = plan.questions[0]
        asked = asked.deciding(asked.decisions.with_answer(question.key, Decision.REPLACE))
    apply(asked.site, lambda: plan_add(asked))


@laws
@given(order=st.permutations(range(len(bundled()))))
def test_the_order_of_independent_components_does_not_matter(order: list[int]) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        packages = [each for each in bundled() if each.item.kind.value in ("setting", "mcp")]
        picked = [packages[index] for index in order if index < len(packages)]
        add(folder, *picked[:12])
        found = _meaning(folder)
        remove(folder, *(each.item.ref for each in picked[:12]))
        add(folder, *sorted(picked[:12], key=lambda each: each.item.ref))
        assert _meaning(folder) == found
    finally:
        shutil.rmtree(folder)


def _meaning(project: Path) -> str:
    def unordered(value: object) -> object:
        if isinstance(value, dict):
            return {key: unordered(inner) for key, inner in value.items()}
        return sorted(json.dumps(inner) for inner in value) if isinstance(value, list) else value

    files = [project / ".mcp.json", project / ".claude/settings.json"]
    loaded = [unordered(jsonc.load(file.read_bytes())) if file.exists() else None for file in files]
    return json.dumps(loaded, sort_keys=True)
