"""A setting or hook component → the pieces that it wants in a settings file.

Both kinds have one shape, `{description?, hooks?, permissions?, env?, model?, statusLine?, …}`; everything but
`description` and `$schema` is merged. Objects are merged key by key, lists are united, and what means something only
as a whole (a status line, a plugin marketplace) is one value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cct_cloudflare.errors import UsageError
from cct_cloudflare.merging import jsonc
from cct_cloudflare.merging.model import Form, Piece

#: Not settings: what the component says about itself.
IGNORED = frozenset({"$schema", "description"})

# Objects whose keys say nothing alone; of the latter, each key names one.
_WHOLE = frozenset({("statusLine",), ("subagentStatusLine",), ("fileSuggestion",)})
_NAMED = frozenset({("extraKnownMarketplaces",), ("mcpServers",), ("pluginConfigs",)})
# Lists in which the order counts, so that a union would mean something else.
_ORDERED = frozenset({("fallbackModel",)})


def wanted(main: bytes) -> tuple[Piece, ...]:
    """The pieces of a component's main file, in its order. Raises UsageError `component_invalid`."""
    return tuple(_pieces(read_object(main)))


def read_object(main: bytes) -> dict[str, Any]:
    """A component's JSON object. Raises UsageError `component_invalid`, also for a key that comes twice."""
    try:
        data = jsonc.load(main)
    except jsonc.JsoncError as error:
        raise ShapeError(str(error)) from error
    if not isinstance(data, dict):
        raise ShapeError("it is not a JSON object")
    return data


class ShapeError(UsageError):
    """The component's file is none; `problem` says why, as the end of a sentence."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"The component cannot be merged: {problem}.",
            hint="Look at its file; `cct validate` names every problem.",
            code="component_invalid",
        )
        self.problem = problem


def _pieces(component: Mapping[str, Any]) -> Iterator[Piece]:
    for key, value in component.items():
        if key == "hooks":
            yield from _hooks(value)
        elif key not in IGNORED:
            yield from _tree((key,), value)


def _tree(at: tuple[str, ...], value: Any) -> Iterator[Piece]:
    if at == ("permissions",) and not isinstance(value, dict):
        raise ShapeError("its permissions are not an object")
    if at == ("env",) and not (isinstance(value, dict) and all(isinstance(text, str) for text in value.values())):
        raise ShapeError("its env is not an object of texts")
    if isinstance(value, list) and at not in _ORDERED:
        for entry in value:
            yield Piece(Form.ENTRY, at, entry)
    elif isinstance(value, dict) and at not in _WHOLE and at[:-1] not in _NAMED:
        for key, inner in value.items():
            yield from _tree((*at, key), inner)
    else:
        yield Piece(Form.VALUE, at, value)


def _hooks(events: Any) -> Iterator[Piece]:
    """One piece for each command. What a group has beside its commands (the matcher) goes with each of them."""
    if not isinstance(events, dict):
        raise ShapeError("its hooks are not an object of events")
    for event, groups in events.items():
        if not isinstance(groups, list):
            raise ShapeError(f"its hooks for {event[:40]!r} are not a list")
        for group in groups:
            commands = group.get("hooks") if isinstance(group, dict) else None
            if not isinstance(commands, list) or not all(isinstance(command, dict) for command in commands):
                raise ShapeError(f"a hook for {event[:40]!r} has no list of commands")
            head = {key: value for key, value in group.items() if key != "hooks"}
            for command in commands:
                yield Piece(Form.HOOK, ("hooks", event), command, head)
