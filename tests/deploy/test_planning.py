"""What a deploy would do: the project as wrangler sees it, the secrets, the account, whose Worker it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cct_cloudflare import config, deployments, scaffold
from cct_cloudflare.deploy import preparing
from cct_cloudflare.deploy import project as projects
from cct_cloudflare.deploy.login import Account, Login, choose_account
from cct_cloudflare.deploy.planning import DeployPlan, Existing, check_name, make_plan
from cct_cloudflare.deploy.preparing import Questions, deployed_worker, prepare_dry_run
from cct_cloudflare.deploy.request import DeployRequest
from cct_cloudflare.deploy.wrangler import Wrangler
from cct_cloudflare.deployments import Deployment, Rotation
from cct_cloudflare.errors import ConfigError, UsageError
from tests.runtime import KEY

URL = "https://cct-sandbox.example.workers.dev"
A, B = Account("a" * 32, "Example"), Account("b" * 32, "Other")


@pytest.fixture
def rendered(tmp_path: Path) -> Path:
    scaffold.apply(scaffold.plan(tmp_path))
    return tmp_path


def planned(path: Path, environment: str = "", **more: object) -> DeployPlan:
    worker = projects.read_config(scaffold.target_of(path))
    return make_plan(path, worker, environment, **more)  # type: ignore[arg-type]


def secrets_of(plan: DeployPlan) -> dict[str, tuple[str, str | None]]:
    return {secret.name: (secret.action, secret.value) for secret in plan.secrets}


class TestTheProject:
    def test_its_environments_names_and_bindings(self, rendered: Path) -> None:
        worker = projects.read_config(scaffold.target_of(rendered))
        assert worker.environments == ("development", "staging", "production")
        assert worker.worker_name("") == "cct-sandbox"
        assert worker.worker_name("staging") == "cct-sandbox-staging"
        for environment in ("", "staging"):
            kinds = {binding.name: binding.kind for binding in worker.bindings(environment)}
            assert kinds["LOADER"] == "Dynamic Workers"
            assert kinds["RUN_GATE"] == "Durable Object"
            assert kinds["DEFAULT_MODEL"] == "variable"
            assert "ASSETS" in kinds

    def test_containers_are_named_and_said_to_cost(self, tmp_path: Path) -> None:
        scaffold.apply(scaffold.plan(tmp_path, container=True))
        for environment in ("", "production"):
            plan = planned(tmp_path, environment, with_key=False)
            assert [binding.kind for binding in plan.bindings].count("container") == 1
            assert "containers are billed" in plan.cost

    def test_an_environment_that_is_not_there_is_named_with_those_that_are(self, rendered: Path) -> None:
        with pytest.raises(UsageError) as caught:
            planned(rendered, "prod")
        assert "'prod'" in caught.value.message
        assert "development, staging, production" in caught.value.hint

    @pytest.mark.parametrize("text", [None, "name = ", 'main = "x"', "name = 1", b"\xff", f"x = {'[' * 5000}"])
    def test_a_wrangler_toml_that_cannot_be_used(self, text: str | bytes | None, rendered: Path) -> None:
        path = scaffold.target_of(rendered) / "wrangler.toml"
        path.unlink()
        if text is not None:
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(ConfigError):
            planned(rendered)

    def test_a_lock_that_cannot_be_read_has_nothing_installed(self, tmp_path: Path) -> None:
        (tmp_path / "package-lock.json").write_text("[" * 100_000)
        assert not projects.is_installed(tmp_path)

    def test_what_lacks_its_tables_has_no_bindings(self, tmp_path: Path) -> None:
        values = {"name": "x", "vars": 1, "worker_loaders": {"a": 1}, "assets": [], "env": [], "kv_namespaces": ["x"]}
        assert projects.WorkerConfig(tmp_path, values).bindings("") == ()
        assert projects.WorkerConfig(tmp_path, values).environments == ()


class TestWhatWasEdited:
    def test_nothing_needs_no_consent(self, rendered: Path) -> None:
        plan = scaffold.plan(rendered)
        assert projects.edited_files(plan) == ()
        projects.check_consent(plan, (), trust_project=False, ask=None)

    def test_every_part_that_is_built_or_read_counts(self, rendered: Path) -> None:
        target = scaffold.target_of(rendered)
        with (target / "src" / "index.ts").open("a") as file:
            file.write("// mine\n")
        (target / "src" / "added.ts").write_text("export {};\n")
        with (target / "wrangler.toml").open("a") as file:
            file.write("# mine\n")
        (target / "README.md").write_text("mine")
        plan = scaffold.plan(rendered)
        edited = projects.edited_files(plan)
        assert edited == ("src/added.ts", "src/index.ts", "wrangler.toml")
        with pytest.raises(ConfigError) as caught:
            projects.check_consent(plan, edited, trust_project=False, ask=None)
        assert caught.value.code == "untrusted_project"
        assert "src/added.ts" in caught.value.message
        with pytest.raises(ConfigError):
            projects.check_consent(plan, edited, trust_project=False, ask=lambda *_: False)

    def test_consent_is_remembered_for_these_bytes(self, rendered: Path) -> None:
        toml = scaffold.target_of(rendered) / "wrangler.toml"

        def edit(text: str) -> None:
            with toml.open("a") as file:
                file.write(text)

        def check(ask: bool | None = None) -> None:
            plan = scaffold.plan(rendered)
            answer = None if ask is None else (lambda *_: ask)
            projects.check_consent(plan, projects.edited_files(plan), trust_project=False, ask=answer)

        edit('# [build]\n# command = "something else"\n')
        check(ask=True)
        check()
        edit("# more\n")
        with pytest.raises(ConfigError):
            check()


LOCK = {
    "": {"name": "x"},
    "node_modules/a": {"version": "1.0.0"},
    "node_modules/b": {"version": "2.0.0", "optional": True},
    "node_modules/c": {"version": "3.0.0", "devOptional": True},
}


class TestPackages:
    @pytest.mark.parametrize(
        ("there", "expected"),
        [
            ({"node_modules/a": {"version": "1.0.0"}}, True),
            ({"node_modules/a": {"version": "1.0.1"}}, False),
            ({}, False),
            (None, False),
        ],
    )
    def test_are_there_in_the_versions_of_the_lock(
        self, there: dict[str, object] | None, expected: bool, tmp_path: Path
    ) -> None:
        (tmp_path / "package-lock.json").write_text(json.dumps({"packages": LOCK}))
        (tmp_path / "node_modules").mkdir()
        if there is not None:
            (tmp_path / "node_modules" / ".package-lock.json").write_text(json.dumps({"packages": there}))
        assert projects.is_installed(tmp_path) is expected

    @pytest.mark.parametrize("text", ["", "[]", '{"packages": 1}', '{"packages": {"node_modules/a": 1}}'])
    def test_are_not_there_where_the_lists_cannot_be_read(self, text: str, tmp_path: Path) -> None:
        (tmp_path / "package-lock.json").write_text(text)
        (tmp_path / "node_modules").mkdir()
        (tmp_path / "node_modules" / ".package-lock.json").write_text(text)
        assert projects.is_installed(tmp_path) is False


class TestSecrets:
    def test_of_a_first_deploy(self, rendered: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
        plan = planned(rendered, existing=Existing(is_there=False))
        assert secrets_of(plan) == {"ANTHROPIC_API_KEY": ("set", KEY), "CCT_TOKEN": ("set", None)}
        assert KEY not in repr(plan)
        assert KEY not in json.dumps(plan.to_json())

    def test_without_a_key_somebody_has_to_decide(self, rendered: Path) -> None:
        with pytest.raises(ConfigError) as caught:
            planned(rendered, existing=Existing(is_there=False))
        assert caught.value.code == "key_missing"
        assert "--no-key" in caught.value.hint
        assert secrets_of(planned(rendered, existing=Existing(is_there=False), with_key=False))[
            "ANTHROPIC_API_KEY"
        ] == (
            "leave",
            None,
        )
        typed = planned(rendered, existing=Existing(is_there=False), key=KEY)
        assert secrets_of(typed)["ANTHROPIC_API_KEY"] == ("set", KEY)

    def test_the_worker_keeps_a_key_that_is_not_known_here(self, rendered: Path) -> None:
        there = Existing(is_there=True, secrets=frozenset({"ANTHROPIC_API_KEY", "CCT_TOKEN"}))
        plan = planned(rendered, existing=there)
        assert secrets_of(plan) == {"ANTHROPIC_API_KEY": ("leave", None), "CCT_TOKEN": ("set", None)}
        assert "whoever uses it will need the new one" in plan.secrets[1].why

    def test_a_key_that_cannot_be_one_is_an_error(self, rendered: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ANTHROPIC_API_KEY", "<your-key>")
        with pytest.raises(ConfigError, match="placeholder"):
            planned(rendered, existing=Existing(is_there=True, secrets=frozenset({"ANTHROPIC_API_KEY"})))

    def test_the_token_that_is_known_stays(self, rendered: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        deployments.remember(rendered, Deployment("", "cct-sandbox", A.id, URL))
        config.store_worker(URL, "known")
        plan = planned(rendered, with_key=False, account=A)
        assert secrets_of(plan)["CCT_TOKEN"] == ("keep", "known")
        assert plan.url == URL
        # It is the Worker's, wherever that answers from now on.
        moved = planned(rendered, with_key=False, account=A, url="https://sandbox.example.com/")
        assert (moved.url, moved.own_url) == ("https://sandbox.example.com", True)
        assert secrets_of(moved)["CCT_TOKEN"] == ("keep", "known")
        monkeypatch.setenv("CCT_TOKEN", "given")
        assert secrets_of(planned(rendered, with_key=False))["CCT_TOKEN"] == ("set", "given")

    def test_a_deploy_does_not_end_a_rotation_that_keeps_the_old_token(self, rendered: Path) -> None:
        deployments.remember(rendered, Deployment("", "cct-sandbox", A.id, URL))
        config.store_worker(URL, "new")
        there = Existing(is_there=True, secrets=frozenset({"CCT_TOKEN", "CCT_TOKEN_NEXT"}))
        deployments.set_rotation(rendered, "", Rotation(next="new"))
        assert secrets_of(planned(rendered, with_key=False, existing=there))["CCT_TOKEN"] == ("keep", "new")
        deployments.set_rotation(rendered, "", Rotation(previous="old"))
        assert secrets_of(planned(rendered, with_key=False, existing=there))["CCT_TOKEN"] == ("leave", "new")
        gone = Existing(is_there=False)
        assert secrets_of(planned(rendered, with_key=False, existing=gone))["CCT_TOKEN"] == ("keep", "new")

    @pytest.mark.parametrize(
        ("remembered", "account"),
        [(Deployment("", "another-name", A.id, URL), A), (Deployment("", "cct-sandbox", A.id, URL), B)],
    )
    def test_another_workers_token_is_not_taken(self, remembered: Deployment, account: Account, rendered: Path) -> None:
        deployments.remember(rendered, remembered)
        config.store_worker(URL, "known")
        plan = planned(rendered, with_key=False, account=account)
        assert plan.url is None
        assert secrets_of(plan)["CCT_TOKEN"] == ("set", None)

    def test_a_url_of_ones_own_is_remembered_until_it_is_given_back(self, rendered: Path) -> None:
        deployments.remember(rendered, Deployment("", "cct-sandbox", None, "https://sandbox.example.com", own_url=True))
        assert planned(rendered, with_key=False).own_url is True
        back = planned(rendered, with_key=False, url="default")
        assert (back.url, back.own_url) == (None, False)

    @pytest.mark.parametrize("url", ["http://sandbox.example.com", "ftp://x.example", "https://u:p@x.example", "x", ""])
    def test_a_url_that_cannot_be(self, url: str, rendered: Path) -> None:
        with pytest.raises(UsageError, match="--url"):
            DeployRequest(project=rendered, url=url)


class TestWhoseWorkerItIs:
    def test_one_without_a_token_is_somebody_elses(self, rendered: Path) -> None:
        plan = planned(rendered, with_key=False, existing=Existing(is_there=True))
        with pytest.raises(ConfigError) as caught:
            check_name(plan, replace=False)
        assert caught.value.code == "deploy_name_taken"
        check_name(plan, replace=True)

    @pytest.mark.parametrize(
        "existing",
        [None, Existing(is_there=False), Existing(is_there=True, secrets=frozenset({"CCT_TOKEN"}))],
    )
    def test_any_other_is_ours(self, existing: Existing | None, rendered: Path) -> None:
        check_name(planned(rendered, with_key=False, existing=existing), replace=False)

    def test_one_that_was_begun_here_is_ours(self, rendered: Path) -> None:
        deployments.remember(rendered, Deployment("", "cct-sandbox"))
        check_name(planned(rendered, with_key=False, existing=Existing(is_there=True)), replace=False)


class TestTheAccount:
    def test_the_only_one(self) -> None:
        assert choose(A) == A

    def test_the_one_that_is_named_first_by_wrangler_toml(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CLOUDFLARE_ACCOUNT_ID", A.id)
        assert choose(A, B, settled=B.id) == B
        assert choose(A, B, flag=B.id) == B
        assert choose(A, B, remembered=B.id) == A
        monkeypatch.delenv("CLOUDFLARE_ACCOUNT_ID")
        assert choose(A, B, remembered=B.id) == B

    def test_a_token_that_lists_none_may_still_deploy(self) -> None:
        assert choose(flag=A.id) == Account(A.id)

    @pytest.mark.parametrize(
        ("accounts", "settled", "flag", "said"),
        [
            ((A, B), None, None, "2 Cloudflare accounts"),
            ((), None, None, "does not tell"),
            ((A,), None, B.id, "not one of those"),
            ((A, B), A.id, B.id, "--account another one"),
        ],
    )
    def test_what_cannot_be_settled(
        self, accounts: tuple[Account, ...], settled: str | None, flag: str | None, said: str
    ) -> None:
        with pytest.raises(ConfigError, match=said) as caught:
            choose(*accounts, settled=settled, flag=flag)
        assert caught.value.code == "deploy_account"
        assert "--account" in caught.value.hint


def choose(
    *accounts: Account, flag: str | None = None, settled: str | None = None, remembered: str | None = None
) -> Account:
    return choose_account(Login("OAuth Token", None, accounts), flag=flag, settled=settled, remembered=remembered)


class TestTheLogin:
    """What `wrangler whoami` says is the subject of the tests with the real one."""

    @pytest.fixture
    def answers(self, rendered: Path, monkeypatch: pytest.MonkeyPatch) -> list[Login | None]:
        answers: list[Login | None] = [None]
        monkeypatch.setattr(preparing, "whoami", lambda _: answers.pop(0))
        monkeypatch.setattr(preparing, "open_wrangler", lambda *_, **__: Wrangler(rendered, rendered))
        monkeypatch.setattr(preparing, "look", lambda *_: Existing(is_there=False))
        return answers

    def test_is_offered_to_somebody_who_can_answer(
        self, rendered: Path, answers: list[Login | None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        started: list[tuple[str, ...]] = []
        monkeypatch.setattr(Wrangler, "interact", lambda _, *argv: started.append(argv))
        answers.append(Login("OAuth Token", "a@example.com", (A,)))
        request = DeployRequest(project=rendered, with_key=False)
        prepared = preparing.prepare(request, Questions(login=lambda: True), lambda _: None)
        assert started == [("login",)]
        assert prepared.plan.account == A
        assert prepared.wrangler.account == A.id

    @pytest.mark.parametrize("questions", [Questions(), Questions(login=lambda: False)])
    def test_is_missing_where_nobody_logs_in(
        self, questions: Questions, rendered: Path, answers: list[Login | None]
    ) -> None:
        with pytest.raises(ConfigError) as caught:
            preparing.prepare(DeployRequest(project=rendered, with_key=False), questions, lambda _: None)
        assert caught.value.code == "deploy_login"
        assert answers == []

    def test_one_of_several_accounts_is_chosen(self, rendered: Path, answers: list[Login | None]) -> None:
        answers[:] = [Login("OAuth Token", None, (A, B))]
        request = DeployRequest(project=rendered, with_key=False)
        prepared = preparing.prepare(request, Questions(account=lambda accounts: accounts[1]), lambda _: None)
        assert prepared.plan.account == B

    def test_a_key_is_asked_for_and_may_be_none(self, rendered: Path, answers: list[Login | None]) -> None:
        request = DeployRequest(project=rendered)
        for given, action in ((KEY, ("set", KEY)), ("", ("leave", None))):
            answers[:] = [Login("OAuth Token", None, (A,))]
            prepared = preparing.prepare(request, Questions(key=lambda: given), lambda _: None)
            assert secrets_of(prepared.plan)["ANTHROPIC_API_KEY"] == action

    @pytest.mark.parametrize("replace", [True, False])
    def test_somebody_elses_worker_is_asked_about_before_a_key_is(
        self, replace: bool, rendered: Path, answers: list[Login | None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answers[:] = [Login("OAuth Token", None, (A,))]
        monkeypatch.setattr(preparing, "look", lambda *_: Existing(is_there=True))
        asked: list[str] = []

        def ask_key() -> str:
            asked.append("key")
            return KEY

        questions = Questions(replace=lambda _: replace, key=ask_key)
        if replace:
            preparing.prepare(DeployRequest(project=rendered), questions, lambda _: None)
        else:
            with pytest.raises(ConfigError) as caught:
                preparing.prepare(DeployRequest(project=rendered), questions, lambda _: None)
            assert caught.value.code == "deploy_name_taken"
        assert asked == (["key"] if replace else [])

    def test_a_name_that_an_edited_wrangler_toml_does_not_take(self, rendered: Path) -> None:
        toml = scaffold.target_of(rendered) / "wrangler.toml"
        toml.write_text(toml.read_text() + "# mine\n")
        with pytest.raises(ConfigError, match="edited by you") as caught:
            preparing.prepare(DeployRequest(project=rendered, name="other"), Questions(), lambda _: None)
        assert 'name = "other"' in caught.value.hint


class TestADryRun:
    def test_of_a_project_that_is_not_rendered_writes_nothing(self, tmp_path: Path) -> None:
        dry = prepare_dry_run(DeployRequest(project=tmp_path, name="mine", environment="staging"), Questions())
        assert dry.plan.name == "mine-staging"
        assert dry.wrangler is None
        assert "render" in (dry.missing or "")
        assert dry.plan.secrets[0].why == "none is known here: a deploy would ask for it"
        assert list(tmp_path.iterdir()) == []
        assert not config.config_dir().exists()

    def test_without_packages_checks_no_build(self, rendered: Path) -> None:
        dry = prepare_dry_run(DeployRequest(project=rendered), Questions())
        assert dry.wrangler is None
        assert "packages" in (dry.missing or "")


def test_the_command_that_resumes_says_all_that_was_said(tmp_path: Path) -> None:
    request = DeployRequest(
        project=tmp_path,
        directory=Path("my project"),
        name="n",
        environment="staging",
        account="a",
        url="https://x.example",
        with_key=False,
        replace=True,
        trust_project=True,
    )
    assert request.command() == (
        "cct deploy --directory 'my project' --name n --env staging --account a --url https://x.example "
        "--no-key --replace --trust-project"
    )


def test_a_later_command_is_about_the_worker_that_was_deployed(rendered: Path) -> None:
    deployments.remember(rendered, Deployment("staging", "cct-sandbox-staging", A.id, URL))
    request = DeployRequest(project=rendered, environment="staging")
    assert deployed_worker(request) == Deployment("staging", "cct-sandbox-staging", A.id, URL)
    # Renamed since: the one that is remembered is another one.
    toml = scaffold.target_of(rendered) / "wrangler.toml"
    toml.write_text(toml.read_text().replace('"cct-sandbox-staging"', '"renamed"'))
    assert deployed_worker(request) == Deployment("staging", "renamed")
