"""Plans carried out, one at a time for a place, each as a whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cct_cloudflare.errors import ConfigError
from cct_cloudflare.install import journal, store
from cct_cloudflare.install.journal import ChangedMeanwhileError, Outcome
from cct_cloudflare.install.plan import Plan
from cct_cloudflare.install.site import Site

#: How often a file may change between the plan and the write before that is somebody's to look at.
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Applied:
    plan: Plan
    outcome: Outcome


def apply(site: Site, plan_again: Callable[[], Plan]) -> Applied:
    """Plans under the lock of the place, so that nothing that changed since it was shown is lost, and makes the change.

    Raises what `plan_again` and `journal.commit` raise, and UsageError (`component_conflict`) when the plan has a
    question that nobody has answered.
    """
    with site.held():
        journal.heal(site)
        for _ in range(_TRIES):
            plan = plan_again()
            plan.require_decided()
            if plan.is_done:
                return Applied(plan, Outcome())
            for step in plan.steps:
                if step.package is not None:
                    store.put(step.package)
            for content in plan.keeps.values():
                store.keep(content)
            try:
                return Applied(plan, journal.commit(site, plan.change))
            except ChangedMeanwhileError as changed:
                path = changed.path
    raise ConfigError(
        f"{site.root / path} changes while cct wants to write it.",
        hint="Let whatever writes it finish, and run the command again; nothing was changed.",
        code="output_unwritable",
    )


def heal(site: Site) -> Outcome | None:
    """Finishes a change that was interrupted; None when there is none, or another process is just making it."""
    if not journal.is_pending(site):
        return None
    with site.held():
        return journal.heal(site)
