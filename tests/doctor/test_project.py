from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from cct_cloudflare import __version__, config, deployments, scaffold
from cct_cloudflare.doctor import Context, mend
from cct_cloudflare.doctor.project import judge_login
from cct_cloudflare.scaffold.manifest import MANIFEST_NAME
from tests.doctor.looking import look, script, told
from tests.runtime import ROOT

LOGGED_IN = {"loggedIn": True, "authType": "OAuth Token", "accounts": [{"id": "1", "name": "Ada\x1b[2J's"}]}


def nothing(_: str) -> None:
    """Nobody wants to know."""


@pytest.fixture
def target(project: Path) -> Path:
    scaffold.apply(scaffold.plan(project))
    return scaffold.target_of(project)


# The rendered project


def test_a_project_that_is_not_there_is_not_rendered_either(project: Path) -> None:
    for name in ("project", "source", "wrangler", "login"):
        check = look(project, name)
        assert (check.status, check.repair) == ("skip", None)
    assert list(project.iterdir()) == []


def test_a_project_that_is_up_to_date(project: Path, target: Path) -> None:
    assert told(look(project, "project")) == ("ok", "The Worker project is up to date.", "")
    assert look(project, "source").status == "ok"


def test_an_edit_of_the_user_is_told_and_is_no_fault(project: Path, target: Path) -> None:
    (target / "wrangler.toml").write_text("# mine\n")
    assert told(look(project, "project")) == (
        "ok",
        "The Worker project is up to date; edited by you: wrangler.toml.",
        "",
    )


def test_a_missing_file_is_mended_and_an_edited_one_is_kept(project: Path, target: Path) -> None:
    (target / "src" / "index.ts").unlink()
    (target / "wrangler.toml").write_text("# mine\n")
    check = look(project, "project")
    assert told(check)[:2] == ("warn", "The Worker project is out of date: 1 file to write.")
    [mended] = mend([check], nothing)
    assert (mended.success, mended.said) == (True, "Updated the Worker project: 1 file.")
    assert (target / "src" / "index.ts").is_file()
    assert (target / "wrangler.toml").read_text() == "# mine\n"
    assert look(project, "project").status == "ok"


def test_a_project_of_an_older_cct_names_both_versions(project: Path, target: Path) -> None:
    manifest = json.loads((target / MANIFEST_NAME).read_text())
    manifest["cct"] = "0.0.1"
    (target / MANIFEST_NAME).write_text(json.dumps(manifest))
    check = look(project, "project")
    assert f"It was rendered by cct 0.0.1, this is {__version__}." in check.finding.detail
    assert mend([check], nothing)[0].success
    assert look(project, "project").status == "ok"


def test_a_project_of_a_newer_cct_is_a_failure(project: Path, target: Path) -> None:
    (target / MANIFEST_NAME).write_text('{"format": 999}')
    status, _, fix = told(look(project, "project"))
    assert (status, "pip install --upgrade" in fix) == ("fail", True)


def test_a_conflict_is_kept_and_told(project: Path, target: Path) -> None:
    manifest = json.loads((target / MANIFEST_NAME).read_text())
    manifest["files"]["wrangler.toml"] = "0" * 64
    (target / MANIFEST_NAME).write_text(json.dumps(manifest, indent=2) + "\n")
    (target / "wrangler.toml").write_text("# mine\n")
    status, detail, fix = told(look(project, "project"))
    assert (status, "wrangler.toml" in detail, "cct init" in fix) == ("warn", True, True)


def test_a_link_in_the_way_is_a_failure(project: Path, tmp_path: Path) -> None:
    (project / ".claude").symlink_to(tmp_path)
    assert look(project, "project").status == "fail"


# Its source


def test_a_changed_source_gets_no_key_until_it_is_trusted(project: Path, target: Path) -> None:
    (target / "src" / "index.ts").write_text("export default {};\n")
    status, _, fix = told(look(project, "source"))
    assert (status, "--trust-project" in fix) == ("warn", True)
    config.trust(project, scaffold.worker_source_hash(target))
    assert told(look(project, "source"))[0] == "ok"


# wrangler


def wrangler(target: Path, version: str, says: str = "") -> None:
    """Something in the project that calls itself wrangler; it leaves a file where it was started."""
    package = target / "node_modules" / "wrangler"
    (package / "bin").mkdir(parents=True)
    (package / "package.json").write_text(json.dumps({"version": version}))
    (package / "bin" / "wrangler.js").write_text(
        f"const fs = require('node:fs'); fs.writeFileSync({json.dumps(str(target / 'started'))}, "
        "JSON.stringify({argv: process.argv.slice(2), env: process.env, cwd: process.cwd()}));\n"
        f"process.stdout.write({json.dumps(says)});\n"
    )


def pinned(target: Path) -> str:
    version = json.loads((target / "package.json").read_text())["devDependencies"]["wrangler"]
    assert isinstance(version, str)
    return version


def test_the_projects_wrangler(project: Path, target: Path) -> None:
    assert look(project, "wrangler").status == "skip"
    wrangler(target, pinned(target))
    assert told(look(project, "wrangler")) == ("ok", f"wrangler {pinned(target)}.", "")


def test_a_wrangler_of_another_version(project: Path, target: Path) -> None:
    wrangler(target, "3.0.0")
    status, detail, fix = told(look(project, "wrangler"))
    assert (status, "3.0.0" in detail, pinned(target) in detail, "npm ci" in fix) == ("warn", True, True, True)


# The login


@pytest.fixture
def no_own_wrangler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A PATH with Node alone, and a folder on it for programs of a test."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")
    return folder


def test_a_strangers_wrangler_is_never_started(project: Path, target: Path, no_own_wrangler: Path) -> None:
    wrangler(target, pinned(target), json.dumps(LOGGED_IN))
    assert look(project, "login").status == "skip"
    assert not (target / "started").exists()


def test_the_wrangler_of_a_project_that_the_user_deployed(
    project: Path, target: Path, no_own_wrangler: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrangler(target, pinned(target), json.dumps(LOGGED_IN))
    deployments.remember(project, deployments.Deployment("", "cct-sandbox"))
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-api03-CANARY")
    monkeypatch.setenv("CCT_TOKEN", "CANARY")
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "their-own-login")
    assert told(look(project, "login")) == ("ok", "wrangler is logged in, with access to Ada's.", "")
    started = json.loads((target / "started").read_text())
    assert started["argv"] == ["whoami", "--json", "--env-file", os.devnull]
    assert "CANARY" not in json.dumps(started)
    assert started["env"]["CLOUDFLARE_API_TOKEN"] == "their-own-login"
    assert not Path(started["cwd"]).is_relative_to(project)


def test_offline_asks_no_wrangler(project: Path, target: Path) -> None:
    wrangler(target, pinned(target), json.dumps(LOGGED_IN))
    deployments.remember(project, deployments.Deployment("", "cct-sandbox"))
    assert look(Context(project, offline=True), "login").status == "skip"
    assert not (target / "started").exists()


def test_the_users_own_wrangler_is_asked_too(project: Path, no_own_wrangler: Path) -> None:
    script(no_own_wrangler / "wrangler", """echo '{"loggedIn":false}'; exit 1""")
    status, _, fix = told(look(project, "login"))
    assert (status, "log in" in fix) == ("warn", True)


@pytest.mark.parametrize(
    ("out", "status"),
    [
        ('{"loggedIn": true}', "ok"),
        ("▲ [WARNING] something\n" + json.dumps(LOGGED_IN), "ok"),
        ('{"loggedIn": true, "accounts": null}', "ok"),
        ('{"loggedIn": true, "accounts": [3, {}]}', "ok"),
        ('{"loggedIn": false}', "warn"),
        ("", "warn"),
        ("{", "warn"),
        ("[]", "warn"),
        ("{}", "warn"),
    ],
)
def test_what_wrangler_says(out: str, status: str) -> None:
    assert judge_login(out).status == status


def test_the_real_wrangler_is_understood(project: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is logged in, in the home of a test."""
    installed = ROOT / ".work" / "worker" / ".claude" / "sandbox" / "cloudflare" / "node_modules"
    if not (installed / "wrangler").is_dir():
        pytest.skip("wrangler is not installed; `make worker-project` installs it")
    (target / "node_modules").symlink_to(installed, target_is_directory=True)
    deployments.remember(project, deployments.Deployment("", "cct-sandbox"))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert told(look(project, "login"))[:2] == (
        "warn",
        "wrangler is not logged in to Cloudflare; deploying needs that.",
    )
