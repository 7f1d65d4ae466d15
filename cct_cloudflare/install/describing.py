"""A plan, told: files, and for what takes effect by itself every command line, variable, permission and address."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from cct_cloudflare.components.model import Kind
from cct_cloudflare.components.names import printable
from cct_cloudflare.components.package import Package
from cct_cloudflare.install.lockfile import LOCAL_SETTINGS_FILE, MCP_FILE, SETTINGS_FILE, Scope
from cct_cloudflare.install.placing import place
from cct_cloudflare.install.plan import Action, FileStep, Plan, Question, Status, Step
from cct_cloudflare.install.site import Site
from cct_cloudflare.merging import jsonc
from cct_cloudflare.merging.model import paste
from cct_cloudflare.plain import plain_code
from cct_cloudflare.validation import Command, Effects, Risk, effects, risks
from cct_cloudflare.validation.facts import CLIENT
from cct_cloudflare.validation.model import RULES
from cct_cloudflare.wording import counted, tilde_path

Style = Literal["", "bold", "dim", "good", "bad", "warn"]
#: One line on a terminal, safe to print, with one style.
Line = tuple[str, Style]

#: Lines of a difference that are worth reading.
MAX_LINES = 200
_MAX_COMPARED = 512 * 1024
#: What is listed of a component with many files.
_MAX_FILES = 12
_WIDTH = 100

NOTHING_INSTALLED = "Nothing is installed here."

_MARKS: dict[Action, tuple[str, Style]] = {
    Action.CREATED: ("+", "good"),
    Action.MERGED: ("~", "good"),
    Action.UPDATED: ("~", "good"),
    Action.REPLACED: ("!", "warn"),
    Action.REMOVED: ("-", "bad"),
    Action.IDENTICAL: ("=", "dim"),
    Action.KEPT: ("=", "warn"),
    Action.CONFLICT: ("?", "warn"),
}
_MAY_TAKE_EFFECT = (Status.INSTALLED, Status.UPDATED, Status.CONFLICT)


@dataclass(frozen=True, slots=True)
class Account:
    """What one component would do, as it would stand in the files."""

    ref: str
    effects: Effects
    risks: tuple[Risk, ...]

    def to_json(self) -> dict[str, Any]:
        return {"effects": self.effects.to_json(), "risks": [risk.to_json() for risk in self.risks]}


def accounts(plan: Plan, scope: Scope) -> dict[str, Account]:
    """By `ref`, for each component that the plan installs or could install once it is decided."""
    return {
        step.ref: account(step.package, scope, plan.site)
        for step in plan.steps
        if step.package is not None and step.status in _MAY_TAKE_EFFECT
    }


def account(package: Package, scope: Scope, site: Site) -> Account:
    placed = as_placed(package, scope, site)
    return Account(package.item.ref, effects(placed), risks(placed))


def as_placed(package: Package, scope: Scope, site: Site) -> Package:
    """The package with its command lines as this scope gets them."""
    if scope is not Scope.USER or package.item.kind not in (Kind.HOOK, Kind.SETTING):
        return package
    pieces = [piece for its in place(package, scope, site).pieces.values() for piece in its]
    return replace(package, files={**package.files, package.main: paste(pieces).encode("utf-8", "surrogatepass")})


def lines(plan: Plan, told: dict[str, Account]) -> Iterator[Line]:
    """The whole plan, component by component."""
    for step in plan.steps:
        source = f"  {step.locked.source}" if step.locked else f"  {step.package.item.source}" if step.package else ""
        yield (
            f"{printable(step.ref)}{printable(source) and '  ' + printable(source)}{_STATUS.get(step.status, '')}",
            "bold",
        )
        yield from _files(plan, step)
        if step.ref in told:
            yield from _account(told[step.ref])
        for note in step.notes:
            yield f"    {note}", "warn"
    yield from _unread(plan)


def new_notes(before: Plan, after: Plan) -> Iterator[Line]:
    """What is to be noted only since questions were answered."""
    known = {(step.ref, note) for step in before.steps for note in step.notes}
    for step in after.steps:
        for note in step.notes:
            if (step.ref, note) not in known:
                yield f"{printable(step.ref)}: {note}.", "warn"


def _unread(plan: Plan) -> Iterator[Line]:
    """Files of the user's into which something goes and which Claude Code does not read as they are."""
    files = (file for step in plan.having(*_MAY_TAKE_EFFECT) for file in step.files)
    for path, before in {
        file.path: file.before for file in files if file.path in (SETTINGS_FILE, LOCAL_SETTINGS_FILE, MCP_FILE)
    }.items():
        if before is not None and jsonc.first_extra(before.decode("utf-8", "replace")) is not None:
            said = f"{CLIENT} reads nothing of it, not yours either"
            yield f"{shown_place(plan.site, path)} has a comment or a comma too many: {said}.", "warn"


_STATUS = {
    Status.UNCHANGED: ": installed already",
    Status.OUTDATED: ": installed already",
    Status.KEPT_OUT: ": left out, yours stays",
    Status.CONFLICT: ": in conflict",
}


def _files(plan: Plan, step: Step) -> Iterator[Line]:
    if step.status is Status.UNCHANGED:
        return
    for file in step.files[:_MAX_FILES]:
        mark, style = _MARKS[file.action]
        yield f"  {mark} {shown_place(plan.site, file.path)}{_word(file)}", style
    if len(step.files) > _MAX_FILES:
        yield f"    and {counted(len(step.files) - _MAX_FILES, 'more file')}", "dim"


def _word(file: FileStep) -> str:
    words = {Action.REPLACED: "  replaces your file", Action.IDENTICAL: "  there already", Action.KEPT: "  yours, kept"}
    if file.action is Action.REPLACED and file.before is None:
        return "  your file comes back"
    return words.get(file.action, "")


def shown_place(site: Site, path: str) -> str:
    """A path of the lock file as a person finds it."""
    place = site.show(path)
    return printable(tilde_path(place) if site.is_user else place.relative_to(site.root).as_posix())


def _account(told: Account) -> Iterator[Line]:
    its = told.effects
    # A risk that tells a command line again is said by its mark alone.
    risky = {command for command in its.commands if any(_tells(risk, command) for risk in told.risks)}
    for command in its.commands:
        mark: tuple[str, Style] = ("!", "warn") if command in risky else (" ", "")
        yield f"  {mark[0]} runs      {command.line}", mark[1]
        yield f"              {command.where}", "dim"
    for variable in its.environment:
        yield f"    sets      {variable.name}={variable.value}  ({variable.where})", ""
    for key in dict.fromkeys(permission.key for permission in its.permissions):
        values = [permission.value for permission in its.permissions if permission.key == key]
        yield from _wrapped(f"    {key:<9} " if key in RULES else f"    sets      {key}=", values)
    for setting in its.settings:
        yield f"    sets      {setting.key}={setting.value}", ""
    for url in its.urls:
        yield f"    contacts  {url.url}  ({url.where})", ""
    for risk in told.risks:
        if not any(_tells(risk, command) for command in risky):
            yield f"  ! {risk.what}", "warn"


def _tells(risk: Risk, command: Command) -> bool:
    return risk.rule.endswith("-command") and risk.what.endswith(f": {command.line}")


def _wrapped(label: str, values: Sequence[str]) -> Iterator[Line]:
    """Values in lines of a readable width, none of them broken."""
    line, start = "", label
    for value in values:
        longer = f"{line}, {value}" if line else value
        if line and len(start) + len(longer) > _WIDTH:
            yield f"{start}{line},", ""
            line, start = value, " " * len(label)
        else:
            line = longer
    yield f"{start}{line}", ""


def comparison(question: Question) -> Iterator[Line]:
    """Both sides of a question, as the lines of a unified difference; of three versions, what each side changed."""
    yield question.what, "bold"
    if question.base is not None and question.theirs is not None:
        yield from difference(question.base, question.ours, "installed", "yours")
        yield from difference(question.base, question.theirs, "installed", "the component's")
        return
    base_is_told = question.base is not None and question.theirs is None
    ours, theirs = (question.base, question.ours) if base_is_told else (question.ours, question.theirs)
    names = ("installed", "yours") if base_is_told else ("yours", "the component's")
    yield from difference(ours, theirs, *names)


def difference(before: str | None, after: str | None, before_name: str, after_name: str) -> Iterator[Line]:
    one, two = before or "", after or ""
    if len(one) + len(two) > _MAX_COMPARED:
        yield "  too large to compare here", "dim"
        return
    found = difflib.unified_diff(one.splitlines(), two.splitlines(), before_name, after_name, lineterm="")
    styles: dict[str, Style] = {"+": "good", "-": "bad", "@": "dim"}
    for number, line in enumerate(found):
        if number >= MAX_LINES:
            yield "  …", "dim"
            return
        yield f"  {plain_code(line)}", styles.get(line[:1], "")


def summary(plan: Plan, verbs: Sequence[tuple[Status, str]]) -> str:
    """How many components have become what: "3 components installed, 1 was there already." """
    parts = []
    for status, verb in verbs:
        count = len(plan.having(status))
        if count:
            parts.append(f"{counted(count, 'component')} {verb}")
    if parts:
        return f"{', '.join(parts)}."
    return "Nothing to do." if plan.steps or plan.lock.components else NOTHING_INSTALLED
