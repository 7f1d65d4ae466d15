"""A plan as text for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TypeAlias

from cct_cloudflare.scaffold.layout import BACKUP_NAME
from cct_cloudflare.scaffold.planning import WRITES, Action, Plan

# A folder maps names to folders, or to the word of a file.
_Tree: TypeAlias = "dict[str, _Tree | str]"


def tree(plan: Plan) -> str:
    """Every file of the plan as a tree, with one word each; ends in a newline."""
    root: _Tree = {}
    for file in plan.files:
        *folders, name = file.path.split("/")
        node = root
        for folder in folders:
            child = node.setdefault(folder, {})
            assert isinstance(child, dict)  # noqa: S101 - a path of the template is either file or folder
            node = child
        node[name] = file.action.value
    rows = list(_rows(root, ""))
    width = max((len(label) for label, _ in rows), default=0)
    lines = [f"{plan.target.relative_to(plan.project).as_posix()}/"]
    lines += [f"{label:<{width}}  {word}".rstrip() for label, word in rows]
    return "\n".join(lines) + "\n"


def summary(plan: Plan, *, applied: bool) -> str:
    """What was done (or would be), then one line for everything that the user should know; ends in a newline."""
    place = plan.target.relative_to(plan.project).as_posix()
    counts = Counter(file.action for file in plan.files)
    done = [f"{counts[action]} {action.value}" for action in (*_in_order(WRITES), Action.REMOVE) if counts[action]]
    if done:
        lines = [f"{place}: {', '.join(done)}." if applied else f"{place}, not written: {', '.join(done)}."]
    else:
        lines = [f"{place}: up to date."]
    lines += [f"  {_EXPLAINED[file.action].format(file.path)}" for file in plan.files if file.action in _EXPLAINED]
    lines += [f"  {note}" for note in plan.notes]
    return "\n".join(lines) + "\n"


_EXPLAINED = {
    Action.RESTORE: "{} is missing and the Worker needs it: restored.",
    Action.DELETED: "{} was deleted by you: stays away (--force restores it).",
    Action.EDITED: "{} was edited by you: kept.",
    Action.CONFLICT: "{} differs from cct's and is not cct's to change: kept (cct init --update shows how).",
    Action.OVERWRITE: "{} was edited by you: replaced, with yours in " + BACKUP_NAME + "/.",
    Action.RELEASED: "{} is no longer part of the template, but edited by you: kept, and yours from now on.",
}


def _in_order(actions: frozenset[Action]) -> list[Action]:
    return [action for action in Action if action in actions]


def _rows(node: _Tree, indent: str) -> Iterator[tuple[str, str]]:
    entries = sorted(node.items(), key=lambda entry: (not isinstance(entry[1], dict), entry[0]))
    for number, (name, child) in enumerate(entries, 1):
        last = number == len(entries)
        branch = "└── " if last else "├── "
        if isinstance(child, dict):
            yield f"{indent}{branch}{name}/", ""
            yield from _rows(child, indent + ("    " if last else "│   "))
        else:
            yield f"{indent}{branch}{name}", child
