"""What `cct add` shows, asks and does; the flags without a subcommand do the same."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from cct_cloudflare.cli.consenting import ask_consent
from cct_cloudflare.cli.options import may_ask
from cct_cloudflare.cli.progress import shown_progress
from cct_cloudflare.components.model import Kind
from cct_cloudflare.components.names import check_name, parse_refs, printable
from cct_cloudflare.components.package import Catalog, Package
from cct_cloudflare.errors import UsageError
from cct_cloudflare.install.applying import Applied, apply, heal
from cct_cloudflare.install.describing import Account, Line, accounts, comparison, lines, new_notes, summary
from cct_cloudflare.install.lockfile import Lock, Scope
from cct_cloudflare.install.plan import Decisions, Plan, Question, Status
from cct_cloudflare.install.planning import plan_add
from cct_cloudflare.install.request import AddRequest
from cct_cloudflare.install.site import Site
from cct_cloudflare.merging.model import Decision
from cct_cloudflare.streams import is_rich
from cct_cloudflare.wording import counted, tilde_path

_COLOURS = {"good": "green", "bad": "red", "warn": "yellow"}
_OFFERED = {
    Decision.KEEP: "keep yours",
    Decision.REPLACE: "replace it",
    Decision.BOTH: "have both",
}
_SUMMARY = (
    (Status.INSTALLED, "installed"),
    (Status.UNCHANGED, "there already"),
    (Status.OUTDATED, "there already in another version"),
    (Status.KEPT_OUT, "left out"),
    (Status.REMOVED, "removed to make room"),
)


@dataclass(frozen=True)
class Adding:
    """What a command line asks for. `refs` are lists of names as they were typed; `source` is that of `--from`."""

    refs: Mapping[Kind, Sequence[str]]
    directory: Path
    source: str | None = None
    scope: Scope = Scope.PROJECT
    every: Decision | None = None
    yes: bool = False
    trust: bool = False
    dry_run: bool = False
    as_json: bool = False
    no_color: bool = False

    @property
    def can_ask(self) -> bool:
        return may_ask(yes=self.yes, as_json=self.as_json)


def add(adding: Adding) -> None:
    """Plans, shows, asks and installs.

    Raises UsageError, `component_conflict` among them, UnsafeError `unsafe_component` for content that nobody has
    consented to, what the catalogs raise, and click.Abort when the user declines.
    """
    screen = Screen(no_color=adding.no_color)
    site = Site.of(adding.scope, adding.directory)
    tell_healed(site, screen)
    packages = load(adding, screen)
    _check_pinned(packages, site.read_lock())
    request = AddRequest(site, tuple(packages), adding.scope, adding.trust, Decisions(adding.every))
    plan = plan_add(request)
    told = accounts(plan, adding.scope)
    if not adding.as_json:
        screen.show(lines(plan, told), err=not adding.dry_run)
    if adding.dry_run:
        if adding.as_json:
            print_result(plan, told, dry_run=True)
        else:
            screen.show((line for question in plan.questions for line in comparison(question)), err=False)
        return
    if plan.questions and adding.can_ask:
        shown = plan
        request = request.deciding(answered(request.decisions, plan.questions, screen))
        plan = plan_add(request)
        while plan.questions:  # an answer may lead to the next question
            request = request.deciding(answered(request.decisions, plan.questions, screen))
            plan = plan_add(request)
        told = accounts(plan, adding.scope)
        screen.show(new_notes(shown, plan), err=True)
    plan.require_decided()
    if not plan.is_done:
        _ask_consent(plan, told, adding)
    applied = apply(site, lambda: plan_add(request))
    if adding.as_json:
        print_result(applied.plan, told, applied=applied)
    else:
        screen.say(summary(applied.plan, _SUMMARY))
        _tell_next(applied, adding, screen)


def load(adding: Adding, screen: Screen) -> list[Package]:
    """Every component that was named, with its files, each once. Raises UsageError, WorkerError."""
    from cct_cloudflare.catalog import bundled_catalog, find
    from cct_cloudflare.registries import RegistryCatalog, catalog_of, load_all, opened_catalogs

    refs = [(kind, ref) for kind in Kind for ref in parse_refs(adding.refs.get(kind, ()))]
    if not refs:
        raise UsageError(
            "Nothing to add was named.",
            hint="For example: cct add --agent code-reviewer --hook git/guard-main. What there is: cct list",
        )
    for _, ref in refs:
        check_name(ref)  # all of them, before a source is asked for anything
    note = screen.warn
    catalogs: Sequence[Catalog] = (
        (catalog_of(adding.source, base=Path.cwd(), note=note),)
        if adding.source is not None
        else (bundled_catalog(), *opened_catalogs(note=note))
    )
    found = {(item.kind, item.name): (catalog, item) for catalog, item in (find(catalogs, ref, k) for k, ref in refs)}
    chosen = list(found.values())
    if not any(isinstance(catalog, RegistryCatalog) for catalog, _ in chosen):
        return load_all(chosen)
    with shown_progress("Fetching components", no_color=adding.no_color) as progress:
        return load_all(chosen, progress=progress)


def _check_pinned(packages: Iterable[Package], lock: Lock) -> None:
    """Raises WorkerError `registry_invalid` when a source has other content for the revision that is installed."""
    from cct_cloudflare.registries import check_digest

    for package in packages:
        item = package.item
        locked = lock.get(item.kind, item.name)
        if locked is None or package.revision is None:
            continue
        if (locked.source, locked.revision) == (item.source, package.revision):
            check_digest(package, locked.digest)


def answered(decisions: Decisions, questions: Iterable[Question], screen: Screen) -> Decisions:
    """With an answer to each question. Raises click.Abort."""
    for question in questions:
        screen.show(comparison(question), err=True)
        # What it is about is named again: the difference above may be long.
        *first, last = (_OFFERED[choice] for choice in question.choices)
        answer = click.prompt(
            f"{printable(question.pointer or question.path)}: {', '.join(first)} or {last}?",
            type=click.Choice([str(choice) for choice in question.choices]),
            default=str(Decision.KEEP),
            err=True,
        )
        decisions = decisions.with_answer(question.key, Decision(answer))
    return decisions


def _ask_consent(plan: Plan, told: Mapping[str, Account], adding: Adding) -> None:
    coming = plan.having(Status.INSTALLED)
    ask_consent(
        f"Install {counted(len(coming), 'component')}?",
        [told[step.ref] for step in coming if step.ref in told],
        trust=adding.trust,
        can_ask=adding.can_ask,
        done="installed",
    )


def _tell_next(applied: Applied, adding: Adding, screen: Screen) -> None:
    installed = applied.plan.having(Status.INSTALLED)
    if any(step.ref.startswith("mcp/") for step in installed) and not adding.trust:
        screen.say("Claude Code asks before it starts the MCP servers of a project; --trust approves them for you.")
    if applied.outcome.backup is not None and any(
        file.action == "replaced" for step in applied.plan.steps for file in step.files
    ):
        screen.say(f"What was replaced is kept in {tilde_path(applied.outcome.backup)}")


def print_result(
    plan: Plan, told: Mapping[str, Account], *, dry_run: bool = False, applied: Applied | None = None
) -> None:
    """The one JSON object of `--json`."""
    data = plan.to_json()
    for component, step in zip(data["components"], plan.steps, strict=True):
        if step.ref in told:
            component |= told[step.ref].to_json()
    backup = applied.outcome.backup if applied else None
    click.echo(
        json.dumps({"success": True, "dryRun": dry_run, **data, "backup": None if backup is None else str(backup)})
    )


def tell_healed(site: Site, screen: Screen) -> None:
    """Finishes a change that was interrupted, and says so."""
    healed = heal(site)
    if healed is None:
        return
    screen.say("An earlier change had been interrupted; it is finished now.")
    for path in healed.left:
        screen.warn(f"{printable(path)} was changed meanwhile and left as it is.")


class Screen:
    """Lines with a style, on stdout or stderr."""

    def __init__(self, *, no_color: bool) -> None:
        self._no_color = no_color

    def show(self, shown: Iterable[Line], *, err: bool) -> None:
        color = is_rich(sys.stderr if err else sys.stdout, no_color=self._no_color)
        for text, style in shown:
            styled = click.style(text, fg=_COLOURS.get(style), bold=style == "bold" or None, dim=style == "dim" or None)
            click.echo(styled, err=err, color=color)

    def say(self, text: str) -> None:
        click.echo(text, err=True)

    def warn(self, text: str) -> None:
        self.show([(text, "warn")], err=True)
