"""Which Workers this user has deployed, from which project: remembered outside the projects, in a 0600 file.

    {"<project>": {"current": "staging", "workers": {"staging": {"name": …, "account": …, "url": …, …}}}}

An environment is one of the project's wrangler.toml; the default one is the empty name. The Worker that was deployed
last is the project's own: prompts go there unless the command line says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cct_cloudflare.config import checked_token, checked_worker_url, config_dir
from cct_cloudflare.private_store import PrivateStore


@dataclass(frozen=True, slots=True)
class Deployment:
    """A Worker that `cct deploy` has deployed, or begun to.

    `account` is Cloudflare's account ID, None where wrangler chose it; `url` is None until Cloudflare has named one;
    `own_url` says that the user has named it.
    """

    environment: str
    name: str
    account: str | None = None
    url: str | None = None
    own_url: bool = False


@dataclass(frozen=True, slots=True)
class Rotation:
    """A rotation of the token that has begun and not ended.

    `next` is the token on its way to the Worker; `previous` the one that is still to be taken from it. One is None.
    """

    next: str | None = field(default=None, repr=False)
    previous: str | None = field(default=None, repr=False)


def deployment_of(project: Path, environment: str) -> Deployment | None:
    """What is remembered of this project's Worker in this environment. Raises ConfigError for a damaged file."""
    entry = _workers_of(_store().read(), project).get(environment)
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        return None
    account, url = entry.get("account"), entry.get("url")
    return Deployment(
        environment=environment,
        name=entry["name"],
        account=account if isinstance(account, str) else None,
        url=checked_worker_url(url) if isinstance(url, str) else None,
        own_url=entry.get("ownUrl") is True,
    )


def remember(project: Path, deployment: Deployment) -> None:
    """Keeps it, with a rotation that is under way. Raises ConfigError."""
    known = {
        "name": deployment.name,
        "account": deployment.account,
        "url": deployment.url,
        "ownUrl": deployment.own_url,
    }
    _change_entry(project, deployment.environment, lambda entry: entry.update(known))


def make_current(project: Path, environment: str) -> None:
    """From now on prompts of this project go to its Worker in this environment. Raises ConfigError."""
    _store().update(lambda projects: _project(projects, project).update(current=environment))


def current_url(project: Path) -> str | None:
    """The URL of the project's own Worker, or None where it has none. Raises ConfigError for a damaged file."""
    known = _store().read().get(_key(project))
    environment = known.get("current") if isinstance(known, dict) else None
    deployment = deployment_of(project, environment) if isinstance(environment, str) else None
    return deployment.url if deployment else None


def forget(project: Path, environment: str) -> None:
    """As if it had never been deployed from here. Raises ConfigError."""

    def change(projects: dict[str, Any]) -> None:
        known = _project(projects, project)
        _workers_of(projects, project).pop(environment, None)
        if known.get("current") == environment:
            del known["current"]
        if not known.get("workers"):
            del projects[_key(project)]

    _store().update(change)


def rotation_of(project: Path, environment: str) -> Rotation | None:
    """The rotation that an earlier `cct secret rotate` began and did not end. Raises ConfigError."""
    store = _store()
    entry = _workers_of(store.read(), project).get(environment)
    known = entry.get("rotation") if isinstance(entry, dict) else None
    if not isinstance(known, dict):
        return None
    tokens = {name: checked_token(known[name], str(store.path)) for name in ("next", "previous") if name in known}
    return Rotation(**tokens) if tokens else None


def set_rotation(project: Path, environment: str, rotation: Rotation | None) -> None:
    """Keeps how far a rotation is, so that a killed one loses no token; None when it has ended. Raises ConfigError."""

    def change(entry: dict[str, Any]) -> None:
        entry.pop("rotation", None)
        if rotation is not None:
            tokens = {"next": rotation.next, "previous": rotation.previous}
            entry["rotation"] = {name: token for name, token in tokens.items() if token is not None}

    _change_entry(project, environment, change)


def _change_entry(project: Path, environment: str, change: Callable[[dict[str, Any]], None]) -> None:
    def change_projects(projects: dict[str, Any]) -> None:
        known = _project(projects, project)
        workers = known["workers"] = _workers_of(projects, project)
        if not isinstance(workers.get(environment), dict):
            workers[environment] = {}
        change(workers[environment])

    _store().update(change_projects)


def _project(projects: dict[str, Any], project: Path) -> dict[str, Any]:
    known = projects.get(_key(project))
    if not isinstance(known, dict):
        known = projects[_key(project)] = {}
    return known


def _workers_of(projects: dict[str, Any], project: Path) -> dict[str, Any]:
    known = projects.get(_key(project))
    workers = known.get("workers") if isinstance(known, dict) else None
    return workers if isinstance(workers, dict) else {}


def _key(project: Path) -> str:
    return str(project.resolve())


def _store() -> PrivateStore:
    return PrivateStore(config_dir() / "deployments.json")
