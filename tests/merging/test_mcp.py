from __future__ import annotations

import json
from typing import Any

import pytest

from cct_cloudflare.errors import UsageError
from cct_cloudflare.merging import jsonc, mcp
from cct_cloudflare.merging.merge import merge, unmerge
from cct_cloudflare.merging.model import Decision
from cct_cloudflare.merging.update import remerge

MINE = {"command": "my-github"}
THEIRS = {"command": "npx", "args": ["-y", "github-mcp"], "env": {"TOKEN": "${TOKEN}"}}
NEWER = {**THEIRS, "args": ["-y", "github-mcp@2"]}


def file(**servers: Any) -> bytes:
    return json.dumps({"mcpServers": servers}, indent=2).encode()


def said(text: bytes | None) -> Any:
    return jsonc.load(text or b"").get("mcpServers")


def wanted(**servers: Any) -> Any:
    return mcp.wanted(json.dumps({"description": "…", "mcpServers": servers}).encode())


def test_a_server_comes_beside_the_users_without_its_description() -> None:
    merged = merge(file(mine=MINE), wanted(github={"description": "GitHub", **THEIRS}))
    assert said(merged.text) == {"mine": MINE, "github": THEIRS}
    assert unmerge(merged.text, merged.owned).text == file(mine=MINE)


def test_another_server_of_that_name_is_a_conflict() -> None:
    merged = merge(file(github=MINE), wanted(github=THEIRS))
    assert not merged.changed
    assert [(conflict.key, conflict.choices) for conflict in merged.conflicts] == [
        ("/mcpServers/github", (Decision.KEEP, Decision.REPLACE, Decision.BOTH))
    ]


@pytest.mark.parametrize(
    ("decision", "expected"),
    [
        (Decision.KEEP, {"github": MINE, "github-2": 1}),
        (Decision.REPLACE, {"github": THEIRS, "github-2": 1}),
        (Decision.BOTH, {"github": MINE, "github-2": 1, "github-3": THEIRS}),
    ],
)
def test_each_decision_can_be_undone(decision: Decision, expected: Any) -> None:
    before = file(**{"github": MINE, "github-2": 1})
    merged = merge(before, wanted(github=THEIRS), decisions={"/mcpServers/github": decision})
    assert said(merged.text) == expected
    assert unmerge(merged.text, merged.owned).text == before


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"command": "c"}, {"type": "stdio", "command": "c", "args": [], "env": {}}),
        ({"type": "http", "url": "u", "headers": {}}, {"url": "u", "type": "http"}),
    ],
)
def test_a_server_that_is_only_spelt_differently_is_the_same(one: Any, other: Any) -> None:
    for have, bring in ((one, other), (other, one)):
        merged = merge(file(s=have), wanted(s=bring))
        assert (merged.changed, merged.conflicts, merged.owned.pieces) == (False, (), ())


def test_two_components_that_bring_one_server_share_it() -> None:
    first = merge(None, wanted(s={"command": "c"}))
    second = merge(first.text, wanted(s={"type": "stdio", "command": "c"}), others=[first.owned])
    assert not second.changed
    left = unmerge(second.text, first.owned, others=[second.owned])
    assert (left.changed, left.removed) == (False, ())
    assert unmerge(left.text, second.owned).text is None


def test_a_server_under_a_second_name_is_updated_there() -> None:
    merged = merge(file(github=MINE), wanted(github=THEIRS), decisions={"/mcpServers/github": Decision.BOTH})
    updated = remerge(merged.text, merged.owned, wanted(github=NEWER))
    assert said(updated.text) == {"github": MINE, "github-2": NEWER}
    assert unmerge(updated.text, updated.owned).text == file(github=MINE)


def test_both_is_settled_by_what_the_user_has_under_a_second_name() -> None:
    have = file(**{"github": MINE, "github-2": THEIRS})
    merged = merge(have, wanted(github=THEIRS), decisions={"/mcpServers/github": Decision.BOTH})
    assert (merged.changed, merged.conflicts, merged.owned.pieces) == (False, (), ())
    assert remerge(have, merged.owned, wanted(github=THEIRS)).conflicts == ()


@pytest.mark.parametrize("main", [b"{}", b"[]", b'{"mcpServers": []}', b'{"mcpServers": {"a": "npx"}}', b"{"])
def test_what_has_no_servers_is_refused(main: bytes) -> None:
    with pytest.raises(UsageError) as caught:
        mcp.wanted(main)
    assert caught.value.code == "component_invalid"
