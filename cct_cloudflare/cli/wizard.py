"""`cct` where something is left to be asked and somebody is there to answer: the wizard."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cct_cloudflare.cli.options import may_ask


def can_ask(options: Mapping[str, Any]) -> bool:
    """Whether questions may be asked on this terminal. A dumb one cannot show a list to choose from."""
    is_dumb = os.environ.get("TERM") in ("dumb", "unknown")
    return may_ask(yes=options["yes"], as_json=options["as_json"]) and not (options["quiet"] or is_dumb)


def start(given: Sequence[str], options: Mapping[str, Any]) -> int:
    """The whole wizard, or with a command line that lacks its prompt, only what is missing from it."""
    from cct_cloudflare.cli.main import run_cli
    from cct_cloudflare.place import chosen_worker
    from cct_cloudflare.wizard.draft import Draft, Where
    from cct_cloudflare.wizard.screen import Terminal
    from cct_cloudflare.wizard.session import Session

    if options["no_color"]:
        os.environ["NO_COLOR"] = "1"  # for the commands of this session, too
    project: Path = options["directory"]
    session = Session(Terminal(), run_cli, project.resolve())
    if set(given) <= {"--no-color"}:
        return session.start()
    local: bool = options["local"]
    target = None if options["demo"] else chosen_worker(options["worker_url"], project.resolve(), local=local)
    place = Where.DEMO if options["demo"] else Where.WORKER if target else Where.HERE
    return session.complete(
        Draft(
            given=tuple(given),
            where=place,
            worker_url=target.url if target else None,
            agents=tuple(options["agents"]),
            commands=tuple(options["commands"]),
            skills=tuple(options["skills"]),
            settings=tuple(options["settings"]),
            hooks=tuple(options["hooks"]),
            mcps=tuple(options["mcps"]),
            trust=options["trust"],
            model=options["model"],
            renders=not options["direct"],
            has_key=options["anthropic_api_key"] is not None,
        )
    )
