"""Settings files as people write them, and components as they come, for the laws of merging.

Everything is drawn from small pools, so that files and components meet: the same key with another value, the same
permission, the same hook.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from cct_cloudflare.merging import mcp
from cct_cloudflare.merging import settings as setting
from cct_cloudflare.merging.merge import merge
from cct_cloudflare.merging.model import Decision, Merge, Owned, Piece, canonical, normal_group, normal_server

#: The same examples in every run, and no clock.
laws = settings(max_examples=60, deadline=None, derandomize=True, database=None)

RULES = ("Bash(ls)", "Bash(npm test:*)", "Read", "Read(./.env)", "WebFetch", 'Bash(echo "ü // no comment")')
EVENTS = ("PreToolUse", "PostToolUse", "Stop")
HEADS: tuple[dict[str, str], ...] = (
    {},
    {"matcher": ""},
    {"matcher": "*"},
    {"matcher": "Bash"},
    {"matcher": "Edit|Write"},
)
COMMANDS = ("python .claude/hooks/guard.py", "npx prettier --check .", "say 'done'")
SERVERS = ("github", "github-2", "docs", "tøøls")

_texts = st.text(max_size=8)
_scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-9, 10**20), st.floats(allow_nan=False, allow_infinity=False), _texts
)
anything = st.recursive(
    _scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_texts, inner, max_size=3)),
    max_leaves=8,
)
_commands = st.builds(
    lambda command, timeout: {"type": "command", "command": command} | ({"timeout": timeout} if timeout else {}),
    st.sampled_from(COMMANDS),
    st.sampled_from((0, 5, 30)),
)
_groups = st.builds(
    lambda head, commands: {**head, "hooks": commands},
    st.sampled_from(HEADS),
    st.lists(_commands, min_size=1, max_size=3),
)
_hooks = st.dictionaries(st.sampled_from(EVENTS), st.lists(_groups, max_size=3), max_size=2)
_permissions = st.fixed_dictionaries(
    {},
    optional={
        "allow": st.lists(st.sampled_from(RULES), max_size=4),
        "deny": st.lists(st.sampled_from(RULES), max_size=2),
        "additionalDirectories": st.lists(st.sampled_from(("../docs", "/srv/ä b")), max_size=2),
        "defaultMode": st.sampled_from(("plan", "acceptEdits")),
    },
)
_env = st.dictionaries(st.sampled_from(("DEBUG", "LANG", "ÜBER")), st.sampled_from(("0", "1", "")), max_size=3)
_status = st.builds(lambda command: {"type": "command", "command": command}, st.sampled_from(("a", "b")))
_sandbox = st.fixed_dictionaries(
    {},
    optional={
        "enabled": st.booleans(),
        "network": st.fixed_dictionaries(
            {}, optional={"allowedDomains": st.lists(st.sampled_from(("a.dev", "b.dev")))}
        ),
    },
)
_server = st.one_of(
    st.builds(lambda name: {"command": "npx", "args": ["-y", name], "env": {"KEY": "${KEY}"}}, st.sampled_from("ab")),
    st.sampled_from(({"command": "c"}, {"type": "stdio", "command": "c"}, {"command": "c", "args": [], "env": {}})),
    st.builds(lambda host: {"type": "http", "url": f"https://{host}.example/mcp"}, st.sampled_from("ab")),
)

_SETTINGS: dict[str, st.SearchStrategy[Any]] = {
    "permissions": _permissions,
    "env": _env,
    "model": st.sampled_from(("sonnet", "opus")),
    "statusLine": _status,
    "hooks": _hooks,
    "sandbox": _sandbox,
    "cleanupPeriodDays": st.sampled_from((10, 20)),
}


def _shuffled(draw: st.DrawFn, data: Mapping[str, Any]) -> dict[str, Any]:
    return dict(draw(st.permutations(list(data.items()))))


@st.composite
def setting_components(draw: st.DrawFn) -> tuple[Piece, ...]:
    data = _shuffled(draw, draw(st.fixed_dictionaries({"description": st.just("…")}, optional=_SETTINGS)))
    return setting.wanted(json.dumps(data).encode())


@st.composite
def mcp_components(draw: st.DrawFn) -> tuple[Piece, ...]:
    servers = draw(st.dictionaries(st.sampled_from(SERVERS), _server, max_size=3))
    return mcp.wanted(json.dumps({"mcpServers": servers}).encode())


@st.composite
def setting_values(draw: st.DrawFn) -> dict[str, Any]:
    data = draw(st.fixed_dictionaries({}, optional=_SETTINGS))
    data |= draw(st.dictionaries(_texts.filter(lambda key: key not in _SETTINGS), anything, max_size=3))
    return _shuffled(draw, data)


@st.composite
def mcp_values(draw: st.DrawFn) -> dict[str, Any]:
    data = draw(st.fixed_dictionaries({}, optional={"mcpServers": st.dictionaries(st.sampled_from(SERVERS), _server)}))
    return _shuffled(draw, data | draw(st.dictionaries(st.sampled_from(("other", "ﬀ")), anything)))


@st.composite
def texts(draw: st.DrawFn, values: st.SearchStrategy[Any]) -> str:
    """A value as text: pretty, on one line, or with white space, comments and trailing commas all over."""
    writer = _Writer(draw(st.randoms(use_true_random=False)), draw(st.sampled_from(("pretty", "flat", "wild", "wild"))))
    body = writer.document(draw(values))
    return draw(st.sampled_from(("", "\ufeff"))) + body


@st.composite
def files(draw: st.DrawFn, values: st.SearchStrategy[Any]) -> bytes | None:
    """A file as it may lie there; sometimes blank, an empty object, or not there at all."""
    special = (
        None,
        b"",
        b"\n",
        b"\xef\xbb\xbf",
        b"{}",
        b"{ }\n",
        b"{\n}\n",
        b"{\r\n  // nothing yet\r\n}",
        b"/* a */ {}",
    )
    return draw(st.one_of(st.sampled_from(special), texts(values).map(str.encode), texts(values).map(str.encode)))


#: Anything may stand where an object or a list belongs.
_hardly = st.dictionaries(
    st.sampled_from((*EVENTS, "allow", "hooks", "matcher", "enabled")), st.one_of(anything, st.lists(_groups))
)
odd_files = texts(
    st.dictionaries(st.sampled_from((*_SETTINGS, "mcpServers")), st.one_of(anything, _hardly), max_size=4)
).map(str.encode)

setting_files = files(setting_values())
mcp_files = files(mcp_values())
decisions = st.sampled_from(tuple(Decision))


class _Writer:
    def __init__(self, chance: random.Random, mode: str) -> None:
        self._chance = chance
        self._mode = mode
        self._newline = chance.choice(("\n", "\r\n"))
        self._unit = chance.choice(("  ", "    ", "\t"))
        self._colon = chance.choice((": ", ":")) if mode == "flat" else ": "
        self._trailing = mode == "pretty" and chance.random() < 0.3
        self._remarks = mode == "pretty" and chance.random() < 0.5

    def document(self, value: Any) -> str:
        end = self._chance.choice(("", self._newline)) if self._mode != "wild" else self._gap()
        return (self._gap() if self._mode == "wild" else "") + self._value(value, "") + end

    def _gap(self) -> str:
        if self._mode != "wild":
            return ""
        pieces = ("", "", " ", "\n", "\r\n", "\t", "  ", "/* b */", "/*\n*/", "// c\n", " // d, \r\n", "/**/")
        return "".join(self._chance.choice(pieces) for _ in range(self._chance.choice((0, 0, 1, 2, 3))))

    def _value(self, value: Any, indent: str) -> str:
        if not isinstance(value, dict | list):
            return json.dumps(value, ensure_ascii=self._chance.random() < 0.3)
        opening, closing = "{}" if isinstance(value, dict) else "[]"
        inner = indent + self._unit
        parts = (
            [self._part(key, inner) for key in value.items()]
            if isinstance(value, dict)
            else [self._value(entry, inner) for entry in value]
        )
        if self._mode == "wild":
            text = ",".join(self._gap() + part + self._gap() for part in parts)
            trailing = f",{self._gap()}" if parts and self._chance.random() < 0.2 else ""
            return opening + (text or self._gap()) + trailing + closing
        if self._mode == "flat" or not parts or (isinstance(value, list) and self._chance.random() < 0.4):
            return opening + f",{self._colon[1:]}".join(parts) + closing
        lines = [f"{part},{self._remark()}" for part in parts[:-1]]
        lines.append(parts[-1] + ("," if self._trailing else "") + self._remark())
        glue = self._newline + inner
        return opening + glue + glue.join(lines) + self._newline + indent + closing

    def _part(self, member: tuple[str, Any], indent: str) -> str:
        key, value = member
        between = f"{self._gap()}:{self._gap()}" if self._mode == "wild" else self._colon
        return json.dumps(key, ensure_ascii=False) + between + self._value(value, indent)

    def _remark(self) -> str:
        if not self._remarks or self._chance.random() < 0.7:
            return ""
        return self._chance.choice((" // why", " /* why */", f"{self._newline}{self._unit}// above the next"))


def settle(
    text: bytes | None, wanted: Sequence[Piece], choose: st.DataObject | Decision, others: Sequence[Owned] = ()
) -> Merge:
    """A merge with every conflict settled, as `choose` says or draws."""
    first = merge(text, wanted, others=others)
    decided: dict[str, Decision] = {}
    for conflict in first.conflicts:
        choice = choose if isinstance(choose, Decision) else choose.draw(st.sampled_from(conflict.choices))
        decided[conflict.key] = choice
    return merge(text, wanted, others=others, decisions=decided)


def effect(value: Any) -> str:
    """What a file says, where the order of keys, permissions and hooks means nothing, nor how a server is spelt."""
    data = dict(value or {})
    if "mcpServers" in data:
        data["mcpServers"] = {name: normal_server(server) for name, server in data["mcpServers"].items()}
    events = data.pop("hooks", {})
    hooks = {
        canonical([event, normal_group({key: it for key, it in group.items() if key != "hooks"}), command])
        for event, groups in events.items()
        for group in groups
        for command in group["hooks"]
    }
    return canonical([_unordered(data), sorted(hooks)])


def _unordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _unordered(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return sorted(canonical(entry) for entry in value)
    return value
