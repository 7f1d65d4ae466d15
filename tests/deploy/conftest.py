"""A project with its npm packages and its Python assets, and Cloudflare on loopback."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from cct_cloudflare import config, deployments, scaffold
from cct_cloudflare.deployments import Deployment
from cct_cloudflare.sandbox.toolchain import LocalRuntime
from cct_cloudflare.scripted import ScriptedModel
from tests.deploy.cloudflare_api import CloudflareApi, cloudflare
from tests.deploy.site import Worker
from tests.runtime import ROOT, cct, runtime

__all__ = ["cct", "runtime"]


def packages() -> Path:
    """The npm packages of a rendered project, wherever the machine's set-up has installed them."""
    places = (ROOT / "templates" / "cloudflare", ROOT / ".work" / "worker" / ".claude" / "sandbox" / "cloudflare")
    found = [place / "node_modules" for place in places if (place / "node_modules" / "wrangler").is_dir()]
    assert found, "the project's npm packages are not installed: make packages"
    return found[0]


def render(project: Path, runtime: LocalRuntime) -> Path:
    """Renders the Worker into the project, ready to be built in a moment; returns its folder."""
    scaffold.apply(scaffold.plan(project))
    target = scaffold.target_of(project)
    (target / "node_modules").symlink_to(packages(), target_is_directory=True)
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
