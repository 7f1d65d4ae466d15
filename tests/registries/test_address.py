from __future__ import annotations

from pathlib import Path

import pytest

from cct_cloudflare.errors import UsageError
from cct_cloudflare.registries.address import Place, checked_ref, parse_address


@pytest.mark.parametrize(
    ("text", "place", "target", "ref"),
    [
        ("github:owner/repo", Place.GITHUB, "owner/repo", None),
        ("github:owner/repo@v1.2", Place.GITHUB, "owner/repo", "v1.2"),
        ("https://github.com/owner/repo", Place.GITHUB, "owner/repo", None),
        ("https://github.com/owner/repo/", Place.GITHUB, "owner/repo", None),
        ("https://github.com/owner/repo/tree/feature/x", Place.GITHUB, "owner/repo", "feature/x"),
        ("https://github.com/owner/repo.git", Place.GIT, "https://github.com/owner/repo.git", None),
        ("git+https://example.com/repo", Place.GIT, "https://example.com/repo", None),
        ("git@example.com:team/tools.git", Place.GIT, "git@example.com:team/tools.git", None),
        ("ssh://git@example.com/team/tools", Place.GIT, "ssh://git@example.com/team/tools", None),
        ("file:///srv/tools.git", Place.GIT, "file:///srv/tools.git", None),
        ("https://example.com/catalog/", Place.SITE, "https://example.com/catalog", None),
        ("http://127.0.0.1:8000", Place.SITE, "http://127.0.0.1:8000", None),
        ("http://localhost/x", Place.SITE, "http://localhost/x", None),
    ],
)
def test_each_way_to_write_an_address(text: str, place: Place, target: str, ref: str | None) -> None:
    found = parse_address(text)
    assert (found.place, found.target, found.ref) == (place, target, ref)
    assert parse_address(found.text, ref=found.ref) == found


def test_a_folder_is_relative_to_its_base_and_with_a_ref_it_is_a_repository(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    assert parse_address("mine", base=tmp_path).target == str(tmp_path / "mine")
    pinned = parse_address("mine", base=tmp_path, ref="main")
    assert (pinned.place, pinned.target, pinned.ref) == (Place.GIT, (tmp_path / "mine").as_uri(), "main")
    assert parse_address(pinned.text, ref="main") == pinned


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-oProxyCommand=x",
        "--upload-pack=x",
        "ext::sh -c touch% /tmp/x",
        "ext::sh",
        "fd::17/foo",
        "git://example.com/x",
        "git+ext::sh",
        "ftp://example.com/x",
        "http://example.com/x",
        "git+http://example.com/x.git",
        "https://token@example.com/x",
        "https://user:secret-token@example.com/x.git",
        "ssh://user:secret-token@example.com/x",
        "ssh://-oProxyCommand=x/y",
        "ssh:///x",
        "https://example.com/x?y=1",
        "https://example.com/x#y",
        "https://example.com/%2e%2e/x",
        "https://example.com/a/../x",
        "https://example.com\\x",
        "https://exa mple.com",
        "https://",
        "https://[::1",
        "https://github.com/owner",
        "https://github.com/owner/repo/blob/main/x.md",
        "github:owner",
        "github:owner/../x",
        "github:owner/repo/x",
        "github:owner/repo@../../x",
        "github:owner/repo@--upload-pack",
        "no-such-folder",
        "owner/repo",
        "https://example.com/\x1b[31m",
        "x" * 3000,
    ],
)
def test_what_is_no_address_is_refused_by_its_text(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_address(text)
    assert "secret-token" not in caught.value.message + caught.value.hint
    assert caught.value.hint


@pytest.mark.parametrize("ref", ["", "-x", "a..b", "a b", "a:b", "a.lock", "x/", "^x", "a~1", "a@{1}", "é"])
def test_a_ref_cannot_be_an_option_or_a_range(ref: str) -> None:
    with pytest.raises(UsageError):
        checked_ref(ref)


def test_a_site_has_no_versions_and_two_refs_are_one_too_many() -> None:
    with pytest.raises(UsageError, match="no versions"):
        parse_address("https://example.com", ref="main")
    with pytest.raises(UsageError, match="two versions"):
        parse_address("github:a/b@v1", ref="v2")
