from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from cct_cloudflare.catalog.reading import Summary
from cct_cloudflare.components.model import Kind
from cct_cloudflare.registries.listing import Listed, Listing, Located, keep_listing, read_listing
from cct_cloudflare.registries.plugins import _relative
from cct_cloudflare.registries.repository import arrange_paths, find_root
from cct_cloudflare.registries.tree import Stat, is_wanted

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_LISTED = st.builds(
    Listed,
    st.sampled_from(Kind),
    _TEXT,
    _TEXT,
    st.dictionaries(_TEXT, st.builds(Located, _TEXT, st.none() | st.integers(0), st.booleans()), max_size=3),
    st.builds(Summary, _TEXT, st.lists(_TEXT, max_size=3).map(tuple), _TEXT),
    st.none() | _TEXT,
    st.booleans(),
)
_PARTS = st.sampled_from(
    ["agents", "skills", "hooks", "components", "cli-tool", ".claude", "a", "x.md", "x.json", "SKILL.md", "..", ".", ""]
)
_PATHS = st.lists(_PARTS, min_size=1, max_size=6).map("/".join)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(_LISTED, max_size=4),
    st.lists(_TEXT, max_size=2),
    st.none() | _TEXT,
    _TEXT,
)
def test_a_listing_comes_back_from_the_cache_as_it_was(
    listed: list[Listed], left_out: list[str], root: str | None, revision: str
) -> None:
    listing = Listing("layout", tuple(listed), tuple(left_out), root)
    keep_listing("address", revision, listing)
    assert read_listing("address", revision) == listing
    assert read_listing("other", revision) is None


@settings(deadline=None)
@given(st.text(max_size=30) | _PATHS)
def test_a_path_within_a_plugin_stays_within_it(path: str) -> None:
    inner = _relative(path)
    assert inner is None or (not inner.startswith("/") and ".." not in inner.split("/") and "\\" not in inner)


@settings(deadline=None)
@given(st.sets(_PATHS, max_size=12))
def test_whatever_paths_there_are_every_component_has_its_main_file_and_only_files_that_exist(paths: set[str]) -> None:
    stats = {path: Stat(1) for path in paths if is_wanted(path)}
    root = find_root(stats)
    for listed in arrange_paths(root or "", stats):
        assert listed.main in listed.files
        assert all(file.path in stats for file in listed.files.values())
