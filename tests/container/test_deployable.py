"""The container tier as wrangler sees it: deployable without Docker."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from cct_cloudflare.cli.options import ISOLATIONS
from cct_cloudflare.sandbox.toolchain import LocalRuntime, find_node
from cct_cloudflare.scaffold import apply, packaged_worker_source, plan, target_of
from cct_cloudflare.scaffold.render import sandbox_image, template_dir

ROOT = Path(__file__).resolve().parents[2]

#: Where `make` and a developer's checkout have the template's npm packages, wrangler among them.
INSTALLED = (ROOT / ".work/worker/.claude/sandbox/cloudflare", template_dir())


@pytest.fixture(scope="module")
def installed() -> Path:
    for folder in INSTALLED:
        if all((folder / "node_modules" / name).is_dir() for name in ("wrangler", "@cloudflare/sandbox")):
            return folder
    pytest.skip("wrangler is not installed; `make test-worker` installs it")


def test_wrangler_takes_the_project_without_docker(
    tmp_path: Path, home: Path, installed: Path, runtime: LocalRuntime
) -> None:
    apply(plan(tmp_path, container=True))
    target = target_of(tmp_path)
    (target / "node_modules").symlink_to(installed / "node_modules", target_is_directory=True)
    # Made by the same source for the local Worker: the build has nothing left to make.
    shutil.copytree(runtime.gateway.parent / "assets", target / "build/assets/python")
    out = tmp_path / "out"
    node = find_node()
    wrangler = target / "node_modules/wrangler/bin/wrangler.js"
    ended = subprocess.run(
        [str(node), str(wrangler), "deploy", "--dry-run", "--env=", f"--outdir={out}"],
        cwd=target,
        env={
            "PATH": f"{node.parent}{os.pathsep}{os.defpath}",
            "HOME": str(home),
            "WRANGLER_SEND_METRICS": "false",
            "DOCKER_HOST": "unix:///nonexistent",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "env.SANDBOX (Sandbox)" in ended.stdout
    assert sandbox_image() in ended.stdout
    assert "@cloudflare/sandbox" in (out / "container.js").read_text()


def test_a_worker_without_the_tier_has_nothing_of_the_sdk(runtime: LocalRuntime) -> None:
    """Not in its bundle, and so not in the local one, whose npm packages are without it."""
    modules = next(parent for parent in runtime.workerd.parents if parent.name == "node_modules")
    assert not (modules / "@cloudflare/sandbox").exists()
    source = packaged_worker_source().files
    importing = re.compile(rb"""(?:from|import)\s*\(?\s*['"]@cloudflare/sandbox""")
    knowing = {path for path, content in source.items() if importing.search(content)}
    assert knowing == {"src/sandbox/container.ts"}
    reached = {path for path, content in source.items() if re.search(rb"from '(?:\.|\./sandbox)/container'", content)}
    assert reached == {"src/container.ts"}


def test_the_flag_names_the_sandboxes_of_the_api() -> None:
    found = re.search(r"export const SANDBOXES = \[(.*?)\]", (template_dir() / "src/api.ts").read_text())
    assert found is not None
    assert tuple(re.findall(r"'(\w+)'", found[1])) == ISOLATIONS
