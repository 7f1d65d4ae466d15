"""Components taken out: just what is theirs. What the user has changed since is a question, and stays unless told."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cct_cloudflare.components.model import Kind
from cct_cloudflare.components.names import check_name, printable
from cct_cloudflare.errors import UsageError
from cct_cloudflare.install import store
from cct_cloudflare.install.draft import Draft
from cct_cloudflare.install.lockfile import Lock, Locked
from cct_cloudflare.install.plan import Action, Decisions, FileStep, Plan, Question, Status, Step
from cct_cloudflare.install.request import RemoveRequest
from cct_cloudflare.install.texts import as_text
from cct_cloudflare.merging.merge import unmerge
from cct_cloudflare.merging.model import Decision


@dataclass(frozen=True, slots=True)
class TakenOut:
    """`edited` are the questions about files that the user has changed."""

    step: Step
    edited: tuple[Question, ...] = ()
    keeps: Mapping[str, bytes] = field(default_factory=dict)


def plan_remove(request: RemoveRequest) -> Plan:
    """Raises UsageError for what is not installed, and `merge_refused` for a file that cannot be edited any more."""
    draft = Draft(request.site)
    steps: list[Step] = []
    edited: list[Question] = []
    for locked in installed(draft.lock, request.refs):
        taken = take_out(draft, locked, request.decisions)
        steps.append(taken.step)
        edited += taken.edited
    change, lock = draft.finish()
    return Plan(request.site, tuple(steps), change, lock, assumptions=tuple(edited))


def installed(lock: Lock, refs: Sequence[str]) -> list[Locked]:
    """What `kind/category/leaf` or `kind/leaf` mean of what is installed, each once. Raises UsageError."""
    found: dict[str, Locked] = {}
    for ref in refs:
        locked = _find(lock, ref)
        found[locked.ref] = locked
    return list(found.values())


def _find(lock: Lock, ref: str) -> Locked:
    word, _, rest = ref.strip().partition("/")
    kind = next((kind for kind in Kind if word.lower() in (kind.value, kind.folder)), None)
    if kind is None or not rest:
        raise UsageError(
            f"{printable(ref[:80])!r} names no component.",
            hint="Write kind/name, for example agent/code-reviewer or hook/git/guard-main.",
            code="component_invalid",
        )
    name = check_name(rest.removesuffix(".json"))
    found = lock.find(kind, name)
    if len(found) > 1:
        raise UsageError(
            f"{kind}/{name} fits several installed components: {', '.join(locked.ref for locked in found)}.",
            hint="Give the one you mean with its category.",
            code="component_ambiguous",
        )
    if not found:
        raise UsageError(
            f"{kind}/{name} is not installed here.",
            hint=_what_is_there(lock, kind),
            code="component_not_found",
        )
    return found[0]


def _what_is_there(lock: Lock, kind: Kind) -> str:
    refs = [locked.ref for locked in lock.components if locked.kind is kind] or [
        locked.ref for locked in lock.components
    ]
    if not refs:
        return "Nothing that cct installed is here; what you put there yourself is yours to delete."
    more = f" and {len(refs) - 10} more" if len(refs) > 10 else ""
    return f"Installed: {', '.join(refs[:10])}{more}."


def take_out(draft: Draft, locked: Locked, decisions: Decisions) -> TakenOut:
    """Takes a component out of the draft. Raises MergeRefusedError."""
    taking = _Taking(draft, locked, decisions)
    taking.take_files()
    taking.take_merged()
    draft.lock = draft.lock.without(locked.kind, locked.name)
    step = Step(locked.ref, Status.REMOVED, tuple(taking.files), None, locked, tuple(taking.notes))
    return TakenOut(step, tuple(taking.edited))


class _Taking:
    def __init__(self, draft: Draft, locked: Locked, decisions: Decisions) -> None:
        self.files: list[FileStep] = []
        self.notes: list[str] = []
        self.edited: list[Question] = []
        self._draft = draft
        self._locked = locked
        self._decisions = decisions
        self._base = _Base(locked)

    def take_files(self) -> None:
        lock = self._draft.lock.without(self._locked.kind, self._locked.name)
        for path, digest in self._locked.files.items():
            current = self._draft.read(path)
            if current is None:
                continue
            if lock.owners(path):
                self.files.append(FileStep(path, Action.KEPT, current, current))
            elif hashlib.sha256(current).hexdigest() == digest or self._may_go(path, current):
                self._drop(path, current)
            else:
                self.files.append(FileStep(path, Action.KEPT, current, current))
                self.notes.append(f"{printable(path)} was changed since it was installed, and is yours now")
        for path, digest in self._locked.replaced.items():
            self._give_back(path, digest)

    def _drop(self, path: str, current: bytes) -> None:
        self._draft.write(path, None)
        self.files.append(FileStep(path, Action.REMOVED, current))

    def _may_go(self, path: str, current: bytes) -> bool:
        question = Question(
            f"{self._locked.ref}:{path}",
            self._locked.ref,
            path,
            f"{printable(path)} was changed since {self._locked.ref} was installed",
            as_text(self._base.content(path)),
            as_text(current),
            None,
            assumed=Decision.KEEP,
        )
        self.edited.append(question)
        return self._decisions.about(question.key, question.choices) is Decision.REPLACE

    def _give_back(self, path: str, digest: str) -> None:
        """The user's own file comes back where the component had taken its place."""
        if self._draft.spelt(path) is not None:
            return
        content = store.kept(digest)
        if content is None:
            self.notes.append(f"{printable(path)}, which it had replaced, is not known on this machine")
            return
        self._draft.write(path, content)
        self.files.append(FileStep(path, Action.REPLACED, None, content))

    def take_merged(self) -> None:
        for path, owned in self._locked.merged.items():
            text = self._draft.read(path)
            others = self._draft.lock.others(path, self._locked)
            taken = unmerge(text, owned, others=others, name=str(self._draft.site.show(path)))
            for edited in taken.edited_by_user:
                self.notes.append(f"{printable(edited.pointer)} in {path} was changed since, and stays")
            self._draft.write(path, taken.text)
            if taken.changed:
                action = Action.REMOVED if taken.text is None else Action.MERGED
                self.files.append(FileStep(path, action, text, taken.text))


class _Base:
    """What the component's files were when they were installed, as far as that is known here."""

    def __init__(self, locked: Locked) -> None:
        self._locked = locked
        self._files: Mapping[str, bytes] | None = None

    def content(self, path: str) -> bytes | None:
        if self._files is None:
            self._files = store.get(self._locked.digest) or {}
        by_hash = {hashlib.sha256(content).hexdigest(): content for content in self._files.values()}
        return by_hash.get(self._locked.files.get(path, ""))
