"""The promises of the merging package, for files and components of every shape."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cct_cloudflare.merging import jsonc
from cct_cloudflare.merging.merge import merge, unmerge
from cct_cloudflare.merging.model import Decision, MergeRefusedError, Owned, Piece
from cct_cloudflare.merging.update import remerge
from tests.merging.strategies import (
    effect,
    laws,
    mcp_components,
    mcp_files,
    odd_files,
    setting_components,
    setting_files,
    settle,
)

_cases = st.one_of(
    st.tuples(setting_files, setting_components(), setting_components()),
    st.tuples(mcp_files, mcp_components(), mcp_components()),
)
_many = st.one_of(
    st.tuples(setting_files, st.lists(setting_components(), min_size=2, max_size=4)),
    st.tuples(mcp_files, st.lists(mcp_components(), min_size=2, max_size=4)),
)
Case = tuple[bytes | None, tuple[Piece, ...], tuple[Piece, ...]]
Many = tuple[bytes | None, list[tuple[Piece, ...]]]


def said(text: bytes | None) -> Any:
    return jsonc.load(text or b"")


@laws
@given(_cases, st.data())
def test_what_was_merged_can_be_taken_out_to_the_last_byte(case: Case, data: st.DataObject) -> None:
    text, wanted, _ = case
    merged = settle(text, wanted, data)
    assert not merged.conflicts
    assert unmerge(merged.text, merged.owned).text == text


@laws
@given(_cases, st.sampled_from(Decision))
def test_merging_twice_is_merging_once(case: Case, decision: Decision) -> None:
    text, wanted, _ = case
    once = settle(text, wanted, decision)
    twice = settle(once.text, wanted, decision, [once.owned])
    assert (twice.text, twice.changed, twice.added) == (once.text, False, ())
    assert {held.piece.identity for held in twice.owned.pieces} == {held.piece.identity for held in once.owned.pieces}
    assert twice.owned.containers == once.owned.containers


@laws
@given(_many, st.data())
def test_components_may_leave_in_any_order(many: Many, data: st.DataObject) -> None:
    """They may share pieces, and replace each other's."""
    text, components = many
    now = text
    owned: list[Owned] = []
    for wanted in components:
        merged = settle(now, wanted, data, owned)
        now = merged.text
        owned.append(merged.owned)
    for leaving in data.draw(st.permutations(owned)):
        owned = [other for other in owned if other is not leaving]
        left = unmerge(now, leaving, others=owned)
        assert left.edited_by_user == ()
        now = left.text
    assert now == text


@laws
@given(_many, st.data())
def test_the_order_of_components_that_do_not_conflict_means_nothing(many: Many, data: st.DataObject) -> None:
    text, components = many

    def all_of(order: list[tuple[Piece, ...]]) -> tuple[bytes | None, bool]:
        now, conflicts = text, False
        owned: list[Owned] = []
        for wanted in order:
            merged = merge(now, wanted, others=owned)
            now, conflicts = merged.text, conflicts or bool(merged.conflicts)
            owned.append(merged.owned)
        return now, conflicts

    one, conflicts = all_of(components)
    other, _ = all_of(data.draw(st.permutations(components)))
    if not conflicts:
        assert effect(said(one)) == effect(said(other))


@laws
@given(_cases, st.sampled_from((Decision.KEEP, Decision.BOTH)))
def test_no_key_of_the_user_is_lost_changed_or_moved(case: Case, decision: Decision) -> None:
    text, wanted, _ = case
    merged = settle(text, wanted, decision)
    if merged.changed:
        assert_still_there(said(text) or {}, said(merged.text))


def assert_still_there(before: Any, after: Any) -> None:
    if isinstance(before, dict):
        assert list(before) == [key for key in after if key in before]
        for key, value in before.items():
            assert_still_there(value, after[key])
    elif isinstance(before, list):
        assert len(after) >= len(before)
        for old, new in zip(before, after, strict=False):
            assert_still_there(old, new)
    else:
        assert (before, type(before)) == (after, type(after))


@laws
@given(_cases, st.sampled_from(Decision))
def test_a_merge_only_adds_text(case: Case, decision: Decision) -> None:
    """With nothing replaced, the old file's text is in the new one, in order: only white space may have moved."""
    text, wanted, _ = case
    if decision is not Decision.REPLACE:
        after = iter((settle(text, wanted, decision).text or b"").decode())
        assert all(char in after for char in (text or b"").decode() if not char.isspace())


@laws
@given(_cases, st.sampled_from((Decision.KEEP, Decision.REPLACE)))
def test_an_update_ends_where_a_first_merge_of_the_new_version_does(case: Case, decision: Decision) -> None:
    text, old, new = case
    first = settle(text, old, decision)
    now = first.text
    updated = remerge(now, first.owned, new)
    updated = remerge(now, first.owned, new, decisions={conflict.key: decision for conflict in updated.conflicts})
    assert (updated.conflicts, updated.edited_by_user) == ((), ())
    straight = settle(text, new, decision)
    assert effect(said(updated.text)) == effect(said(straight.text))
    assert unmerge(updated.text, updated.owned).text == text


@laws
@given(_cases, st.data())
def test_an_update_to_the_same_version_changes_nothing(case: Case, data: st.DataObject) -> None:
    text, wanted, _ = case
    first = settle(text, wanted, data)
    now = first.text
    again = remerge(now, first.owned, wanted)
    assert (again.text, again.changed, again.conflicts, again.added, again.removed) == (now, False, (), (), ())
    assert {held.piece.identity for held in again.owned.pieces} == {held.piece.identity for held in first.owned.pieces}
    assert again.owned.declined == first.owned.declined


@laws
@given(odd_files, setting_components(), st.sampled_from(Decision))
def test_a_file_of_another_shape_is_refused_or_merged_like_any_other(
    text: bytes, wanted: tuple[Piece, ...], decision: Decision
) -> None:
    try:
        merged = settle(text, wanted, decision)
    except MergeRefusedError:
        return
    assert unmerge(merged.text, merged.owned).text == text


@laws
@given(_cases, st.data())
def test_what_is_owned_survives_the_lock_file(case: Case, data: st.DataObject) -> None:
    text, wanted, _ = case
    owned = settle(text, wanted, data).owned
    assert Owned.from_json(owned.to_json()) == owned
