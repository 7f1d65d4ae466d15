"""The life of a deployed Worker, as a user sees it: real wrangler, real Worker, Cloudflare on loopback."""

from __future__ import annotations

import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cct_cloudflare import config, deployments
from cct_cloudflare.deploy.project import read_config
from cct_cloudflare.deploy.proof import accepts
from cct_cloudflare.sandbox.toolchain import LocalRuntime
from cct_cloudflare.scaffold import target_of
from tests.deploy.cloudflare_api import ACCOUNT, TOKEN, CloudflareApi
from tests.deploy.conftest import already_deployed, render
from tests.deploy.site import Worker
from tests.runtime import KEY, Cct

QUESTION = "What is the 10th Fibonacci number?"


def token_of(api: CloudflareApi) -> str:
    target = config.worker_target(api.site.url, environ={})
    assert target is not None and target.token is not None
    return target.token


def test_deployed_used_deployed_again_and_removed(cct: Cct, api: CloudflareApi, runtime: LocalRuntime) -> None:
    target = render(cct.project, runtime)
    login = {**api.environment, "ANTHROPIC_API_KEY": KEY}

    first = cct("deploy", "--yes", "--url", api.site.url, env=login)
    assert first.code == 0, first.stderr
    assert first.stdout == f"{api.site.url}\n"
    for part in (
        "cct-sandbox, a new one",
        f"Example ({ACCOUNT})",
        "Dynamic Workers LOADER",
        "Paid",
        "CCT_TOKEN: a new",
    ):
        assert part in " ".join(first.stderr.split()), part
    assert f'cct --sandbox cloudflare --prompt "{QUESTION}"' in first.stderr
    worker = api.workers["cct-sandbox"]
    assert worker.bindings["LOADER"] == "worker_loader"
    assert worker.bindings["RUN_GATE"] == "durable_object_namespace"
    token = token_of(api)
    assert worker.secrets == {"ANTHROPIC_API_KEY": KEY, "CCT_TOKEN": token}
    assert len(token) >= 43
    for name in ("workers.json", "deployments.json"):
        assert stat.S_IMODE((config.config_dir() / name).stat().st_mode) == 0o600

    # The next command that it prints: no flag names the Worker, and no key is needed here.
    used = cct("--sandbox", "cloudflare", "--yes", "--json", "--prompt", QUESTION)
    assert used.code == 0, used.stderr
    assert "55" in used.json["output"]
    assert not (cct.project / ".env").exists()

    # From here no key is known, and the Worker keeps its own; the token stays.
    deployment = worker.variables["CCT_DEPLOYMENT"]
    again = cct("deploy", "--yes", "--json", env=api.environment)
    assert again.code == 0, again.stderr
    assert again.json["url"] == api.site.url
    assert again.json["newToken"] is False
    assert again.json["exists"] is True
    assert again.json["deployment"] == worker.variables["CCT_DEPLOYMENT"] != deployment
    assert worker.secrets == {"ANTHROPIC_API_KEY": KEY, "CCT_TOKEN": token}
    assert token_of(api) == token

    gone = cct("destroy", "--yes", env=api.environment)
    assert gone.code == 0, gone.stderr
    assert api.workers == {}
    assert config.stored_workers() == ()
    assert deployments.current_url(cct.project) is None
    assert (target / "src" / "index.ts").exists()

    for done in (first, again, gone):
        for secret in (KEY, token, TOKEN):
            assert secret not in done.stdout + done.stderr
    assert found_below(cct.home, [KEY, TOKEN, token]) == []
    assert found_below(target, [KEY, TOKEN, token]) == []


def name_of(project: Path) -> str:
    return read_config(target_of(project)).worker_name("")


def test_deployed_under_another_name(cct: Cct, api: CloudflareApi, runtime: LocalRuntime) -> None:
    """A name that is refused stays nowhere; with one that is not, the Worker of before is told with its end."""
    render(cct.project, runtime)
    already_deployed(api, cct.project, "token-of-the-first-one-0001")
    api.workers["taken"] = Worker(secrets={"THEIR_SECRET": "x"})
    argv = ("deploy", "--yes", "--no-key", "--url", api.site.url)

    refused = cct(*argv, "--name", "taken", "--json", env=api.environment)
    assert refused.json["errorCode"] == "deploy_name_taken"
    assert name_of(cct.project) == "cct-sandbox"

    renamed = cct(*argv, "--name", "mine", env=api.environment)
    assert renamed.code == 0, renamed.stderr
    assert name_of(cct.project) == "mine"
    assert set(api.workers) == {"cct-sandbox", "taken", "mine"}
    said = " ".join(renamed.stderr.split())
    assert said.count("cct-sandbox, deployed before, as it is; cct destroy --name cct-sandbox removes it") == 2

    gone = cct("destroy", "--yes", "--json", "--name", "cct-sandbox", env=api.environment)
    assert (gone.json["worker"], gone.json["wasDeployed"]) == ("cct-sandbox", True)
    assert set(api.workers) == {"taken", "mine"}
    assert deployments.current_url(cct.project) == api.site.url
    assert token_of(api) == api.workers["mine"].secrets["CCT_TOKEN"]


def found_below(folder: Path, words: list[str]) -> list[Path]:
    """The files that hold one of the words; packages are somebody else's."""
    files = [path for path in folder.rglob("*") if path.is_file() and "node_modules" not in path.parts]
    return [path for path in files if any(word.encode() in path.read_bytes() for word in words)]


@contextmanager
def hammered(url: str) -> Iterator[list[str]]:
    """Asks for a run again and again, each time with the token that is stored at that moment."""
    failures: list[str] = []
    asked: list[bool] = []
    stop, began = threading.Event(), threading.Event()

    def hammer() -> None:
        while not stop.is_set():
            try:
                target = config.worker_target(url, environ={})
                assert target is not None and target.token is not None
                asked.append(accepts(url, target.token))
            except Exception as error:  # noqa: BLE001 - told by the test's own thread
                failures.append(repr(error))
            began.set()

    thread = threading.Thread(target=hammer)
    thread.start()
    began.wait()
    try:
        yield failures
    finally:
        stop.set()
        thread.join()
    failures += ["refused" for accepted in asked if not accepted]


def test_rotated_with_no_gap(cct: Cct, api: CloudflareApi, runtime: LocalRuntime) -> None:
    render(cct.project, runtime)
    old = "the-old-token-CANARY"
    already_deployed(api, cct.project, old)
    # Places differ for a while: some requests still reach what was deployed before.
    api.site.lag = 3

    with hammered(api.site.url) as failures:
        rotated = cct("secret", "rotate", "--keep-old", "--json", env=api.environment)
        assert rotated.code == 0, rotated.stderr
        assert rotated.json["finished"] is False
        new = token_of(api)
        assert new != old
        assert accepts(api.site.url, old)
        ended = cct("secret", "rotate", env=api.environment)
        assert ended.code == 0, ended.stderr
    assert failures == []
    assert token_of(api) == new
    assert api.workers["cct-sandbox"].secrets == {"CCT_TOKEN": new}
    assert not accepts(api.site.url, old)

    shown = cct("secret", "show")
    assert shown.stdout == f"{new}\n"
    for finished in (rotated, ended):
        assert old not in finished.stdout + finished.stderr
        assert new not in finished.stdout + finished.stderr
