"""What an update would change, line by line. Reads the disk, prints nothing.

cct remembers only the digest of what it wrote last. Where the user left a file alone, what lies there is that text, and
the difference to the new one is exactly the update. Where the user edited it, the old text is gone: what can be
shown is the user's file against the new one, in which their own edits appear, reversed, beside the update.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cct_cloudflare.scaffold.planning import Action, FilePlan, Plan
from cct_cloudflare.wording import counted

#: Lines of one file's difference that are worth reading; a lock file has thousands.
MAX_LINES = 400

_MAX_LINE = 400
#: Bytes. Files of the template are smaller; comparing much larger ones line by line takes seconds.
_MAX_COMPARED = 512 * 1024

_SHOWN = (
    Action.CREATE,
    Action.UPDATE,
    Action.RESTORE,
    Action.OVERWRITE,
    Action.REMOVE,
    Action.CONFLICT,
)


@dataclass(frozen=True)
class FileChange:
    """`diff` has the lines of a unified difference, as they are in the files, without line ends; `omitted` counts those
    beyond the bound. Without lines, `note` says what there is to know.
    """

    path: str
    action: Action
    diff: tuple[str, ...] = ()
    omitted: int = 0
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "action": self.action.value,
            "diff": "".join(f"{line}\n" for line in self.diff),
            "omittedLines": self.omitted,
        }


def changes(plan: Plan) -> tuple[FileChange, ...]:
    """One for each file that the plan would write or remove, or that is in conflict; in the plan's order."""
    return tuple(_change(plan.target, file) for file in plan.files if file.action in _SHOWN)


def _change(target: Path, file: FilePlan) -> FileChange:
    if file.action is Action.REMOVE:
        return FileChange(file.path, file.action, note="no longer part of the template")
    assert file.content is not None  # noqa: S101 - all other shown actions write the template's content
    if file.action in (Action.CREATE, Action.RESTORE):
        length = counted(file.content.count(b"\n"), "line")
        return FileChange(file.path, file.action, note=f"new, {length}")
    before = _read(target / file.path)
    old, new = _text(before), _text(file.content)
    if old is None or new is None:
        return FileChange(file.path, file.action, note="not shown: binary, or too large to compare")
    lines = [line[:_MAX_LINE] for line in _unified(old, new, file)]
    return FileChange(file.path, file.action, tuple(lines[:MAX_LINES]), max(0, len(lines) - MAX_LINES))


def _unified(old: str, new: str, file: FilePlan) -> Iterator[str]:
    whose = "yours" if file.action in (Action.CONFLICT, Action.OVERWRITE) else "now"
    names = f"{file.path} ({whose})", f"{file.path} (template)"
    return difflib.unified_diff(_lines(old), _lines(new), *names, lineterm="")


def _lines(text: str) -> list[str]:
    """Only LF ends a line: splitlines would also break at form feeds and the like."""
    *lines, rest = text.split("\n")
    return [*lines, f"{rest} (no newline at the end)"] if rest else lines


def _read(path: Path) -> bytes | None:
    """None for what is too large, or has gone since the plan was made."""
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_COMPARED + 1)
    except OSError:
        return None
    return content if len(content) <= _MAX_COMPARED else None


def _text(content: bytes | None) -> str | None:
    if content is None or b"\0" in content:
        return None
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None
