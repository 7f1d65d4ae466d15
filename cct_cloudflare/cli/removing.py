"""What `cct remove` shows, asks and does."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from cct_cloudflare.cli.adding import Screen, tell_healed
from cct_cloudflare.cli.options import may_ask
from cct_cloudflare.errors import UsageError
from cct_cloudflare.install.applying import Applied, apply
from cct_cloudflare.install.describing import comparison, lines, summary
from cct_cloudflare.install.lockfile import Scope
from cct_cloudflare.install.plan import Decisions, Plan, Question, Status
from cct_cloudflare.install.removing import plan_remove
from cct_cloudflare.install.request import RemoveRequest
from cct_cloudflare.install.site import Site
from cct_cloudflare.merging.model import Decision


@dataclass(frozen=True)
class Removing:
    """`refs` as they were typed; `all_of_them` stands for everything that is installed."""

    refs: Sequence[str]
    directory: Path
    scope: Scope = Scope.PROJECT
    all_of_them: bool = False
    force: bool = False
    dry_run: bool = False
    yes: bool = False
    as_json: bool = False
    no_color: bool = False


def remove(removing: Removing) -> None:
    """Takes components out. Asks only about files that the user has changed since; unasked, they stay.

    Raises UsageError for what is not installed, and click.Abort.
    """
    screen = Screen(no_color=removing.no_color)
    site = Site.of(removing.scope, removing.directory)
    tell_healed(site, screen)
    refs = tuple(removing.refs)
    if removing.all_of_them:
        refs = tuple(locked.ref for locked in site.read_lock().components)
    elif not refs:
        raise UsageError(
            "Nothing to remove was named.",
            hint="For example: cct remove agent/code-reviewer. What there is: cct list --installed",
        )
    request = RemoveRequest(site, refs, Decisions(Decision.REPLACE if removing.force else None))
    plan = plan_remove(request)
    if removing.dry_run:
        _finish(plan, None, removing, screen)
        return
    if not removing.force:
        request = request.deciding(_asked_about(plan.assumptions, request.decisions, removing, screen))
    applied = apply(site, lambda: plan_remove(request))
    _finish(applied.plan, applied, removing, screen)


def _asked_about(edited: Iterable[Question], decisions: Decisions, removing: Removing, screen: Screen) -> Decisions:
    """Shows what the user has changed since, and asks whether it may go where somebody can be asked."""
    for question in edited:
        if not removing.as_json:
            screen.show(comparison(question), err=True)
        if may_ask(yes=removing.yes, as_json=removing.as_json) and click.confirm(
            f"Remove {question.path} with your changes?", default=False, err=True
        ):
            decisions = decisions.with_answer(question.key, Decision.REPLACE)
    return decisions


def _finish(plan: Plan, applied: Applied | None, removing: Removing, screen: Screen) -> None:
    if removing.as_json:
        backup = applied.outcome.backup if applied else None
        data = {
            "success": True,
            "dryRun": applied is None,
            "components": plan.to_json()["components"],
            "edited": [question.to_json() for question in plan.assumptions],
            "backup": None if backup is None else str(backup),
        }
        click.echo(json.dumps(data))
        return
    screen.show(lines(plan, {}), err=applied is not None)
    if applied is not None:
        screen.say(summary(plan, [(Status.REMOVED, "removed")]))
