"""The rendered Worker project, and the wrangler that belongs to it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from cct_cloudflare import __version__, config, deployments, scaffold
from cct_cloudflare.deploy.login import read_login
from cct_cloudflare.deploy.wrangler import wrangler_environment
from cct_cloudflare.doctor.check import Finding, ok, skip, warn
from cct_cloudflare.doctor.context import Context
from cct_cloudflare.doctor.machine import best_node
from cct_cloudflare.errors import ConfigError
from cct_cloudflare.plain import plain_line
from cct_cloudflare.scaffold.manifest import MANIFEST_NAME, DamagedManifestError, parse_manifest
from cct_cloudflare.scaffold.planning import WRITES
from cct_cloudflare.wording import counted

#: Seconds: wrangler itself takes one to start, and asks Cloudflare.
LOGIN_SECONDS = 10.0

#: Those of wrangler.toml; the default one has no name.
ENVIRONMENTS = ("", "development", "staging", "production")

_TO_COME = "There is no Worker project here yet; the first run renders it, and so does cct init."


def look_at_project(context: Context) -> Finding:
    """What rendering would change; raises what `scaffold.plan` raises."""
    plan = scaffold.plan(context.project)
    if not plan.target.exists():
        return skip(_TO_COME)
    changes = len(plan.having(*WRITES, scaffold.Action.REMOVE))
    conflicts = plan.having(scaffold.Action.CONFLICT)
    edited = plan.having(scaffold.Action.EDITED)
    if not plan.is_done:
        version = _rendered_by(plan.target)
        older = (
            f" It was rendered by cct {version}, this is {__version__}." if version not in (None, __version__) else ""
        )
        return warn(
            f"The Worker project is out of date: {counted(changes, 'file')} to write.{older}",
            "cct doctor --fix, or cct init, updates what you have not edited.",
            lambda _: _update(context.project),
        )
    if conflicts:
        return warn(
            f"Edited by you, and kept where cct has something newer: {_listed(conflicts)}.",
            "cct init --dry-run shows them; cct init --force takes cct's, with yours in .cct-backup/.",
        )
    kept = f"; edited by you: {_listed(edited)}" if edited else ""
    return ok(f"The Worker project is up to date{kept}.")


def look_at_source(context: Context) -> Finding:
    """Whether the code that would get the key here is cct's own, or agreed to."""
    target = scaffold.target_of(context.project)
    if not target.exists():
        return skip("There is no Worker project yet.")
    source = scaffold.read_worker_source(target)
    if source.files == scaffold.packaged_worker_source().files:
        return ok("The Worker's source is what this cct renders.")
    if config.is_trusted(context.project, source.hash):
        return ok("The Worker's source is not what this cct renders; you have trusted it as it is.")
    return warn(
        "The Worker's source is not what this cct renders, so it does not get your key.",
        "If it only is out of date, update it; else read it and allow it with --trust-project.",
    )


def look_at_wrangler(context: Context) -> Finding:
    """The project's own wrangler against the version that its package.json names."""
    target = scaffold.target_of(context.project)
    there = _version_of(target / "node_modules" / "wrangler" / "package.json")
    if there is None:
        return skip("wrangler is not installed in the project; cct deploy does it.")
    wanted = _pinned(target)
    if wanted is not None and there != wanted:
        return warn(
            f"The project's wrangler is {there}, and its package.json names {wanted}.",
            f"npm ci --ignore-scripts in {target}",
        )
    return ok(f"wrangler {there}.")


def look_at_login(context: Context) -> Finding:
    """Whether wrangler may deploy: asked of wrangler itself, which asks Cloudflare."""
    if context.offline:
        return skip("Not asked: --offline.")
    wrangler = _safe_wrangler(context)
    if wrangler is None:
        return skip("Only deploying needs a login to Cloudflare; cct deploy asks for it.")
    said = context.programs.ask(
        # A project's .env could send the login to another server.
        [*wrangler, "whoami", "--json", "--env-file", os.devnull],
        seconds=LOGIN_SECONDS,
        environment=wrangler_environment(Path(wrangler[0])),
    )
    return judge_login(said.out)


def _safe_wrangler(context: Context) -> list[str | Path] | None:
    """How to start a wrangler that the user has chosen to run: the project's, where they deployed it, or their own.

    Any other project's node_modules may hold somebody else's program.
    """
    program = scaffold.target_of(context.project) / "node_modules" / "wrangler" / "bin" / "wrangler.js"
    node = best_node(context.nodes.get())
    if node is not None and program.is_file() and _was_deployed(context.project):
        return [node.path, program]
    own = shutil.which("wrangler")
    return None if own is None else [own]


def _was_deployed(project: Path) -> bool:
    return any(deployments.deployment_of(project, environment) is not None for environment in ENVIRONMENTS)


def judge_login(out: str) -> Finding:
    """`out` is what `wrangler whoami --json` prints: one object, perhaps behind lines of a warning."""
    try:
        login = read_login(out)
    except ValueError:
        return warn("wrangler could not tell whether it is logged in.", "Try: npx wrangler whoami")
    if login is None:
        return warn(
            "wrangler is not logged in to Cloudflare; deploying needs that.",
            "cct deploy offers to log in with the browser; or set CLOUDFLARE_API_TOKEN.",
        )
    names = [account.name or account.id for account in login.accounts]
    accounts = f", with access to {', '.join(names[:3])}" if names else ""
    return ok(f"wrangler is logged in{accounts}.")


def _update(project: Path) -> str:
    applied = scaffold.apply(scaffold.plan(project))
    return f"Updated the Worker project: {counted(len(applied.having(*WRITES, scaffold.Action.REMOVE)), 'file')}."


def _rendered_by(target: Path) -> str | None:
    try:
        return plain_line(parse_manifest((target / MANIFEST_NAME).read_bytes()).version)
    except (OSError, DamagedManifestError, ConfigError):
        return None


def _version_of(package: Path) -> str | None:
    version = _json(package).get("version")
    return plain_line(version) if isinstance(version, str) else None


def _pinned(target: Path) -> str | None:
    package = _json(target / "package.json")
    for section in ("devDependencies", "dependencies"):
        names = package.get(section)
        if isinstance(names, dict) and isinstance(names.get("wrangler"), str):
            return plain_line(names["wrangler"])
    return None


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _listed(paths: tuple[str, ...], most: int = 4) -> str:
    shown = [plain_line(path) for path in paths[:most]]
    return ", ".join([*shown, f"{len(paths) - most} more"] if len(paths) > most else shown)
