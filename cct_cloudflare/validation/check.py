"""Files → findings: what `cct validate` says."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from cct_cloudflare.components import frontmatter
from cct_cloudflare.components.files import MAX_COMPONENT_BYTES, UnreadableFileError, read_text
from cct_cloudflare.components.model import JSON_KINDS, KINDS_WITH_SIDES, Kind
from cct_cloudflare.components.names import MAX_DEPTH, file_problem, name_key, name_problem
from cct_cloudflare.components.package import Item, Package
from cct_cloudflare.components.walking import is_folder, visible
from cct_cloudflare.merging import jsonc
from cct_cloudflare.validation.checks.data import check_data
from cct_cloudflare.validation.checks.markdown import check_markdown, lines_of
from cct_cloudflare.validation.checks.problem import Lines, Problem, error, kind_of, warning
from cct_cloudflare.validation.checks.references import missing_from_skill, missing_side_files
from cct_cloudflare.validation.checks.suspicious import check_risks
from cct_cloudflare.validation.checks.texts import check_escapes, check_prompt, check_text
from cct_cloudflare.validation.discovery import Unit, find_units
from cct_cloudflare.validation.facts import CLIENT
from cct_cloudflare.validation.model import Finding, Level
from cct_cloudflare.validation.reading import read
from cct_cloudflare.validation.showing import shown

#: The code of a report that does not pass.
FAILED = "component_invalid"

_LINE = re.compile(r"\bline (\d+)")


@dataclass(frozen=True, slots=True)
class Report:
    """`checked` counts components and settings files; the findings are in the order of their places."""

    checked: int
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> int:
        return sum(finding.level is Level.ERROR for finding in self.findings)

    @property
    def warnings(self) -> int:
        return len(self.findings) - self.errors

    def passes(self, *, strict: bool) -> bool:
        return not (self.findings if strict else self.errors)

    def to_json(self, *, strict: bool) -> dict[str, Any]:
        return {
            "success": self.passes(strict=strict),
            "errorCode": None if self.passes(strict=strict) else FAILED,
            "checked": self.checked,
            "errors": self.errors,
            "warnings": self.warnings,
            "findings": [finding.to_json() for finding in self.findings],
        }


def validate(paths: Sequence[Path], kind: Kind | None = None) -> Report:
    """Raises UsageError where there is nothing to check, or its kind cannot be told."""
    units = list(dict.fromkeys(unit for path in paths for unit in find_units(path, kind)))
    found = {finding for unit in units for finding in _check(unit)} | set(_duplicates(units))
    ordered = sorted(
        found, key=lambda finding: (finding.path, finding.line, finding.level, finding.rule, finding.message)
    )
    return Report(len(units), tuple(ordered))


def _check(unit: Unit) -> Iterator[Finding]:
    bad_name = None if unit.name is None else name_problem(unit.name)
    if bad_name is not None:
        yield _finding(unit.file, error(0, "name", f"{unit.name} cannot be the name of a component: {bad_name}"))
    try:
        text = read_text(unit.file.resolve(), MAX_COMPONENT_BYTES)
    except UnreadableFileError as failure:
        yield _finding(unit.file, error(0, "unreadable", str(failure)))
        return
    check = _check_json if unit.kind in JSON_KINDS else _check_markdown
    for problem in (*check_text(text), *check(unit, text)):
        yield _finding(unit.file, problem)
    yield from _check_other_files(unit)


def _finding(file: Path, problem: Problem) -> Finding:
    return Finding(shown(os.fspath(file)), problem.line, problem.level, shown(problem.message), problem.rule)


def _check_json(unit: Unit, text: str) -> Iterator[Problem]:
    try:
        data, lines = jsonc.load(text.encode()), Lines.of_json(text)
    except jsonc.JsoncError as failure:
        line = _LINE.search(str(failure))
        yield error(int(line.group(1)) if line else 0, "json", str(failure))
        return
    if unit.name is None:
        yield from _check_plain(text)
    yield from check_escapes(text, data, lines)
    yield from check_risks(_package(unit, text), lines)
    if not isinstance(data, dict):
        yield error(1, "json", f"must be an object, not {kind_of(data)}")
        return
    if unit.name is not None and not _is_described(data):
        yield warning(1, "description", "has no description, by which people choose it")
    yield from check_data(unit.kind, data, lines)
    yield from missing_side_files(data, _side_files(unit), lines)


def _check_plain(text: str) -> Iterator[Problem]:
    """A file that Claude Code reads itself. What cct reads of a catalog may have comments: they are not installed."""
    line = jsonc.first_extra(text)
    if line is not None:
        yield error(
            line, "json-plain", f"has a comment or a comma too many, and {CLIENT} reads nothing of a file with one"
        )


def _is_described(data: Mapping[str, Any]) -> bool:
    """In public catalogs a server describes itself."""
    servers = data.get("mcpServers")
    holders = [data, *(servers.values() if isinstance(servers, dict) else ())]
    return any(isinstance(holder, dict) and isinstance(holder.get("description"), str) for holder in holders)


def _side_files(unit: Unit) -> set[str]:
    """The scripts that a command line may name: beside a component, in the folders of a project's settings."""
    if unit.name is not None:
        return {item.name for item in _listing(unit.file.parent)}
    folders = (unit.file.parent / name for name in ("hooks", "scripts"))
    return {item.name for folder in folders for item in _listing(folder)}


def _package(unit: Unit, text: str, others: Iterable[str] = ()) -> Package:
    """The text, and the names of what comes along: `_check_other_files` reads that."""
    item = Item(unit.kind, unit.name or unit.leaf, "", "")
    return Package(item, {**dict.fromkeys(others, b""), unit.file.name: text.encode()}, unit.file.name)


def _check_markdown(unit: Unit, text: str) -> Iterator[Problem]:
    paths = {path for path, _ in _tree(unit.file.parent)} if unit.kind is Kind.SKILL else set()
    package = _package(unit, text, sorted(paths))
    yield from check_markdown(unit.kind, unit.leaf, text, read(package).doubts)
    yield from check_prompt(text, is_skill=unit.kind is Kind.SKILL)
    yield from check_risks(package, lines_of(frontmatter.parse(text)))
    if unit.kind is Kind.SKILL:
        folders = {parent.as_posix() for path in paths for parent in Path(path).parents}
        yield from missing_from_skill(text, paths | folders)


def _check_other_files(unit: Unit) -> Iterator[Finding]:
    """What comes along: the files of a skill, the scripts of a hook or setting."""
    if unit.kind is Kind.SKILL:
        others = [(path, file) for path, file in _tree(unit.file.parent) if file != unit.file]
    elif unit.kind in KINDS_WITH_SIDES and unit.name is not None:
        beside = (unit.file.parent / item.name for item in _listing(unit.file.parent))
        others = [(file.name, file) for file in beside if file.stem == unit.file.stem and file != unit.file]
    else:
        others = []
    for path, file in others:
        problem = file_problem(path)
        if problem is not None:
            yield _finding(file, error(0, "name", f"{path} is no name for a file of a component: {problem}"))
        try:
            text = read_text(file.resolve(), MAX_COMPONENT_BYTES)
        except UnreadableFileError:
            continue  # an image, a font: not read by anybody as text
        for found in check_text(text):
            yield _finding(file, found)


def _tree(folder: Path, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Path]]:
    for item in _listing(folder):
        if is_folder(item):
            if depth < MAX_DEPTH and not item.is_symlink():
                yield from _tree(folder / item.name, f"{prefix}{item.name}/", depth + 1)
        else:
            yield f"{prefix}{item.name}", folder / item.name


def _listing(folder: Path) -> list[os.DirEntry[str]]:
    try:
        return visible(os.fspath(folder))
    except OSError:
        return []


def _duplicates(units: Sequence[Unit]) -> Iterator[Finding]:
    """Names that a file system could take for one, and components that would be installed to one place."""
    names: defaultdict[tuple[Kind, Path, str], list[Unit]] = defaultdict(list)
    leaves: defaultdict[tuple[bool | Kind, Path, str], list[Unit]] = defaultdict(list)
    for unit in units:
        if unit.name is not None:
            names[unit.kind, unit.top, name_key(unit.name)].append(unit)
            # A command and a skill of one name are one to Claude Code.
            group = unit.kind in (Kind.COMMAND, Kind.SKILL) or unit.kind
            leaves[group, unit.top.parent, name_key(unit.leaf)].append(unit)
    for same in names.values():
        for first, second in pairwise(same):
            said = f"{second.name} and {first.name} are one name where case or Unicode form does not count"
            yield _finding(second.file, error(0, "duplicate-name", said))
    for same in leaves.values():
        for first, second in pairwise(same):
            if name_key(f"{first.kind}/{first.name}") != name_key(f"{second.kind}/{second.name}"):
                said = f"{second.kind} {second.name} and {first.kind} {first.name} would be installed under one name"
                yield _finding(second.file, warning(0, "duplicate-leaf", said))
