"""Settings and hooks put into a file, as a person would try it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cct_cloudflare.errors import UsageError
from cct_cloudflare.merging import jsonc, settings
from cct_cloudflare.merging.merge import merge, unmerge
from cct_cloudflare.merging.model import Decision, Form, Merge, MergeRefusedError, Owned, Piece

GUARD = {"type": "command", "command": "python .claude/hooks/guard.py"}
LINT = {"type": "command", "command": "npx prettier --check .", "timeout": 30}


def pieces(component: Any) -> tuple[Piece, ...]:
    return settings.wanted(json.dumps(component).encode())


def put(file: Any, component: Any, decide: Decision | None = None, others: tuple[Owned, ...] = ()) -> Merge:
    text = None if file is None else json.dumps(file, indent=2).encode()
    first = merge(text, pieces(component), others=others)
    if decide is None:
        return first
    decisions = {conflict.key: decide for conflict in first.conflicts}
    return merge(text, pieces(component), others=others, decisions=decisions)


def said(merged: Merge) -> Any:
    return jsonc.load(merged.text or b"")


def test_lists_of_permissions_are_united() -> None:
    merged = put(
        {"permissions": {"allow": ["Read", "Edit"], "deny": ["WebFetch"]}},
        {"permissions": {"allow": ["Edit", "Bash(ls)", "Bash(ls)"], "ask": ["Bash(git push:*)"]}},
    )
    assert said(merged) == {
        "permissions": {"allow": ["Read", "Edit", "Bash(ls)"], "deny": ["WebFetch"], "ask": ["Bash(git push:*)"]}
    }
    assert [(piece.pointer, piece.value) for piece in merged.added] == [
        ("/permissions/allow", "Bash(ls)"),
        ("/permissions/ask", "Bash(git push:*)"),
    ]


def test_what_was_there_already_is_not_owned() -> None:
    file = {
        "model": "opus",
        "env": {"A": "1"},
        "permissions": {"allow": ["Read"]},
        "hooks": {"Stop": [{"hooks": [GUARD]}]},
    }
    merged = put(file, file)
    assert (merged.changed, merged.owned, merged.conflicts) == (False, Owned(), ())


def test_nested_objects_are_merged_key_by_key() -> None:
    merged = put(
        {"sandbox": {"enabled": True, "network": {"allowedDomains": ["a.dev"]}}},
        {"sandbox": {"enabled": True, "network": {"allowedDomains": ["b.dev"], "allowLocalBinding": True}}},
    )
    assert said(merged) == {
        "sandbox": {"enabled": True, "network": {"allowedDomains": ["a.dev", "b.dev"], "allowLocalBinding": True}}
    }


@pytest.mark.parametrize(
    ("file", "component", "pointer"),
    [
        ({"model": "opus"}, {"model": "sonnet"}, "/model"),
        ({"env": {"A/B~": "1"}}, {"env": {"A/B~": "2"}}, "/env/A~1B~0"),
        ({"cleanupPeriodDays": 1}, {"cleanupPeriodDays": True}, "/cleanupPeriodDays"),
        (
            {"statusLine": {"type": "command", "command": "a"}},
            {"statusLine": {"type": "command", "command": "b"}},
            "/statusLine",
        ),
        ({"statusLine": None}, {"statusLine": {"type": "command", "command": "b"}}, "/statusLine"),
        (
            {"extraKnownMarketplaces": {"m": {"source": 1}}},
            {"extraKnownMarketplaces": {"m": {"x": 2}}},
            "/extraKnownMarketplaces/m",
        ),
        ({"fallbackModel": ["a"]}, {"fallbackModel": ["b"]}, "/fallbackModel"),
    ],
)
def test_another_value_is_a_conflict_and_stays(file: Any, component: Any, pointer: str) -> None:
    merged = put(file, component)
    assert [(conflict.pointer, conflict.base) for conflict in merged.conflicts] == [(pointer, None)]
    assert (merged.changed, said(merged), merged.owned) == (False, file, Owned())


def test_a_conflict_shows_both_sides() -> None:
    conflict = put({"model": "opus"}, {"model": "sonnet"}).conflicts[0]
    assert conflict.to_json() == {
        "key": "/model",
        "pointer": "/model",
        "base": None,
        "ours": '"opus"',
        "theirs": '"sonnet"',
        "choices": ["keep", "replace"],
    }


def test_the_rest_is_merged_beside_a_conflict() -> None:
    merged = put({"model": "opus"}, {"model": "sonnet", "env": {"A": "1"}})
    assert said(merged) == {"model": "opus", "env": {"A": "1"}}
    assert len(merged.conflicts) == 1


def test_a_replaced_value_comes_back_as_it_was_written() -> None:
    text = b'{"statusLine": { "type" : /* mine */ "command" , "command":"a" }, "x": 1}'
    component = pieces({"statusLine": {"type": "command", "command": "b"}})
    merged = merge(text, component, decisions={"/statusLine": Decision.REPLACE})
    assert merged.text == b'{"statusLine": {"type": "command", "command": "b"}, "x": 1}'
    assert unmerge(merged.text, merged.owned).text == text


def test_a_kept_value_is_remembered_as_the_users_choice() -> None:
    merged = put({"model": "opus"}, {"model": "sonnet"}, Decision.KEEP)
    assert (merged.changed, merged.conflicts, merged.owned.pieces) == (False, (), ())
    assert [piece.value for piece in merged.owned.declined] == ["sonnet"]


def test_a_decision_may_be_plain_text() -> None:
    decisions: Any = {"/model": "replace"}
    merged = merge(b'{"model": "opus"}', pieces({"model": "sonnet"}), decisions=decisions)
    assert merged.text == b'{"model": "sonnet"}'


def test_a_decision_that_does_not_fit_leaves_the_conflict_open() -> None:
    """A model cannot have two values."""
    assert len(put({"model": "opus"}, {"model": "sonnet"}, Decision.BOTH).conflicts) == 1


def test_a_hook_gets_a_group_of_its_own_behind_the_users() -> None:
    merged = put(
        {"hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [LINT]}]}},
        {"hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [GUARD, LINT]}], "Stop": [{"hooks": [GUARD]}]}},
    )
    assert said(merged) == {
        "hooks": {
            "PreToolUse": [{"matcher": "Bash", "hooks": [LINT]}, {"matcher": "Bash", "hooks": [GUARD]}],
            "Stop": [{"hooks": [GUARD]}],
        }
    }


def test_commands_that_come_together_stay_together() -> None:
    component = {"hooks": {"Stop": [{"hooks": [GUARD, LINT]}, {"matcher": "x", "hooks": [GUARD]}]}}
    assert said(put({}, component)) == component


@pytest.mark.parametrize("matcher", [{}, {"matcher": ""}, {"matcher": "*"}])
def test_the_same_hook_twice_is_one(matcher: dict[str, str]) -> None:
    merged = put(
        {"hooks": {"Stop": [{"matcher": "*", "hooks": [GUARD]}]}},
        {"hooks": {"Stop": [{**matcher, "hooks": [dict(reversed(GUARD.items()))]}, {**matcher, "hooks": [GUARD]}]}},
    )
    assert not merged.changed


def test_groups_that_are_something_else_are_passed_over() -> None:
    file = {"hooks": {"Stop": [1, {}, {"hooks": {}}, {"hooks": [None]}]}}
    merged = put(file, {"hooks": {"Stop": [{"hooks": [GUARD]}]}})
    assert said(merged)["hooks"]["Stop"] == [*file["hooks"]["Stop"], {"hooks": [GUARD]}]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"null", "it is not a JSON object"),
        (b"[]", "it is not a JSON object"),
        (b"17", "it is not a JSON object"),
        (b"// nothing\n", "a value is missing"),
        (b'{"model": "opus"', "a comma or } is missing"),
        (b'{"model": 1, "model": 2}', "comes twice"),
        (b'{"env": null}', "/env is not an object"),
        (b'{"env": ["A"]}', "/env is not an object"),
        (b'{"permissions": "all"}', "/permissions is not an object"),
        (b'{"permissions": {"allow": "Read"}}', "/permissions/allow is not a list"),
        (b'{"permissions": {"allow": {}}}', "/permissions/allow is not a list"),
        (b'{"hooks": []}', "/hooks is not an object"),
        (b'{"hooks": {"Stop": {"hooks": []}}}', "/hooks/Stop is not a list"),
        ("{}".encode("utf-16"), "it is not UTF-8 text"),
    ],
)
def test_a_file_that_cannot_be_edited_safely_is_refused_with_the_text_to_paste(text: bytes, problem: str) -> None:
    component = {
        "env": {"A": "1"},
        "permissions": {"allow": ["Read", "Edit"]},
        "hooks": {"Stop": [{"hooks": [GUARD, LINT]}, {"matcher": "x", "hooks": [LINT]}]},
    }
    with pytest.raises(MergeRefusedError) as caught:
        merge(text, pieces(component), name=".claude/settings.json")
    error = caught.value
    assert error.message.startswith(".claude/settings.json cannot be edited safely: ")
    assert problem in error.message
    assert (error.code, error.exit_code) == ("merge_refused", 2)
    assert json.loads(error.text_to_paste) == component
    assert error.to_json()["textToPaste"] == error.text_to_paste


@pytest.mark.parametrize(
    ("main", "problem"),
    [
        (b"", "it is not a JSON object"),
        (b"[]", "it is not a JSON object"),
        (b"{", "a key in quotes is missing"),
        (b'{"env": {}, "env": {}}', "comes twice"),
        (b'{"env": {"A": 1}}', "its env is not an object of texts"),
        (b'{"permissions": []}', "its permissions are not an object"),
        (b'{"hooks": []}', "its hooks are not an object of events"),
        (b'{"hooks": {"Stop": {}}}', "its hooks for 'Stop' are not a list"),
        (b'{"hooks": {"Stop": [{"command": "x"}]}}', "has no list of commands"),
        (b'{"hooks": {"Stop": [{"hooks": ["x"]}]}}', "has no list of commands"),
        (b'{"a": ' * 200 + b"1" + b"}" * 200, "nested more than 100 levels deep"),
    ],
)
def test_a_component_of_another_shape_is_refused(main: bytes, problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        settings.wanted(main)
    assert caught.value.code == "component_invalid"
    assert problem in caught.value.message


def test_what_a_component_says_about_itself_is_no_setting() -> None:
    assert pieces({"$schema": "https://example.com", "description": "…", "env": {}}) == ()
    assert [piece.form for piece in pieces({"a": {"description": "x"}})] == [Form.VALUE]
