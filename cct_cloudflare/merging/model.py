"""What a component wants in a file, what of it is its own afterwards, and what comes out of a merge.

A component's content is a list of *pieces*, and each is put in, owned and taken out by itself:

    VALUE  a key with its value          env.DEBUG = "1", mcpServers.github = {…}
    ENTRY  an entry of a list            permissions.allow[] = "Bash(npm test)"
    HOOK   one command of an event       hooks.PreToolUse[matcher: Bash].hooks[] = {…}

What lay in the file before is not owned. Two components that want the same piece both own it, and it goes with the
last of them: whoever merges or unmerges says what the `others` own.
"""

from __future__ import annotations

import copy
import enum
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cct_cloudflare.errors import UsageError
from cct_cloudflare.merging import jsonc

MAX_OWNED = 10_000


class Form(enum.StrEnum):
    VALUE = "value"
    ENTRY = "entry"
    HOOK = "hook"


class Decision(enum.StrEnum):
    """What becomes of a conflict: the file's value stays, the component's takes its place, or both under two names."""

    KEEP = "keep"
    REPLACE = "replace"
    BOTH = "both"


def canonical(value: Any) -> str:
    """Equal for equal JSON values, whatever the order of keys; `true` is not `1`."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def same(one: Any, other: Any) -> bool:
    """Equality of JSON values: `true` is not `1`, and `1` is not `1.0`."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


@dataclass(frozen=True, slots=True)
class Piece:
    """`at` leads to the key of a VALUE, the list of an ENTRY, the event's list of a HOOK.

    `group` is what a HOOK's group has beside its `hooks`: the matcher, mostly. `renamable` says that a VALUE may as
    well stand under a second name (an MCP server).
    """

    form: Form
    at: tuple[str, ...]
    value: Any
    group: Mapping[str, Any] | None = None
    renamable: bool = False

    @property
    def pointer(self) -> str:
        """A JSON pointer: `/env/DEBUG`, `/permissions/allow`, `/hooks/PreToolUse`."""
        return pointer(self.at)

    @property
    def identity(self) -> str:
        """What makes it one piece in two versions or components: a VALUE its key, the others their content."""
        if self.form is Form.VALUE:
            return canonical([self.form, self.at])
        return canonical([self.form, self.at, normal_group(self.group), self.value])

    def means(self, value: Any) -> bool:
        """Whether `value` says the same as this piece's, however an MCP server spells it."""
        if self.renamable:
            return same(normal_server(self.value), normal_server(value))
        return same(self.value, value)


def normal_group(group: Mapping[str, Any] | None) -> dict[str, Any]:
    """A matcher that is "", "*" or absent matches everything."""
    return {key: value for key, value in (group or {}).items() if key != "matcher" or value not in ("", "*")}


def normal_server(server: Any) -> Any:
    """An MCP server without what says nothing: `type: stdio`, empty arguments, environment and headers."""
    if not isinstance(server, dict):
        return server
    silent = {"type": "stdio", "args": [], "env": {}, "headers": {}}
    return {key: value for key, value in server.items() if key not in silent or not same(value, silent[key])}


@dataclass(frozen=True, slots=True)
class OwnedPiece:
    """A piece that is in the file because of the component.

    `replaced`: for a VALUE, the texts that stood in its place, nearest first, each but the last one another
    component's; the last is the user's, None when the key was not there.
    `wanted_at`: the component's own name for a VALUE that stands under a second one.
    """

    piece: Piece
    replaced: tuple[str | None, ...] = (None,)
    wanted_at: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class OwnedContainer:
    """An object or list that was filled. `was` is its text when it was empty, None when it did not exist.

    The file itself is the container at (); its `was` may be blank.
    """

    at: tuple[str, ...]
    was: str | None


@dataclass(frozen=True, slots=True)
class Owned:
    """Exactly what a component has in one file: what cct.lock records of it.

    `declined` are pieces that the user kept out in a conflict: an update asks about them only when they change.
    """

    pieces: tuple[OwnedPiece, ...] = ()
    containers: tuple[OwnedContainer, ...] = ()
    declined: tuple[Piece, ...] = ()

    def to_json(self) -> dict[str, Any]:
        data: dict[str, Any] = {
            "pieces": [_owned_to_json(owned) for owned in self.pieces],
            "containers": [{"at": list(container.at), "was": container.was} for container in self.containers],
        }
        if self.declined:
            data["declined"] = [_piece_to_json(piece) for piece in self.declined]
        return data

    @classmethod
    def from_json(cls, data: Any) -> Owned:
        """Raises ValueError for whatever `to_json` cannot have given: a lock file is anybody's text."""
        if not isinstance(data, dict):
            raise ValueError("not a record of owned pieces")  # noqa: TRY004  # a bad record, not a bad call
        return cls(
            tuple(_owned_from_json(item) for item in _objects(data.get("pieces", []))),
            tuple(_container_from_json(item) for item in _objects(data.get("containers", []))),
            tuple(_piece_from_json(item) for item in _objects(data.get("declined", []))),
        )


@dataclass(frozen=True, slots=True)
class Conflict:
    """The file has something else where a component's piece belongs.

    `base` is what the component had put there (an update), `ours` what the file has now, `theirs` what the component
    brings, each as indented JSON, None for nothing. `choices` are the decisions that settle it; they are keyed by
    `key`, which is the same in the next call.
    """

    key: str
    pointer: str
    base: str | None
    ours: str | None
    theirs: str | None
    choices: tuple[Decision, ...] = (Decision.KEEP, Decision.REPLACE)

    def to_json(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "pointer": self.pointer,
            "base": self.base,
            "ours": self.ours,
            "theirs": self.theirs,
            "choices": list(self.choices),
        }


@dataclass(frozen=True, slots=True)
class Edited:
    """A piece that the user has changed since and that is left as it is. Texts as in Conflict."""

    pointer: str
    base: str
    ours: str

    def to_json(self) -> dict[str, Any]:
        return {"pointer": self.pointer, "base": self.base, "ours": self.ours}


@dataclass(frozen=True, slots=True)
class Merge:
    """`text` is the whole new file, with every conflict that is still open left as the file has it; None when there
    is no file and nothing to put into one.

    `added` are the pieces that this merge wrote; one that was there already is not among them.
    """

    text: bytes | None
    owned: Owned
    changed: bool
    added: tuple[Piece, ...] = ()
    conflicts: tuple[Conflict, ...] = ()


@dataclass(frozen=True, slots=True)
class Unmerge:
    """`text` is None when the merge had created the file and nothing is left in it: delete it."""

    text: bytes | None
    changed: bool
    removed: tuple[Piece, ...] = ()
    edited_by_user: tuple[Edited, ...] = ()


@dataclass(frozen=True, slots=True)
class Remerge:
    """An update: as Merge, with what was taken out and what the user's edits kept from being taken out.

    `text` is None when nothing is left of a file that the component had created.
    """

    text: bytes | None
    owned: Owned
    changed: bool
    added: tuple[Piece, ...] = ()
    removed: tuple[Piece, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    edited_by_user: tuple[Edited, ...] = ()


class MergeRefusedError(UsageError):
    """The file cannot be edited safely and stays as it is; `text_to_paste` is what to put in (or take out) by hand."""

    code = "merge_refused"

    def __init__(self, message: str, *, hint: str, text_to_paste: str) -> None:
        super().__init__(message, hint=hint)
        self.text_to_paste = self.attachment = text_to_paste

    def to_json(self) -> dict[str, Any]:
        return {**super().to_json(), "textToPaste": self.text_to_paste}


def pointer(at: Sequence[str]) -> str:
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in at)


def shown(value: Any) -> str:
    """A value as the texts of conflicts show it."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def paste(pieces: Sequence[Piece]) -> str:
    """The pieces as one JSON object, to be put into a file by hand."""
    root: dict[str, Any] = {}
    for piece in pieces:
        *above, last = piece.at
        place: Any = root
        for step in above:
            place = place.setdefault(step, {}) if isinstance(place, dict) else None
        if not isinstance(place, dict):  # a lock file that contradicts itself
            continue
        if piece.form is Form.VALUE:
            place[last] = copy.deepcopy(piece.value)
            continue
        entries = place.setdefault(last, [])
        if not isinstance(entries, list):
            continue
        if piece.form is Form.HOOK:
            _paste_hook(entries, piece)
        else:
            entries.append(piece.value)
    return shown(root)


def _paste_hook(groups: list[Any], piece: Piece) -> None:
    head = dict(piece.group or {})
    last = groups[-1] if groups else None
    if (
        isinstance(last, dict)
        and isinstance(last.get("hooks"), list)
        and same({**last, "hooks": []}, {**head, "hooks": []})
    ):
        last["hooks"].append(piece.value)
    else:
        groups.append({**head, "hooks": [piece.value]})


def _piece_to_json(piece: Piece) -> dict[str, Any]:
    data: dict[str, Any] = {"form": str(piece.form), "at": list(piece.at), "value": piece.value}
    if piece.group is not None:
        data["group"] = dict(piece.group)
    if piece.renamable:
        data["renamable"] = True
    return data


def _owned_to_json(owned: OwnedPiece) -> dict[str, Any]:
    data = _piece_to_json(owned.piece)
    if owned.piece.form is Form.VALUE:
        data["replaced"] = list(owned.replaced)
    if owned.wanted_at is not None:
        data["wantedAt"] = list(owned.wanted_at)
    return data


def _piece_from_json(data: Mapping[str, Any]) -> Piece:
    form, group = Form(str(data.get("form"))), data.get("group")
    if "value" not in data:
        raise ValueError("a piece without a value")
    try:
        canonical(data["value"])
        canonical(group)
    except RecursionError as error:
        raise ValueError("a piece that is nested too deep") from error
    if (form is Form.HOOK) != isinstance(group, dict):
        raise ValueError("a hook has a group, and nothing else has")
    return Piece(form, _path(data.get("at"), least=1), data["value"], group, data.get("renamable") is True)


def _owned_from_json(data: Mapping[str, Any]) -> OwnedPiece:
    piece = _piece_from_json(data)
    wanted_at = None if data.get("wantedAt") is None else _path(data["wantedAt"], least=1)
    if wanted_at is not None and not (piece.renamable and wanted_at[:-1] == piece.at[:-1]):
        raise ValueError("a second name is beside the first")
    replaced: tuple[str | None, ...] = (None,)
    if piece.form is Form.VALUE:
        texts = data.get("replaced")
        if not isinstance(texts, list) or not texts or not all(text is None or _is_value(text) for text in texts):
            raise ValueError("what a piece replaced is not known")
        if None in texts[:-1]:
            raise ValueError("only the last of what a piece replaced can be nothing")
        replaced = tuple(texts)
    return OwnedPiece(piece, replaced, wanted_at)


def _container_from_json(data: Mapping[str, Any]) -> OwnedContainer:
    at, was = _path(data.get("at")), data.get("was")
    if was is not None and not (_is_empty_container(was) or (not at and isinstance(was, str) and not was.strip())):
        raise ValueError("what a container was before is not an empty container")
    return OwnedContainer(at, was)


def _objects(data: Any) -> list[dict[str, Any]]:
    if not isinstance(data, list) or len(data) > MAX_OWNED or not all(isinstance(item, dict) for item in data):
        raise ValueError("not a list of objects")
    return data


def _path(data: Any, least: int = 0) -> tuple[str, ...]:
    if not isinstance(data, list) or not least <= len(data) <= jsonc.MAX_DEPTH:
        raise ValueError("not a path")
    if not all(isinstance(step, str) for step in data):
        raise ValueError("not a path of keys")
    return tuple(data)


def _is_value(text: Any) -> bool:
    if not isinstance(text, str):
        return False
    jsonc.parse_node(text)
    return True


def _is_empty_container(text: Any) -> bool:
    if not isinstance(text, str) or not text.strip():
        return False
    node = jsonc.parse_node(text)
    return isinstance(node, jsonc.Container) and not node.items
