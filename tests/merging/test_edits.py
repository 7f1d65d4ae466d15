"""What the user changed since stays, when a component goes and when it comes in a new version."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cct_cloudflare.merging import editing, jsonc
from cct_cloudflare.merging.merge import merge, unmerge
from cct_cloudflare.merging.model import Decision, MergeRefusedError, Owned, Piece
from cct_cloudflare.merging.update import remerge
from tests.merging.strategies import laws, setting_components, setting_files, settle
from tests.merging.test_settings import GUARD, LINT, pieces

COMPONENT = {
    "model": "sonnet",
    "env": {"A": "1"},
    "permissions": {"allow": ["Read", "Edit"]},
    "hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [GUARD]}]},
}
MENDED = {**GUARD, "timeout": 5}


def hooks(*commands: Any, matcher: str = "Bash") -> dict[str, Any]:
    return {"hooks": {"PreToolUse": [{"matcher": matcher, "hooks": list(commands)}]}}


def text_of(value: Any) -> bytes:
    return json.dumps(value, indent=2).encode()


def said(text: bytes | None) -> Any:
    return jsonc.load(text or b"")


def test_edited_pieces_stay_and_are_named() -> None:
    merged = merge(b"{}", pieces(COMPONENT))
    edited = {
        "model": "opus",
        "env": {"A": "1", "MINE": "2"},
        "permissions": {"allow": ["Edit", "Read", "Bash(ls)"]},
        "hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [MENDED]}]},
    }
    left = unmerge(text_of(edited), merged.owned)
    assert said(left.text) == {
        "model": "opus",
        "env": {"MINE": "2"},
        "permissions": {"allow": ["Bash(ls)"]},
        "hooks": edited["hooks"],
    }
    assert [(edit.pointer, json.loads(edit.base), json.loads(edit.ours)) for edit in left.edited_by_user] == [
        ("/model", "sonnet", "opus"),
        ("/hooks/PreToolUse", GUARD, MENDED),
    ]
    assert {piece.pointer for piece in left.removed} == {"/env/A", "/permissions/allow"}


def test_a_comment_inside_a_piece_is_an_edit() -> None:
    merged = merge(b"{}", pieces({"statusLine": {"type": "command", "command": "a"}}))
    assert merged.text is not None
    noted = merged.text.replace(b'"a"', b'"a" // the short one')
    left = unmerge(noted, merged.owned)
    assert left.text == noted
    assert [edit.pointer for edit in left.edited_by_user] == ["/statusLine"]


def test_what_is_gone_already_needs_no_word() -> None:
    merged = merge(b"{}", pieces(COMPONENT))
    left = unmerge(b'{"x": 1}', merged.owned)
    assert (left.text, left.changed, left.edited_by_user) == (b'{"x": 1}', False, ())
    assert unmerge(None, merged.owned).text is None


def test_a_command_that_has_nothing_to_do_with_it_is_no_edit() -> None:
    merged = merge(b"{}", pieces(hooks(GUARD)))
    assert unmerge(text_of(hooks(LINT)), merged.owned).edited_by_user == ()


def test_the_other_hook_of_the_same_component_is_no_edit() -> None:
    twin = {**GUARD, "command": GUARD["command"] + " --all"}
    merged = merge(b"{}", pieces(hooks(GUARD, twin)))
    assert unmerge(text_of(hooks(twin)), merged.owned).edited_by_user == ()


def test_a_file_that_was_made_for_a_component_goes_with_it_unless_something_was_added() -> None:
    merged = merge(None, pieces(COMPONENT))
    assert merged.text is not None
    assert unmerge(merged.text, merged.owned).text is None
    remarked = unmerge(b"// mine\n" + merged.text, merged.owned).text
    assert remarked == b"// mine\n{\n}\n"
    kept = unmerge(merged.text.replace(b"{", b'{"mine": 1,', 1), merged.owned).text
    assert said(kept) == {"mine": 1}


def test_a_container_with_the_users_comment_stays() -> None:
    merged = merge(b'{\n  "x": 1\n}', pieces({"env": {"A": "1"}}))
    assert merged.text is not None
    left = unmerge(merged.text.replace(b'"A": "1"', b'// soon\n    "A": "1"'), merged.owned)
    assert left.text == b'{\n  "x": 1,\n  "env": {\n    // soon\n  }\n}'


@pytest.mark.parametrize("before", [b'{"x": 1, "env": {}}', b'{"x": 1, "env": { /* mine */ }}'])
def test_a_comment_in_what_was_an_empty_container_stays(before: bytes) -> None:
    merged = merge(before, pieces({"env": {"A": "1"}}))
    assert merged.text is not None
    left = unmerge(merged.text.replace(b'"A"', b'/* new */ "A"'), merged.owned).text
    assert left is not None
    assert left.count(b"/* new */") == 1
    assert left.count(b"/* mine */") == before.count(b"/* mine */")


def test_a_group_with_the_users_comment_stays() -> None:
    merged = merge(b"{}", pieces(hooks(GUARD)))
    assert merged.text is not None
    left = unmerge(merged.text.replace(b'"matcher"', b'/* why */ "matcher"'), merged.owned).text
    assert b"/* why */" in (left or b"")
    assert said(left) == hooks()


def test_a_container_that_the_user_emptied_goes_with_the_last_component() -> None:
    first = merge(b'{"x": 1}', pieces({"env": {"A": "1"}}))
    second = merge(b'{"x": 1, "env": {}}', pieces({"env": {"B": "1"}}), others=[first.owned])
    without = unmerge(second.text, first.owned, others=[second.owned])
    assert unmerge(without.text, second.owned).text == b'{"x": 1}'


def test_a_corrupt_file_is_left_with_what_is_to_be_taken_out() -> None:
    merged = merge(b"{}", pieces(COMPONENT))
    with pytest.raises(MergeRefusedError) as caught:
        unmerge(b"{", merged.owned)
    assert json.loads(caught.value.text_to_paste) == COMPONENT
    assert "Take this out" in caught.value.hint


def test_what_two_components_brought_goes_with_the_last() -> None:
    first = merge(b'{"x": 1}', pieces(COMPONENT))
    second = merge(first.text, pieces(COMPONENT), others=[first.owned])
    assert not second.changed
    without = unmerge(second.text, first.owned, others=[second.owned])
    assert (without.text, without.removed) == (first.text, ())
    assert unmerge(without.text, second.owned).text == b'{"x": 1}'


def test_replaced_values_come_back_in_whatever_order_their_components_leave() -> None:
    """The user's opus, replaced by sonnet, replaced by haiku."""
    replace = {"/model": Decision.REPLACE}
    sonnet = merge(b'{"model": "opus"}', pieces({"model": "sonnet"}), decisions=replace)
    haiku = merge(sonnet.text, pieces({"model": "haiku"}), decisions=replace, others=[sonnet.owned])
    newest_first = unmerge(haiku.text, haiku.owned, others=[sonnet.owned])
    assert newest_first.text == b'{"model": "sonnet"}'
    assert unmerge(newest_first.text, sonnet.owned).text == b'{"model": "opus"}'
    oldest_first = unmerge(haiku.text, sonnet.owned, others=[haiku.owned])
    assert (oldest_first.text, oldest_first.edited_by_user) == (haiku.text, ())
    assert unmerge(oldest_first.text, haiku.owned).text == b'{"model": "opus"}'


@laws
@given(setting_files, setting_components(), st.data())
def test_whatever_the_user_adds_survives(text: bytes | None, wanted: tuple[Piece, ...], data: st.DataObject) -> None:
    merged = settle(text, wanted, data)
    document = jsonc.parse(jsonc.decode(merged.text if said(merged.text) is not None and merged.text else b"{}"))
    assert isinstance(document.root, jsonc.Container)
    spot = editing.Spot(document.root)
    inner = [spot.child(item) for item in document.root.items if getattr(item.value, "opening", "") == "{"]
    place = data.draw(st.sampled_from([spot, *inner]))
    editing.append(place, [1, {"a": "b"}], editing.style_of(document), "the user's own")
    noted = data.draw(st.sampled_from([spot, *inner])).container
    noted.tail += "/* the user's remark */"
    edited = jsonc.render(document).encode()
    left = unmerge(edited, merged.owned).text
    assert left is not None
    assert b"the user's remark" in left
    before, after = said(text) or {}, said(left)
    keys = [key for key, value in after.items() if key == "the user's own" or "the user's own" in str(value)]
    assert len(keys) == 1
    assert [key for key in after if key in before] == list(before)


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "expected"),
    [
        ("1", "1", "2", "2"),  # only the component changed it
        ("1", "9", "1", "9"),  # only the user did
        ("1", "2", "2", "2"),  # both, alike
        ("1", None, "1", None),  # the user took it out
        (None, None, "1", "1"),  # it is new
        ("1", "1", None, None),  # it left
        ("1", "9", None, "9"),  # it left, but is the user's by now
    ],
)
def test_one_side_that_changed_holds(base: Any, ours: Any, theirs: Any, expected: Any) -> None:
    def env(value: Any) -> dict[str, Any]:
        return {"env": {"KEEP": "k", **({} if value is None else {"A": value})}}

    merged = merge(b"{}", pieces(env(base)))
    updated = remerge(text_of(env(ours)), merged.owned, pieces(env(theirs)))
    assert updated.conflicts == ()
    assert said(updated.text) == env(expected)
    assert [edit.pointer for edit in updated.edited_by_user] == (["/env/A"] if (ours, theirs) == ("9", None) else [])


@pytest.mark.parametrize(
    ("decision", "expected"), [(None, "9"), (Decision.KEEP, "9"), (Decision.REPLACE, "2"), (Decision.BOTH, "9")]
)
@pytest.mark.parametrize("ours", ["9", None])
def test_both_sides_changed_is_a_conflict_with_three_texts(ours: str | None, decision: Any, expected: str) -> None:
    def env(value: Any) -> bytes:
        return text_of({"env": {"KEEP": "k", **({} if value is None else {"A": value})}})

    merged = merge(b"{}", pieces({"env": {"A": "1"}}))
    wanted = pieces({"env": {"A": "2"}})
    asked = remerge(env(ours), merged.owned, wanted)
    assert [(it.base, it.ours, it.theirs) for it in asked.conflicts] == [('"1"', ours and f'"{ours}"', '"2"')]
    assert (asked.changed, asked.owned) == (False, merged.owned)
    done = remerge(env(ours), merged.owned, wanted, decisions={"/env/A": decision} if decision else {})
    assert said(done.text) == said(env("2" if decision is Decision.REPLACE else ours))
    settled = decision in (Decision.KEEP, Decision.REPLACE)
    assert bool(done.conflicts) is not settled
    if settled:  # and is not asked again
        again = remerge(done.text, done.owned, wanted)
        assert (again.changed, again.conflicts) == (False, ())
    left = unmerge(done.text, done.owned).text
    assert said(left).get("env", {}).get("A") == ours


def test_permissions_come_and_go_with_the_version() -> None:
    merged = merge(text_of({"permissions": {"allow": ["Mine"]}}), pieces({"permissions": {"allow": ["Read", "Edit"]}}))
    updated = remerge(
        merged.text, merged.owned, pieces({"permissions": {"allow": ["Edit", "Write"], "deny": ["Bash"]}})
    )
    assert said(updated.text) == {"permissions": {"allow": ["Mine", "Edit", "Write"], "deny": ["Bash"]}}
    assert [piece.value for piece in updated.added] == ["Write", "Bash"]
    assert [piece.value for piece in updated.removed] == ["Read"]


def test_a_permission_that_another_component_brought_too_stays() -> None:
    other = merge(b"{}", pieces({"permissions": {"allow": ["Read"]}}))
    merged = merge(other.text, pieces({"permissions": {"allow": ["Read", "Edit"]}}), others=[other.owned])
    updated = remerge(merged.text, merged.owned, pieces({"permissions": {"allow": ["Write"]}}), others=[other.owned])
    assert said(updated.text) == {"permissions": {"allow": ["Read", "Write"]}}
    alone = unmerge(updated.text, updated.owned, others=[other.owned])
    assert unmerge(alone.text, other.owned).text == b"{}"


def test_a_value_that_another_component_brought_too_is_not_changed_unasked() -> None:
    other = merge(b"{}", pieces({"model": "sonnet"}))
    merged = merge(other.text, pieces({"model": "sonnet"}), others=[other.owned])
    newer = pieces({"model": "haiku"})
    asked = remerge(merged.text, merged.owned, newer, others=[other.owned])
    assert [conflict.key for conflict in asked.conflicts] == ["/model"]
    done = remerge(merged.text, merged.owned, newer, others=[other.owned], decisions={"/model": Decision.REPLACE})
    assert said(done.text) == {"model": "haiku"}
    assert said(unmerge(done.text, done.owned, others=[other.owned]).text) == {"model": "sonnet"}


def test_a_changed_hook_is_changed_in_its_place() -> None:
    def file(command: Any) -> Any:
        return {"hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [command]}, {"hooks": [LINT]}]}}

    merged = merge(b"{}", pieces(hooks(GUARD)))
    updated = remerge(text_of(file(GUARD)), merged.owned, pieces(hooks(MENDED)))
    assert said(updated.text) == file(MENDED)


def test_a_hook_with_another_matcher_leaves_its_group() -> None:
    merged = merge(b"{}", pieces(hooks(GUARD)))
    updated = remerge(merged.text, merged.owned, pieces(hooks(GUARD, matcher="Edit")))
    assert said(updated.text) == hooks(GUARD, matcher="Edit")
    assert unmerge(updated.text, updated.owned).text == b"{}"


def test_a_hook_that_another_component_brought_too_stays_beside_the_new_one() -> None:
    other = merge(b"{}", pieces(hooks(GUARD)))
    merged = merge(other.text, pieces(hooks(GUARD)), others=[other.owned])
    updated = remerge(merged.text, merged.owned, pieces(hooks(MENDED)), others=[other.owned])
    assert said(updated.text) == {
        "hooks": {"PreToolUse": [*hooks(GUARD)["hooks"]["PreToolUse"], *hooks(MENDED)["hooks"]["PreToolUse"]]}
    }


def test_a_changed_hook_that_is_there_already_is_not_doubled() -> None:
    merged = merge(text_of(hooks(MENDED)), pieces(hooks(GUARD)))
    updated = remerge(merged.text, merged.owned, pieces(hooks(MENDED)))
    assert said(updated.text) == hooks(MENDED)
    assert updated.owned.pieces == ()


def test_a_hook_that_the_user_brought_up_to_date_is_owned() -> None:
    merged = merge(b"{}", pieces(hooks(GUARD)))
    updated = remerge(text_of(hooks(MENDED)), merged.owned, pieces(hooks(MENDED)))
    assert (updated.changed, updated.conflicts) == (False, ())
    assert unmerge(updated.text, updated.owned).text == b"{}"


def test_an_edited_hook_whose_matcher_changed_is_a_conflict_and_not_doubled() -> None:
    merged = merge(b"{}", pieces(hooks(GUARD, LINT)))
    ours = text_of(hooks({**GUARD, "timeout": 9}, LINT))
    wanted = pieces(
        {
            "hooks": {
                "PreToolUse": [
                    {"matcher": "Bash", "hooks": [LINT, {"type": "prompt", "prompt": "?"}]},
                    {"matcher": "Edit", "hooks": [GUARD]},
                ]
            }
        }
    )
    (conflict,) = remerge(ours, merged.owned, wanted).conflicts
    assert [json.loads(text or "") for text in (conflict.ours, conflict.theirs)] == [{**GUARD, "timeout": 9}, GUARD]


def test_an_update_to_nothing_leaves_nothing() -> None:
    merged = merge(None, pieces(COMPONENT))
    updated = remerge(merged.text, merged.owned, ())
    assert (updated.text, updated.owned) == (None, Owned())


def test_an_update_forgets_the_containers_that_it_emptied() -> None:
    merged = merge(b'{"x": 1}', pieces({"env": {"A": "1"}, "permissions": {"allow": ["Read"]}}))
    updated = remerge(merged.text, merged.owned, pieces({"env": {"A": "1"}}))
    assert said(updated.text) == {"x": 1, "env": {"A": "1"}}
    assert [container.at for container in updated.owned.containers] == [("env",)]


@pytest.mark.parametrize(
    ("decision", "expected"),
    [(None, {**GUARD, "timeout": 9}), (Decision.KEEP, {**GUARD, "timeout": 9}), (Decision.REPLACE, MENDED)],
)
def test_a_hook_that_both_changed_is_a_conflict(decision: Decision | None, expected: Any) -> None:
    merged = merge(b"{}", pieces(hooks(GUARD)))
    ours = text_of(hooks({**GUARD, "timeout": 9}))
    wanted = pieces(hooks(MENDED))
    asked = remerge(ours, merged.owned, wanted)
    (conflict,) = asked.conflicts
    assert [json.loads(text or "") for text in (conflict.base, conflict.ours, conflict.theirs)] == [
        GUARD,
        {**GUARD, "timeout": 9},
        MENDED,
    ]
    done = remerge(ours, merged.owned, wanted, decisions={conflict.key: decision} if decision else {})
    assert said(done.text) == hooks(expected)
    assert bool(done.conflicts) is (decision is None)


def test_a_hook_that_the_user_took_out_stays_out_until_it_changes() -> None:
    merged = merge(b"{}", pieces(hooks(GUARD)))
    assert not remerge(b"{}", merged.owned, pieces(hooks(GUARD))).changed
    (conflict,) = remerge(b"{}", merged.owned, pieces(hooks(MENDED))).conflicts
    assert conflict.ours is None


def test_a_kept_value_is_asked_about_again_only_when_the_component_changes_it() -> None:
    keep = {"/model": Decision.KEEP}
    merged = merge(b'{"model": "opus"}', pieces({"model": "sonnet"}), decisions=keep)
    assert remerge(merged.text, merged.owned, pieces({"model": "sonnet"})).conflicts == ()
    (conflict,) = remerge(merged.text, merged.owned, pieces({"model": "haiku"})).conflicts
    assert (conflict.ours, conflict.theirs) == ('"opus"', '"haiku"')


def test_a_file_that_is_gone_is_made_anew() -> None:
    merged = merge(b"{}", pieces(COMPONENT))
    updated = remerge(None, merged.owned, pieces(COMPONENT))
    assert said(updated.text) == COMPONENT
    assert unmerge(updated.text, updated.owned).text is None
