"""One decision for every file of the rendered project. Reads the disk and writes nothing."""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cct_cloudflare import __version__
from cct_cloudflare.errors import ConfigError
from cct_cloudflare.scaffold.layout import STAGING_NAME, check_layout, resolve_project, target_of
from cct_cloudflare.scaffold.manifest import MANIFEST_NAME, DamagedManifestError, Manifest, parse_manifest
from cct_cloudflare.scaffold.render import render
from cct_cloudflare.scaffold.settings import ScaffoldSettings
from cct_cloudflare.scaffold.source import is_worker_source

_EMPTY = hashlib.sha256(b"").hexdigest()


class Action(enum.StrEnum):
    """What happens to one file; the value is the word that people see."""

    CREATE = "create"
    """Not there: written."""
    IDENTICAL = "identical"
    """Already what it should be: not touched."""
    UPDATE = "update"
    """As an earlier run left it (or emptied by a crash): rewritten."""
    RESTORE = "restore"
    """The user deleted it, and the Worker cannot be built without it (or --force asks for it): written again."""
    DELETED = "deleted"
    """The user deleted it, and the Worker runs without it: left away."""
    EDITED = "edited"
    """The user changed it, the template did not: kept."""
    CONFLICT = "conflict"
    """Both changed it, or a file of the user has its name: kept, so the project lacks this update."""
    OVERWRITE = "overwrite"
    """Edited or in conflict, under --force: kept in `.cct-backup/`, then rewritten."""
    REMOVE = "remove"
    """No longer part of the template, and not edited: removed."""
    RELEASED = "released"
    """No longer part of the template, but edited: kept, and from now on the user's own."""


WRITES = frozenset({Action.CREATE, Action.UPDATE, Action.RESTORE, Action.OVERWRITE})

_SETTLED = frozenset({Action.IDENTICAL, Action.EDITED})


@dataclass(frozen=True)
class FilePlan:
    """`path` is relative to the target, with slashes. `content` is what the template makes of it, if anything."""

    path: str
    action: Action
    content: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Plan:
    """What `apply` would do.

    `is_new` says that cct has not rendered into this project yet, `has_litter` that a killed run left its staging
    folder behind; `manifest` is the one that it would leave, `notes` are sentences for people.
    """

    project: Path
    settings: ScaffoldSettings
    force: bool
    keep: bool
    is_new: bool
    files: tuple[FilePlan, ...]
    manifest: Manifest
    manifest_differs: bool
    has_litter: bool
    notes: tuple[str, ...]
    rendered: Mapping[str, bytes] = field(repr=False)

    @property
    def target(self) -> Path:
        return target_of(self.project)

    @property
    def is_done(self) -> bool:
        """Whether the project is already as it should be, so that applying would touch nothing."""
        return not (self.manifest_differs or self.has_litter or self.having(*WRITES, Action.REMOVE))

    def having(self, *actions: Action) -> tuple[str, ...]:
        """The paths with one of these actions."""
        return tuple(file.path for file in self.files if file.action in actions)

    def to_json(self) -> dict[str, Any]:
        return {
            "directory": str(self.target),
            "name": self.settings.name,
            "model": self.settings.model,
            "allowedOrigins": list(self.settings.allowed_origins),
            "container": self.settings.container,
            "files": [{"path": file.path, "action": file.action.value} for file in self.files],
            "notes": list(self.notes),
        }


def plan(
    project: Path,
    *,
    name: str | None = None,
    model: str | None = None,
    allowed_origins: Sequence[str] | None = None,
    container: bool | None = None,
    force: bool = False,
    keep: bool = False,
    rendered: Mapping[str, bytes] | None = None,
) -> Plan:
    """Decides what rendering the Worker into `project` means for each file there.

    `name` to `container` change the project's settings as `ScaffoldSettings.changed` says; without them it keeps those
    that it remembers, else the defaults. `force` takes the template's side of every conflict, `keep` the user's, for
    good.
    `rendered` is the project as `render` gives it, unless a test brings its own.

    Raises UsageError (no such project, a setting that cannot be), UnsafeError (a link in the way) and ConfigError
    (something else in the way, unreadable files, a newer cct's manifest).
    """
    real = resolve_project(project)
    check_layout(real, [MANIFEST_NAME])
    known, notes = _read_manifest(target_of(real))
    settings = known.settings.changed(name=name, model=model, allowed_origins=allowed_origins, container=container)
    if rendered is None:
        rendered = render(settings)
        notes += _about(settings)
    return decide(real, settings, rendered, known, notes, force=force, keep=keep)


def replan(before: Plan) -> Plan:
    """The same wish decided again on what is on the disk now."""
    check_layout(before.project, [MANIFEST_NAME])
    known, notes = _read_manifest(before.target)
    notes += tuple(note for note in before.notes if note not in notes)
    return decide(before.project, before.settings, before.rendered, known, notes, force=before.force, keep=before.keep)


def decide(
    project: Path,
    settings: ScaffoldSettings,
    rendered: Mapping[str, bytes],
    known: Manifest,
    notes: tuple[str, ...],
    *,
    force: bool,
    keep: bool,
) -> Plan:
    """`plan`, given what the template makes and what the manifest remembers."""
    target = target_of(project)
    check_layout(project, {*rendered, *known.files})
    files = []
    for path, content in rendered.items():
        action = _action(path, content, _disk_digest(target / path), known.files.get(path), force)
        if keep and action is Action.CONFLICT:
            action = Action.EDITED
        files.append(FilePlan(path, action, content))
    for path in sorted(known.files.keys() - rendered.keys()):
        digest = _disk_digest(target / path)
        if digest is not None:
            files.append(FilePlan(path, Action.REMOVE if digest == known.files[path] else Action.RELEASED))
    manifest = Manifest(__version__, settings, _remembered(files, known))
    before = _read(target / MANIFEST_NAME)
    return Plan(
        project=project,
        settings=settings,
        force=force,
        keep=keep,
        is_new=before is None,
        files=tuple(sorted(files, key=lambda file: file.path)),
        manifest=manifest,
        manifest_differs=before != manifest.to_bytes(),
        has_litter=(target / STAGING_NAME).exists(),
        notes=notes,
        rendered=rendered,
    )


def _action(path: str, content: bytes, disk: str | None, known: str | None, force: bool) -> Action:
    """`disk` is the digest of what is there (None: nothing), `known` of what cct last wrote (None: never did)."""
    wanted = _digest(content)
    if disk is None:
        if known is None:
            return Action.CREATE
        return Action.RESTORE if force or is_worker_source(path) else Action.DELETED
    if disk == wanted:
        return Action.IDENTICAL
    # New files are not synced to the disk one by one: after a power cut they may be empty. No byte is lost here.
    if disk in (known, _EMPTY):
        return Action.UPDATE
    if force:
        return Action.OVERWRITE
    return Action.EDITED if known == wanted else Action.CONFLICT


def _remembered(files: list[FilePlan], known: Manifest) -> dict[str, str]:
    """The template's state that each file of the project is known to have had, or to have been edited from.

    That is the new one where cct writes or the user keeps theirs for good, and the old one where they differ still.
    """
    digests: dict[str, str] = {}
    for file in files:
        if file.content is not None and (file.action in WRITES or file.action in _SETTLED):
            digests[file.path] = _digest(file.content)
        elif file.content is not None and file.path in known.files:
            digests[file.path] = known.files[file.path]
    return digests


def _about(settings: ScaffoldSettings) -> tuple[str, ...]:
    from cct_cloudflare.pricing import cost_usd

    if settings.model is None or cost_usd(settings.model, 0, 0) is not None:
        return ()
    return (f"cct does not know the model {settings.model}, nor its price; the Worker asks for it as it is.",)


def _read_manifest(target: Path) -> tuple[Manifest, tuple[str, ...]]:
    content = _read(target / MANIFEST_NAME)
    unknown = Manifest(__version__, ScaffoldSettings())
    if not content:  # absent, or empty after a power cut
        return unknown, ()
    try:
        return parse_manifest(content), ()
    except DamagedManifestError as error:
        note = f"{MANIFEST_NAME} is damaged ({error}): every file that differs counts as edited, and is kept."
        return unknown, (note,)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _disk_digest(path: Path) -> str | None:
    """The digest of a regular file, however large; None where nothing is."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(path, error) from error


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"{path} cannot be read: {error.strerror}.",
        hint="Check its permissions, or remove it and run the command again.",
        code="output_unwritable",
    )
