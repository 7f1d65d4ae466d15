"""Which word each file gets, and that the disk then agrees with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cct_cloudflare.errors import ConfigError, Exit, UsageError
from cct_cloudflare.scaffold import Plan, apply, plan
from cct_cloudflare.scaffold.manifest import MANIFEST_NAME
from tests.scaffold.trees import TEMPLATE, read_tree, scaffold, stamps, target, words, write_tree


def test_an_empty_project_gets_every_file(tmp_path: Path) -> None:
    made = scaffold(tmp_path)
    assert set(words(made).values()) == {"create"}
    assert read_tree(target(tmp_path)) == TEMPLATE


def test_a_second_run_touches_nothing(tmp_path: Path) -> None:
    scaffold(tmp_path)
    before = stamps(tmp_path)
    again = scaffold(tmp_path)
    assert again.is_done
    assert set(words(again).values()) == {"identical"}
    assert stamps(tmp_path) == before


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    plan(tmp_path, rendered=TEMPLATE)
    assert list(tmp_path.iterdir()) == []


def test_an_update_rewrites_what_was_left_alone_and_keeps_what_was_edited(tmp_path: Path) -> None:
    scaffold(tmp_path)
    place = target(tmp_path)
    (place / "wrangler.toml").write_bytes(b"mine\n")
    (place / "test/api.test.ts").write_bytes(b"mine too\n")
    newer = {**TEMPLATE, "README.md": b"# New\n", "wrangler.toml": b"new\n", "src/new.ts": b"new\n"}
    made = scaffold(tmp_path, newer)
    assert words(made) == {
        "README.md": "update",
        "src/index.ts": "identical",
        "src/new.ts": "create",
        "src/sandbox/isolate.ts": "identical",
        "test/api.test.ts": "edited",
        "wrangler.toml": "conflict",
    }
    assert read_tree(place) == {**newer, "wrangler.toml": b"mine\n", "test/api.test.ts": b"mine too\n"}
    assert words(scaffold(tmp_path, newer))["wrangler.toml"] == "conflict"


def test_an_edit_that_was_taken_back_is_updated_again(tmp_path: Path) -> None:
    scaffold(tmp_path)
    readme = target(tmp_path) / "README.md"
    newer = {**TEMPLATE, "README.md": b"# New\n"}
    readme.write_bytes(b"mine")
    assert words(scaffold(tmp_path, newer))["README.md"] == "conflict"
    readme.write_bytes(TEMPLATE["README.md"])
    assert words(scaffold(tmp_path, newer))["README.md"] == "update"
    assert readme.read_bytes() == b"# New\n"


def test_a_file_of_the_user_with_the_name_of_a_new_one_is_a_conflict(tmp_path: Path) -> None:
    write_tree(target(tmp_path), {"src/index.ts": b"mine"})
    made = scaffold(tmp_path)
    assert words(made)["src/index.ts"] == "conflict"
    assert read_tree(target(tmp_path))["src/index.ts"] == b"mine"


def test_a_deleted_file_stays_away_unless_the_worker_needs_it(tmp_path: Path) -> None:
    scaffold(tmp_path)
    place = target(tmp_path)
    (place / "README.md").unlink()
    (place / "src/index.ts").unlink()
    made = scaffold(tmp_path)
    assert words(made)["README.md"] == "deleted"
    assert words(made)["src/index.ts"] == "restore"
    assert not (place / "README.md").exists()
    assert (place / "src/index.ts").read_bytes() == TEMPLATE["src/index.ts"]
    newer = {**TEMPLATE, "README.md": b"# New\n"}
    assert words(scaffold(tmp_path, newer))["README.md"] == "deleted"
    assert words(scaffold(tmp_path, newer, force=True))["README.md"] == "restore"
    assert read_tree(place) == newer


def test_a_file_that_left_the_template_goes_unless_it_was_edited(tmp_path: Path) -> None:
    scaffold(tmp_path)
    place = target(tmp_path)
    (place / "test/api.test.ts").write_bytes(b"mine")
    smaller = {path: content for path, content in TEMPLATE.items() if path.startswith("src/i") or path == "README.md"}
    made = scaffold(tmp_path, smaller)
    assert words(made) == {
        "README.md": "identical",
        "src/index.ts": "identical",
        "src/sandbox/isolate.ts": "remove",
        "test/api.test.ts": "released",
        "wrangler.toml": "remove",
    }
    assert read_tree(place) == {**smaller, "test/api.test.ts": b"mine"}
    assert not (place / "src/sandbox").exists()
    assert set(words(scaffold(tmp_path, smaller)).values()) == {"identical"}


def test_force_rewrites_and_keeps_what_was_there_in_a_numbered_backup(tmp_path: Path) -> None:
    scaffold(tmp_path)
    place = target(tmp_path)
    for number in ("1", "2"):
        (place / "src/index.ts").write_bytes(b"edit " + number.encode())
        made = scaffold(tmp_path, force=True)
        assert words(made)["src/index.ts"] == "overwrite"
        assert (place / "src/index.ts").read_bytes() == TEMPLATE["src/index.ts"]
        assert (place / ".cct-backup" / number / "src/index.ts.orig").read_bytes() == b"edit " + number.encode()
    before = stamps(tmp_path)
    assert scaffold(tmp_path, force=True).is_done
    assert stamps(tmp_path) == before


def test_a_file_emptied_by_a_crash_is_written_again(tmp_path: Path) -> None:
    scaffold(tmp_path)
    (target(tmp_path) / "wrangler.toml").write_bytes(b"")
    assert words(scaffold(tmp_path))["wrangler.toml"] == "update"


def test_an_update_keeps_the_mode_of_the_file(tmp_path: Path) -> None:
    scaffold(tmp_path)
    readme = target(tmp_path) / "README.md"
    readme.chmod(0o640)
    scaffold(tmp_path, {**TEMPLATE, "README.md": b"# New\n"})
    assert readme.stat().st_mode & 0o777 == 0o640


def test_no_written_file_is_executable(tmp_path: Path) -> None:
    scaffold(tmp_path)
    assert not any(path.stat().st_mode & 0o111 for path in target(tmp_path).rglob("*") if path.is_file())


def test_a_plan_is_decided_again_when_the_disk_has_changed(tmp_path: Path) -> None:
    shown = plan(tmp_path, rendered=TEMPLATE)
    write_tree(target(tmp_path), {"src/index.ts": b"mine"})
    made = apply(shown)
    assert words(shown)["src/index.ts"] == "create"
    assert words(made)["src/index.ts"] == "conflict"
    assert read_tree(target(tmp_path))["src/index.ts"] == b"mine"


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b"null", b'{"format": 0}', b'{"format": 1, "cct": "1", "settings": {}, "files": {}}']
)
def test_a_damaged_manifest_loses_nothing(tmp_path: Path, content: bytes) -> None:
    scaffold(tmp_path)
    place = target(tmp_path)
    (place / "wrangler.toml").write_bytes(b"mine")
    (place / MANIFEST_NAME).write_bytes(content)
    made = scaffold(tmp_path)
    assert MANIFEST_NAME in made.notes[0]
    assert words(made)["wrangler.toml"] == "conflict"
    assert words(made)["README.md"] == "identical"
    healed = plan(tmp_path, rendered=TEMPLATE)
    assert healed.is_done
    assert healed.notes == ()


def test_a_newer_manifest_is_refused(tmp_path: Path) -> None:
    write_tree(target(tmp_path), {MANIFEST_NAME: b'{"format": 2}'})
    with pytest.raises(ConfigError, match="newer cct"):
        plan(tmp_path, rendered=TEMPLATE)


@pytest.mark.parametrize("path", ["../outside", "/outside", "src/../../outside", "a\\..\\outside", "C:outside", "./x"])
def test_a_manifest_cannot_make_cct_remove_files_elsewhere(tmp_path: Path, path: str) -> None:
    import hashlib

    scaffold(tmp_path)
    place = target(tmp_path)
    manifest = json.loads((place / MANIFEST_NAME).read_bytes())
    manifest["files"][path] = hashlib.sha256(b"precious").hexdigest()
    (place / MANIFEST_NAME).write_text(json.dumps(manifest))
    outside = [place.parent / "outside", tmp_path / "outside"]
    for file in outside:
        file.write_bytes(b"precious")
    made = scaffold(tmp_path)
    assert made.notes != ()
    assert all(file.read_bytes() == b"precious" for file in outside)


def test_the_name_is_remembered_and_can_be_changed(tmp_path: Path) -> None:
    assert apply(plan(tmp_path, name="my-worker")).settings.name == "my-worker"
    toml = target(tmp_path) / "wrangler.toml"
    assert 'name = "my-worker"' in toml.read_text()
    assert plan(tmp_path).is_done
    renamed = apply(plan(tmp_path, name="other"))
    assert words(renamed)["wrangler.toml"] == "update"
    assert 'name = "other"' in toml.read_text()
    assert plan(tmp_path).settings.name == "other"


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a_b", "a b", "ä", "a" * 51, 'a"\nx = "', "a\n"])
def test_a_name_that_cloudflare_would_refuse_is_a_usage_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError) as caught:
        plan(tmp_path, name=name)
    assert caught.value.exit_code is Exit.USAGE
    assert list(tmp_path.iterdir()) == []


def test_a_project_that_does_not_exist_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder"):
        plan(tmp_path / "absent")


paths = st.sampled_from(["README.md", "wrangler.toml", "src/a.ts", "src/b/c.ts", "test/x.ts", "package.json"])
contents = st.sampled_from([b"", b"1", b"2", b"3"])
trees = st.dictionaries(paths, contents)


@settings(max_examples=150, deadline=None)
@given(first=trees, edits=st.dictionaries(paths, st.none() | contents), second=trees, force=st.booleans())
def test_laws(
    tmp_path_factory: pytest.TempPathFactory,
    first: dict[str, bytes],
    edits: dict[str, bytes | None],
    second: dict[str, bytes],
    force: bool,
) -> None:
    """Whatever the user did between two templates: a run settles, no byte of an edit is lost, force wins."""
    project = tmp_path_factory.mktemp("laws")
    place = target(project)
    scaffold(project, first)
    for path, content in edits.items():
        if content is None:
            (place / path).unlink(missing_ok=True)
        else:
            write_tree(place, {path: content})
    before = read_tree(place)
    made = scaffold(project, second, force=force)
    after = read_tree(place)

    assert _settled(project, second, force)
    kept = {content for path, content in after.items() if path not in second or path in edits}
    for path, content in edits.items():
        if content and content not in (first.get(path), second.get(path)):
            assert content in kept, f"{path} lost"
            assert force or after[path] == content
    if force:
        assert {path: after.get(path) for path in second} == second
    for path, word in words(made).items():
        if word in ("identical", "edited", "conflict", "released"):
            assert after[path] == before[path]
        elif word in ("deleted", "remove"):
            assert path not in after


def _settled(project: Path, rendered: dict[str, bytes], force: bool) -> bool:
    again: Plan = plan(project, rendered=rendered, force=force)
    return again.is_done
