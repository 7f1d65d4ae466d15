"""The tools against the Worker itself, on this machine: run by node, by npm, and beside cct's own monitor."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from cct_cloudflare.sandbox.local import LocalWorker, local_worker
from cct_cloudflare.sandbox.toolchain import LocalRuntime, find_node, find_npm
from cct_cloudflare.scripted import ScriptedModel
from tests.runtime import KEY, PATIENCE, PROMPT, Cct, reply
from tests.worker_tools.worker import Project, Ran, tree

SOURCE = "require('fs').writeFileSync('made.txt', 'made'); console.log('é'); console.error('no');"


@pytest.fixture(scope="module")
def local(runtime: LocalRuntime) -> Iterator[LocalWorker]:
    with ScriptedModel([reply({"main.js": SOURCE})]) as model:
        environment = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": model.url}
        with local_worker(runtime, environment=environment, listen="127.0.0.1:0") as worker:
            yield worker


def run(project: Project, local: LocalWorker, tool: str, *arguments: str) -> Ran:
    return project.run(tool, PROMPT, *arguments, CLOUDFLARE_WORKER_URL=local.url, CCT_TOKEN=local.token)


def test_the_launcher_runs_and_saves(project: Project, local: LocalWorker) -> None:
    ran = run(project, local, "launcher.ts")
    assert (ran.code, ran.stdout) == (0, "é\n"), ran.stderr
    assert sorted(tree(project.root).values()) == sorted([SOURCE.encode(), b"made"])
    assert not {KEY, local.token} & set(ran.stderr.split())


def test_the_client_is_told_every_event_and_its_shape_is_known(project: Project, local: LocalWorker) -> None:
    script = """
import { execute, health, run } from './client.ts';
const { URL: url, TOKEN: token, PROMPT: question } = process.env;
const told = [await health({ url })];
for await (const event of execute({ url, token }, { question })) told.push(event.name);
const program = { language: 'javascript', entrypoint: 'a.js', files: [{ path: 'a.js', content: 'console.log(1)' }] };
for await (const event of run({ url, token }, program)) if (event.name === 'result') told.push(event.data.output);
console.log(JSON.stringify(told));
"""
    ran = project.module(script, URL=local.url, TOKEN=local.token, PROMPT=PROMPT)
    assert ran.code == 0, ran.stderr
    health, *names, output = ran.json
    assert health["sandboxes"] == ["process"]
    expected = {"started", "generation", "boot", "program", "attempt", "stdout", "stderr", "file", "result"}
    assert (set(names), output) == (expected, "1\n")


def test_a_wrong_token_is_an_error_that_says_where_it_stands(project: Project, local: LocalWorker) -> None:
    ran = project.run("launcher.ts", PROMPT, "--url", local.url, "--json", CCT_TOKEN="wrong")
    assert (ran.code, ran.json["errorCode"]) == (3, "unauthorized")
    assert ".dev.vars" in ran.json["hint"]


@pytest.mark.parametrize("script", ["launch", "monitor"])
def test_npm_runs_them_too(project: Project, local: LocalWorker, script: str) -> None:
    """Nothing is installed in the project."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ["HOME"],
        "npm_config_offline": "true",
        "npm_config_update_notifier": "false",
        "CLOUDFLARE_WORKER_URL": local.url,
        "CCT_TOKEN": local.token,
    }
    ran = subprocess.run(
        [str(find_npm(find_node())), "run", "--silent", script, "--", PROMPT, "--json"],
        cwd=project.folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout).keys() & {"savedFiles", "runs"}
    assert bool(tree(project.root)) is (script == "launch")


def shape(value: Any) -> Any:
    """Names alone; a list has the shape of its first item."""
    if isinstance(value, dict):
        return {name: shape(item) for name, item in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [shape(value[0])]
    return None


def test_both_monitors_report_the_same(project: Project, local: LocalWorker, cct: Cct) -> None:
    theirs = run(project, local, "monitor.ts", "--json", "--runs", "2")
    environment = {"CLOUDFLARE_WORKER_URL": local.url, "CCT_TOKEN": local.token}
    ours = cct("monitor", PROMPT, "--json", "--runs", "2", "--yes", env=environment)
    assert (theirs.code, ours.code) == (0, 0), theirs.stderr + ours.stderr
    left, right = theirs.json, ours.json
    # Only cct takes components that mean nothing to a run; it names what it leaves out.
    assert right.pop("notApplied") == []
    assert shape(left) == shape(right)
    assert left["worker"]["url"] == right["worker"]["url"] == local.url
    # What does not depend on time is equal.
    for name in ("success", "language", "model", "sandbox", "isolation", "usage", "files", "refusedFiles"):
        assert left["runs"][0][name] == right["runs"][0][name]
    sizes = [
        {name: size for name, size in of["runs"][0]["metrics"].items() if name.endswith("Bytes")}
        for of in (left, right)
    ]
    for one in sizes:
        assert one.pop("peakMemoryBytes") > 0
    assert sizes[0] == sizes[1] == {"stdoutBytes": 3, "stderrBytes": 3, "fileBytes": len(SOURCE) + 1 + 4}
    same = ("tool", "runtime")
    assert {k: v for k, v in left["system"].items() if k not in same} == {
        k: v for k, v in right["system"].items() if k not in same
    }
