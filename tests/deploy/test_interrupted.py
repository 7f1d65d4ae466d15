"""A deploy and a rotation that are cut short: nothing is lost, and the same command goes on."""

from __future__ import annotations

import shutil
import signal
import subprocess
import threading
from pathlib import Path

import psutil
import pytest

from cct_cloudflare import config, deployments
from cct_cloudflare.deploy import rotation
from cct_cloudflare.deploy.proof import Patience, accepts
from cct_cloudflare.deploy.wrangler import Wrangler
from cct_cloudflare.deployments import Deployment, Rotation
from cct_cloudflare.errors import CctError, Exit
from cct_cloudflare.sandbox.toolchain import LocalRuntime, find_node
from cct_cloudflare.scaffold import target_of
from tests.deploy.cloudflare_api import Asked, CloudflareApi
from tests.deploy.conftest import already_deployed, render
from tests.runtime import PATIENCE, Cct, end, family


class Gate:
    """Holds the API at one request until it is opened."""

    def __init__(self, api: CloudflareApi, method: str, suffix: str) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()
        self._at = (method, suffix)
        api.before = self._wait

    def _wait(self, asked: Asked) -> None:
        method, suffix = self._at
        if asked.method == method and asked.path.endswith(suffix):
            self.reached.set()
            assert self.opened.wait(PATIENCE)


def test_ctrl_c_while_uploading_then_killed_before_the_secrets_then_resumed(
    cct: Cct, api: CloudflareApi, runtime: LocalRuntime
) -> None:
    render(cct.project, runtime)
    argv = ("deploy", "--yes", "--no-key", "--url", api.site.url)

    gate = Gate(api, "PUT", "/workers/scripts/cct-sandbox")
    process = cct.start(*argv, env=api.environment)
    assert gate.reached.wait(PATIENCE)
    stopped = end(process, signal.SIGINT)  # which also sees that wrangler and all its children are gone
    assert stopped.code == Exit.INTERRUPTED
    assert "Interrupted. Done: nothing for certain. Not done: upload the Worker" in stopped.stderr
    assert f"Resume with: cct deploy --url {api.site.url} --no-key" in stopped.stderr
    assert config.stored_workers() == ()
    gate.opened.set()

    # Killed between the moment that the token is known and the one that the Worker has it.
    gate = Gate(api, "PATCH", "/secrets-bulk")
    process = cct.start(*argv, env=api.environment)
    assert gate.reached.wait(PATIENCE)
    token = _stored(api)
    _kill(process)
    gate.opened.set()
    for left in cct.temporary.iterdir():  # nobody was left to remove wrangler's output file
        shutil.rmtree(left)

    resumed = cct(*argv, "--json", env=api.environment)
    assert resumed.code == 0, resumed.stderr + resumed.stdout
    assert resumed.json["newToken"] is False
    assert [secret["action"] for secret in resumed.json["secrets"]] == ["leave", "keep"]
    assert _stored(api) == token == api.workers["cct-sandbox"].secrets["CCT_TOKEN"]


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kills cct and, as a machine that loses its power would, everything that it has started."""
    started = family(process)
    process.kill()
    process.communicate()
    for child in started:
        try:
            child.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(started, timeout=PATIENCE)


def _stored(api: CloudflareApi) -> str:
    target = config.worker_target(api.site.url, environ={})
    assert target is not None and target.token is not None
    return target.token


class _KilledError(Exception):
    """Stands for the end of the process."""


@pytest.fixture
def deployed(api: CloudflareApi, project: Path, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """A Worker with the token "old", whose secrets are set without wrangler: the test of the journey sees that part."""
    deployment = already_deployed(api, project, "old")
    worker = api.workers[deployment.name]

    def put(_: Wrangler, environment: str, values: dict[str, str | None]) -> None:
        assert environment == ""
        for name, value in values.items():
            if value is None:
                worker.secrets.pop(name, None)
            else:
                worker.secrets[name] = value
        api.site.deploy(worker)

    monkeypatch.setattr("cct_cloudflare.deploy.rotation.put_secrets", put)
    return deployment


@pytest.mark.parametrize("step", ["second token sent", "second token stored", "changed over", "old token taken"])
def test_a_rotation_goes_on_where_it_was_killed(
    step: str, deployed: Deployment, api: CloudflareApi, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step is the last thing that happened before the kill."""
    wrangler = Wrangler(target_of(project), find_node())
    patience = Patience(seconds=PATIENCE, pause=0.01, in_a_row=1)
    with monkeypatch.context() as patch:
        _kill_after(step, patch)
        with pytest.raises(_KilledError):
            rotation.rotate(project, deployed, wrangler, lambda _: None, patience=patience)
    pending = deployments.rotation_of(project, "")
    assert pending is not None
    # Whatever is stored at that moment works.
    assert accepts(api.site.url, _stored(api))

    rotation.rotate(project, deployed, wrangler, lambda _: None, patience=patience)
    new = _stored(api)
    assert new == (pending.next or new) != "old"
    assert api.workers["cct-sandbox"].secrets == {"CCT_TOKEN": new}
    assert accepts(api.site.url, new)
    assert not accepts(api.site.url, "old")
    assert deployments.rotation_of(project, "") is None


def _kill_after(step: str, patch: pytest.MonkeyPatch) -> None:
    def put(wrangler: Wrangler, environment: str, values: dict[str, str | None]) -> None:
        put_secrets(wrangler, environment, values)
        if step == ("second token sent" if "CCT_TOKEN" not in values else "old token taken"):
            raise _KilledError

    def store(url: str, token: str) -> Path:
        path = store_worker(url, token)
        if step == "second token stored":
            raise _KilledError
        return path

    def note(project: Path, environment: str, state: Rotation | None) -> None:
        set_rotation(project, environment, state)
        if step == "changed over" and state is not None and state.previous is not None:
            raise _KilledError

    put_secrets = vars(rotation)["put_secrets"]
    store_worker, set_rotation = config.store_worker, deployments.set_rotation
    patch.setattr("cct_cloudflare.deploy.rotation.put_secrets", put)
    patch.setattr("cct_cloudflare.config.store_worker", store)
    patch.setattr("cct_cloudflare.deploy.rotation.set_rotation", note)


def test_a_worker_that_is_not_known_here_is_not_rotated(project: Path) -> None:
    wrangler = Wrangler(target_of(project), find_node())
    with pytest.raises(CctError) as caught:
        rotation.rotate(project, Deployment("", "cct-sandbox"), wrangler, lambda _: None)
    assert caught.value.code == "deploy_missing"
    with pytest.raises(CctError) as caught:
        rotation.rotate(project, Deployment("", "cct-sandbox", url="http://127.0.0.1:1"), wrangler, lambda _: None)
    assert caught.value.code == "deploy_missing"
    assert "CCT_TOKEN" in caught.value.hint
