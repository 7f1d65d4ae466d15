"""What comes out of planning: one decision per file, what is left to be decided, and what the lock will say."""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from cct_cloudflare.components.package import Package
from cct_cloudflare.errors import UsageError
from cct_cloudflare.install.journal import Change, Write
from cct_cloudflare.install.lockfile import Lock, Locked
from cct_cloudflare.install.site import Site
from cct_cloudflare.merging.model import Decision
from cct_cloudflare.wording import counted

#: Components that a refusal names beside the first; `--json` has all.
_MOST_NAMED = 5


class Action(enum.StrEnum):
    """What happens to a file."""

    CREATED = "created"
    IDENTICAL = "identical"
    MERGED = "merged"
    UPDATED = "updated"
    REPLACED = "replaced"
    REMOVED = "removed"
    KEPT = "kept"
    CONFLICT = "conflict"


class Status(enum.StrEnum):
    """What becomes of a component."""

    INSTALLED = "installed"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    OUTDATED = "outdated"
    """It is installed in another version than the one that was asked for, and left alone: `cct update` is for that."""
    KEPT_OUT = "kept-out"
    """Something of the user's is in its place, and the user wants it to stay."""
    CONFLICT = "conflict"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class FileStep:
    """`path` is the lock file's. `before` and `after` are its content; None for no file."""

    path: str
    action: Action
    before: bytes | None = field(default=None, repr=False)
    after: bytes | None = field(default=None, repr=False)

    def to_json(self) -> dict[str, Any]:
        return {"path": self.path, "action": str(self.action)}


@dataclass(frozen=True, slots=True)
class Question:
    """Two things want one place, and somebody has to say which gets it.

    `key` names it in `Decisions`, and is the same in the next plan. `base` is what cct had put there, `ours` what is
    there now, `theirs` what the component brings; None for nothing. `assumed` settles it where nobody says anything.
    """

    key: str
    component: str
    path: str
    what: str
    """One sentence, safe to print."""
    base: str | None
    ours: str | None
    theirs: str | None
    choices: tuple[Decision, ...] = (Decision.KEEP, Decision.REPLACE)
    pointer: str = ""
    assumed: Decision | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "component": self.component,
            "path": self.path,
            "pointer": self.pointer,
            "what": self.what,
            "base": self.base,
            "ours": self.ours,
            "theirs": self.theirs,
            "choices": [str(choice) for choice in self.choices],
        }


@dataclass(frozen=True, slots=True)
class Decisions:
    """`by_key` settles single questions, `every` all others that have it among their choices."""

    every: Decision | None = None
    by_key: Mapping[str, Decision] = field(default_factory=dict)

    def about(self, key: str, choices: Collection[Decision | None]) -> Decision | None:
        decision = self.by_key.get(key, self.every)
        return decision if decision in choices else None

    def with_answer(self, key: str, decision: Decision) -> Decisions:
        return Decisions(self.every, {**self.by_key, key: decision})


@dataclass(frozen=True, slots=True)
class Step:
    """One component. `package` is None where it goes; `notes` are sentences for people, safe to print."""

    ref: str
    status: Status
    files: tuple[FileStep, ...] = ()
    package: Package | None = None
    locked: Locked | None = None
    notes: tuple[str, ...] = ()

    @property
    def changes_files(self) -> bool:
        """Whether it writes anything, now or with another answer to a question that is still open."""
        return any(file.action not in (Action.IDENTICAL, Action.KEPT) for file in self.files)

    def to_json(self) -> dict[str, Any]:
        kind, _, name = self.ref.partition("/")
        data: dict[str, Any] = {"kind": kind, "name": name, "status": str(self.status)}
        if self.locked is not None:
            data |= {
                "source": self.locked.source,
                "revision": self.locked.revision,
                "scope": str(self.locked.scope),
                "digest": self.locked.digest,
            }
        data["files"] = [file.to_json() for file in self.files]
        if self.notes:
            data["notes"] = list(self.notes)
        return data


@dataclass(frozen=True)
class Plan:
    """All steps, in their order, and what they come to.

    `questions` are those that are still open, `keeps` what is to be in the store before the change is made: files of
    the user's that are replaced, by their SHA-256.
    """

    site: Site
    steps: tuple[Step, ...]
    change: Change
    lock: Lock
    questions: tuple[Question, ...] = ()
    assumptions: tuple[Question, ...] = ()
    keeps: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to write."""
        return not (self.change.writes or self.change.made or self.change.emptied)

    @property
    def writes(self) -> tuple[Write, ...]:
        return tuple(self.change.writes)

    def having(self, *statuses: Status) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.status in statuses)

    def require_decided(self) -> None:
        """Raises UsageError `component_conflict` when a question is open."""
        if not self.questions:
            return
        first = self.questions[0]
        others = [ref for ref in dict.fromkeys(each.component for each in self.questions) if ref != first.component]
        more = f"; {counted(len(self.questions) - 1, 'more conflict')}" if len(self.questions) > 1 else ""
        if others:
            more += f", with {', '.join(others[:_MOST_NAMED])}{' …' if len(others) > _MOST_NAMED else ''}"
        choices = [choice for choice in Decision if all(choice in question.choices for question in self.questions)]
        flags = {
            Decision.KEEP: "--keep leaves yours",
            Decision.REPLACE: "--replace takes the component's",
            Decision.BOTH: "--both takes both",
        }
        hint = f"{', '.join(flags[choice] for choice in choices)}; nothing was changed."
        raise ConflictError(f"{first.what}{more}.", self.questions, hint=hint[:1].upper() + hint[1:])

    def to_json(self) -> dict[str, Any]:
        return {
            "components": [step.to_json() for step in self.steps],
            "conflicts": [question.to_json() for question in self.questions],
        }


class ConflictError(UsageError):
    """Somebody has to decide; `questions` say what."""

    code = "component_conflict"

    def __init__(self, message: str, questions: tuple[Question, ...] = (), *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.questions = questions

    def to_json(self) -> dict[str, Any]:
        return {**super().to_json(), "conflicts": [question.to_json() for question in self.questions]}
