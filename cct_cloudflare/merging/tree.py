"""A settings file as a tree that pieces are put into: found, opened, and written back."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cct_cloudflare.merging import editing, jsonc
from cct_cloudflare.merging.editing import Spot
from cct_cloudflare.merging.jsonc import Container, Item, Scalar
from cct_cloudflare.merging.model import Form, Piece, normal_group, pointer, same


class UnfitError(Exception):
    """The file cannot be edited safely. The message continues a sentence: "its permissions are not an object"."""


class Tree:
    """The file `text`, or a new one when that is None. Raises UnfitError for what is no JSON object."""

    def __init__(self, text: bytes | None) -> None:
        try:
            self._document = jsonc.parse(jsonc.decode(text or b""))
        except jsonc.JsoncError as error:
            raise UnfitError(str(error)) from error
        self.style = editing.style_of(self._document)
        node = self._document.root
        self._was = None if text is None else self._document.head if node is None else jsonc.raw(node)
        if node is not None and not (isinstance(node, Container) and node.is_object):
            raise UnfitError("it is not a JSON object")

    @property
    def root(self) -> Spot | None:
        """The file's object; None when it is blank or new."""
        node = self._document.root
        return Spot(node, editing.indent_of(self._document.head)) if isinstance(node, Container) else None

    def to_bytes(self) -> bytes:
        return jsonc.render(self._document).encode("utf-8")

    def find(self, at: Sequence[str]) -> tuple[Spot, Item] | None:
        """The member at a path, with the object that it is in. Raises UnfitError when the way there is no object."""
        spot = self.root
        for depth, step in enumerate(at, start=1):
            if spot is None:
                return None
            self._expect(spot, at[: depth - 1], "{")
            item = spot.container.member(step)
            if item is None:
                return None
            if depth == len(at):
                return spot, item
            spot = spot.child(item)
        return None

    def spot(self, at: Sequence[str], opening: str) -> Spot | None:
        """The object or list at a path. Raises UnfitError when something else is there."""
        found = self.find(at)
        if found is None:
            return None
        spot = found[0].child(found[1])
        self._expect(spot, at, opening)
        return spot

    def ensure(self, at: tuple[str, ...], opening: str, opened: Callable[[tuple[str, ...], str | None], None]) -> Spot:
        """The same, made where it is missing. `opened` is told of each that was empty, with its text, or missing."""
        if at:
            parent = self.ensure(at[:-1], "{", opened)
            item = parent.container.member(at[-1])
            if item is None:
                item = editing.append(parent, {} if opening == "{" else [], self.style, at[-1])
                opened(at, None)
                return parent.child(item)
            spot = parent.child(item)
            self._expect(spot, at, opening)
        else:
            spot = self.root or self._begin()
        if not spot.container.items:
            opened(at, jsonc.raw(spot.node) if at else self._was)
        return spot

    def locate(self, piece: Piece) -> tuple[Spot, Item] | None:
        """Where the content of `piece` is: its member for a VALUE, whatever its value; the last equal entry else."""
        if piece.form is Form.VALUE:
            return self.find(piece.at)
        spot = self.spot(piece.at, "[")
        if spot is None:
            return None
        if piece.form is Form.ENTRY:
            return _last_equal(spot, piece.value)
        for _, commands in self.groups(spot, piece):
            found = _last_equal(commands, piece.value)
            if found is not None:
                return found
        return None

    def groups(self, event: Spot, piece: Piece | None = None) -> list[tuple[Item, Spot]]:
        """The groups of an event with their lists of commands; only those with the matcher of `piece`, when given."""
        found = []
        for item in event.container.items:
            group = event.child(item)
            hooks = group.container.member("hooks") if isinstance(group.node, Container) else None
            if hooks is None or not isinstance(hooks.value, Container) or hooks.value.is_object:
                continue
            if piece is None or same(head_of(item), normal_group(piece.group)):
                found.append((item, group.child(hooks)))
        return found

    def _begin(self) -> Spot:
        """Gives a file without an object an empty one."""
        root = self._document.root = Container("{")
        self._document.head, self._document.tail = "", self.style.newline
        return Spot(root)

    def has_remarks(self) -> bool:
        """Whether there is a comment in the file."""
        node = self._document.root
        inside = jsonc.comments(node) if node is not None else []
        return bool((self._document.head + self._document.tail).strip() or inside)

    def restore(self, was: str) -> None:
        """Gives the file back the object, or the blank text, that it had before something was put in."""
        if was.strip():
            self._document.root = jsonc.parse_node(was)
        else:
            self._document.root, self._document.head, self._document.tail = None, was, ""

    @staticmethod
    def _expect(spot: Spot, at: Sequence[str], opening: str) -> None:
        if not isinstance(spot.node, Container) or spot.node.opening != opening:
            kind = "an object" if opening == "{" else "a list"
            raise UnfitError(f"{pointer(at)} is not {kind}")


def head_of(group: Item) -> dict[str, object]:
    """What a group of hooks has beside its commands, in its plain form."""
    members = group.value.items if isinstance(group.value, Container) else []
    return normal_group({str(item.key): jsonc.value(item.value) for item in members if item.key != "hooks"})


def _last_equal(spot: Spot, value: object) -> tuple[Spot, Item] | None:
    is_scalar = not isinstance(value, dict | list)
    for item in reversed(spot.container.items):
        if isinstance(item.value, Scalar) is is_scalar and same(jsonc.value(item.value), value):
            return spot, item
    return None
