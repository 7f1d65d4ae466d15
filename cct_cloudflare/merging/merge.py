"""A component's pieces put into a file, and taken out again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from cct_cloudflare.merging.model import Decision, Merge, MergeRefusedError, Owned, Piece, Unmerge, paste
from cct_cloudflare.merging.putting import Putter
from cct_cloudflare.merging.sharing import Others
from cct_cloudflare.merging.taking import Taker
from cct_cloudflare.merging.tree import Tree, UnfitError


def merge(
    text: bytes | None,
    wanted: Sequence[Piece],
    *,
    others: Sequence[Owned] = (),
    decisions: Mapping[str, Decision] | None = None,
    name: str = "The file",
) -> Merge:
    """`text` (None: no file) with the `wanted` pieces in it. For a component that is not installed there: `remerge`
    is for one that is.

    `others` is what every other installed component owns in this file. `decisions` settle conflicts by their keys;
    a conflict without one is in the result, and the file's value stays. `name` is for messages.

    Raises MergeRefusedError when the file cannot be edited safely.
    """
    with refusing(name, wanted):
        tree = Tree(text)
        putter = Putter(tree, Others(others), decisions or {})
        for piece in wanted:
            putter.put(piece)
    if not putter.added:
        return Merge(text, putter.owned, False, (), tuple(putter.conflicts))
    return Merge(tree.to_bytes(), putter.owned, True, tuple(putter.added), tuple(putter.conflicts))


def unmerge(text: bytes | None, owned: Owned, *, others: Sequence[Owned] = (), name: str = "The file") -> Unmerge:
    """`text` without what is `owned`, as if it had never been merged; what others own or the user changed stays.

    Raises MergeRefusedError when the file cannot be edited safely.
    """
    if text is None:
        return Unmerge(None, False)
    with refusing(name, [held.piece for held in owned.pieces], taking_out=True):
        tree = Tree(text)
        taker = Taker(tree, Others(others), {held.piece.identity for held in owned.pieces})
        for held in owned.pieces:
            taker.take(held)
        taker.clean(owned.containers)
        after = taker.close_file(next((container for container in owned.containers if not container.at), None))
    return Unmerge(after, after != text, tuple(taker.removed), tuple(taker.edited))


@contextmanager
def refusing(name: str, wanted: Sequence[Piece], *, taking_out: bool = False) -> Iterator[None]:
    try:
        yield
    except UnfitError as error:
        what = "Take this out of it" if taking_out else "Put this into it"
        raise MergeRefusedError(
            f"{name} cannot be edited safely: {error}.",
            hint=f"It is left as it is. {what} by hand, or mend it and try again.",
            text_to_paste=paste(wanted),
        ) from error
