"""The layout of a components repository, from each kind of source."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cct_cloudflare.catalog import find
from cct_cloudflare.components.model import Kind
from cct_cloudflare.components.package import Catalog, Item
from cct_cloudflare.errors import UsageError, WorkerError
from cct_cloudflare.registries import RegistryCatalog, catalog_of, check_digest, github, load_all
from cct_cloudflare.registries.changing import add_registry
from cct_cloudflare.registries.github import Hosts
from tests.registries.conftest import MakeRepository
from tests.registries.servers import Site, agent, github_files, public_index, repository, serving

COMMIT = "1" * 40
PNG = bytes(range(256))
HOOK = json.dumps(
    {"description": "Guards.", "hooks": {"Stop": [{"hooks": [{"type": "command", "command": "x .claude/hooks/g.py"}]}]}}
)
FILES = repository(
    {
        "agents": {"a/x.md": agent("x", "An x."), "b/deep/x.md": agent("x", "Another x."), "top.md": agent("top")},
        "commands": {"c/go.md": "# Go\n\nDo it.\n"},
        "settings": {"s/quiet.json": '{"description": "Quiet.", "env": {"A": "1"}}'},
        "hooks": {"h/g.json": HOOK, "h/g.py": "print(1)\n", "h/other.py": "print(2)\n"},
        "mcps": {"m/db.json": '{"mcpServers": {"db": {"command": "db"}}}'},
        "skills": {
            "k/one/SKILL.md": agent("one", "A skill."),
            "k/one/a/b.txt": "b",
            "k/one/inner/SKILL.md": agent("inner"),
            "k/one/.hidden": "no",
            "k/one/node_modules/x.js": "no",
            "k/not-one/notes.md": "no skill",
        },
    }
) | {"cli-tool/components/skills/k/one/p.png": PNG, "README.md": b"no component", "agents/decoy.md": b"not here"}
REFS = [
    "agent/a/x",
    "agent/b/deep/x",
    "agent/top",
    "command/c/go",
    "setting/s/quiet",
    "hook/h/g",
    "mcp/m/db",
    "skill/k/one",
]
SKILL_FILES = {"SKILL.md", "a/b.txt", "inner/SKILL.md", "p.png"}


@pytest.fixture
def hub(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(github, "HOSTS", Hosts(f"{site.url}/api", f"{site.url}/raw"))
    return site


def refs(catalog: Catalog) -> list[str]:
    return [item.ref for item in catalog.items()]


def item_of(catalog: Catalog, ref: str) -> Item:
    return next(item for item in catalog.items() if item.ref == ref)


def check_all(catalog: Catalog) -> None:
    assert refs(catalog) == REFS
    assert item_of(catalog, "agent/a/x").description == "An x."
    assert item_of(catalog, "command/c/go").description == "Go"
    assert {item.source for item in catalog.items()} == {catalog.label}
    packages = {package.item.ref: package for package in load_all([(catalog, item) for item in catalog.items()])}
    assert set(packages["skill/k/one"].files) == SKILL_FILES
    assert packages["skill/k/one"].files["p.png"] == PNG
    assert packages["skill/k/one"].main == "SKILL.md"
    assert packages["hook/h/g"].files == {"g.json": HOOK.encode(), "g.py": b"print(1)\n"}
    assert packages["agent/b/deep/x"].files == {"x.md": agent("x", "Another x.").encode()}
    with pytest.raises(UsageError) as caught:
        catalog.load(Item(Kind.AGENT, "no/such", "", catalog.label))
    assert caught.value.code == "component_not_found"


def test_in_a_folder(tmp_path: Path) -> None:
    for path, data in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    check_all(catalog_of(str(tmp_path)))
    check_all(catalog_of(".", base=tmp_path))


def test_in_a_git_repository(make_repository: MakeRepository) -> None:
    check_all(catalog_of(make_repository(FILES).as_uri()))


def test_on_github(hub: Site) -> None:
    hub.files = github_files("owner/repo", COMMIT, FILES)
    catalog = catalog_of("github:owner/repo")
    check_all(catalog)
    assert catalog.label == "github:owner/repo"
    assert catalog.load(item_of(catalog, "agent/a/x")).revision == COMMIT
    # The same commit again needs nothing but the question what the newest is, and pinned not even that.
    hub.asked.clear()
    check_all(catalog_of("github:owner/repo"))
    check_all(catalog_of("github:owner/repo", revision=COMMIT))
    assert hub.asked == ["api/repos/owner/repo/commits/HEAD"]
    assert hub.statuses[-1] == 304


def test_on_github_an_index_saves_reading_what_it_describes(hub: Site) -> None:
    index = public_index(
        agents=[
            {"name": "x", "path": "a/x.md", "category": "a", "description": "As indexed."},
            {"name": "gone", "path": "a/gone.md", "category": "a", "description": "Not there."},
        ],
        commands=[{"name": "go", "path": "c/go.md", "category": "c", "description": ""}],
    )
    hub.files = github_files("owner/repo", COMMIT, FILES | {"docs/components.json": index}, ref="v1")
    catalog = catalog_of("github:owner/repo@v1")
    assert refs(catalog) == REFS  # what exists, listed by the index or not
    assert item_of(catalog, "agent/a/x").description == "As indexed."
    assert item_of(catalog, "command/c/go").description == "Go"
    assert not any(path.endswith("/a/x.md") for path in hub.asked)
    assert any(path.endswith("/c/go.md") for path in hub.asked)


@pytest.mark.parametrize(
    ("answers", "code", "said"),
    [
        ({}, "registry_invalid", "no repository or version"),
        ({"api/repos/owner/repo/commits/HEAD": b"<html>"}, "registry_invalid", "no commit"),
        ({"api/repos/owner/repo/commits/HEAD": COMMIT.encode()}, "registry_invalid", "no list"),
        (github_files("owner/repo", COMMIT, {"README.md": b"x"}), "registry_invalid", "no components"),
        (
            github_files("owner/repo", COMMIT, FILES)
            | {f"api/repos/owner/repo/git/trees/{COMMIT}?recursive=1": b'{"tree": [], "truncated": true}'},
            "registry_invalid",
            "too many files",
        ),
    ],
)
def test_on_github_what_cannot_be_used_is_one_error(hub: Site, answers: dict[str, bytes], code: str, said: str) -> None:
    hub.files = answers
    with pytest.raises(WorkerError, match=said) as caught:
        catalog_of("github:owner/repo").items()
    assert caught.value.code == code


def test_on_github_links_and_paths_that_lead_out_are_no_files(hub: Site) -> None:
    hub.files = github_files("owner/repo", COMMIT, {"agents/a/x.md": agent("x").encode()})
    url = f"api/repos/owner/repo/git/trees/{COMMIT}?recursive=1"
    tree = json.loads(hub.files[url])
    tree["tree"] += [
        {"path": "agents/link.md", "mode": "120000", "size": 9},
        {"path": "agents/sub", "mode": "160000"},
        {"path": "agents/../../x.md", "mode": "100644", "size": 9},
        {"path": "/agents/y.md", "mode": "100644", "size": 9},
        {"path": "agents\\z.md", "mode": "100644", "size": 9},
        {"path": "agents/a:b.md", "mode": "100644", "size": 9},
        {"path": 7, "mode": "100644", "size": 9},
        "nonsense",
    ]
    hub.files[url] = json.dumps(tree).encode()
    assert refs(catalog_of("github:owner/repo")) == ["agent/a/x"]


def test_on_github_what_cannot_be_asked_now_is_what_was_fetched_last(hub: Site) -> None:
    hub.files = github_files("owner/repo", COMMIT, FILES)
    check_all(catalog_of("github:owner/repo"))
    hub.failing["api/repos/owner/repo/commits/HEAD"] = 500
    notes: list[str] = []
    check_all(catalog_of("github:owner/repo", note=notes.append))
    assert len(notes) == 1
    with pytest.raises(WorkerError) as caught:
        add_registry("team", "github:owner/repo")
    assert caught.value.code == "registry_unreachable"


def test_on_github_a_file_that_was_missing_for_a_moment_is_asked_for_again(hub: Site) -> None:
    hub.files = github_files("owner/repo", COMMIT, FILES)
    catalog = catalog_of("github:owner/repo")
    path = f"raw/owner/repo/{COMMIT}/cli-tool/components/hooks/h/g.py"
    content = hub.files.pop(path)
    with pytest.raises(WorkerError, match="has no file"):
        catalog.load(item_of(catalog, "hook/h/g"))
    hub.files[path] = content
    assert catalog.load(item_of(catalog, "hook/h/g")).files["g.py"] == content


def test_on_github_too_many_requests_are_told_apart(hub: Site) -> None:
    hub.failing["api/repos/owner/repo/commits/HEAD"] = 403
    hub.failure_headers["X-RateLimit-Remaining"] = "0"
    with pytest.raises(WorkerError, match="no more requests") as caught:
        catalog_of("github:owner/repo").items()
    assert "git address" in caught.value.hint


def site_index() -> bytes:
    return public_index(
        agents=[
            {"name": "x", "path": "a/x.md", "category": "a", "description": "An x."},
            {"name": "x", "path": "b/deep/x.md", "category": "b", "description": "Another x."},
            {"name": "top", "path": "top.md", "description": "T."},
            {"name": "page", "path": "a/page.html", "category": "a", "description": "no agent"},
        ],
        commands=[{"name": "go", "category": "c", "description": "Go"}],
        settings=[{"name": "quiet", "path": "s/quiet.json", "category": "s", "description": "Quiet."}],
        hooks=[{"name": "g", "path": "h/g.json", "category": "h", "description": "Guards."}],
        mcps=[{"name": "db", "path": "m/db.json", "category": "m", "description": "db"}],
        skills=[
            {
                "name": "one",
                "path": "k/one",
                "category": "k",
                "description": "A skill.",
                "references": ["a/b.txt", "inner/SKILL.md", "p.png", "../../../etc/passwd", ".hidden", 7],
            }
        ],
        sandbox=[{"name": "x", "path": "a/x.md", "category": "a"}],
    )


@pytest.mark.parametrize("where", ["docs/components.json", "components.json"])
def test_on_a_web_site(site: Site, where: str) -> None:
    site.files = FILES | {where: site_index()}
    check_all(catalog_of(site.url))
    check_all(catalog_of(f"{site.url}/{where}"))
    catalog = catalog_of(site.url)
    assert isinstance(catalog, RegistryCatalog)
    assert catalog.revision is not None
    assert catalog.revision.startswith("sha256:")
    site.asked.clear()
    check_all(catalog_of(site.url, revision=catalog.revision))
    assert site.asked == []


def test_on_a_web_site_what_the_index_does_not_name_is_found_by_its_whole_name(site: Site) -> None:
    index = public_index(agents=[{"name": "x", "path": "a/x.md", "category": "a", "description": "An x."}])
    site.files = FILES | {"components.json": index}
    catalog = catalog_of(site.url)
    assert refs(catalog) == ["agent/a/x"]
    found, item = find([catalog], "h/g", Kind.HOOK)
    assert (item.ref, item.description) == ("hook/h/g", "Guards.")
    assert set(found.load(item).files) == {"g.json", "g.py"}
    with pytest.raises(UsageError) as caught:
        find([catalog], "h/no-such", Kind.HOOK)
    assert caught.value.code == "component_not_found"


def test_on_a_web_site_what_only_the_index_has_is_an_error_when_loaded(site: Site) -> None:
    index = public_index(agents=[{"name": "gone", "path": "a/gone.md", "category": "a", "description": "G."}])
    site.files = {"components.json": index}
    catalog = catalog_of(site.url)
    with pytest.raises(WorkerError, match="has no file") as caught:
        catalog.load(catalog.items()[0])
    assert caught.value.code == "registry_invalid"


def test_a_site_that_answers_everything_with_its_page_has_no_such_file(site: Site) -> None:
    page = b"\n<!DOCTYPE html><html></html>"
    site.files = dict.fromkeys(("docs/components.json", "index.json", ".claude-plugin/plugin.json"), page)
    site.files |= {"components.json": site_index(), "cli-tool/components/agents/a/x.md": page}
    catalog = catalog_of(site.url)
    with pytest.raises(WorkerError, match="has no file"):
        catalog.load(item_of(catalog, "agent/a/x"))


@pytest.mark.parametrize("index", [b"", b"null", b"[]", b"7", b'"x"', b"{", b"\xff", b"[" * 100_000, b"{}"])
def test_an_index_that_is_none_is_refused(site: Site, index: bytes) -> None:
    site.files = {"components.json": index}
    with pytest.raises(WorkerError) as caught:
        catalog_of(site.url).items()
    assert caught.value.code == "registry_invalid"


@pytest.mark.parametrize(
    "entries",
    [
        None,
        7,
        {"x": 1},
        [None, 7, "x", [], {}],
        [{"name": None}, {"name": 7, "category": "a"}, {"path": 7}, {"path": "a/x.md", "description": {"x": 1}}],
        [{"name": "x", "category": 7, "description": None}],
    ],
)
def test_entries_of_another_shape_are_left_out(site: Site, entries: object) -> None:
    index = {"agents": entries, "commands": [{"name": "go", "category": "c", "description": "G."}]}
    site.files = {"components.json": json.dumps(index).encode()}
    assert "command/c/go" in refs(catalog_of(site.url))


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "a/../../x",
        "%2e%2e/x",
        "a/%2e%2e/x",
        "a\\x",
        "/etc/x",
        "~/x",
        "C:/x",
        "a/CON",
        "a/x.",
        "a/" + "x" * 300,
        "a//x",
        "a/\u202ex",
        "a/x\x00",
    ],
)
def test_a_name_that_leads_elsewhere_is_refused_before_anything_is_asked(site: Site, name: str) -> None:
    """Hostile inputs, Components: `../`, `%2e%2e`, backslash, … in a name → refused before any network call."""
    entry = {"name": "x", "path": f"{name}.md", "category": "a", "description": "Evil."}
    site.files = {"components.json": public_index(agents=[entry, {"name": name, "description": "Evil."}])}
    site.files["components.json"] = site.files["components.json"][:-1] + b', "commands": [{"name": "ok"}]}'
    catalog = catalog_of(site.url)
    assert refs(catalog) == ["command/ok"]
    site.asked.clear()
    with pytest.raises(UsageError) as caught:
        find([catalog], name, Kind.AGENT)
    assert caught.value.code == "component_invalid"
    assert site.asked == []


def test_a_description_cannot_steer_a_terminal(site: Site) -> None:
    entry = {"name": "x", "category": "a", "description": "a\x1b]0;t\x07b\u202ec\nd"}
    site.files = {"components.json": public_index(agents=[entry])}
    told = catalog_of(site.url).items()[0].description
    assert not any(char in told for char in "\x1b\x07\u202e\n")


def test_a_file_that_is_too_large_is_not_fetched_where_its_size_is_known(hub: Site) -> None:
    """Hostile inputs, Components: 50 MB file → capped."""
    hub.files = github_files("owner/repo", COMMIT, {"skills/k/SKILL.md": agent("k").encode(), "skills/k/big": b"x"})
    url = f"api/repos/owner/repo/git/trees/{COMMIT}?recursive=1"
    hub.files[url] = hub.files[url].replace(b'"size": 1}', b'"size": 52428800}')
    catalog = catalog_of("github:owner/repo")
    hub.asked.clear()
    with pytest.raises(UsageError, match="larger than 20 MiB") as caught:
        catalog.load(catalog.items()[0])
    assert caught.value.code == "component_invalid"
    assert not any("big" in path for path in hub.asked)


def test_an_endless_file_is_cut_off(site: Site) -> None:
    site.files = {"components.json": public_index(agents=[{"name": "x", "category": "a", "description": "X."}])}
    site.endless.add("cli-tool/components/agents/a/x.md")
    catalog = catalog_of(site.url)
    with pytest.raises(WorkerError, match="larger than") as caught:
        catalog.load(catalog.items()[0])
    assert caught.value.code == "registry_invalid"


def test_a_main_file_that_is_no_text_cannot_be_used(make_repository: MakeRepository) -> None:
    upstream = make_repository({"agents/a/x.md": b"\xff\xfe", "agents/a/y.md": "x" * 300_000, "agents/z.md": ""})
    catalog = catalog_of(upstream.as_uri())
    for ref in ("agent/a/x", "agent/a/y"):
        assert item_of(catalog, ref).description.startswith("Cannot be used")
        with pytest.raises(UsageError) as caught:
            catalog.load(item_of(catalog, ref))
        assert caught.value.code == "component_invalid"


def test_the_bundled_catalog_is_a_source_by_its_name() -> None:
    assert catalog_of("bundled").label == "bundled"
    assert catalog_of("bundled").items(Kind.AGENT)


def test_components_of_several_registries_come_in_the_order_asked(tmp_path: Path, site: Site) -> None:
    site.files = FILES | {"components.json": site_index()}
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "y.md").write_text(agent("y"))
    here, there = catalog_of(str(tmp_path)), catalog_of(site.url)
    wanted = [(there, item) for item in there.items()]
    wanted.insert(2, (here, here.items()[0]))
    assert [package.item for package in load_all(wanted)] == [item for _, item in wanted]


def test_content_that_is_not_what_was_locked_is_refused(site: Site) -> None:
    site.files = FILES | {"components.json": site_index()}
    catalog = catalog_of(site.url)
    item = item_of(catalog, "agent/a/x")
    digest = catalog.load(item).digest
    assert load_all([(catalog, item)], expected={item.ref: digest})
    with pytest.raises(WorkerError, match="other content") as caught:
        load_all([(catalog, item)], expected={item.ref: "0" * 64})
    assert caught.value.code == "registry_invalid"
    check_digest(catalog.load(item), None)


def test_offline_afterwards() -> None:
    with serving(FILES | {"components.json": site_index()}) as site:
        catalog = catalog_of(site.url)
        assert isinstance(catalog, RegistryCatalog)
        check_all(catalog)
        url, revision = site.url, catalog.revision
    check_all(catalog_of(url, revision=revision))
    check_all(catalog_of(url, offline=True))
    notes: list[str] = []
    check_all(catalog_of(url, note=notes.append))
    assert len(notes) == 1


def test_a_site_that_changed_is_not_taken_for_what_it_was_pinned_to(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    site.files = FILES | {"components.json": site_index()}
    before = catalog_of(site.url)
    assert isinstance(before, RegistryCatalog)
    revision = before.revision
    site.files["components.json"] = site_index().replace(b"An x.", b"A new x.")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "emptied"))
    with pytest.raises(WorkerError, match="changed since it was pinned"):
        catalog_of(site.url, revision=revision).items()
    check = catalog_of(site.url)
    assert item_of(check, "agent/a/x").description == "A new x."
