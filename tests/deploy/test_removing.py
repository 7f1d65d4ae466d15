"""What `cct destroy` may remove: what cct has deployed, and nothing that only has the name."""

from __future__ import annotations

from pathlib import Path

import pytest

from cct_cloudflare import config, deployments, scaffold
from cct_cloudflare.deploy.preparing import deployed_worker
from cct_cloudflare.deploy.removing import destroy
from cct_cloudflare.deploy.request import DeployRequest
from cct_cloudflare.deploy.wrangler import Wrangler
from cct_cloudflare.errors import ConfigError
from cct_cloudflare.sandbox.toolchain import find_node
from tests.deploy.cloudflare_api import ACCOUNT, CloudflareApi
from tests.deploy.conftest import already_deployed
from tests.deploy.site import Worker


@pytest.fixture
def renamed(project: Path, api: CloudflareApi, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose Worker is deployed, and which has got another name since: with cct init --name."""
    for name, value in api.environment.items():
        monkeypatch.setenv(name, value)
    already_deployed(api, project, "token-of-the-first-one-0001")
    scaffold.apply(scaffold.plan(project, name="taken"))
    return project


def destroyed(project: Path, name: str | None = None) -> bool:
    worker = deployed_worker(DeployRequest(project=project, name=name))
    return destroy(project, worker, Wrangler(scaffold.target_of(project), find_node(), ACCOUNT), lambda _: None)


def test_a_worker_that_is_not_cct_s_stays(renamed: Path, api: CloudflareApi) -> None:
    api.workers["taken"] = Worker(secrets={"THEIR_SECRET": "x"})
    with pytest.raises(ConfigError) as caught:
        destroyed(renamed)
    assert caught.value.code == "deploy_name_taken"
    assert "wrangler delete --name taken" in caught.value.hint
    assert set(api.workers) == {"cct-sandbox", "taken"}
    assert deployments.current_url(renamed) == api.site.url
    assert config.stored_workers() == (api.site.url,)


def test_what_is_not_there_takes_no_other_worker_s_url_and_token_along(renamed: Path, api: CloudflareApi) -> None:
    assert destroyed(renamed) is False
    assert set(api.workers) == {"cct-sandbox"}
    assert deployments.current_url(renamed) == api.site.url
    assert config.stored_workers() == (api.site.url,)


def test_one_with_cct_s_token_goes_also_where_nothing_is_remembered(renamed: Path, api: CloudflareApi) -> None:
    api.workers["taken"] = Worker(secrets={"CCT_TOKEN": "known-to-somebody-else"})
    assert destroyed(renamed) is True
    assert set(api.workers) == {"cct-sandbox"}
    assert deployments.current_url(renamed) == api.site.url


def test_one_that_was_deployed_under_another_name_before_is_named(renamed: Path, api: CloudflareApi) -> None:
    own = deployments.Deployment("", "taken", url=api.site.url)
    deployments.remember(renamed, own)
    assert destroyed(renamed, "cct-sandbox") is True
    assert api.workers == {}
    # The new one answers at the old one's address, as with a domain of the user's own.
    assert deployments.known_deployments(renamed) == (own,)
    assert config.stored_workers() == (api.site.url,)


def test_a_named_one_is_found_in_the_environment_that_it_was_deployed_in(project: Path) -> None:
    known = deployments.Deployment("staging", "mine-staging", ACCOUNT)
    deployments.remember(project, known)
    assert deployed_worker(DeployRequest(project=project, name="mine-staging")) == known
    assert (
        deployed_worker(DeployRequest(project=project, name="mine-staging", environment="production")).account is None
    )


def test_another_account_is_another_worker(project: Path) -> None:
    known = deployments.Deployment("", "cct-sandbox", ACCOUNT, "https://cct-sandbox.example.workers.dev")
    deployments.remember(project, known)
    assert deployed_worker(DeployRequest(project=project)) == known
    assert deployed_worker(DeployRequest(project=project, account="other")).url is None
