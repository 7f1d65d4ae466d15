"""Added, brought to a second version, taken out: a project with a rich `.claude/` gets every byte of it back."""

from __future__ import annotations

import json
import random
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cct_cloudflare.components.model import Kind
from cct_cloudflare.components.package import Package
from cct_cloudflare.install.applying import apply
from cct_cloudflare.install.lockfile import read_lock
from cct_cloudflare.install.plan import Decisions, Plan, Status
from cct_cloudflare.install.site import Site
from cct_cloudflare.install.updating import UpdateRequest, plan_update
from cct_cloudflare.merging.model import Decision
from tests.install.test_laws import MEETING, add_deciding, laws, rich, times
from tests.install.trees import add, bundled, package, remove, tree, write_tree


def second(first: Package) -> Package:
    """Another version: texts grow, files come and go, keys change, arrive and leave."""
    files = dict(first.files)
    if first.item.kind in (Kind.AGENT, Kind.COMMAND, Kind.SKILL):
        files[first.main] += b"\nIn its second version.\n"
        others = sorted(set(files) - {first.main})
        if others:
            del files[others[0]]
        if first.item.kind is Kind.SKILL:
            files["references/second.md"] = b"New.\n"
        return replace(first, files=files)
    content = json.loads(files[first.main])
    for settings in (content.get("permissions", {}), content.get("env", {})):
        for key, value in list(settings.items()):
            if isinstance(value, list):
                settings[key] = [*value[1:], f"Bash(second {first.item.leaf} *)"]
            elif key != "TEAM":
                settings.pop(key)
                settings[f"SECOND_{key}"] = value
    for groups in content.get("hooks", {}).values():
        for group in groups:
            group["hooks"][0]["timeout"] = 7
    if "hooks" in content:
        content["hooks"]["SessionEnd"] = [{"hooks": [{"type": "command", "command": "true"}]}]
    for server in content.get("mcpServers", {}).values():
        server["env"] = {"SECOND": "1"}
    for path in set(files) - {first.main}:
        files[path] += b"# second\n"
    files[first.main] = json.dumps(content).encode()
    return replace(first, files=files)


def update(project: Path, *packages: Package, every: Decision | None = None, approve: bool = False) -> Plan:
    request = UpdateRequest(Site.of_project(project), packages, approve, Decisions(every))
    return apply(request.site, lambda: plan_update(request)).plan


def test_everything_comes_changes_and_goes(tmp_path: Path) -> None:
    project = rich(tmp_path / "project")
    before, when = tree(project), times(project)
    packages = bundled()
    add(project, *packages, approve=True, every=Decision.BOTH)
    plan = update(project, *map(second, packages))
    assert {step.status for step in plan.steps} == {Status.UPDATED}
    assert plan.questions == ()
    order = [each.item.ref for each in packages]
    random.Random(5).shuffle(order)
    for ref in order:
        remove(project, ref)
    assert tree(project) == before
    assert times(project) == when


def test_an_update_is_the_same_as_a_fresh_install(tmp_path: Path) -> None:
    packages = bundled()
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    add(tmp_path / "one", *packages)
    update(tmp_path / "one", *map(second, packages))
    add(tmp_path / "two", *map(second, packages))
    one, two = tree(tmp_path / "one"), tree(tmp_path / "two")
    texts = [path for path in two if not path.endswith((".json", "cct.lock"))]
    assert [path for path in one if not path.endswith((".json", "cct.lock"))] == texts
    assert [path for path in texts if one[path] != two[path]] == []


def test_a_second_update_and_the_way_back_change_nothing(tmp_path: Path) -> None:
    packages = bundled()
    project = rich(tmp_path / "project")
    add(project, *packages, every=Decision.KEEP)
    first = tree(project)
    update(project, *map(second, packages), every=Decision.KEEP)
    then = tree(project)
    assert update(project, *map(second, packages)).is_done
    assert tree(project) == then
    update(project, *packages, every=Decision.KEEP)
    back = tree(project)
    assert {path for path in first if first[path] != back[path]} <= {".claude/cct.lock", ".claude/settings.json"}


@laws
@given(
    chosen=st.lists(st.sampled_from(range(len(MEETING))), unique=True, min_size=1),
    renewed=st.sets(st.sampled_from(range(len(MEETING)))),
    every=st.sampled_from((Decision.KEEP, Decision.REPLACE)),
    has_own=st.booleans(),
    scope=st.sampled_from(("project", "local")),
    data=st.data(),
)
def test_whatever_is_updated_leaves_as_it_came(
    chosen: list[int], renewed: set[int], every: Decision, has_own: bool, scope: str, data: st.DataObject
) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        project = rich(folder / "project") if has_own else write_tree(folder / "project", {"a": ""})
        before = tree(project)
        for index in chosen:
            add_deciding(project, [MEETING[index]], every, scope)
        update(project, *(second(MEETING[index]) for index in chosen if index in renewed), every=every)
        for ref in data.draw(st.permutations([locked.ref for locked in read_lock(project).components])):
            remove(project, ref)
        assert tree(project) == before
    finally:
        shutil.rmtree(folder)


USERS = {"permissions": {"allow": ["Bash(mine)"]}, "env": {"MINE": "1"}, "model": "haiku"}


@pytest.mark.parametrize("every", [Decision.KEEP, Decision.REPLACE])
def test_what_the_user_adds_meanwhile_survives_all_of_it(tmp_path: Path, every: Decision) -> None:
    own = package("setting", "z/z", {"env": {"ZZ": "1"}, "permissions": {"allow": ["Bash(z)"]}})
    add(tmp_path, own, package("agent", "a/one", "1\n2\n3\n4\n5\n"))
    path = tmp_path / ".claude/settings.json"
    text = path.read_text().replace('"Bash(z)"', '"Bash(z)",\n      "Bash(mine)" // mine')
    path.write_text(text.replace('"ZZ": "1"', '"ZZ": "1",\n    "MINE": "1"'))
    (tmp_path / ".claude/agents/one.md").write_text("mine\n1\n2\n3\n4\n5\n")
    (tmp_path / ".claude/agents/mine.md").write_text("Mine.\n")
    update(
        tmp_path,
        package("setting", "z/z", {"env": {"ZZ": "2"}, "permissions": {"allow": ["Bash(y)"]}}),
        package("agent", "a/one", "1\n2\n3\n4\nfive\n"),
        every=every,
    )
    assert (tmp_path / ".claude/agents/one.md").read_text() == "mine\n1\n2\n3\n4\nfive\n"
    remove(tmp_path, "setting/z/z", "agent/a/one")
    left = path.read_text()
    assert "// mine" in left
    assert '"MINE": "1"' in left
    assert "Bash(y)" not in left
    assert "ZZ" not in left
    assert (tmp_path / ".claude/agents/one.md").read_text() == "mine\n1\n2\n3\n4\nfive\n", "it has the user's edit"
    assert {path.name for path in (tmp_path / ".claude/agents").iterdir()} == {"one.md", "mine.md"}
    assert not (tmp_path / ".claude/cct.lock").exists()
