"""Pieces put into a tree, one by one: written, found there already, or in conflict."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping
from dataclasses import replace

from cct_cloudflare.merging import editing, jsonc
from cct_cloudflare.merging.editing import Spot
from cct_cloudflare.merging.model import (
    Conflict,
    Decision,
    Form,
    Owned,
    OwnedContainer,
    OwnedPiece,
    Piece,
    canonical,
    shown,
)
from cct_cloudflare.merging.sharing import Others
from cct_cloudflare.merging.tree import Tree


class Putter:
    """Collects what a component owns while its pieces go in. `known` are containers that it has opened before."""

    def __init__(
        self,
        tree: Tree,
        others: Others,
        decisions: Mapping[str, Decision],
        known: tuple[OwnedContainer, ...] = (),
    ) -> None:
        self.added: list[Piece] = []
        self.conflicts: list[Conflict] = []
        self._tree = tree
        self._others = others
        self._decisions = decisions
        self._pieces: dict[str, OwnedPiece] = {}
        self._containers = {container.at: container for container in known}
        self._declined: dict[str, Piece] = {}
        self._groups: dict[str, Spot] = {}

    @property
    def owned(self) -> Owned:
        """Includes what the component shares with others of the containers that its pieces are in."""
        containers = dict(self._containers)
        for owned in self._pieces.values():
            above = owned.piece.at if owned.piece.form is not Form.VALUE else owned.piece.at[:-1]
            for depth in range(len(above) + 1):
                shared = self._others.container(above[:depth])
                if shared is not None:
                    containers.setdefault(shared.at, shared)
        ordered = sorted(containers.values(), key=lambda container: (len(container.at), container.at))
        return Owned(tuple(self._pieces.values()), tuple(ordered), tuple(self._declined.values()))

    def own(self, owned: OwnedPiece) -> None:
        self._pieces.setdefault(owned.piece.identity, owned)

    def decline(self, piece: Piece) -> None:
        self._declined.setdefault(piece.identity, piece)

    def forget(self, at: tuple[str, ...]) -> None:
        """A container that is gone again."""
        self._containers.pop(at, None)

    def put(self, piece: Piece) -> None:
        """Raises UnfitError."""
        if piece.identity in self._pieces:
            return
        if piece.form is Form.VALUE:
            self._put_value(piece)
        elif self._tree.locate(piece) is None:
            self.write(piece)
        elif self._others.holder(piece, piece.value) is not None:
            self.own(OwnedPiece(piece))

    def write(self, piece: Piece, wanted_at: tuple[str, ...] | None = None) -> None:
        """Puts a piece in where nothing is in its place."""
        if piece.form is Form.VALUE:
            spot = self._tree.ensure(piece.at[:-1], "{", self._opened)
            editing.append(spot, piece.value, self._tree.style, piece.at[-1])
        elif piece.form is Form.ENTRY:
            editing.append(self._tree.ensure(piece.at, "[", self._opened), piece.value, self._tree.style)
        else:
            self._write_hook(piece)
        self.own(OwnedPiece(piece, (None,), wanted_at))
        self.added.append(piece)

    def decide(self, conflict: Conflict) -> Decision | None:
        """The decision about a conflict; without a fitting one it is noted as open."""
        decision = self._decisions.get(conflict.key)
        if decision is not None and decision in conflict.choices:
            return Decision(decision)  # a plain "keep" from JSON is as good
        self.conflicts.append(conflict)
        return None

    def supplant(self, piece: Piece, wanted_at: tuple[str, ...] | None = None) -> None:
        """Puts a VALUE in the place of another one, which is remembered."""
        found = self._tree.find(piece.at)
        if found is None:
            return self.write(piece, wanted_at)
        spot, item = found
        before = self._others.holder(piece, jsonc.value(item.value))
        replaced = (jsonc.raw(item.value), *(before.replaced if before else ()))
        editing.replace(spot, item, piece.value, self._tree.style)
        self.own(OwnedPiece(piece, replaced, wanted_at))
        self.added.append(piece)
        return None

    def _put_value(self, piece: Piece) -> None:
        found = self._tree.find(piece.at)
        if found is None:
            return self.write(piece)
        current = jsonc.value(found[1].value)
        if piece.means(current):
            self._share(piece)
            return None
        choices = (Decision.KEEP, Decision.REPLACE, *((Decision.BOTH,) if piece.renamable else ()))
        decision = self.decide(
            Conflict(piece.pointer, piece.pointer, None, shown(current), shown(piece.value), choices)
        )
        if decision is Decision.KEEP:
            self.decline(piece)
        elif decision is Decision.REPLACE:
            self.supplant(piece)
        elif decision is Decision.BOTH:
            self._put_beside(piece)
        return None

    def _put_beside(self, piece: Piece) -> None:
        for number in itertools.count(2):
            second = replace(piece, at=(*piece.at[:-1], f"{piece.at[-1]}-{number}"))
            found = self._tree.find(second.at)
            if found is None:
                return self.write(second, wanted_at=piece.at)
            if piece.means(jsonc.value(found[1].value)):
                if not self._share(second, wanted_at=piece.at):
                    self.decline(piece)
                return None
        return None

    def _share(self, piece: Piece, wanted_at: tuple[str, ...] | None = None) -> bool:
        """What is there already belongs to this component, too, when another component put it there."""
        held = self._others.holder(piece, piece.value)
        if held is not None:
            self.own(OwnedPiece(replace(piece, value=held.piece.value), held.replaced, wanted_at))
        return held is not None

    def _write_hook(self, piece: Piece) -> None:
        key = canonical([piece.at, piece.group])
        commands = self._groups.get(key)
        if commands is not None:
            editing.append(commands, piece.value, self._tree.style)
            return
        event = self._tree.ensure(piece.at, "[", self._opened)
        group = editing.append(event, {**(piece.group or {}), "hooks": [piece.value]}, self._tree.style)
        spot = event.child(group)
        hooks = spot.container.member("hooks")
        if hooks is not None:
            self._groups[key] = spot.child(hooks)

    def _opened(self, at: tuple[str, ...], was: str | None) -> None:
        if at not in self._containers and (was is None or self._others.container(at) is None):
            self._containers[at] = OwnedContainer(at, was)


def hook_key(piece: Piece) -> str:
    """The key of a conflict about a hook, which has no key of its own."""
    return f"{piece.pointer}#{hashlib.sha256(piece.identity.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
