"""What `cct update` shows, asks and does."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from cct_cloudflare.cli.adding import Screen, answered, tell_healed
from cct_cloudflare.cli.consenting import ask_consent
from cct_cloudflare.cli.options import may_ask
from cct_cloudflare.errors import CctError, Exit
from cct_cloudflare.install.applying import Applied, apply
from cct_cloudflare.install.approving import approved_at
from cct_cloudflare.install.describing import Account, account, comparison, lines, new_notes, summary
from cct_cloudflare.install.lockfile import Locked, Scope
from cct_cloudflare.install.placing import place
from cct_cloudflare.install.plan import Action, Decisions, Plan, Status
from cct_cloudflare.install.present import Unavailable, present_versions, usable
from cct_cloudflare.install.removing import installed
from cct_cloudflare.install.site import Site
from cct_cloudflare.install.updating import UpdateRequest, new_risks, plan_update
from cct_cloudflare.merging.model import Decision
from cct_cloudflare.validation import Effects
from cct_cloudflare.wording import counted

_SUMMARY = (
    (Status.UPDATED, "updated"),
    (Status.UNCHANGED, "up to date"),
    (Status.CONFLICT, "in conflict"),
)


@dataclass(frozen=True)
class Updating:
    """`refs` as they were typed, all that is installed without any; `source` is that of `--from`."""

    refs: Sequence[str]
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


def update(updating: Updating) -> int:
    """Plans, shows, asks and updates; returns the exit code, which is that of the first source that gave nothing.

    Raises UsageError, `component_conflict` among them, UnsafeError `unsafe_component`, and click.Abort.
    """
    screen = Screen(no_color=updating.no_color)
    site = Site.of(updating.scope, updating.directory)
    tell_healed(site, screen)
    lock = site.read_lock()
    chosen = installed(lock, updating.refs) if updating.refs else list(lock.components)
    present = present_versions(
        chosen, source=updating.source, base=Path.cwd(), is_each_wanted=bool(updating.refs), note=screen.warn
    )
    present = usable(present, chosen, lambda package, locked: place(package, locked.scope, site))
    request = UpdateRequest(site, present.packages, updating.trust, Decisions(updating.every))
    plan = plan_update(request)
    told = _accounts(plan, chosen)
    if not updating.as_json:
        screen.show(lines(_changing(plan), told), err=not updating.dry_run)
        for gone in present.unavailable:
            screen.warn(f"{gone.locked.ref} stays as it is. {gone.error.message} {gone.error.hint}".rstrip())
    if updating.dry_run:
        _finish(plan, told, present.unavailable, None, updating, screen)
        return _code(present.unavailable)
    shown = plan
    while plan.questions and updating.can_ask:  # an answer may lead to the next question
        request = request.deciding(answered(request.decisions, plan.questions, screen))
        plan = plan_update(request)
        told = _accounts(plan, chosen)
    screen.show(new_notes(shown, plan), err=True)
    if plan.questions and not updating.as_json:
        screen.show((line for question in plan.questions for line in comparison(question)), err=True)
    plan.require_decided()
    coming = plan.having(Status.UPDATED)
    if coming:
        if updating.can_ask and any(told[step.ref].risks for step in coming):
            screen.say("To see every line that changes before you decide: cct diff")
        ask_consent(
            f"Update {counted(len(coming), 'component')}?",
            [told[step.ref] for step in coming],
            trust=updating.trust,
            can_ask=updating.can_ask,
            done="updated",
        )
    applied = apply(site, lambda: plan_update(request))
    _finish(applied.plan, told, present.unavailable, applied, updating, screen)
    return _code(present.unavailable)


def _accounts(plan: Plan, before: Sequence[Locked]) -> dict[str, Account]:
    """What each component that changes would do, and what of that nobody has agreed to yet."""
    by_ref = {locked.ref: locked for locked in before}
    approved = approved_at(plan.site)
    told = {}
    for step in plan.having(Status.UPDATED, Status.CONFLICT):
        locked = by_ref[step.ref]
        if not step.changes_files:  # what the user has instead stays in force, and is the user's own
            told[step.ref] = Account(step.ref, Effects(), ())
        elif step.package is not None:
            its = account(step.package, locked.scope, plan.site)
            told[step.ref] = replace(its, risks=new_risks(locked, step.package, approved))
    return told


def _changing(plan: Plan) -> Plan:
    """Without components and files that stay the same, of which there may be many."""
    steps = (
        replace(step, files=tuple(file for file in step.files if file.action is not Action.IDENTICAL))
        for step in plan.steps
        if step.status is not Status.UNCHANGED
    )
    return replace(plan, steps=tuple(steps))


def _finish(
    plan: Plan,
    told: Mapping[str, Account],
    unavailable: Sequence[Unavailable],
    applied: Applied | None,
    updating: Updating,
    screen: Screen,
) -> None:
    if updating.as_json:
        _print_json(plan, told, unavailable, applied)
        return
    if applied is None:
        screen.show((line for question in plan.questions for line in comparison(question)), err=False)
    verbs = _SUMMARY if applied else ((Status.UPDATED, "would be updated"), *_SUMMARY[1:])
    screen.say(summary(plan, verbs) if plan.steps or not unavailable else "Nothing was updated.")


def _print_json(
    plan: Plan, told: Mapping[str, Account], unavailable: Sequence[Unavailable], applied: Applied | None
) -> None:
    data = plan.to_json()
    for component, step in zip(data["components"], plan.steps, strict=True):
        if step.ref in told:
            component |= told[step.ref].to_json()
    backup = applied.outcome.backup if applied else None
    body = {
        "success": not unavailable,
        "dryRun": applied is None,
        **data,
        "unavailable": [gone.to_json() for gone in unavailable],
        "backup": None if backup is None else str(backup),
    }
    if unavailable:
        body |= unavailable[0].error.to_json()
    click.echo(json.dumps(body))


def _code(unavailable: Sequence[Unavailable]) -> int:
    errors: list[CctError] = [gone.error for gone in unavailable]
    return errors[0].exit_code if errors else Exit.OK
