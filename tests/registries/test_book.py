"""Which registries a user has: added, pinned anew, removed."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from cct_cloudflare.config import registries_file
from cct_cloudflare.errors import CctError, ConfigError, UsageError, WorkerError
from cct_cloudflare.registries import opened_catalogs
from cct_cloudflare.registries.book import Registry, forget, registries, remember
from cct_cloudflare.registries.changing import add_registry, update_registry
from tests.registries.conftest import MakeRepository, commit
from tests.registries.servers import Site, agent, public_index


def test_a_registry_is_pinned_until_it_is_updated(make_repository: MakeRepository) -> None:
    upstream = make_repository({"agents/a/x.md": agent("x", "Old."), "agents/a/gone.md": agent("gone")})
    added = add_registry("team", upstream.as_uri())
    assert added.listing.counts() == {"agents": 2}
    (upstream / "agents/a/gone.md").unlink()
    new = commit(upstream, {"agents/a/x.md": agent("x", "New."), "commands/go.md": "Go."})
    (catalog,) = opened_catalogs()
    assert [(item.ref, item.description, item.source) for item in catalog.items()] == [
        ("agent/a/gone", "Does things.", "team"),
        ("agent/a/x", "Old.", "team"),
    ]
    updated = update_registry("team")
    assert (updated.old_revision, updated.registry.revision) == (added.registry.revision, new)
    assert (updated.added, updated.removed) == (("command/go",), ("agent/a/gone",))
    assert opened_catalogs()[0].items()[0].description == "New."
    again = update_registry("team")
    assert not again.is_new
    assert (again.added, again.removed) == ((), ())


def test_catalogs_are_opened_in_the_order_added_and_without_a_network(site: Site, tmp_path: Path) -> None:
    site.files = {"components.json": public_index(agents=[{"name": "x", "category": "a", "description": "X."}])}
    (tmp_path / "mine" / "agents").mkdir(parents=True)
    (tmp_path / "mine" / "agents" / "y.md").write_text(agent("y"))
    add_registry("zeta", site.url)
    add_registry("alpha", str(tmp_path / "mine"))
    site.asked.clear()
    catalogs = opened_catalogs()
    assert [catalog.label for catalog in catalogs] == ["zeta", "alpha"]
    assert [len(catalog.items()) for catalog in catalogs] == [1, 1]
    assert site.asked == []


def test_a_folder_that_has_gone_is_left_out_with_a_note(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    (folder / "agents").mkdir(parents=True)
    (folder / "agents" / "y.md").write_text(agent("y"))
    add_registry("mine", str(folder))
    folder.rename(tmp_path / "gone")
    notes: list[str] = []
    assert opened_catalogs(note=notes.append) == ()
    assert "mine" in notes[0]


def test_an_update_sees_what_changed_at_a_site_whose_index_did_not(site: Site) -> None:
    hook = '{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "python3 .claude/hooks/g.py"}]}]}}'
    index = public_index(
        agents=[
            {"name": "x", "category": "a", "description": "X."},
            {"name": "y", "category": "a", "description": "Y."},
        ],
        hooks=[{"name": "g", "category": "h", "description": "G."}],
    )
    base = "cli-tool/components"
    site.files = {
        "components.json": index,
        f"{base}/agents/a/x.md": agent("x").encode(),
        f"{base}/agents/a/y.md": agent("y").encode(),
        f"{base}/hooks/h/g.json": hook.encode(),
        f"{base}/hooks/h/g.py": b"old",
    }
    add_registry("team", site.url)

    def load(ref: str) -> bytes:
        (catalog,) = opened_catalogs()
        package = catalog.load(next(item for item in catalog.items() if item.ref == ref))
        return b"".join(package.files.values())

    load("agent/a/x")
    load("hook/h/g")
    site.files[f"{base}/agents/a/x.md"] = agent("x", "Changed.").encode()
    site.files[f"{base}/hooks/h/g.py"] = b"new"
    assert b"Changed" not in load("agent/a/x")
    site.asked.clear()
    updated = update_registry("team")
    assert (updated.is_new, updated.refreshed) == (False, 2)
    assert not any(path.endswith("y.md") for path in site.asked)  # was never fetched
    site.asked.clear()
    assert b"Changed" in load("agent/a/x")
    assert b"new" in load("hook/h/g")
    assert site.asked == []


def test_what_cannot_be_added_is_not_remembered(site: Site, tmp_path: Path) -> None:
    site.failing["components.json"] = 500
    attempts: list[tuple[str, str, type[CctError]]] = [
        ("team", site.url, WorkerError),
        ("Team", str(tmp_path), UsageError),
        ("bundled", str(tmp_path), UsageError),
        ("project", str(tmp_path), UsageError),
        ("../x", str(tmp_path), UsageError),
        ("-x", str(tmp_path), UsageError),
        ("", str(tmp_path), UsageError),
        ("team", str(tmp_path), WorkerError),
        ("team", "http://example.com", UsageError),
    ]
    for name, address, error in attempts:
        with pytest.raises(error):
            add_registry(name, address)
    assert registries() == []


def test_a_name_or_an_address_is_added_once(tmp_path: Path, site: Site) -> None:
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "y.md").write_text(agent("y"))
    add_registry("one", str(tmp_path))
    for name, address in (("one", site.url), ("two", str(tmp_path))):
        with pytest.raises(UsageError):
            add_registry(name, address)
    assert site.asked == []
    assert [registry.name for registry in registries()] == ["one"]


def test_an_update_that_fails_leaves_the_pin(make_repository: MakeRepository) -> None:
    upstream = make_repository({"agents/a/x.md": agent("x")})
    pinned = add_registry("team", upstream.as_uri()).registry
    upstream.rename(upstream.with_name("gone"))
    with pytest.raises(WorkerError):
        update_registry("team")
    assert registries() == [pinned]
    (catalog,) = opened_catalogs()
    assert catalog.load(catalog.items()[0]).revision == pinned.revision


def test_forgetting_and_what_is_not_there() -> None:
    remember(Registry("one", "github:a/b", None, "1" * 40))
    assert forget("one").address == "github:a/b"
    for change in (forget, update_registry):
        with pytest.raises(UsageError, match="no registry named 'one'"):
            change("one")


def test_several_at_once_all_arrive() -> None:
    names = [f"r{number}" for number in range(20)]
    threads = [
        threading.Thread(target=remember, args=(Registry(name, f"github:a/{name}", None, "1" * 40),)) for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(registry.name for registry in registries()) == sorted(names)


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        '{"registries": 7}',
        '{"registries": [7]}',
        '{"registries": [{"name": "x"}]}',
        '{"registries": [{"name": 7, "address": "x", "ref": null, "revision": null}]}',
    ],
)
def test_a_file_of_another_shape_is_an_error_that_names_it(text: str) -> None:
    registries_file().parent.mkdir(parents=True)
    registries_file().write_text(text)
    with pytest.raises(ConfigError) as caught:
        registries()
    assert str(registries_file()) in caught.value.message + caught.value.hint


def test_a_listing_that_was_damaged_or_deleted_is_made_again(site: Site, home: Path) -> None:
    site.files = {"components.json": public_index(agents=[{"name": "x", "category": "a", "description": "X."}])}
    add_registry("team", site.url)
    (kept,) = (home / ".cache" / "cct-cloudflare" / "registries" / "listings").iterdir()
    whole = kept.read_text()
    for damaged in ("", "[]", whole[:-9], json.dumps({**json.loads(whole), "items": [[1]]})):
        kept.write_text(damaged)
        assert [item.ref for item in opened_catalogs()[0].items()] == ["agent/a/x"]
        assert kept.read_text() == whole
    kept.unlink()
    assert len(opened_catalogs()[0].items()) == 1
