"""What has changed since components were installed: on the disk by the user, and at their sources. Reads alone.

Every place of a component has up to three texts: as it was installed, as it is now, and as the source has it. Of a file
that it was merged into, these are its own keys and entries, and nothing of the user's.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from cct_cloudflare.components.model import Kind
from cct_cloudflare.components.package import Package
from cct_cloudflare.install.approving import approval
from cct_cloudflare.install.lockfile import LOCAL_SETTINGS_FILE, Lock, Locked
from cct_cloudflare.install.placing import Placement, place
from cct_cloudflare.install.site import Site
from cct_cloudflare.install.updating import InstalledFiles, sha256
from cct_cloudflare.merging.merge import unmerge
from cct_cloudflare.merging.model import Form, MergeRefusedError, Owned, OwnedPiece, Piece, paste, same, shown

#: Larger texts are only said to differ: comparing takes quadratic time.
MAX_COMPARED = 512 * 1024

Side = Literal["yours", "source"]


@dataclass(frozen=True, slots=True)
class FileDiff:
    """One place. `installed` is None where it is not known on this machine, the others where there is nothing.

    `edited` and `outdated` say whether the user, and whether the source has changed it. Without a look at the source,
    `source` is as installed.
    """

    path: str
    installed: bytes | None
    yours: bytes | None
    source: bytes | None
    edited: bool
    outdated: bool

    def unified(self, side: Side, name: str) -> list[str] | None:
        """The lines from `installed` to that side, without line ends; None where they cannot be compared."""
        after = self.yours if side == "yours" else self.source
        before_text, after_text = _text(self.installed), _text(after)
        if before_text is None or after_text is None or len(before_text) + len(after_text) > MAX_COMPARED:
            return None
        if self.installed is None and self.edited:  # what it was is not known
            return None
        lines = difflib.unified_diff(before_text.splitlines(), after_text.splitlines(), "installed", name, lineterm="")
        return list(lines)

    def to_json(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "edited": self.edited,
            "outdated": self.outdated,
            "edits": self._joined("yours") if self.edited else None,
            "update": self._joined("source") if self.outdated else None,
        }

    def _joined(self, side: Side) -> str | None:
        lines = self.unified(side, side)
        return None if lines is None else "\n".join(lines)


@dataclass(frozen=True, slots=True)
class ComponentDiff:
    """The places of a component that differ. `problem` says why a place could not be looked at."""

    locked: Locked
    files: tuple[FileDiff, ...]
    problem: str | None = None

    @property
    def edited(self) -> bool:
        return any(file.edited for file in self.files)

    @property
    def outdated(self) -> bool:
        return any(file.outdated for file in self.files)

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": str(self.locked.kind),
            "name": self.locked.name,
            "source": self.locked.source,
            "revision": self.locked.revision,
            "scope": str(self.locked.scope),
            "edited": self.edited,
            "outdated": self.outdated,
            "problem": self.problem,
            "files": [file.to_json() for file in self.files],
        }


def diff(site: Site, lock: Lock, locked: Locked, package: Package | None) -> ComponentDiff:
    """One component of the site's lock. `package` is what the source has now; None looks at the disk alone.

    Raises what reading the disk raises, and for a package that cannot be installed what placing it does.
    """
    placement = None
    if package is not None and package.digest != locked.digest:
        placement = place(package, locked.scope, site)
    files = list(_files(site, locked, placement))
    problem = None
    try:
        files += _merged(site, lock, locked, placement)
    except MergeRefusedError as error:
        problem = error.message
    return ComponentDiff(locked, tuple(file for file in files if file.edited or file.outdated), problem)


def _files(site: Site, locked: Locked, placement: Placement | None) -> Iterator[FileDiff]:
    base = InstalledFiles(locked)
    coming = {} if placement is None else {path: placed.content for path, placed in placement.files.items()}
    for path in dict.fromkeys((*locked.files, *coming)):
        digest, yours = locked.files.get(path), site.read(path)
        if digest is None:
            # It is new, or the user had it already, with the bytes of the installed version.
            same_bytes = None if yours is None else base.hashes.get(sha256(yours))
            yield FileDiff(path, same_bytes, yours, coming[path], edited=False, outdated=yours != coming[path])
            continue
        installed = base.content(path)
        if installed is None and yours is not None and sha256(yours) == digest:
            installed = yours
        source = installed if placement is None else coming.get(path)
        outdated = placement is not None and (source is None or sha256(source) != digest)
        yield FileDiff(path, installed, yours, source, yours is None or sha256(yours) != digest, outdated)


def _merged(site: Site, lock: Lock, locked: Locked, placement: Placement | None) -> Iterator[FileDiff]:
    for path in dict.fromkeys((*locked.merged, *(placement.pieces if placement else ()))):
        owned = locked.merged.get(path, Owned())
        name = str(site.show(path))
        now = pieces_now(site.read(path), owned, lock.others(path, locked), name)
        before = [held.piece for held in owned.pieces]
        after = before if placement is None else _coming(path, owned, placement, locked)
        installed, yours, source = (_paste(pieces) for pieces in (before, now, after))
        yield FileDiff(path, installed, yours, source, yours != installed, source != installed)


def _coming(path: str, owned: Owned, placement: Placement, locked: Locked) -> list[Piece]:
    """What the source would have there, under the names that the pieces have in this file."""
    if locked.kind is Kind.MCP and path == LOCAL_SETTINGS_FILE:
        approved = [held.piece.value for held in owned.pieces]
        names = [piece.at[-1] for pieces in placement.pieces.values() for piece in pieces]
        return list(approval(tuple(name for name in approved if name in names)))
    renamed = {held.wanted_at: held.piece.at for held in owned.pieces if held.wanted_at is not None}
    declined = {piece.identity: piece for piece in owned.declined}
    wanted = (piece for piece in placement.pieces.get(path, ()))
    return [
        replace(piece, at=renamed.get(piece.at, piece.at))
        for piece in wanted
        if not (piece.identity in declined and same(declined[piece.identity].value, piece.value))
    ]


def pieces_now(text: bytes | None, owned: Owned, others: Sequence[Owned], name: str) -> list[Piece]:
    """The pieces that a component owns, as the file has them now; those that are gone are left out.

    Raises MergeRefusedError for a file that cannot be read any more.
    """
    taken = unmerge(text, owned, others=others, name=name)
    untouched = [(piece.identity, shown(piece.value)) for piece in taken.removed]
    edited: dict[tuple[str, str], list[str]] = {}
    for one in taken.edited_by_user:
        edited.setdefault((one.pointer, one.base), []).append(one.ours)
    found = []
    for held in owned.pieces:
        piece = held.piece
        key = (piece.pointer, shown(piece.value))
        if (piece.identity, key[1]) in untouched or (text is not None and _is_held(held, others)):
            found.append(piece)
        elif edited.get(key):
            found.append(replace(piece, value=json.loads(edited[key].pop(0))))
    return found


def _is_held(held: OwnedPiece, others: Sequence[Owned]) -> bool:
    """Whether another component owns the same, so that it would stay in any case."""
    identity = held.piece.identity
    return any(
        other.piece.identity == identity and (held.piece.form is not Form.VALUE or other.piece.means(held.piece.value))
        for owned in others
        for other in owned.pieces
    )


def _paste(pieces: Sequence[Piece]) -> bytes | None:
    return paste(pieces).encode("utf-8", "surrogatepass") if pieces else None


def _text(content: bytes | None) -> str | None:
    """The text of a file, nothing for no file; None for what is no text."""
    if content is None:
        return ""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text
