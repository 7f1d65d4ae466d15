from __future__ import annotations

import gzip
import socket
import threading
from pathlib import Path

import pytest

from cct_cloudflare.errors import WorkerError
from cct_cloudflare.registries import fetching
from cct_cloudflare.registries.fetching import MAX_PARALLEL, Fetcher
from cct_cloudflare.registries.kept import Cache, Kept
from tests.registries.servers import Site, serving


def test_what_was_fetched_at_a_revision_is_not_asked_for_again(site: Site) -> None:
    site.files["a.md"] = b"one"
    assert Fetcher().get(f"{site.url}/a.md", pin="r1") == b"one"
    site.files["a.md"] = b"two"
    assert Fetcher().get(f"{site.url}/a.md", pin="r1") == b"one"
    assert site.asked == ["a.md"]
    assert Fetcher().get(f"{site.url}/a.md", pin="r2") == b"two"
    assert site.statuses == [200, 200]


def test_another_revision_with_the_same_content_costs_no_body(site: Site) -> None:
    site.files["a.md"] = b"one"
    for pin in ("r1", "r2"):
        assert Fetcher().get(f"{site.url}/a.md", pin=pin) == b"one"
    assert site.statuses == [200, 304]
    assert Fetcher().get(f"{site.url}/a.md", pin="r2") == b"one"
    assert len(site.asked) == 2


def test_a_file_that_is_not_there_is_none_and_that_is_remembered(site: Site) -> None:
    for _ in range(2):
        assert Fetcher().get(f"{site.url}/a.md", pin="r1") is None
    assert len(site.asked) == 1
    site.files["a.md"] = b"now"
    assert Fetcher().get(f"{site.url}/a.md", pin="r2") == b"now"


def test_many_files_come_over_one_pool_of_connections(site: Site) -> None:
    site.files = {f"f{number}": str(number).encode() for number in range(64)}
    site.gate = threading.Barrier(MAX_PARALLEL)  # no request is answered before so many are there
    told: list[tuple[int, int]] = []
    urls = [f"{site.url}/f{number}" for number in range(64)]
    found = Fetcher().get_all(urls, pin="r", progress=lambda done, total: told.append((done, total)))
    assert found == {f"{site.url}/f{number}": str(number).encode() for number in range(64)}
    assert site.most_at_once == MAX_PARALLEL
    assert len(site.connections) == MAX_PARALLEL
    assert told[-1] == (64, 64)


def test_what_was_fetched_before_a_failure_stays(site: Site) -> None:
    site.files = {f"f{number}": b"x" for number in range(10)}
    site.failing["f9"] = 500
    urls = [f"{site.url}/f{number}" for number in range(10)]
    with pytest.raises(WorkerError) as caught:
        Fetcher().get_all(urls, pin="r")
    assert caught.value.code == "registry_unreachable"
    fetched = site.statuses.count(200)
    site.failing.clear()
    site.asked.clear()
    assert len(Fetcher().get_all(urls, pin="r")) == 10
    assert len(site.asked) == 10 - fetched


def test_without_a_network_what_was_fetched_is_used_and_said() -> None:
    with serving({"a.md": "one", "b.md": "two"}) as site:
        url = site.url
        Fetcher().get_all([f"{url}/a.md", f"{url}/b.md"], pin="r1")
    notes: list[str] = []
    found = Fetcher(note=notes.append).get_all([f"{url}/a.md", f"{url}/b.md"], pin="r2")
    assert sorted(found.values()) == [b"one", b"two"]
    assert len(notes) == 1
    assert "fetched before" in notes[0]
    with pytest.raises(WorkerError) as caught:
        Fetcher().get(f"{url}/a.md", pin="r2", stale=False)
    assert caught.value.code == "registry_unreachable"


def test_offline_asks_nothing(site: Site) -> None:
    site.files["a.md"] = b"one"
    Fetcher().get(f"{site.url}/a.md")
    site.asked.clear()
    offline = Fetcher(offline=True)
    assert offline.get(f"{site.url}/a.md") == b"one"
    with pytest.raises(WorkerError, match="not in the cache") as caught:
        offline.get(f"{site.url}/b.md")
    assert caught.value.code == "registry_unreachable"
    assert site.asked == []


def test_a_redirect_on_the_same_host_is_followed(site: Site) -> None:
    site.files["new.md"] = b"moved"
    site.redirects["old.md"] = "/new.md"
    assert Fetcher().get(f"{site.url}/old.md") == b"moved"


def test_a_redirect_to_another_host_is_refused_and_not_followed(site: Site) -> None:
    with serving({"x.md": "stolen"}) as other:
        for target in (f"{other.url}/x.md", f"//127.0.0.1:{other.url.rpartition(':')[2]}/x.md", "https://127.0.0.1/x"):
            site.redirects["a.md"] = target
            with pytest.raises(WorkerError, match="another host") as caught:
                Fetcher().get(f"{site.url}/a.md")
            assert caught.value.code == "registry_invalid"
        assert other.asked == []


def test_a_refused_redirect_is_not_covered_up_by_the_cache(site: Site) -> None:
    site.files["a.md"] = b"one"
    Fetcher().get(f"{site.url}/a.md", pin="r1")
    site.redirects["a.md"] = "https://example.com/"
    with pytest.raises(WorkerError, match="another host"):
        Fetcher().get(f"{site.url}/a.md", pin="r2")


def test_a_redirect_without_end_is_an_error(site: Site) -> None:
    site.redirects["a.md"] = "/a.md"
    with pytest.raises(WorkerError, match="again and again"):
        Fetcher().get(f"{site.url}/a.md")


def test_a_file_that_is_too_large_is_not_read_to_its_end(site: Site) -> None:
    site.files["large"] = b"x" * 1001
    site.endless.add("endless")
    for name in ("large", "endless"):
        with pytest.raises(WorkerError, match="larger than") as caught:
            Fetcher().get(f"{site.url}/{name}", limit=1000)
        assert caught.value.code == "registry_invalid"
    assert Fetcher().get(f"{site.url}/large", limit=1001) is not None


def test_a_body_may_be_packed_once_and_no_more(site: Site) -> None:
    site.files = {"once": gzip.compress(b"x" * 500), "twice": gzip.compress(gzip.compress(b"x" * 500))}
    site.encodings = {"once": "gzip", "twice": "gzip, gzip"}
    assert Fetcher().get(f"{site.url}/once") == b"x" * 500
    with pytest.raises(WorkerError, match="not asked for") as caught:
        Fetcher().get(f"{site.url}/twice")
    assert caught.value.code == "registry_invalid"


def test_a_body_that_ends_too_early_is_no_body(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "_WAITS", (0.0,))
    site.files["a.md"] = b"x" * 100
    site.cut.add("a.md")
    with pytest.raises(WorkerError, match="does not answer") as caught:
        Fetcher().get(f"{site.url}/a.md")
    assert caught.value.code == "registry_unreachable"
    assert len(site.asked) == 2


def test_a_passing_failure_is_asked_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "_WAITS", (0.0, 0.0))
    site.failing["a.md"] = 503
    with pytest.raises(WorkerError, match="503"):
        Fetcher().get(f"{site.url}/a.md")
    assert len(site.asked) == 3


def test_nobody_listening_is_one_error_with_a_hint() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(WorkerError) as caught:
        Fetcher().get(f"http://127.0.0.1:{port}/a.md")
    assert caught.value.code == "registry_unreachable"
    assert caught.value.hint


@pytest.mark.parametrize("damage", [b"", b"{", b"[]\nx", b'{"url": 1}\nx', b"\xff\xfe\n"])
def test_a_damaged_cache_counts_as_empty(site: Site, tmp_path: Path, damage: bytes) -> None:
    site.files["a.md"] = b"one"
    cache = Cache(tmp_path)
    url = f"{site.url}/a.md"
    cache.put(url, Kept(b"old", pin="r"))
    kept = next(path for path in tmp_path.rglob("*") if path.is_file())
    kept.write_bytes(damage or kept.read_bytes()[:-1])
    assert cache.get(url) is None
    assert Fetcher(cache).get(url, pin="r") == b"one"
    assert cache.get(url) is not None


def test_a_cache_that_cannot_be_written_is_no_failure(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    site.files["a.md"] = b"one"
    assert Fetcher(Cache(tmp_path / "file")).get(f"{site.url}/a.md", pin="r") == b"one"
