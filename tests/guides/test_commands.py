"""Every command of the guides is one that exists: parsed by the program that it is for, or run.

A `curl` line is run as it stands, by a shell, against the local Worker with the scripted model.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shlex
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from cct_cloudflare.cli.main import cct
from cct_cloudflare.sandbox.local import LocalWorker
from cct_cloudflare.sandbox.toolchain import find_node
from tests.guides.pages import GUIDES, Block, Command, blocks, commands, project_files
from tests.runtime import ROOT, TOKEN

ALL = [command for page in GUIDES for command in commands(page)]
CURLS = [command for command in ALL if "curl" in command.words]


@pytest.mark.parametrize("command", [c for c in ALL if c not in CURLS], ids=lambda command: command.id)
def test_every_command_is_one_that_exists(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # A variable in front of a command, and what stands for something of the reader's own.
    words = [_filled(word) for word in command.words]
    while words and re.match(r"[A-Z_]+=", words[0]):
        words.pop(0)
    inner = re.findall(r"\$\(([^()]*)\)", command.text)
    for part in [*_split(words), *map(shlex.split, inner)]:
        assert part[0] in _CHECKS, f"{command.text}: no check knows {part[0]!r}"
        _CHECKS[part[0]](part[1:])


def _filled(word: str) -> str:
    """An ellipsis stands for something of the reader's own."""
    return word.replace("…", "example")


def _split(words: list[str]) -> Iterator[list[str]]:
    """The commands of one line, between `|`, `&&` and `;`; where output goes to is no word of them."""
    part: list[str] = []
    rest = iter(words)
    for word in rest:
        if word in ("|", "&&", ";"):
            yield part
            part = []
        elif word in (">", ">>", "<"):
            next(rest)
        else:
            part.append(word)
    yield part


def check_cct(words: list[str]) -> None:
    """Parsed by click to the end, without being invoked; files and folders that it names are made first."""
    for word in words:
        if re.fullmatch(r"[\w./-]+\.(py|js|ts|md|csv|json)", word) and not word.startswith("-"):
            Path(word).parent.mkdir(parents=True, exist_ok=True)
            Path(word).touch()
    if words in (["--version"], ["--help"]):
        return
    _parse(cct, "cct", words, None)


def _parse(command: click.Command, name: str, words: list[str], parent: click.Context | None) -> None:
    with command.make_context(name, list(words), parent=parent) as context:
        rest = [*getattr(context, "_protected_args", []), *context.args]
        if isinstance(command, click.Group) and rest:
            inner_name, inner, inner_words = command.resolve_command(context, rest)
            assert inner is not None
            assert inner_name is not None
            _parse(inner, inner_name, inner_words, context)


def check_npm(words: list[str]) -> None:
    if words[0] in ("ci", "install"):
        assert set(words[1:]) <= {"--ignore-scripts", "--no-audit", "--no-fund"}
        return
    name = words[1] if words[0] == "run" else words[0]
    scripts = json.loads(project_files()["package.json"])["scripts"]
    assert name in scripts
    if "--" in words and scripts[name].startswith("node "):
        check_node([scripts[name].split()[1], *words[words.index("--") + 1 :]])


def check_node(words: list[str]) -> None:
    """One of the project's tools, with options that its help names."""
    if words == ["--version"]:
        return
    assert words[0] in project_files()
    help_text = _output(str(find_node()), str(ROOT / "templates" / "cloudflare" / words[0]), "--help")
    _check_options(words[1:], help_text)


def check_npx(words: list[str]) -> None:
    """wrangler, with a command and options that its own help names."""
    words = [word for word in words if word != "--no-install"]
    assert words[0] == "wrangler"
    path = [word for word in words[1:] if not word.startswith("-")]
    assert path or words[1:] == ["--version"]
    _check_options(words[1:], _wrangler_help(" ".join(path)))


def check_pip(words: list[str]) -> None:
    name = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["name"]
    assert words[0] in ("install", "tool", "upgrade")
    assert re.sub(r"\[\w+\]$", "", words[-1]) == name


def check_file(words: list[str]) -> None:
    for word in words:
        if word in (".dev.vars", "./.dev.vars", ".."):
            continue
        inner = word.removeprefix(".claude/sandbox/cloudflare").strip("/")
        assert not inner or inner in project_files(), word


def check_nothing(_: list[str]) -> None:
    """A command of every system, with nothing of ours in it."""


_CHECKS: dict[str, Callable[[list[str]], None]] = {
    "cct": check_cct,
    "npm": check_npm,
    "npx": check_npx,
    "node": check_node,
    "pip": check_pip,
    "pipx": check_pip,
    "uv": check_pip,
    "cp": check_file,
    "cd": check_file,
    ".": check_file,
    "touch": check_file,
    "chmod": check_nothing,
    "printf": check_nothing,
    "export": check_nothing,
    "openssl": check_nothing,
    "echo": check_nothing,
    "git": check_nothing,
    "rm": check_nothing,
}


def check_python(words: list[str]) -> None:
    assert words[:2] == ["-m", "cct_cloudflare"]
    check_cct(words[2:])


_CHECKS["python"] = check_python


def _check_options(words: list[str], help_text: str) -> None:
    for word in words:
        if word.startswith("--"):
            name = word.split("=")[0]
            assert re.search(rf"{re.escape(name)}\b", help_text), f"{name} is not in the help of {words}"


def _output(*argv: str) -> str:
    environment = {**os.environ, "WRANGLER_SEND_METRICS": "false"}
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=120, env=environment)
    return done.stdout + done.stderr


@functools.cache
def _wrangler_help(path: str) -> str:
    wrangler = ROOT / "templates" / "cloudflare" / "node_modules" / "wrangler"
    if not wrangler.exists():
        wrangler = ROOT / ".work" / "worker" / ".claude" / "sandbox" / "cloudflare" / "node_modules" / "wrangler"
    if not wrangler.exists():
        pytest.skip("wrangler is not installed; `make test-worker` installs it")
    text = _output(str(find_node()), str(wrangler / "bin" / "wrangler.js"), *path.split(), "--help")
    assert text.startswith("wrangler")
    return text


@pytest.mark.parametrize("command", CURLS, ids=lambda command: command.id)
def test_a_request_of_the_guides_is_answered(command: Command, worker: LocalWorker) -> None:
    line = re.sub(r"https?://(localhost:8787|[\w.-]+\.workers\.dev)", worker.url, command.text)
    assert line != command.text, "a request goes to the local Worker or to the reader's own"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line.replace('curl ', 'curl --silent --show-error --fail-with-body ', 1)}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={"PATH": os.defpath, "CCT_TOKEN": TOKEN, "NO_PROXY": "*"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout
    assert '"success":false' not in done.stdout


PROGRAMS = [block for page in GUIDES for block in blocks(page) if block.language == "ts"]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda block: f"{block.page}:{block.line}")
def test_a_program_of_the_guides_runs(program: Block, worker: LocalWorker, tmp_path: Path) -> None:
    for name, content in project_files().items():
        if name.endswith((".ts", ".json")):
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    (tmp_path / "example.ts").write_text(program.text.replace("http://localhost:8787", worker.url))
    done = subprocess.run(
        [str(find_node()), "example.ts"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={"PATH": os.defpath, "CCT_TOKEN": TOKEN, "NO_PROXY": "*"},
    )
    assert done.returncode == 0, done.stderr
    assert "55" in done.stdout
