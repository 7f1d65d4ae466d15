"""What other components own in the same file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cct_cloudflare.merging.model import Owned, OwnedContainer, OwnedPiece, Piece


class Others:
    """The pieces and containers of every other component that is installed into the file."""

    def __init__(self, others: Sequence[Owned]) -> None:
        self._pieces: dict[str, list[OwnedPiece]] = {}
        self._containers: dict[tuple[str, ...], OwnedContainer] = {}
        for owned in others:
            for held in owned.pieces:
                self._pieces.setdefault(held.piece.identity, []).append(held)
            for container in owned.containers:
                self._containers.setdefault(container.at, container)

    def holder(self, piece: Piece, value: Any) -> OwnedPiece | None:
        """Who else owns `piece`, meaning this value when it is a key's."""
        held = self._pieces.get(piece.identity, ())
        return next((owned for owned in held if owned.piece.means(value)), None)

    def container(self, at: tuple[str, ...]) -> OwnedContainer | None:
        return self._containers.get(at)
