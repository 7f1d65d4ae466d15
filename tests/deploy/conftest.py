"""A project with its npm packages and its Python assets, and Cloudflare on loopback."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from cct_cloudflare import config, deployments, scaffold
from cct_cloudflare.deploy.project import is_installed
from cct_cloudflare.deployments import Deployment
from cct_cloudflare.sandbox.toolchain import LocalRuntime
from cct_cloudflare.scripted import ScriptedModel
from tests.deploy.cloudflare_api import CloudflareApi, cloudflare
from tests.deploy.site import Worker
from tests.runtime import ROOT, cct, runtime

__all__ = ["cct", "runtime"]


def link_packages(target: Path) -> None:
    """The npm packages of this project's lock, from wherever the machine's set-up has installed them."""
    link = target / "node_modules"
    for place in (".work/worker/.claude/sandbox/cloudflare", "templates/cloudflare"):
        link.symlink_to(ROOT / place / "node_modules", target_is_directory=True)
        if is_installed(target):
            return
        link.unlink()
    raise AssertionError("the npm packages of the project's lock are not installed; make test-worker installs them")


def render(project: Path, runtime: LocalRuntime) -> Path:
    """Renders the Worker into the project, ready to be built in a moment; returns its folder."""
    scaffold.apply(scaffold.plan(project))
    target = scaffold.target_of(project)
    link_packages(target)
    shutil.copytree(runtime.gateway.parent / "assets", target / "build" / "assets" / "python")
    return target


def already_deployed(api: CloudflareApi, project: Path, token: str) -> Deployment:
    """A Worker that answers at the API's site, and that is remembered as the project's own."""
    worker = api.workers["cct-sandbox"] = Worker(secrets={"CCT_TOKEN": token}, variables={"CCT_DEPLOYMENT": "1"})
    api.site.deploy(worker)
    config.store_worker(api.site.url, token)
    deployment = Deployment("", "cct-sandbox", url=api.site.url, own_url=True)
    deployments.remember(project, deployment)
    deployments.make_current(project, "")
    return deployment


@pytest.fixture
def project(tmp_path: Path, runtime: LocalRuntime) -> Path:
    path = tmp_path / "project"
    path.mkdir()
    render(path, runtime)
    return path


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with ScriptedModel() as scripted:
        yield scripted


@pytest.fixture
def api(runtime: LocalRuntime, model: ScriptedModel) -> Iterator[CloudflareApi]:
    with cloudflare(runtime, ANTHROPIC_BASE_URL=model.url) as found:
        yield found
