"""Pieces taken out of a tree: what was theirs goes, what they replaced comes back, what the user changed stays."""

from __future__ import annotations

import difflib
from collections.abc import Container, Iterable
from typing import Any

from cct_cloudflare.merging import editing, jsonc
from cct_cloudflare.merging.editing import Spot
from cct_cloudflare.merging.jsonc import Item
from cct_cloudflare.merging.model import Edited, Form, OwnedContainer, OwnedPiece, Piece, normal_group, same, shown
from cct_cloudflare.merging.sharing import Others
from cct_cloudflare.merging.tree import Tree, UnfitError, head_of

#: How alike two commands must be to count as one that was edited.
ALIKE = 0.6
#: Longer commands than these together are compared for equality only: a likeness takes quadratic time.
MAX_COMPARED = 4000


class Taker:
    """`mine` are the identities of all pieces of the component, in either version."""

    def __init__(self, tree: Tree, others: Others, mine: Container[str]) -> None:
        self.removed: list[Piece] = []
        self.edited: list[Edited] = []
        self._tree = tree
        self._others = others
        self._mine = mine

    def take(self, owned: OwnedPiece) -> None:
        """Takes a piece out, unless another component owns it as well or the user has changed it."""
        piece = owned.piece
        try:
            found = self._tree.locate(piece)
        except UnfitError:  # the user has put something else where it was
            return
        if piece.form is Form.VALUE:
            if found is not None:
                self._take_value(owned, *found)
        elif self._others.holder(piece, piece.value) is None:
            self._take_entry(piece, found)

    def clean(self, containers: Iterable[OwnedContainer]) -> list[tuple[str, ...]]:
        """Takes out the containers that were made for pieces and are empty again, and gives their paths."""
        inner_first = sorted(containers, key=lambda container: -len(container.at))
        return [container.at for container in inner_first if container.at and self._close(container)]

    def _close(self, container: OwnedContainer) -> bool:
        try:
            found = self._tree.find(container.at)
        except UnfitError:
            return False
        if found is None:
            return True
        spot, item = found
        node = item.value
        if not isinstance(node, jsonc.Container) or node.items:
            return False
        if container.was is None:
            if not jsonc.comments(node):
                editing.remove(spot.container, item)
                return True
            return False
        before = jsonc.parse_node(container.was)
        if isinstance(before, jsonc.Container) and _same_remarks(before, node):
            item.value = before
            return True
        return False

    def close_file(self, container: OwnedContainer | None) -> bytes | None:
        """The whole text, or None when the file was made for the pieces and is empty again."""
        root = self._tree.root
        if container is None or root is None or root.container.items:
            return self._tree.to_bytes()
        if container.was is None:
            return self._tree.to_bytes() if self._tree.has_remarks() else None
        if container.was.strip():
            before = jsonc.parse_node(container.was)
            unchanged = isinstance(before, jsonc.Container) and _same_remarks(before, root.container)
        else:
            unchanged = not self._tree.has_remarks()
        if unchanged:
            self._tree.restore(container.was)
        return self._tree.to_bytes()

    def _take_value(self, owned: OwnedPiece, spot: Spot, item: Item) -> None:
        piece, current = owned.piece, jsonc.value(item.value)
        if self._others.holder(piece, current) is not None:
            return
        if not is_untouched(item, piece.value):
            self.edited.append(Edited(piece.pointer, shown(piece.value), shown(current)))
            return
        back = self._restored(owned)
        if back is None:
            editing.remove(spot.container, item)
        else:
            item.value = jsonc.parse_node(back)
        self.removed.append(piece)

    def _restored(self, owned: OwnedPiece) -> str | None:
        """What comes back: the nearest text whose component is still there, else the user's."""
        for text in owned.replaced[:-1]:
            if text is not None and self._others.holder(owned.piece, jsonc.value(jsonc.parse_node(text))) is not None:
                return text
        return owned.replaced[-1]

    def _take_entry(self, piece: Piece, found: tuple[Spot, Item] | None) -> None:
        if found is not None and is_untouched(found[1], piece.value):
            self.drop(piece, *found)
            self.removed.append(piece)
            return
        changed = found[1] if found is not None else None
        if piece.form is Form.HOOK and changed is None:
            changed = self.edited_hook(piece)
        if changed is not None:
            self.edited.append(Edited(piece.pointer, shown(piece.value), shown(jsonc.value(changed.value))))

    def drop(self, piece: Piece, spot: Spot, item: Item) -> None:
        """Takes an entry out, and a group of hooks that it leaves empty."""
        editing.remove(spot.container, item)
        if piece.form is not Form.HOOK or spot.container.items:
            return
        event = self._tree.spot(piece.at, "[")
        if event is None:
            return
        for group, commands in self._tree.groups(event):
            if commands.node is spot.node and not jsonc.comments(group.value):
                editing.remove(event.container, group)

    def edited_hook(self, piece: Piece) -> Item | None:
        """The user's command that looks like an edited `piece`: the same one in the same event, or nearly so."""
        event = self._tree.spot(piece.at, "[")
        best: tuple[float, Item | None] = (ALIKE, None)
        for group, commands in self._tree.groups(event) if event is not None else []:
            head = head_of(group)
            for item in commands.container.items:
                other = Piece(Form.HOOK, piece.at, jsonc.value(item.value), head)
                likeness = _likeness(piece, other)
                if likeness > best[0] and not self._is_owned(other):
                    best = (likeness, item)
        return best[1]

    def _is_owned(self, piece: Piece) -> bool:
        return piece.identity in self._mine or self._others.holder(piece, piece.value) is not None


def is_untouched(item: Item, value: Any) -> bool:
    """Whether an item is as it was put in. A comment inside is the user's: none is ever put in."""
    return same(jsonc.value(item.value), value) and not jsonc.comments(item.value)


def _likeness(piece: Piece, other: Piece) -> float:
    """More than 1 for the same command, 0 for what has nothing to do with it."""
    one, two = told(piece.value), told(other.value)
    if one is None or two is None:
        return 0
    alike = same(normal_group(piece.group), normal_group(other.group))
    if one == two:
        return 1 + alike
    if not alike or len(one) + len(two) > MAX_COMPARED:
        return 0
    return difflib.SequenceMatcher(None, one, two, autojunk=False).ratio()


def told(value: Any) -> str | None:
    """What a hook runs, asks or calls."""
    if not isinstance(value, dict):
        return None
    return next((text for key in ("command", "prompt", "url", "tool") if isinstance(text := value.get(key), str)), None)


def _same_remarks(before: jsonc.Container, node: jsonc.Container) -> bool:
    return before.opening == node.opening and jsonc.comments(before) == jsonc.comments(node)
