"""Installed components brought to their source's present version: packages, disk and lock → a plan. Writes nothing.

Three versions meet: what cct installed (base, kept in the store), what lies on the disk (ours), what the source has
now (theirs). Where one side changed, that change holds. Where both did, texts are merged line by line and settings key
by key, and what neither settles is a question.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cct_cloudflare.components.model import Kind
from cct_cloudflare.components.names import printable
from cct_cloudflare.components.package import Package
from cct_cloudflare.install import store
from cct_cloudflare.install.approving import Approved, approval, still_approved
from cct_cloudflare.install.draft import Draft
from cct_cloudflare.install.lockfile import LOCAL_SETTINGS_FILE, MCP_FILE, Locked
from cct_cloudflare.install.oddities import oddities
from cct_cloudflare.install.origins import address_of
from cct_cloudflare.install.placing import PlacedFile, Placement, place
from cct_cloudflare.install.plan import Action, Decisions, FileStep, Plan, Question, Status, Step
from cct_cloudflare.install.site import Site
from cct_cloudflare.install.texts import as_text
from cct_cloudflare.install.three_way import merge_texts
from cct_cloudflare.merging import mcp
from cct_cloudflare.merging.model import Conflict, Decision, Owned, OwnedPiece, Piece
from cct_cloudflare.merging.update import remerge
from cct_cloudflare.validation.model import Risk
from cct_cloudflare.validation.risks import risks


@dataclass(frozen=True)
class UpdateRequest:
    """`packages` are the present versions of components that are installed at the site.

    `approve` lets Claude Code start MCP servers that are new in them without asking.
    """

    site: Site
    packages: tuple[Package, ...]
    approve: bool = False
    decisions: Decisions = field(default_factory=Decisions)

    def deciding(self, decisions: Decisions) -> UpdateRequest:
        return replace(self, decisions=decisions)


def plan_update(request: UpdateRequest) -> Plan:
    """Raises UsageError, UnsafeError and ConfigError for what cannot be installed at all, whatever is decided.

    A component with an open question is left as it is.
    """
    draft = Draft(request.site)
    steps: list[Step] = []
    questions: list[Question] = []
    keeps: dict[str, bytes] = {}
    for package in request.packages:
        locked = draft.lock.get(package.item.kind, package.item.name)
        if locked is None:  # taken out meanwhile
            continue
        start, was_lock = draft.snapshot(), draft.lock
        one = _One(draft, request, package, locked)
        steps.append(one.run())
        if one.questions:
            questions += one.questions
            draft.restore(start, was_lock)
        keeps |= one.keeps
    change, lock = draft.finish()
    return Plan(request.site, tuple(steps), change, lock, tuple(questions), keeps=keeps)


def new_risks(locked: Locked, package: Package, approved: Approved = Approved()) -> tuple[Risk, ...]:  # noqa: B008
    """What of the present version nobody here has agreed to yet. `approved` are MCP servers that start unasked.

    Code that may run is new with every change in it, also where the risk reads the same as before. That a lock file
    names a version is no consent, since it may come from anybody: what was installed here is in the store.
    """
    now = (*risks(package), *_changed_servers(locked, package, approved))
    before = store.get(locked.digest)
    if before is None:
        return now
    old = replace(package, files=before) if package.main in before else None
    if old is None or _scripts(old) != _scripts(package):
        return now
    agreed = set(risks(old))
    return tuple(risk for risk in now if risk not in agreed)


def _changed_servers(locked: Locked, package: Package, approved: Approved) -> Iterator[Risk]:
    """Servers that Claude Code starts without asking, which it does by their names, and that are others now."""
    if locked.kind is not Kind.MCP:
        return
    by_cct = {held.piece.value for held in _owned(locked, LOCAL_SETTINGS_FILE) if isinstance(held.piece.value, str)}
    installed = {(held.wanted_at or held.piece.at)[-1]: held.piece for held in _owned(locked, MCP_FILE)}
    declined = locked.merged[MCP_FILE].declined if MCP_FILE in locked.merged else ()
    for piece in mcp.wanted(package.files[package.main]):
        before = installed.get(piece.at[-1])
        name = (before or piece).at[-1]
        is_same = before is not None and before.means(piece.value)
        is_declined = any(one.at == piece.at and one.means(piece.value) for one in declined)
        if (name in by_cct or approved.has(name)) and not (is_same or is_declined):
            what = f"it changes the MCP server {printable(name)}, which Claude Code starts without asking"
            yield Risk("approved-server", what, f"{package.main}: mcpServers.{printable(name)}")


def _owned(locked: Locked, path: str) -> tuple[OwnedPiece, ...]:
    return locked.merged[path].pieces if path in locked.merged else ()


def _scripts(package: Package) -> dict[str, bytes]:
    return {path: content for path, content in package.files.items() if path != package.main}


class _One:
    """One component on its way into the draft."""

    def __init__(self, draft: Draft, request: UpdateRequest, package: Package, locked: Locked) -> None:
        self.questions: list[Question] = []
        self.keeps: dict[str, bytes] = {}
        self._draft = draft
        self._request = request
        self._package = package
        self._locked = locked
        self._base = InstalledFiles(locked)
        self._files: list[FileStep] = []
        self._hashes: dict[str, str] = {}
        self._replaced = dict(locked.replaced)
        self._notes: list[str] = []

    def run(self) -> Step:
        locked, package = self._locked, self._package
        item = package.item
        if locked.digest == package.digest and locked.source == item.source:
            return Step(locked.ref, Status.UNCHANGED, (), package, locked)
        placement = place(package, locked.scope, self._request.site)
        # Files that leave go first, so that one that changes nothing but its spelling is not in its own way.
        for path in locked.files:
            if path not in placement.files:
                self._take_away(path)
        for path, placed in placement.files.items():
            self._bring(path, placed)
        merged = self._merge_all(placement)
        after = Locked(
            item.kind,
            item.name,
            item.source,
            package.revision,
            package.digest,
            locked.scope,
            self._hashes,
            merged,
            self._replaced,
            address_of(item.source),
        )
        status = Status.CONFLICT if self.questions else Status.UPDATED
        self._notes += oddities(package)
        self._draft.lock = self._draft.lock.having(after)
        return Step(locked.ref, status, tuple(self._files), package, after, tuple(self._notes))

    def _take_away(self, path: str) -> None:
        current = self._draft.read(path)
        if current is None:
            return
        if self._draft.lock.without(self._locked.kind, self._locked.name).owners(path):
            self._files.append(FileStep(path, Action.KEPT, current, current))
        elif sha256(current) == self._locked.files[path]:
            self._draft.write(path, None)
            self._files.append(FileStep(path, Action.REMOVED, current))
        else:
            self._files.append(FileStep(path, Action.KEPT, current, current))
            self._notes.append(
                f"{printable(path)} belongs to it no more; you have changed it, so it stays and is yours"
            )

    def _bring(self, path: str, placed: PlacedFile) -> None:
        """Puts a file of the present version in its place."""
        installed = self._locked.files.get(path)
        spelt = self._draft.spelt(path)
        ours = None if spelt is None else self._draft.read(spelt)
        theirs = placed.content
        if installed is None:
            self._bring_new(path, placed, spelt, ours)
            return
        self._hashes[path] = sha256(theirs)
        if ours == theirs and spelt == path:
            self._files.append(FileStep(path, Action.IDENTICAL, ours, ours))
        elif installed == sha256(theirs):  # the change, or the absence, is the user's alone
            if ours is not None:
                self._files.append(FileStep(spelt or path, Action.KEPT, ours, ours))
        elif sharers := self._sharers(path):
            what = f"{self._shown(path)} belongs to {sharers} as well, and"
            self._ask(f"{what} the new version of {self._locked.ref} changes it", path, spelt, ours, placed)
        elif ours is not None and spelt == path and sha256(ours) == installed:
            self._write(path, ours, theirs, placed)
        else:
            self._bring_together(path, spelt, ours, placed)

    def _bring_new(self, path: str, placed: PlacedFile, spelt: str | None, ours: bytes | None) -> None:
        owners = self._draft.lock.owners(path)
        if spelt is None or ours is None:
            self._own(path, placed)
            self._write(path, None, placed.content, placed)
            return
        if spelt == path and ours == placed.content:
            # With the same bytes it is the user's own, unless a component has put it there.
            if owners:
                self._own(path, placed)
            self._files.append(FileStep(path, Action.IDENTICAL, ours, ours))
            return
        holder = f"{owners[0].ref} has put another file" if owners else "a file of yours is"
        what = f"{self._locked.ref} brings {self._shown(path)} now, where {holder}"
        decision = self._settle(self._question(path, spelt, what, None, ours, placed.content))
        if decision is Decision.REPLACE and not owners:
            self._replaced[spelt] = sha256(ours)
            self.keeps[sha256(ours)] = ours
            if spelt != path:
                self._draft.write(spelt, None)
            self._own(path, placed)
            self._write(path, ours, placed.content, placed, Action.REPLACED)
        else:
            self._files.append(FileStep(spelt, Action.KEPT if decision else Action.CONFLICT, ours, ours))

    def _bring_together(self, path: str, spelt: str | None, ours: bytes | None, placed: PlacedFile) -> None:
        """Both sides have changed a file."""
        base = self._base.content(path)
        if base is not None and ours is not None and spelt == path:
            together = merge_texts(base, ours, placed.content)
            if together is not None:
                self._write(path, ours, together, placed, Action.MERGED)
                return
        there = "deleted" if ours is None else "changed"
        what = f"{self._shown(path)} was {there} by you, and changed in the new version of {self._locked.ref}"
        self._ask(what, path, spelt, ours, placed)

    def _sharers(self, path: str) -> str:
        """Components that the file belongs to as well and that are not brought up to date with this one."""
        coming = {package.item.ref for package in self._request.packages}
        owners = self._draft.lock.owners(path)
        return ", ".join(owner.ref for owner in owners if owner.ref not in coming)

    def _ask(self, what: str, path: str, spelt: str | None, ours: bytes | None, placed: PlacedFile) -> None:
        base = self._base.content(path)
        decision = self._settle(self._question(path, spelt or path, what, base, ours, placed.content))
        if decision is Decision.REPLACE:
            if spelt is not None and spelt != path:
                self._draft.write(spelt, None)
            self._write(path, ours, placed.content, placed)
        else:
            self._files.append(FileStep(spelt or path, Action.KEPT if decision else Action.CONFLICT, ours, ours))

    def _write(
        self, path: str, before: bytes | None, after: bytes, placed: PlacedFile, action: Action | None = None
    ) -> None:
        self._draft.write(path, after, executable=placed.executable)
        usual = Action.CREATED if before is None else Action.UPDATED
        self._files.append(FileStep(path, action or usual, before, after))

    def _own(self, path: str, placed: PlacedFile) -> None:
        self._hashes[path] = sha256(placed.content)

    def _merge_all(self, placement: Placement) -> dict[str, Owned]:
        merged = {}
        for path in dict.fromkeys((*placement.pieces, *self._locked.merged)):
            if path == LOCAL_SETTINGS_FILE and self._locked.kind is Kind.MCP:
                continue
            owned = self._merge(path, placement.pieces.get(path, ()))
            if owned != Owned():
                merged[path] = owned
        if self._locked.kind is Kind.MCP:
            approved = self._approve(merged.get(MCP_FILE, Owned()))
            if approved != Owned():
                merged[LOCAL_SETTINGS_FILE] = approved
        return merged

    def _approve(self, servers: Owned) -> Owned:
        """What was approved stays so, under the names that the servers have now; more needs a word of its own."""
        before = self._locked.merged.get(LOCAL_SETTINGS_FILE, Owned())
        still = still_approved(before, self._draft.read(LOCAL_SETTINGS_FILE)) if before != Owned() else ()
        if not (self._request.approve or still):
            return before  # it may be somebody else's, who shares the lock file
        names = (held.piece.at[1] for held in servers.pieces)
        return self._merge(
            LOCAL_SETTINGS_FILE, approval(name for name in names if self._request.approve or name in still)
        )

    def _merge(self, path: str, wanted: Sequence[Piece]) -> Owned:
        text = self._draft.read(path)
        owned = self._locked.merged.get(path, Owned())
        if not wanted and owned == Owned():
            return owned
        others = self._draft.lock.others(path, self._locked)
        name = str(self._request.site.show(path))
        decided: dict[str, Decision] = {}
        found = remerge(text, owned, wanted, others=others, name=name)
        for conflict in found.conflicts:
            decision = self._settle(self._about_conflict(path, conflict))
            if decision is not None:
                decided[conflict.key] = decision
        if decided:
            found = remerge(text, owned, wanted, others=others, decisions=decided, name=name)
        for edited in found.edited_by_user:
            self._notes.append(
                f"{printable(edited.pointer)} in {path} belongs to it no more; it has your change and stays"
            )
        self._draft.write(path, found.text)
        action = _action_of(text, found.text, is_open=bool(found.conflicts))
        if action is Action.IDENTICAL and Decision.KEEP in decided.values():
            action = Action.KEPT
        self._files.append(FileStep(path, action, text, found.text))
        return found.owned

    def _about_conflict(self, path: str, conflict: Conflict) -> Question:
        pointer, place = printable(conflict.pointer), self._shown(path)
        if conflict.base is None:
            what = f"{self._locked.ref} brings another value for {pointer} than {place} has"
        else:
            what = f"{pointer} in {place} was changed by you, and in the new version of {self._locked.ref}"
        return Question(
            f"{self._locked.ref}:{path}{conflict.key}",
            self._locked.ref,
            path,
            what,
            conflict.base,
            conflict.ours,
            conflict.theirs,
            conflict.choices,
            conflict.pointer,
        )

    def _question(
        self, path: str, spelt: str, what: str, base: bytes | None, ours: bytes | None, theirs: bytes
    ) -> Question:
        key = f"{self._locked.ref}:{path}"
        return Question(key, self._locked.ref, spelt, what, as_text(base), as_text(ours), as_text(theirs))

    def _settle(self, question: Question) -> Decision | None:
        decision = self._request.decisions.about(question.key, question.choices)
        if decision is None:
            self.questions.append(question)
        return decision

    def _shown(self, path: str) -> str:
        return printable(str(self._request.site.show(path).relative_to(self._request.site.root)))


class InstalledFiles:
    """What a component's files were when they were installed, as far as that is known on this machine."""

    def __init__(self, locked: Locked) -> None:
        self._locked = locked
        self._by_hash: Mapping[str, bytes] | None = None

    def content(self, path: str) -> bytes | None:
        return self.hashes.get(self._locked.files.get(path, ""))

    @property
    def hashes(self) -> Mapping[str, bytes]:
        """The files of the package by their SHA-256."""
        if self._by_hash is None:
            files = store.get(self._locked.digest) or {}
            self._by_hash = {sha256(content): content for content in files.values()}
        return self._by_hash


def _action_of(before: bytes | None, after: bytes | None, *, is_open: bool) -> Action:
    if is_open:
        return Action.CONFLICT
    if before == after:
        return Action.IDENTICAL
    if before is None:
        return Action.CREATED
    return Action.REMOVED if after is None else Action.MERGED


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
