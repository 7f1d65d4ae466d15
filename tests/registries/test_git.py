from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from cct_cloudflare.components.model import Kind
from cct_cloudflare.config import cache_dir
from cct_cloudflare.errors import ConfigError, UsageError, WorkerError
from cct_cloudflare.registries import catalog_of, git
from cct_cloudflare.registries.address import parse_address
from cct_cloudflare.registries.catalog import RegistryCatalog
from cct_cloudflare.registries.git import GitTree, open_git
from tests.registries.conftest import MakeRepository, commit, run_git
from tests.registries.servers import agent

PNG = bytes(range(256)) * 3


def tree_of(folder: Path, ref: str = "main") -> GitTree:
    address = parse_address(str(folder), ref=ref)
    return open_git(address, None, offline=False, stale=False, note=lambda _: None)


def test_files_come_exactly_as_they_were_committed(make_repository: MakeRepository) -> None:
    upstream = make_repository(
        {
            ".gitattributes": "* text=auto eol=crlf\n*.md filter=evil ident\n",
            "agents/a/x.md": "one\r\ntwo\n$Id$\n",
            "skills/s/SKILL.md": agent("s"),
            "skills/s/pic.png": PNG,
            "skills/s/run.sh": "#!/bin/sh\n",
        }
    )
    (upstream / "skills/s/run.sh").chmod(0o755)
    commit(upstream, {})
    catalog = catalog_of(f"git+{upstream.as_uri()}")
    skill, one = (catalog.load(catalog.items(kind)[0]) for kind in (Kind.SKILL, Kind.AGENT))
    assert skill.files == {"SKILL.md": agent("s").encode(), "pic.png": PNG, "run.sh": b"#!/bin/sh\n"}
    assert skill.executable == {"run.sh"}
    assert one.files == {"x.md": subprocess.check_output(["git", "show", "HEAD:agents/a/x.md"], cwd=upstream)}
    assert skill.revision == run_git(upstream, "rev-parse", "HEAD")


def test_nothing_of_a_repository_is_executed_or_checked_out(make_repository: MakeRepository, tmp_path: Path) -> None:
    canary = tmp_path / "executed"
    upstream = make_repository({"agents/a/x.md": agent("x"), ".gitattributes": "*.md filter=evil\n"})
    for name in ("post-checkout", "post-merge", "pre-auto-gc", "reference-transaction", "post-index-change"):
        hook = upstream / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {canary}\n")
        hook.chmod(0o755)
    run_git(upstream, "config", "filter.evil.smudge", f"touch {canary}")
    run_git(upstream, "config", "core.fsmonitor", f"touch {canary}")
    run_git(upstream, "config", "uploadpack.packObjectsHook", f"touch {canary}")
    assert tree_of(upstream).read(["agents/a/x.md"])
    assert not canary.exists()
    kept = next((cache_dir() / "registries" / "git").iterdir())
    assert not (kept / "index").exists()
    assert not any(path.suffix == ".md" for path in kept.rglob("*"))
    assert list((kept / "hooks").glob("*")) == []


def test_links_and_submodules_are_no_files(make_repository: MakeRepository, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    run_git(inner, "init", "-q")
    commit(inner, {"agents/evil.md": agent("evil")})
    upstream = make_repository({"agents/a/x.md": agent("x")})
    (upstream / "agents" / "link.md").symlink_to("/etc/passwd")
    (upstream / "commands").symlink_to("/etc")
    run_git(upstream, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner), "agents/sub")
    commit(upstream, {})
    tree = tree_of(upstream)
    assert list(tree.paths()) == ["agents/a/x.md"]
    assert tree.read(["agents/link.md", "agents/sub", "commands", "agents", "../x", "/etc/passwd"]) == {}


def test_a_pinned_commit_needs_its_repository_no_more(make_repository: MakeRepository) -> None:
    upstream = make_repository({"agents/a/x.md": agent("x", "Old.")})
    old = tree_of(upstream).revision
    new = commit(upstream, {"agents/a/x.md": agent("x", "New.")})
    address = str(upstream.as_uri())
    assert catalog_of(address, revision=old).items()[0].description == "Old."
    assert catalog_of(address).items()[0].description == "New."
    upstream.rename(upstream.with_name("gone"))
    for revision, told in ((old, "Old."), (new, "New.")):
        catalog = catalog_of(address, revision=revision)
        assert catalog.items()[0].description == told
        assert told.encode() in catalog.load(catalog.items()[0]).files["x.md"]


def test_a_repository_that_is_gone_is_what_was_fetched_last_with_a_note(make_repository: MakeRepository) -> None:
    upstream = make_repository({"agents/a/x.md": agent("x")})
    address = upstream.as_uri()
    revision = tree_of(upstream, "main").revision
    catalog_of(address).items()
    upstream.rename(upstream.with_name("gone"))
    notes: list[str] = []
    catalog = catalog_of(address, note=notes.append)
    assert isinstance(catalog, RegistryCatalog)
    assert catalog.revision == revision
    assert len(notes) == 1
    assert isinstance(offline := catalog_of(address, offline=True), RegistryCatalog)
    assert offline.revision == revision
    with pytest.raises(WorkerError) as caught:
        open_git(parse_address(address), None, offline=False, stale=False, note=notes.append)
    assert caught.value.code == "registry_unreachable"


@pytest.mark.parametrize("ref", ["main", "v1", "feature/x", "COMMIT"])
def test_a_ref_is_a_branch_a_tag_or_a_commit(make_repository: MakeRepository, ref: str) -> None:
    upstream = make_repository({"agents/a/x.md": agent("x", "Wanted.")})
    wanted = run_git(upstream, "rev-parse", "HEAD")
    run_git(upstream, "tag", "-a", "v1", "-m", "one")
    run_git(upstream, "branch", "feature/x")
    if ref != "main":
        commit(upstream, {"agents/a/x.md": agent("x", "Later.")})
    assert tree_of(upstream, wanted if ref == "COMMIT" else ref).revision == wanted


def test_what_is_not_there_is_one_error_with_a_hint(make_repository: MakeRepository, tmp_path: Path) -> None:
    upstream = make_repository({"agents/a/x.md": agent("x")})
    (tmp_path / "plain").mkdir()
    for address in (
        parse_address(str(upstream), ref="no-such-branch"),
        parse_address((tmp_path / "plain").as_uri()),
        parse_address((tmp_path / "absent").as_uri()),
    ):
        with pytest.raises(WorkerError) as caught:
            open_git(address, None, offline=False, stale=True, note=lambda _: None)
        assert caught.value.code == "registry_unreachable"
        assert caught.value.hint


def test_settings_of_a_surrounding_git_do_not_lead_elsewhere(
    make_repository: MakeRepository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    upstream = make_repository({"agents/a/x.md": agent("x")})
    own = tmp_path / "own"
    own.mkdir()
    run_git(own, "init", "-q")
    before = sorted(path.relative_to(own) for path in own.rglob("*"))
    monkeypatch.setenv("GIT_DIR", str(own / ".git"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(own / ".git" / "objects"))
    monkeypatch.setenv("GIT_WORK_TREE", str(own))
    assert list(tree_of(upstream).paths()) == ["agents/a/x.md"]
    assert sorted(path.relative_to(own) for path in own.rglob("*")) == before


def test_without_git_a_sentence_says_so(make_repository: MakeRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    upstream = make_repository({"agents/a/x.md": agent("x")})
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConfigError, match="git is not installed"):
        tree_of(upstream)


def test_a_large_file_is_refused_by_its_size(make_repository: MakeRepository) -> None:
    tree = tree_of(make_repository({"agents/a/x.md": "x" * 2000}))
    with pytest.raises(WorkerError, match="larger than"):
        tree.read(["agents/a/x.md"], limit=1999)


def test_a_file_that_lies_in_lfs_is_not_taken_for_its_pointer(make_repository: MakeRepository) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 9\n"
    upstream = make_repository({"skills/s/SKILL.md": agent("s"), "skills/s/data.bin": pointer})
    catalog = catalog_of(upstream.as_uri())
    with pytest.raises(UsageError, match="Git LFS") as caught:
        catalog.load(catalog.items()[0])
    assert caught.value.code == "component_invalid"


@pytest.mark.parametrize(
    ("url", "protocols"),
    [
        ("https://example.com/x.git", "https:ssh"),
        ("git@example.com:x.git", "https:ssh"),
        ("http://127.0.0.1:1/x.git", "http"),
        ("file:///x", "file"),
    ],
)
def test_git_may_speak_no_other_protocol_and_asks_nothing(
    url: str, protocols: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in for git writes down how it was called to fetch."""
    log = tmp_path / "log"
    stub = tmp_path / "bin" / "git"
    stub.parent.mkdir()
    stub.write_text(
        f"""#!/bin/sh
for word in "$@"; do
  case "$word" in
    fetch) printf '%s\\n' "$GIT_ALLOW_PROTOCOL" "$GIT_TERMINAL_PROMPT" "$GIT_SSH_COMMAND" "$@" > "{log}"; exit 1 ;;
    config) exit 1 ;;
    init) for last in "$@"; do :; done; mkdir -p "$last"; echo x > "$last/HEAD"; exit 0 ;;
  esac
done
exit 1
"""
    )
    stub.chmod(0o755)
    monkeypatch.setenv("PATH", f"{stub.parent}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(WorkerError):
        open_git(parse_address(f"git+{url}" if "://" in url else url), None, offline=False, stale=True, note=print)
    allowed, prompt, ssh, *argv = log.read_text().splitlines()
    assert (allowed, prompt, ssh) == (protocols, "0", "ssh -oBatchMode=yes")
    for setting in ("core.hooksPath=/dev/null", "protocol.allow=never", "http.followRedirects=false"):
        assert argv[argv.index(setting) - 1] == "-c"
    for word in ("--no-recurse-submodules", "--depth=1", "--no-tags"):
        assert word in argv
    assert argv[argv.index("--") + 1] == url


def test_trees_that_hold_each_other_many_times_over_are_not_listed_to_the_end(
    make_repository: MakeRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git, "_MAX_ENTRIES", 1_000)
    upstream = make_repository({"agents/a/x.md": agent("x")})
    tree = run_git(upstream, "rev-parse", "HEAD:agents/a")
    for _ in range(5):  # 100,000 files of five objects, none of which is wanted
        tree = _tree(upstream, {f".{number}": tree for number in range(10)})
    run_git(upstream, "update-ref", "HEAD", run_git(upstream, "commit-tree", tree, "-m", "bomb"))
    with pytest.raises(WorkerError, match="more than 200,000 files") as caught:
        tree_of(upstream).paths()
    assert caught.value.code == "registry_invalid"


def test_files_that_are_too_large_together_are_not_read(
    make_repository: MakeRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git, "MAX_BATCH", 1_000)
    tree = tree_of(make_repository({f"agents/a/{number}.md": "x" * 200 for number in range(6)}))
    assert len(tree.read(list(tree.paths())[:5])) == 5
    with pytest.raises(WorkerError, match="together") as caught:
        tree.read(list(tree.paths()))
    assert caught.value.code == "registry_invalid"


def test_a_listing_that_fails_is_an_error(make_repository: MakeRepository) -> None:
    tree = tree_of(make_repository({"agents/a/x.md": agent("x")}))
    kept = next((cache_dir() / "registries" / "git").iterdir())
    with pytest.raises(WorkerError, match="cannot read the repository in the cache"):
        GitTree(kept, "0" * 40).paths()
    assert tree.paths()


def _tree(repository: Path, folders: dict[str, str]) -> str:
    lines = "".join(f"040000 tree {tree}\t{name}\n" for name, tree in folders.items())
    made = subprocess.run(["git", "mktree"], cwd=repository, input=lines, capture_output=True, text=True, check=True)
    return made.stdout.strip()
