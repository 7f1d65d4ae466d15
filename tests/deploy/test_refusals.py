"""What Cloudflare refuses, as the real wrangler meets it; finer differences by what that leaves in its output file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cct_cloudflare import config, deployments, scaffold
from cct_cloudflare.deploy.deploying import deploy
from cct_cloudflare.deploy.login import Account
from cct_cloudflare.deploy.planning import Existing, make_plan
from cct_cloudflare.deploy.preparing import Questions, prepare
from cct_cloudflare.deploy.project import read_config
from cct_cloudflare.deploy.refusals import is_not_there, refusal
from cct_cloudflare.deploy.request import DeployRequest
from cct_cloudflare.deploy.wrangler import Outcome, Wrangler
from cct_cloudflare.errors import CODES, CctError, Exit
from cct_cloudflare.sandbox.toolchain import find_node
from tests.deploy.cloudflare_api import ACCOUNT, OTHER_ACCOUNT, PLAN_REFUSAL, CloudflareApi
from tests.deploy.site import Worker
from tests.runtime import KEY

NO_PERMISSION = (403, 10000, "Authentication error")


@pytest.fixture
def login(api: CloudflareApi, monkeypatch: pytest.MonkeyPatch) -> CloudflareApi:
    for name, value in {**api.environment, "ANTHROPIC_API_KEY": KEY}.items():
        monkeypatch.setenv(name, value)
    return api


def refused_before(project: Path, api: CloudflareApi) -> CctError:
    """How a deploy of this project ends that must not even begin."""
    with pytest.raises(CctError) as caught:
        prepare(DeployRequest(project=project, url=api.site.url), Questions(), lambda _: None)
    assert KEY not in caught.value.message + caught.value.hint
    return caught.value


def refused(project: Path, api: CloudflareApi) -> CctError:
    """How a deploy of this project ends that must not succeed, when all that is asked before was well."""
    request = DeployRequest(project=project, url=api.site.url)
    target = scaffold.target_of(project)
    account, existing = Account(ACCOUNT), Existing(is_there=False)
    plan = make_plan(project, read_config(target), "", account=account, existing=existing, url=request.url)
    with pytest.raises(CctError) as caught:
        deploy(plan, request, Wrangler(target, find_node(), account.id), lambda _: None)
    assert KEY not in caught.value.message + caught.value.hint
    return caught.value


def _nobody(_: CloudflareApi, patch: pytest.MonkeyPatch) -> None:
    patch.delenv("CLOUDFLARE_API_TOKEN")


def _wrong_token(_: CloudflareApi, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("CLOUDFLARE_API_TOKEN", "wrong")


def _several_accounts(api: CloudflareApi, _: pytest.MonkeyPatch) -> None:
    api.accounts.append((OTHER_ACCOUNT, "Another\x1b]0;title\x07"))


def _no_permission(api: CloudflareApi, _: pytest.MonkeyPatch) -> None:
    api.refuse("GET", "/workers/scripts/cct-sandbox/secrets", NO_PERMISSION)


def _somebody_elses(api: CloudflareApi, _: pytest.MonkeyPatch) -> None:
    api.workers["cct-sandbox"] = Worker(secrets={"THEIR_SECRET": "x"})


@pytest.mark.parametrize(
    ("meet", "code", "fix"),
    [
        (_nobody, "deploy_login", "CLOUDFLARE_API_TOKEN"),
        (_wrong_token, "deploy_login", "new token"),
        (_several_accounts, "deploy_account", f"Another ({OTHER_ACCOUNT})"),
        (_no_permission, "deploy_permission", "Edit Cloudflare Workers"),
        (_somebody_elses, "deploy_name_taken", "--name"),
    ],
)
def test_refused_before_anything_is_done(
    meet: Callable[[CloudflareApi, pytest.MonkeyPatch], None],
    code: str,
    fix: str,
    login: CloudflareApi,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    meet(login, monkeypatch)
    error = refused_before(project, login)
    assert error.code == code
    assert error.exit_code is Exit.CONFIG
    assert fix in error.hint
    assert not [asked for asked in login.asked if asked.method != "GET"]
    assert deployments.deployment_of(project, "") is None
    assert config.stored_workers() == ()


def _plan(api: CloudflareApi) -> None:
    api.refuse("PUT", "/workers/scripts/cct-sandbox", PLAN_REFUSAL)


def _no_subdomain(api: CloudflareApi) -> None:
    api.subdomain = None


def _cut(api: CloudflareApi) -> None:
    api.refuse("PUT", "/workers/scripts/cct-sandbox", None)


@pytest.mark.parametrize(
    ("meet", "code", "fix"),
    [
        (_plan, "deploy_plan", "workers/plans"),
        (_no_subdomain, "deploy_subdomain", "workers/onboarding"),
        (_cut, "deploy_failed", "same command"),
    ],
)
def test_refused_while_uploading(
    meet: Callable[[CloudflareApi], None], code: str, fix: str, login: CloudflareApi, project: Path
) -> None:
    meet(login)
    error = refused(project, login)
    assert error.code == code
    assert fix in error.hint
    assert ". Done: nothing for certain. Not done: upload the Worker, set its secrets, see it answer" in error.message
    assert error.hint.endswith(f"Resume with: cct deploy --url {login.site.url}")
    assert login.workers == {}
    assert login.calls("PATCH", "/secrets-bulk$") == 0
    assert config.stored_workers() == ()
    assert deployments.current_url(project) is None
    # What was begun is remembered, so that a Worker without a token is known for this user's own.
    assert deployments.deployment_of(project, "") is not None


def test_refused_secrets_say_that_the_worker_is_there(login: CloudflareApi, project: Path) -> None:
    login.refuse("PATCH", "/workers/scripts/cct-sandbox/secrets-bulk", NO_PERMISSION)
    error = refused(project, login)
    assert error.code == "deploy_permission"
    assert "Done: uploaded the Worker. Not done: set its secrets" in error.message
    # The token was written down before it was sent; the Worker without one serves nobody.
    assert config.stored_workers() == (login.site.url,)
    assert login.workers["cct-sandbox"].secrets == {}
    assert deployments.current_url(project) is None


def outcome(message: str = "", number: object = None, said: str = "") -> Outcome:
    entry = {"type": "command-failed", "version": 1, "message": message, "code": number}
    return Outcome(1, "", said, (entry,) if message else ())


API = "A request to the Cloudflare API (/accounts/a/workers/scripts/x/versions) failed."


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (outcome(API, 10195), "deploy_plan"),
        (outcome(API, 10021, "binding LOADER of type worker_loader is invalid [code: 10021]"), "deploy_plan"),
        (outcome(API, 10021, "Uncaught SyntaxError: Unexpected token [code: 10021]"), "deploy_failed"),
        (outcome(API, 10063), "deploy_subdomain"),
        (outcome("You can either deploy …, or register a workers.dev subdomain here:\nx"), "deploy_subdomain"),
        (outcome(API, 10000), "deploy_permission"),
        (outcome(API, 9109, "Unauthorized to access requested resource [code: 9109]"), "deploy_permission"),
        (outcome(API, 9109, "Invalid access token [code: 9109]"), "deploy_login"),
        (outcome(API, 10001, "Unable to authenticate request [code: 10001]"), "deploy_login"),
        (outcome(API, 6003, "Invalid request headers [code: 6003]"), "deploy_login"),
        (outcome("…, it's necessary to set a CLOUDFLARE_API_TOKEN environment variable"), "deploy_login"),
        (outcome("More than one account available but unable to select one in …"), "deploy_account"),
        (outcome("fetch failed"), "deploy_failed"),
        (outcome(said="✘ [ERROR] getaddrinfo ENOTFOUND api.cloudflare.com"), "deploy_failed"),
        (outcome(), "deploy_failed"),
    ],
)  # fmt: skip
def test_recognised(found: Outcome, code: str) -> None:
    error = refusal(found, "uploading the Worker")
    assert error.code == code
    assert code in CODES
    assert error.hint
    assert "\n" not in error.message


def test_what_is_not_recognised_is_told_without_noise_and_harmless() -> None:
    said = (
        "[custom build] Running: npm run build\n"
        '✘ [ERROR] Build failed with 1 error:\n\n  src/index.ts:1:0: Expected "}"\n\n'
        'Logs were written to "/home/somebody/.config/x.log"\n'
    )
    error = refusal(outcome("Build failed", None, said), "building the Worker")
    assert error.message == (
        'wrangler failed while building the Worker: Build failed with 1 error: src/index.ts:1:0: Expected "}"'
    )
    assert len(refusal(outcome(said="x" * 100_000), "doing it").message) < 1100


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (outcome('Worker "x" not found.\n\nIf this is a new Worker, run `wrangler deploy` first'), True),
        (outcome('Worker "x" (env: staging) not found.\n'), True),
        (outcome(API, 10090), True),
        (outcome(API, None, "workers.api.error.script_not_found [code: 10007]"), True),
        (outcome(API, 10000), False),
        (outcome("command not found"), False),
        (outcome(), False),
    ],
)
def test_knows_a_worker_that_is_not_there(found: Outcome, expected: bool) -> None:
    assert is_not_there(found) is expected
