"""From what the flags say to a plan: the rendered project, its packages, the login, the account, the key.

Questions are asked through `Questions`; where one cannot be asked, its absence is an error that names the flag to give.
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Callable
from dataclasses import dataclass

from cct_cloudflare import scaffold
from cct_cloudflare.deploy import project
from cct_cloudflare.deploy.login import (
    Account,
    Login,
    SeveralAccountsError,
    choose_account,
    may_be_logged_in,
    not_logged_in,
    whoami,
)
from cct_cloudflare.deploy.planning import DeployPlan, check_name, look, make_plan
from cct_cloudflare.deploy.project import AskConsent, WorkerConfig
from cct_cloudflare.deploy.refusals import refusal
from cct_cloudflare.deploy.request import DeployRequest
from cct_cloudflare.deploy.wrangler import Wrangler
from cct_cloudflare.deployments import Deployment, deployment_of, is_same, known_deployments
from cct_cloudflare.errors import ConfigError
from cct_cloudflare.sandbox.toolchain import Progress, find_node
from cct_cloudflare.scaffold.planning import WRITES


@dataclass(frozen=True)
class Questions:
    """What may be asked of a person; None where nobody can answer.

    `consent` is for a project whose Worker was changed, `login` for a login with the browser, `account` chooses one of
    several, `key` asks for an Anthropic key (empty for none), `replace` is for a Worker that is not cct's.
    """

    consent: AskConsent | None = None
    login: Callable[[], bool] | None = None
    account: Callable[[tuple[Account, ...]], Account] | None = None
    key: Callable[[], str] | None = None
    replace: Callable[[str], bool] | None = None


@dataclass(frozen=True)
class Prepared:
    plan: DeployPlan
    wrangler: Wrangler


@dataclass(frozen=True)
class DryRun:
    """`wrangler` is None, and `missing` says what it needs first, where the build cannot be checked yet."""

    plan: DeployPlan
    wrangler: Wrangler | None
    missing: str | None


def prepare(request: DeployRequest, questions: Questions, progress: Progress) -> Prepared:
    """The plan of a deploy of a project that is rendered, but for its new name: a name that is refused must not stay in
    wrangler.toml. Changes nothing on Cloudflare. Raises CctError."""
    rendered = scaffold.plan(request.project, name=request.name)
    worker = _config_to_be(rendered)
    worker.check_environment(request.environment)
    _check_name_taken_over(request, worker)
    edited = project.edited_files(rendered)
    project.check_consent(rendered, edited, trust_project=request.trust_project, ask=questions.consent)
    wrangler = open_wrangler(request, progress, can_log_in=questions.login is not None)
    progress("Asking Cloudflare who is logged in")
    login = _logged_in(wrangler, questions)
    account = _account(request, worker, login, questions)
    wrangler = dataclasses.replace(wrangler, account=account.id)
    progress("Looking for an earlier Worker of this name")
    existing = look(wrangler, worker.worker_name(request.environment), request.environment)

    def plan_with(key: str | None, *, with_key: bool) -> DeployPlan:
        return make_plan(
            request.project,
            worker,
            request.environment,
            account=account,
            existing=existing,
            edited=edited,
            url=request.url,
            with_key=with_key,
            key=key,
        )

    draft = plan_with(None, with_key=False)
    may_replace = request.replace or (
        draft.is_foreign and questions.replace is not None and questions.replace(draft.name)
    )
    check_name(draft, replace=may_replace)
    try:
        plan = plan_with(None, with_key=request.with_key)
    except ConfigError as error:
        if error.code != "key_missing" or questions.key is None:
            raise
        given = questions.key()
        plan = plan_with(given or None, with_key=bool(given))
    return Prepared(plan, wrangler)


def prepare_dry_run(request: DeployRequest, questions: Questions) -> DryRun:
    """The plan as far as it can be told without a login, of the project as it would be rendered. Writes nothing.

    Building runs the project's own scripts, so what was changed there needs consent as well.
    """
    rendered = scaffold.plan(request.project, name=request.name)
    worker = _config_to_be(rendered)
    # What is not up to date is no edit, but it is not what a deploy would build either.
    edited = project.edited_files(rendered) if rendered.is_done else ()
    plan = make_plan(
        request.project, worker, request.environment, edited=edited, url=request.url, with_key=request.with_key
    )
    if not rendered.is_done:
        return DryRun(plan, None, "a deploy would render the project first, as cct init does")
    if not project.is_installed(rendered.target):
        return DryRun(plan, None, "its npm packages are not installed yet: a deploy installs them")
    project.check_consent(rendered, edited, trust_project=request.trust_project, ask=questions.consent)
    return DryRun(plan, Wrangler(rendered.target, find_node()), None)


def check_build(wrangler: Wrangler, environment: str) -> None:
    """`wrangler deploy --dry-run`: builds and checks, with no login. Raises CctError."""
    outcome = wrangler.run("deploy", "--dry-run", environment=environment)
    if outcome.code != 0:
        raise refusal(outcome, "building the Worker")


def open_wrangler(request: DeployRequest, progress: Progress, *, can_log_in: bool = False) -> Wrangler:
    """The project's own wrangler, installed where it is missing. Raises ConfigError, `deploy_login` among it.

    Nothing is installed for somebody who is not logged in, unless wrangler is needed to log in with (`can_log_in`).
    """
    target = scaffold.target_of(request.project)
    if not (can_log_in or project.is_installed(target) or may_be_logged_in()):
        raise not_logged_in()
    project.install(target, progress)
    return Wrangler(target, find_node(), request.account)


def deployed_worker(request: DeployRequest) -> Deployment:
    """The Worker that `cct logs`, `cct destroy` and `cct secret` mean, by what is remembered and by wrangler.toml.

    `request.name` names one as Cloudflare does, perhaps deployed before under another name. Raises UsageError for an
    unknown environment, and ConfigError for a project that is not rendered.
    """
    target = scaffold.target_of(request.project)
    if not target.is_dir():
        raise ConfigError(
            f"There is no Worker project in {request.project}, so none was deployed from there.",
            hint="Name the project with --directory, or deploy this one: cct deploy",
            code="deploy_missing",
        )
    worker = project.read_config(target)
    worker.check_environment(request.environment)
    account = request.account or worker.account(request.environment)
    wanted = Deployment(request.environment, request.name or worker.worker_name(request.environment), account)
    # A Worker that is named is found in whatever environment it was deployed.
    found = (
        known
        for known in known_deployments(request.project)
        if is_same(known, wanted)
        and (known.environment == wanted.environment or (request.name is not None and not wanted.environment))
    )
    known = next(found, wanted)
    return dataclasses.replace(known, account=account or known.account)


def _check_name_taken_over(request: DeployRequest, worker: WorkerConfig) -> None:
    if request.name is not None and worker.values.get("name") != request.name:
        raise ConfigError(
            f"{worker.path} was edited by you, so cct did not change the name in it.",
            hint=f'Write name = "{request.name}" into it, or take cct\'s version with: cct init --force',
        )


def _config_to_be(rendered: scaffold.Plan) -> WorkerConfig:
    content = next((file for file in rendered.files if file.path == project.CONFIG_NAME), None)
    is_written = content is not None and content.action in WRITES
    if is_written and content is not None and content.content is not None:
        return WorkerConfig(rendered.target / project.CONFIG_NAME, tomllib.loads(content.content.decode()))
    return project.read_config(rendered.target)


def _logged_in(wrangler: Wrangler, questions: Questions) -> Login:
    login = whoami(wrangler)
    if login is None and questions.login is not None and questions.login():
        wrangler.interact("login")
        login = whoami(wrangler)
    if login is None:
        raise not_logged_in()
    return login


def _account(request: DeployRequest, worker: WorkerConfig, login: Login, questions: Questions) -> Account:
    known = deployment_of(request.project, request.environment)
    try:
        return choose_account(
            login,
            flag=request.account,
            settled=worker.account(request.environment),
            remembered=known.account if known else None,
        )
    except SeveralAccountsError:
        if questions.account is None:
            raise
        return questions.account(login.accounts)
