"""What is remembered of deployed Workers, and where prompts go because of it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from cct_cloudflare import config, deployments
from cct_cloudflare.deployments import Deployment, Rotation
from cct_cloudflare.errors import ConfigError, UsageError
from cct_cloudflare.place import chosen_worker

URL = "https://cct-sandbox.example.workers.dev"
STAGING = "https://cct-sandbox-staging.example.workers.dev"


def test_each_environment_of_each_project_has_its_own(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    usual, staging = Deployment("", "a", "account", URL), Deployment("staging", "b", None, STAGING, own_url=True)
    deployments.remember(one, usual)
    deployments.remember(one, staging)
    deployments.remember(two, Deployment("", "c"))
    assert deployments.deployment_of(one, "") == usual
    assert deployments.deployment_of(one, "staging") == staging
    assert deployments.deployment_of(one, "production") is None
    assert deployments.deployment_of(two, "") == Deployment("", "c")
    path = config.config_dir() / "deployments.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_one_that_was_deployed_last_is_the_projects_own(tmp_path: Path) -> None:
    assert deployments.current_url(tmp_path) is None
    deployments.remember(tmp_path, Deployment("", "a", url=URL))
    assert deployments.current_url(tmp_path) is None  # begun, and not proved to work yet
    deployments.make_current(tmp_path, "")
    deployments.remember(tmp_path, Deployment("staging", "b", url=STAGING))
    deployments.make_current(tmp_path, "staging")
    assert deployments.current_url(tmp_path) == STAGING
    deployments.forget(tmp_path, Deployment("staging", "b"))
    assert deployments.current_url(tmp_path) is None
    assert deployments.deployment_of(tmp_path, "") is not None
    deployments.forget(tmp_path, Deployment("", "a"))
    deployments.forget(tmp_path, Deployment("", "a"))
    assert (config.config_dir() / "deployments.json").read_text() == "{}\n"


def test_one_that_got_another_name_is_not_forgotten(tmp_path: Path) -> None:
    old, new = Deployment("", "old", "account", URL), Deployment("", "new", "account", STAGING)
    deployments.remember(tmp_path, old)
    deployments.make_current(tmp_path, "")
    deployments.set_rotation(tmp_path, "", Rotation(next="next-CANARY"))
    deployments.remember(tmp_path, Deployment("", "new", "account"))
    assert deployments.current_url(tmp_path) == URL  # the new one has no address yet
    deployments.remember(tmp_path, new)
    assert deployments.current_url(tmp_path) == STAGING
    assert deployments.deployment_of(tmp_path, "") == new
    assert deployments.rotation_of(tmp_path, "") is None  # that was the old one's
    assert deployments.known_deployments(tmp_path) == (new, old)

    deployments.remember(tmp_path, old)  # and back
    assert deployments.known_deployments(tmp_path) == (old, new)
    deployments.forget(tmp_path, new)
    assert deployments.known_deployments(tmp_path) == (old,)
    assert deployments.current_url(tmp_path) == URL


def test_another_account_has_another_worker_of_this_name(tmp_path: Path) -> None:
    one, two = Deployment("", "a", "one", URL), Deployment("", "a", "two", STAGING)
    for deployment in (one, two):
        deployments.remember(tmp_path, deployment)
    assert deployments.known_deployments(tmp_path) == (two, one)
    deployments.forget(tmp_path, two)
    assert deployments.known_deployments(tmp_path) == (one,)
    assert deployments.deployment_of(tmp_path, "") is None


def test_a_rotation_is_kept_beside_it(tmp_path: Path) -> None:
    deployments.remember(tmp_path, Deployment("", "a", url=URL))
    assert deployments.rotation_of(tmp_path, "") is None
    deployments.set_rotation(tmp_path, "", Rotation(next="next-CANARY"))
    deployments.remember(tmp_path, Deployment("", "a", url=URL))
    assert deployments.rotation_of(tmp_path, "") == Rotation(next="next-CANARY")
    assert "CANARY" not in repr(deployments.rotation_of(tmp_path, ""))
    deployments.set_rotation(tmp_path, "", None)
    assert deployments.rotation_of(tmp_path, "") is None


@pytest.mark.parametrize(
    "entry",
    [
        "[]",
        '"x"',
        '{"workers": []}',
        '{"earlier": 1}',
        '{"earlier": [1, {"environment": ""}, {"name": "b"}]}',
        '{"workers": {"": []}}',
        '{"workers": {"": {"name": 1}}, "current": 1}',
    ],
)
def test_what_is_not_of_this_form_is_as_if_it_were_not_there(entry: str, tmp_path: Path) -> None:
    config.config_dir().mkdir(parents=True)
    (config.config_dir() / "deployments.json").write_text(f'{{"{tmp_path}": {entry}}}')
    assert deployments.deployment_of(tmp_path, "") is None
    assert deployments.current_url(tmp_path) is None
    assert deployments.rotation_of(tmp_path, "") is None
    assert deployments.known_deployments(tmp_path) == ()
    deployments.remember(tmp_path, Deployment("", "a", url=URL))
    assert deployments.deployment_of(tmp_path, "") == Deployment("", "a", url=URL)


def test_a_url_that_somebody_put_there_is_not_trusted(tmp_path: Path) -> None:
    config.config_dir().mkdir(parents=True)
    entry = '{"current": "", "workers": {"": {"name": "a", "url": "http://evil.example"}}}'
    (config.config_dir() / "deployments.json").write_text(f'{{"{tmp_path}": {entry}}}')
    with pytest.raises(ConfigError):
        deployments.current_url(tmp_path)


def test_prompts_go_to_the_projects_own_worker_unless_told_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert chosen_worker(None, tmp_path, local=False) is None
    deployments.remember(tmp_path, Deployment("", "a", url=URL))
    deployments.make_current(tmp_path, "")
    config.store_worker(URL, "token")
    own = chosen_worker(None, tmp_path, local=False)
    assert own is not None
    assert (own.url, own.token) == (URL, "token")
    assert chosen_worker(None, tmp_path, local=True) is None
    assert chosen_worker(None, tmp_path / "other", local=False) is None
    assert chosen_worker(None, local=False) is None  # `cct run`: this machine, unless a Worker is named
    monkeypatch.setenv("CLOUDFLARE_WORKER_URL", "https://two.example")
    named = chosen_worker(None, tmp_path, local=False)
    assert named is not None and named.url == "https://two.example"
    flagged = chosen_worker("https://three.example", tmp_path, local=False)
    assert flagged is not None and flagged.url == "https://three.example"
    with pytest.raises(UsageError):
        chosen_worker("https://three.example", tmp_path, local=True)


def test_a_forgotten_worker_has_no_token_here() -> None:
    config.store_worker(URL, "token")
    config.store_worker(STAGING, "token")
    config.forget_worker(f"{URL}/")
    config.forget_worker("https://never.example")
    assert config.stored_workers() == (STAGING,)
