"""An installed component's pieces replaced by those of its next version.

Three versions meet: what the component had put in (base), what the file has now (ours), what it brings (theirs).
Where only one side changed, that change holds; where both did, and differently, it is a conflict. What the user took
out stays out as long as the component has it unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from cct_cloudflare.merging import editing, jsonc
from cct_cloudflare.merging.editing import Spot
from cct_cloudflare.merging.jsonc import Item
from cct_cloudflare.merging.merge import merge, refusing
from cct_cloudflare.merging.model import (
    Conflict,
    Decision,
    Form,
    Owned,
    OwnedPiece,
    Piece,
    Remerge,
    normal_group,
    same,
    shown,
)
from cct_cloudflare.merging.putting import Putter, hook_key
from cct_cloudflare.merging.sharing import Others
from cct_cloudflare.merging.taking import Taker, is_untouched, told
from cct_cloudflare.merging.tree import Tree


def remerge(
    text: bytes | None,
    owned: Owned,
    wanted: Sequence[Piece],
    *,
    others: Sequence[Owned] = (),
    decisions: Mapping[str, Decision] | None = None,
    name: str = "The file",
) -> Remerge:
    """`text` with the `wanted` pieces in the place of those that the component owns there.

    Parameters are those of `merge`. A file that is gone is made anew. Raises MergeRefusedError.
    """
    if text is None:
        fresh = merge(None, wanted, others=others, decisions=decisions, name=name)
        return Remerge(fresh.text, fresh.owned, fresh.changed, fresh.added, (), fresh.conflicts)
    with refusing(name, wanted):
        update = _Update(Tree(text), owned, wanted, Others(others), decisions or {})
        update.run()
        after = update.finish()
    return Remerge(
        after,
        update.putter.owned,
        after != text,
        tuple(update.putter.added),
        tuple(update.taker.removed),
        tuple(update.putter.conflicts),
        tuple(update.taker.edited),
    )


class _Update:
    def __init__(
        self,
        tree: Tree,
        owned: Owned,
        wanted: Sequence[Piece],
        others: Others,
        decisions: Mapping[str, Decision],
    ) -> None:
        self.putter = Putter(tree, others, decisions, owned.containers)
        mine = [*(held.piece for held in owned.pieces), *wanted]
        self.taker = Taker(tree, others, {piece.identity for piece in mine})
        self._tree = tree
        self._owned = owned
        self._wanted = wanted
        self._others = others

    def run(self) -> None:
        theirs = {piece.identity: piece for piece in self._wanted}
        base = {_wanted(held).identity: held for held in self._owned.pieces}
        declined = {piece.identity: piece for piece in self._owned.declined}
        leaving = [held for identity, held in base.items() if identity not in theirs]
        arriving = [piece for identity, piece in theirs.items() if identity not in base]
        successors = _pair([held.piece for held in leaving], arriving)
        for held in leaving:
            if held.piece.identity not in successors:
                self.taker.take(held)
        followed = {piece.identity: held for held in leaving if (piece := successors.get(held.piece.identity))}
        for identity, piece in theirs.items():
            if identity in base:
                self._renew(base[identity], piece)
            elif identity in followed:
                self._succeed(followed[identity], piece)
            elif identity in declined and same(declined[identity].value, piece.value):
                self.putter.decline(piece)
            else:
                self.putter.put(piece)

    def finish(self) -> bytes | None:
        owned = self.putter.owned
        for at in self.taker.clean(owned.containers):
            self.putter.forget(at)
        after = self.taker.close_file(next((container for container in owned.containers if not container.at), None))
        root = self._tree.root
        if root is None or not root.container.items:
            self.putter.forget(())
        return after

    def _renew(self, held: OwnedPiece, piece: Piece) -> None:
        """A piece that both versions have: the same entry, or a key whose value may differ."""
        if piece.form is not Form.VALUE or piece.means(held.piece.value):
            self.putter.own(held)
            return
        piece = replace(piece, at=held.piece.at)
        renewed = replace(held, piece=piece)
        found = self._tree.find(piece.at)
        current = None if found is None else jsonc.value(found[1].value)
        if found is not None and piece.means(current):
            self.putter.own(replace(renewed, piece=replace(piece, value=current)))
        elif found is None or not is_untouched(found[1], held.piece.value) or self._others.holder(piece, current):
            self._settle_value(held, renewed, found)
        else:
            editing.replace(*found, piece.value, self._tree.style)
            self.putter.own(renewed)
            self.putter.added.append(piece)

    def _settle_value(self, held: OwnedPiece, renewed: OwnedPiece, found: tuple[Spot, Item] | None) -> None:
        ours = None if found is None else shown(jsonc.value(found[1].value))
        piece = renewed.piece
        base, theirs = shown(held.piece.value), shown(piece.value)
        decision = self.putter.decide(Conflict(piece.pointer, piece.pointer, base, ours, theirs))
        if decision is Decision.REPLACE:
            self.putter.supplant(piece, held.wanted_at)
        elif decision is Decision.KEEP:
            self.putter.own(renewed)
        else:
            self.putter.own(held)

    def _succeed(self, held: OwnedPiece, piece: Piece) -> None:
        """A hook whose content the new version changed."""
        before, found = held.piece, self._tree.locate(held.piece)
        if found is not None and is_untouched(found[1], before.value):
            self._exchange(before, piece, *found)
            return
        if self._tree.locate(piece) is not None:  # the user has brought it up to date by hand
            self.putter.own(OwnedPiece(piece))
            return
        edited = found[1] if found is not None else self.taker.edited_hook(before)
        ours = None if edited is None else shown(jsonc.value(edited.value))
        decision = self.putter.decide(
            Conflict(hook_key(piece), piece.pointer, shown(before.value), ours, shown(piece.value))
        )
        if decision is None:
            self.putter.own(held)
        elif decision is Decision.KEEP:
            self.putter.own(OwnedPiece(piece))
        else:
            if edited is not None:
                self._drop(before, edited)
            self.putter.write(piece)

    def _exchange(self, before: Piece, piece: Piece, spot: Spot, item: Item) -> None:
        if self._others.holder(before, before.value) is not None:
            self.putter.put(piece)
        elif same(normal_group(before.group), normal_group(piece.group)) and self._tree.locate(piece) is None:
            editing.replace(spot, item, piece.value, self._tree.style)
            self.putter.own(OwnedPiece(piece))
            self.putter.added.append(piece)
            self.taker.removed.append(before)
        else:
            self.taker.drop(before, spot, item)
            self.taker.removed.append(before)
            self.putter.put(piece)

    def _drop(self, piece: Piece, item: Item) -> None:
        event = self._tree.spot(piece.at, "[")
        for _, commands in self._tree.groups(event) if event is not None else []:
            if any(other is item for other in commands.container.items):
                self.taker.drop(piece, commands, item)
                return


def _wanted(held: OwnedPiece) -> Piece:
    """A piece under the name that the component gave it."""
    return held.piece if held.wanted_at is None else replace(held.piece, at=held.wanted_at)


def _pair(leaving: Sequence[Piece], arriving: Sequence[Piece]) -> dict[str, Piece]:
    """Which hook of the new version is which of the old one: the same command, else the next of the same event."""
    successors: dict[str, Piece] = {}
    free = [piece for piece in arriving if piece.form is Form.HOOK]
    hooks = [piece for piece in leaving if piece.form is Form.HOOK]
    for is_successor in (_runs_the_same, _has_the_same_place):
        for old in hooks:
            new = next((piece for piece in free if is_successor(old, piece)), None)
            if new is not None and old.identity not in successors:
                successors[old.identity] = new
                free.remove(new)
    return successors


def _runs_the_same(old: Piece, new: Piece) -> bool:
    return old.at == new.at and told(old.value) is not None and told(old.value) == told(new.value)


def _has_the_same_place(old: Piece, new: Piece) -> bool:
    return old.at == new.at and same(normal_group(old.group), normal_group(new.group))
