"""A Worker that cannot be reached: what the user is offered instead. Nothing else happens without being asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import click

from cct_cloudflare.cli.job import Job
from cct_cloudflare.errors import ConfigError, WorkerError
from cct_cloudflare.sandbox.events import Event

Way = Literal["local", "direct", "stop"]

_UNREACHABLE = frozenset({"worker_unreachable", "worker_silent"})
_WAYS: tuple[Way, ...] = ("local", "direct", "stop")


class Contact:
    """Whether a Worker has said anything yet: from then on the run may have been paid for, and is not sent again."""

    def __init__(self) -> None:
        self.made = False

    def watch(self, events: Iterator[Event]) -> Iterator[Event]:
        for event in events:
            self.made = True
            yield event

    def is_missing(self, error: WorkerError) -> bool:
        """Whether the Worker cannot be reached, and nothing of the run has come back before."""
        return not self.made and error.code in _UNREACHABLE


def choose_way(error: WorkerError, job: Job, contact: Contact) -> Way:
    """What to do instead. Raises `error`, with the ways in its hint, where nobody can be asked."""
    if job.place.target is None or not contact.is_missing(error):
        raise error
    if not job.options.may_ask:
        instead = " instead of --worker-url" if job.options.worker_url is not None else ""
        error.hint = (
            f"{error.hint} Nothing was run here: add --local{instead} to run it on this machine, "
            "or --direct to have the program only written and saved."
        ).strip()
        raise error
    return _ask(error, job)


def _ask(error: WorkerError, job: Job) -> Way:
    from cct_cloudflare.terminal import show_error

    show_error(error, no_color=job.options.no_color)
    click.echo(
        "\nNothing was run here. What now?\n"
        "  1  start the Worker on this machine and run it there\n"
        "  2  ask Claude from this machine and save the program, without running it\n"
        f"  3  stop\n{_about_the_key(job)}",
        err=True,
    )
    answer = click.prompt("1, 2 or 3", type=click.Choice(["1", "2", "3"]), default="3", show_choices=False, err=True)
    return _WAYS[int(answer) - 1]


def _about_the_key(job: Job) -> str:
    """A line about the key where none can be used: a deployed Worker has its own, this machine may have none."""
    from cct_cloudflare import config
    from cct_cloudflare.plain import plain_line

    try:
        config.find_anthropic_key(job.options.project, job.options.anthropic_api_key)
    except ConfigError as error:
        return f"1 and 2 need an Anthropic API key. {plain_line(error.message)}\n"
    return ""
