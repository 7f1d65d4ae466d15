"""Which Workers this user has deployed, from which project: remembered outside the projects, in a 0600 file.

    {"<project>": {"current": "staging", "workers": {"staging": {"name": …, "account": …, "url": …, …}},
                   "earlier": [{"environment": "staging", "name": …, …}]}}

An environment is one of the project's wrangler.toml; the default one is the empty name. The Worker that was deployed
last is the project's own: prompts go there unless the command line says otherwise. `earlier` are those that were
deployed under another name, or in another account, and have not been removed since.
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
    return _deployment(environment, _workers_of(_store().read(), project).get(environment))


def known_deployments(project: Path) -> tuple[Deployment, ...]:
    """Every Worker that was deployed from this project and not removed: the one of each environment, then earlier ones,
    the latest first. Raises ConfigError for a damaged file."""
    projects = _store().read()
    found = [_deployment(environment, entry) for environment, entry in _workers_of(projects, project).items()]
    found += [_deployment(entry["environment"], entry) for entry in reversed(_earlier_of(projects, project))]
    return tuple(deployment for deployment in found if deployment is not None)


def is_same(one: Deployment, other: Deployment) -> bool:
    """Whether both are one Worker of Cloudflare. An account that wrangler chose may be any."""
    return one.name == other.name and (None in (one.account, other.account) or one.account == other.account)


def remember(project: Path, deployment: Deployment) -> None:
    """Keeps it as its environment's Worker, with a rotation that is under way; another one that was this until now
    is kept as an earlier one. Raises ConfigError."""
    environment = deployment.environment

    def change(projects: dict[str, Any]) -> None:
        known = _project(projects, project)
        workers = known["workers"] = _workers_of(projects, project)
        before = _deployment(environment, workers.get(environment))
        earlier = _earlier_of(projects, project)
        if before is not None and not is_same(before, deployment):
            earlier.append({"environment": environment, **_to_json(before)})
            workers[environment] = {}
        elif not isinstance(workers.get(environment), dict):
            workers[environment] = {}
        workers[environment].update(_to_json(deployment))
        _set_earlier(known, [entry for entry in earlier if not _is_entry_of(entry, deployment)])

    _store().update(change)


def make_current(project: Path, environment: str) -> None:
    """From now on prompts of this project go to its Worker in this environment. Raises ConfigError."""
    _store().update(lambda projects: _project(projects, project).update(current=environment))


def current_url(project: Path) -> str | None:
    """The URL of the project's own Worker, or None where it has none. Raises ConfigError for a damaged file.

    While a deploy under another name has not found its address, it is the earlier Worker's.
    """
    known = _store().read().get(_key(project))
    environment = known.get("current") if isinstance(known, dict) else None
    urls = (deployment.url for deployment in known_deployments(project) if deployment.environment == environment)
    return next((url for url in urls if url is not None), None)


def forget(project: Path, deployment: Deployment) -> None:
    """As if it had never been deployed from here. Raises ConfigError."""

    def change(projects: dict[str, Any]) -> None:
        known = _project(projects, project)
        workers = _workers_of(projects, project)
        own = _deployment(deployment.environment, workers.get(deployment.environment))
        if own is not None and is_same(own, deployment):
            del workers[deployment.environment]
            if known.get("current") == deployment.environment:
                del known["current"]
        earlier = _earlier_of(projects, project)
        _set_earlier(known, [entry for entry in earlier if not _is_entry_of(entry, deployment)])
        if not (known.get("workers") or known.get("earlier")):
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


def _deployment(environment: str, entry: object) -> Deployment | None:
    """An entry of the file, unless it is none."""
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


def _to_json(deployment: Deployment) -> dict[str, Any]:
    return {
        "name": deployment.name,
        "account": deployment.account,
        "url": deployment.url,
        "ownUrl": deployment.own_url,
    }


def _earlier_of(projects: dict[str, Any], project: Path) -> list[dict[str, Any]]:
    known = projects.get(_key(project))
    entries = known.get("earlier") if isinstance(known, dict) else None
    return [
        entry
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, dict) and isinstance(entry.get("environment"), str)
    ]


def _set_earlier(known: dict[str, Any], entries: list[dict[str, Any]]) -> None:
    known.pop("earlier", None)
    if entries:
        known["earlier"] = entries


def _is_entry_of(entry: dict[str, Any], deployment: Deployment) -> bool:
    found = _deployment(entry["environment"], entry)
    return found is not None and found.environment == deployment.environment and is_same(found, deployment)


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
