"""Components added: packages, what is on the disk and what is installed → a plan. Reads, and writes nothing.

One package after the other is put into a draft, so that a later one meets what an earlier one brings as it would meet
what was installed long ago. A package whose place something else has is a question; until somebody answers it, the
whole package is left out of the draft.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from cct_cloudflare.components.model import Kind
from cct_cloudflare.components.names import printable
from cct_cloudflare.components.package import Package
from cct_cloudflare.install import store
from cct_cloudflare.install.approving import approval, still_approved
from cct_cloudflare.install.draft import Draft
from cct_cloudflare.install.lockfile import LOCAL_SETTINGS_FILE, Locked, Scope
from cct_cloudflare.install.oddities import oddities
from cct_cloudflare.install.origins import address_of
from cct_cloudflare.install.placing import PlacedFile, Placement, place
from cct_cloudflare.install.plan import Action, ConflictError, Decisions, FileStep, Plan, Question, Status, Step
from cct_cloudflare.install.removing import take_out
from cct_cloudflare.install.request import AddRequest
from cct_cloudflare.install.texts import as_text
from cct_cloudflare.merging.merge import merge
from cct_cloudflare.merging.model import Conflict, Decision, Owned, Piece, pointer


def plan_add(request: AddRequest) -> Plan:
    """Raises UsageError, UnsafeError and ConfigError for what cannot be installed at all, whatever is decided."""
    draft = Draft(request.site)
    adding = _Adding(draft, request)
    steps = [step for package in request.packages for step in adding.add(package)]
    change, lock = draft.finish()
    return Plan(request.site, tuple(steps), change, lock, tuple(adding.questions), keeps=adding.keeps)


class _Adding:
    def __init__(self, draft: Draft, request: AddRequest) -> None:
        self.questions: list[Question] = []
        self.keeps: dict[str, bytes] = {}
        self._draft = draft
        self._request = request

    def add(self, package: Package) -> list[Step]:
        """The steps of one package: its own, after those of components that make room for it."""
        item = package.item
        placement = place(package, self._request.scope, self._request.site)
        installed = self._draft.lock.get(item.kind, item.name)
        if installed is not None and installed.scope is not placement.scope:
            raise ConflictError(
                f"{item.ref} is installed already, with --scope {installed.scope}.",
                hint=f"Take it out first: cct remove {item.ref}",
            )
        if installed is not None and installed.digest != package.digest and installed.source == item.source:
            note = f"Another version of it is installed. To change it: cct update {item.ref}"
            return [Step(item.ref, Status.OUTDATED, (), package, installed, (note,))]
        start, was_lock, asked = self._draft.snapshot(), self._draft.lock, len(self.questions)
        one = _One(self._draft, self._request, package, placement, installed)
        steps = one.run()
        self.questions += one.questions
        if len(self.questions) > asked or one.is_kept_out:
            self._draft.restore(start, was_lock)
        else:
            self.keeps |= one.keeps
        return steps


class _One:
    """One package on its way into the draft."""

    def __init__(
        self, draft: Draft, request: AddRequest, package: Package, placement: Placement, installed: Locked | None
    ) -> None:
        self.questions: list[Question] = []
        self.keeps: dict[str, bytes] = {}
        self.is_kept_out = False
        self._draft = draft
        self._request = request
        self._package = package
        self._ref = package.item.ref
        self._placement = placement
        self._installed = installed
        self._files: list[FileStep] = []
        self._before: list[Step] = []
        self._hashes: dict[str, str] = {}
        self._replaced: dict[str, str] = {}
        self._approved: tuple[str, ...] = ()

    def run(self) -> list[Step]:
        self._make_room()
        if not self.is_kept_out and not self.questions:
            self._put_files()
        if self.is_kept_out or self.questions:
            return [Step(self._ref, self._pending_status, tuple(self._files), self._package)]
        merged = self._merge_all()
        self.is_kept_out = not self.questions and self._has_nothing_of_it(merged)
        if self.is_kept_out or self.questions:
            return [Step(self._ref, self._pending_status, tuple(self._files), self._package)]
        item = self._package.item
        locked = Locked(
            item.kind,
            item.name,
            item.source,
            self._package.revision,
            self._package.digest,
            self._placement.scope,
            self._hashes,
            merged,
            self._replaced,
            address_of(item.source),
        )
        self._draft.lock = self._draft.lock.having(locked)
        step = Step(self._ref, self._status(locked), tuple(self._files), self._package, locked, self._notes(merged))
        return [*self._before, step]

    def _notes(self, merged: Mapping[str, Owned]) -> tuple[str, ...]:
        notes = [*oddities(self._package)]
        for held in (held for owned in merged.values() for held in owned.pieces):
            if held.wanted_at is not None:
                name, wanted = printable(held.piece.at[-1]), printable(held.wanted_at[-1])
                notes.append(f"It is called {name} here, since there is another {wanted}")
        if self._request.scope is Scope.LOCAL and self._placement.scope is not Scope.LOCAL:
            notes.append("It is for everybody in the project: only settings and hooks have a file of yours there")
        if self._approved:
            notes.append(f"Claude Code will start {', '.join(map(printable, self._approved))} here without asking you")
        return tuple(notes)

    def _has_nothing_of_it(self, merged: Mapping[str, Owned]) -> bool:
        """Whether the user's decisions have left the whole component out."""
        is_declined = any(owned.declined for owned in merged.values())
        return is_declined and not self._hashes and not any(owned.pieces for owned in merged.values())

    @property
    def _pending_status(self) -> Status:
        return Status.KEPT_OUT if self.is_kept_out else Status.CONFLICT

    def _status(self, locked: Locked) -> Status:
        is_same = self._installed is not None and self._installed == locked
        touched = any(file.action not in (Action.IDENTICAL, Action.KEPT) for file in self._files)
        return Status.UNCHANGED if is_same and not touched else Status.INSTALLED

    def _make_room(self) -> None:
        """Components that have the place: the same one from another source, or another that needs the same file."""
        rivals = [] if self._installed is None or self._same_content else [self._installed]
        if self._package.item.kind is Kind.SKILL:  # two folders whose names differ by case are one elsewhere
            found = self._draft.lock.find(Kind.SKILL, self._package.item.leaf)
            rivals += [rival for rival in found if rival != self._installed]
        for path, placed in self._placement.files.items():
            spelt = self._spelt(path)
            if spelt is None or (spelt == path and self._draft.read(path) == placed.content):
                continue
            rivals += [
                owner for owner in self._draft.lock.owners(path) if owner != self._installed and owner not in rivals
            ]
        for rival in rivals:
            question = Question(
                f"{self._ref}#{rival.ref}",
                self._ref,
                next(iter({**rival.files, **rival.merged}), ""),
                self._about_rival(rival),
                None,
                f"{rival.ref} from {printable(rival.source)}",
                f"{self._ref} from {self._package.item.source}",
            )
            decision = self._settle(question)
            if decision is Decision.REPLACE:
                self._before.append(take_out(self._draft, rival, Decisions(Decision.KEEP)).step)
            elif decision is Decision.KEEP:
                self.is_kept_out = True
        if rivals and self._installed in rivals:
            self._installed = None

    @property
    def _same_content(self) -> bool:
        return self._installed is not None and self._installed.digest == self._package.digest

    def _about_rival(self, rival: Locked) -> str:
        if rival.ref == self._ref:
            return f"{self._ref} is installed already, from {printable(rival.source)}"
        return f"{self._ref} and {rival.ref}, which is installed, need the same file"

    def _put_files(self) -> None:
        in_the_way = self._in_the_way()
        if in_the_way:
            decision = self._settle(self._about_files(in_the_way))
            if decision is None or (decision is Decision.KEEP and self._installed is None):
                self.is_kept_out = decision is Decision.KEEP
                action = Action.KEPT if self.is_kept_out else Action.CONFLICT
                self._files += [FileStep(path, action, self._draft.read(path)) for path in in_the_way.values()]
                return
            if decision is Decision.KEEP:  # edits of a file that is installed stay
                for path in in_the_way:
                    self._hashes[path] = self._installed.files[path] if self._installed else ""
                    self._files.append(FileStep(path, Action.KEPT, self._draft.read(path)))
        for path, placed in self._placement.files.items():
            if path not in self._hashes:
                self._put_file(path, placed)

    def _spelt(self, path: str) -> str | None:
        """The file that is in the place of `path`, however it, or the folder of its skill, is spelt."""
        spelt = self._draft.spelt(path)
        if spelt is None and self._package.item.kind is Kind.SKILL:
            folder = "/".join(path.split("/")[:3])
            other = self._draft.spelt(folder)
            if other is not None and other != folder:
                return self._draft.spelt(other + path.removeprefix(folder))
        return spelt

    def _in_the_way(self) -> dict[str, str]:
        """Paths of the component that something else has → how that is spelt."""
        found = {}
        for path, placed in self._placement.files.items():
            spelt = self._spelt(path)
            if spelt is not None and (spelt != path or self._draft.read(path) != placed.content):
                found[path] = spelt
        return found

    def _about_files(self, in_the_way: Mapping[str, str]) -> Question:
        path, spelt = next(iter(in_the_way.items()))
        more = f" and {len(in_the_way) - 1} more" if len(in_the_way) > 1 else ""
        place = printable(str(self._request.site.show(spelt).relative_to(self._request.site.root)))
        edited = self._installed is not None and path in self._installed.files
        base = store.get(self._package.digest) if edited else None
        what = (
            f"{place}{more} was changed since {self._ref} was installed"
            if edited
            else f"{self._ref} needs {place}{more}, where a file of yours is"
        )
        return Question(
            f"{self._ref}:{path}",
            self._ref,
            spelt,
            what,
            None if base is None else as_text(base.get(path.rpartition("/")[2])),
            as_text(self._draft.read(spelt)),
            as_text(self._placement.files[path].content),
        )

    def _put_file(self, path: str, placed: PlacedFile) -> None:
        spelt = self._spelt(path)
        before = None if spelt is None else self._draft.read(spelt)
        was_ours = self._installed is not None and path in self._installed.files
        if spelt == path and before == placed.content:
            if was_ours or self._draft.lock.owners(path):
                self._own(path, placed)
            self._files.append(FileStep(path, Action.IDENTICAL, before, before))
            return
        if spelt is not None and before is not None:
            if was_ours and self._installed is not None:
                if path in self._installed.replaced:
                    self._replaced[path] = self._installed.replaced[path]
            else:
                self._replaced[spelt] = hashlib.sha256(before).hexdigest()
                self.keeps[self._replaced[spelt]] = before
            if spelt != path:
                self._draft.write(spelt, None)
        self._draft.write(path, placed.content, executable=placed.executable)
        self._own(path, placed)
        action = Action.CREATED if before is None else Action.REPLACED
        self._files.append(FileStep(path, action, before, placed.content))

    def _own(self, path: str, placed: PlacedFile) -> None:
        self._hashes[path] = hashlib.sha256(placed.content).hexdigest()
        if self._installed is not None and path in self._installed.replaced:
            self._replaced.setdefault(path, self._installed.replaced[path])

    def _merge_all(self) -> dict[str, Owned]:
        merged = {path: self._merge(path, pieces) for path, pieces in self._placement.pieces.items()}
        servers = tuple(
            held.piece.at[1] for owned in merged.values() for held in owned.pieces if held.piece.at[0] == "mcpServers"
        )
        if self._package.item.kind is Kind.MCP:
            merged |= self._approve(servers)
        return merged

    def _approve(self, servers: Sequence[str]) -> dict[str, Owned]:
        """With a word for it all of them; without one those that the user's settings approve since cct did it."""
        before = self._installed.merged.get(LOCAL_SETTINGS_FILE, Owned()) if self._installed else Owned()
        still = still_approved(before, self._draft.read(LOCAL_SETTINGS_FILE)) if before != Owned() else ()
        self._approved = tuple(name for name in servers if self._request.approve or name in still)
        if self._approved:
            return {LOCAL_SETTINGS_FILE: self._merge(LOCAL_SETTINGS_FILE, approval(self._approved))}
        return {LOCAL_SETTINGS_FILE: before} if before != Owned() else {}

    def _merge(self, path: str, pieces: Sequence[Piece]) -> Owned:
        text = self._draft.read(path)
        others = list(self._draft.lock.others(path, self._installed))
        decided: dict[str, Decision] = {}
        if self._installed is not None and path in self._installed.merged:
            own = self._installed.merged[path]
            others.append(own)  # what it has there already stays its own
            decided |= {pointer(held.wanted_at): Decision.BOTH for held in own.pieces if held.wanted_at is not None}
            decided |= {piece.pointer: Decision.KEEP for piece in own.declined}
        name = str(self._request.site.show(path))
        found = merge(text, pieces, others=others, decisions=decided, name=name)
        for conflict in found.conflicts:
            decision = self._settle(self._about_conflict(path, conflict))
            if decision is not None:
                decided[conflict.key] = decision
        if decided:
            found = merge(text, pieces, others=others, decisions=decided, name=name)
        self._draft.write(path, found.text)
        action = Action.CONFLICT if found.conflicts else Action.KEPT if found.owned.declined else Action.IDENTICAL
        if found.changed and not found.conflicts:
            action = Action.CREATED if text is None else Action.MERGED
        self._files.append(FileStep(path, action, text, found.text))
        return found.owned

    def _about_conflict(self, path: str, conflict: Conflict) -> Question:
        place = printable(str(self._request.site.show(path).relative_to(self._request.site.root)))
        return Question(
            f"{self._ref}:{path}{conflict.key}",
            self._ref,
            path,
            f"{self._ref} brings another value for {printable(conflict.pointer)} than {place} has",
            conflict.base,
            conflict.ours,
            conflict.theirs,
            conflict.choices,
            conflict.pointer,
        )

    def _settle(self, question: Question) -> Decision | None:
        decision = self._request.decisions.about(question.key, question.choices)
        if decision is None:
            self.questions.append(question)
        return decision
