"""The rendered Worker project, as wrangler sees it: its wrangler.toml and its packages."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cct_cloudflare import config, scaffold
from cct_cloudflare.errors import ConfigError, UsageError
from cct_cloudflare.sandbox.toolchain import Progress, find_node, find_npm, run_tool

#: Asks whether the Worker in this folder may be deployed with these files, which are not cct's.
AskConsent = Callable[[Path, tuple[str, ...]], bool]

CONFIG_NAME = "wrangler.toml"
CONTAINER_KIND = "container"


@dataclass(frozen=True)
class Binding:
    """Something that the deployed Worker is given; `kind` is a phrase for people."""

    name: str
    kind: str


@dataclass(frozen=True)
class WorkerConfig:
    """A project's wrangler.toml. An environment is named as there; the default one is the empty name."""

    path: Path
    values: Mapping[str, Any]

    @property
    def environments(self) -> tuple[str, ...]:
        """All but the default one."""
        return tuple(_table(self.values.get("env")))

    def check_environment(self, environment: str) -> None:
        """Raises UsageError, which lists those that exist."""
        if environment and environment not in self.environments:
            raise UsageError(
                f"There is no environment {environment!r} in {self.path}.",
                hint=f"Those that exist: {', '.join(self.environments) or 'none'}; without --env the default one.",
            )

    def worker_name(self, environment: str) -> str:
        """The Worker's name on Cloudflare. Raises ConfigError where there is none."""
        name = self.values.get("name")
        own = self._of(environment).get("name")
        if environment and own is None and isinstance(name, str):
            own = f"{name}-{environment}"
        if not isinstance(own, str) or not own:
            raise ConfigError(f"{self.path} names no Worker.", hint='Give it a line such as: name = "cct-sandbox"')
        return own

    def account(self, environment: str) -> str | None:
        """The account that wrangler.toml settles upon, if any."""
        account = self._of(environment).get("account_id", self.values.get("account_id"))
        return account if isinstance(account, str) and account else None

    def bindings(self, environment: str) -> tuple[Binding, ...]:
        """In the order of wrangler.toml. Values of variables are not among them."""
        table = self._of(environment)
        found = [Binding(name, "variable") for name in _table(table.get("vars"))]
        for key, value in table.items():
            kind = _KINDS.get(key, key.replace("_", " "))
            if isinstance(value, dict) and isinstance(value.get("bindings"), list):
                value = value["bindings"]
            for entry in value if isinstance(value, list) else []:
                names = ("class_name",) if key == "containers" else ("binding", "name")
                name = next((entry[name] for name in names if name in entry), None) if isinstance(entry, dict) else None
                if isinstance(name, str):
                    found.append(Binding(name, kind))
        # Assets are inherited by every environment, other bindings by none.
        assets = _table(table.get("assets")) or _table(self.values.get("assets"))
        if isinstance(assets.get("binding"), str):
            found.append(Binding(assets["binding"], "static assets (the Python runtime)"))
        return tuple(found)

    def _of(self, environment: str) -> Mapping[str, Any]:
        return _table(_table(self.values.get("env")).get(environment)) if environment else self.values


_KINDS = {
    "worker_loaders": "Dynamic Workers",
    "containers": CONTAINER_KIND,
    "durable_objects": "Durable Object",
    "kv_namespaces": "KV namespace",
    "r2_buckets": "R2 bucket",
    "d1_databases": "D1 database",
    "ratelimits": "rate limit",
}


def read_config(folder: Path) -> WorkerConfig:
    """Raises ConfigError for a wrangler.toml that is not there or cannot be read."""
    path = folder / CONFIG_NAME
    try:
        return WorkerConfig(path, tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ConfigError(f"There is no {path}.", hint="Render it again: cct init --force") from None
    except RecursionError as error:
        raise ConfigError(f"{path} is nested too deeply.", hint="Mend it, or: cct init --force") from error
    except (OSError, UnicodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be used: {error}.", hint="Mend it, or: cct init --force") from error


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


# What a user has changed


def edited_files(plan: scaffold.Plan) -> tuple[str, ...]:
    """What would be deployed otherwise than cct renders it: edited, added or removed parts of the Worker, and its
    wrangler.toml. Paths are relative to the rendered project."""
    theirs = scaffold.packaged_worker_source().files
    ours = scaffold.read_worker_source(plan.target).files
    changed = {path for path in ours.keys() | theirs.keys() if ours.get(path) != theirs.get(path)}
    if CONFIG_NAME in plan.having(scaffold.Action.EDITED, scaffold.Action.CONFLICT):
        changed.add(CONFIG_NAME)
    return tuple(sorted(changed))


def check_consent(plan: scaffold.Plan, edited: tuple[str, ...], *, trust_project: bool, ask: AskConsent | None) -> None:
    """Holds that what is not cct's own is built, run with the user's login and given the key only after consent.

    Consent is remembered for these bytes, as it is for running such a project on this machine. Raises ConfigError
    (`untrusted_project`) when it was not given.
    """
    if not edited:
        return
    target = plan.target
    needed = {} if scaffold.is_pristine(plan.project) else {plan.project: scaffold.worker_source_hash(target)}
    if CONFIG_NAME in edited:
        needed[target / CONFIG_NAME] = hashlib.sha256((target / CONFIG_NAME).read_bytes()).hexdigest()
    if not config.agreed(needed, given=trust_project, ask=ask and (lambda: ask(target, edited))):
        raise ConfigError(
            f"The Worker in {target} is not what cct renders ({few(edited)}), so it was not deployed.",
            code="untrusted_project",
            hint="Read it, then allow it with --trust-project; or restore it with: cct init --force",
        )


def few(paths: tuple[str, ...]) -> str:
    """The first paths, and how many there are beside them."""
    return ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")


# npm packages


def is_installed(folder: Path) -> bool:
    """Whether the packages of the project's lock are there, in these versions. npm writes the list that is read here
    when an installation is complete."""
    try:
        wanted = json.loads((folder / "package-lock.json").read_text(encoding="utf-8"))["packages"]
        there = json.loads((folder / "node_modules" / ".package-lock.json").read_text(encoding="utf-8"))["packages"]
        return all(
            path in there and there[path].get("version") == package.get("version")
            for path, package in wanted.items()
            # Packages of other platforms are left out.
            if path and not package.get("optional") and not package.get("devOptional")
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False


def install(folder: Path, progress: Progress) -> None:
    """Installs the packages of the project's lock, wrangler among them. Raises ConfigError (`toolchain`)."""
    if is_installed(folder):
        return
    node = find_node()
    progress("Installing the project's npm packages, wrangler among them (once; about 500 MB)")
    run_tool(
        [str(find_npm(node)), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=folder,
        node=node,
        what="npm ci",
        hint="Check the network and npm's registry settings, then run the command again.",
    )
