"""The real Claude Code, shut in: a home of its own, a scripted model for Claude, and no way to anything else."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socketserver
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cct_cloudflare.scripted import ScriptedModel
from tests.runtime import NPM_CACHE, NPM_SETTINGS, PATIENCE, ROOT

#: The only place where the version of the client is named.
VERSION = "2.1.330"
FOLDER = ROOT / ".work" / "claude"

#: Seconds; npm gives up long before when there is no registry.
_INSTALL_PATIENCE = 240


class NotInstalledError(Exception):
    """Why there is no client, as the end of a sentence."""


def install(run_id: str) -> Path:
    """The client's binary, installed by the first worker that needs it. Raises NotInstalledError, at once for a run
    (`run_id`) in which it failed already."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        place, failure = FOLDER / VERSION, FOLDER / f"failed-{run_id}"
        if failure.exists():
            raise NotInstalledError(failure.read_text(encoding="utf-8"))
        if not place.exists():
            try:
                _install(place)
            except NotInstalledError as error:
                failure.write_text(str(error), encoding="utf-8")
                raise
        [binary] = (place / "node_modules" / "@anthropic-ai").glob("claude-code-*/claude")
        return binary


def _install(place: Path) -> None:
    for old in FOLDER.iterdir():
        if old.name != "lock":
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    staging = place.with_name("staging")
    # Its install script only copies the binary, which lies in a package of the platform.
    command = ["npm", "install", "--prefix", str(staging), "--ignore-scripts", "--no-audit", "--no-fund"]
    settings = {
        "npm_config_cache": str(NPM_CACHE),
        "npm_config_userconfig": str(NPM_SETTINGS),
        # A machine without a registry is to find that out soon.
        "npm_config_fetch_retries": "1",
        "npm_config_fetch_retry_mintimeout": "1000",
    }
    try:
        ended = subprocess.run(
            [*command, f"@anthropic-ai/claude-code@{VERSION}"],
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            timeout=_INSTALL_PATIENCE,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstalledError(str(error)) from error
    if ended.returncode:
        raise NotInstalledError(next(iter(ended.stderr.strip().splitlines()), "npm gave no reason"))
    if not list(staging.glob("node_modules/@anthropic-ai/claude-code-*/claude")):
        raise NotInstalledError("there is none for this platform")
    staging.rename(place)


class Wall:
    """A proxy that lets nothing through; `asked` are the hosts that were asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        wall = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                words = self.rfile.readline().decode("latin-1").split()
                wall.asked.append(words[1] if len(words) > 1 else "")
                self.wfile.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Wall:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@dataclass(frozen=True)
class Talk:
    """What `claude -p` wrote: its stream of events, and stderr."""

    events: list[dict[str, Any]]
    stderr: str

    @property
    def init(self) -> dict[str, Any]:
        [init] = [event for event in self.events if event.get("subtype") == "init"]
        return init

    @property
    def result(self) -> dict[str, Any]:
        return self.events[-1]

    def hooks(self, event: str) -> list[dict[str, Any]]:
        """How the hooks of one event ended."""
        return [
            found for found in self.events if found.get("subtype") == "hook_response" and found["hook_event"] == event
        ]

    @property
    def tool_results(self) -> list[str]:
        """The text of every result that a tool gave the model."""
        blocks = [
            block
            for event in self.events
            if event["type"] == "user"
            for block in event["message"]["content"]
            if block["type"] == "tool_result"
        ]
        return [
            block["content"] if isinstance(block["content"], str) else block["content"][0]["text"] for block in blocks
        ]


@dataclass
class Claude:
    """Starts the client in `project`. It inherits nothing: `environment` is all that it has."""

    binary: Path
    home: Path
    project: Path
    wall: Wall
    environment: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        tools = self.home / "tools"
        tools.mkdir()
        # What an MCP server is started with would ask a registry, again and again, before it gives up.
        (tools / "npx").write_text("#!/bin/sh\nexit 1\n")
        (tools / "npx").chmod(0o755)
        self.environment = {
            "PATH": os.pathsep.join([str(tools), str(Path(sys.executable).parent), os.defpath]),
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "HTTPS_PROXY": self.wall.url,
            "HTTP_PROXY": self.wall.url,
            "NO_PROXY": "127.0.0.1",
            # Not the canary: the client gives it to whatever it starts.
            "ANTHROPIC_API_KEY": "sk-ant-api03-of-the-client",
            "ANTHROPIC_BASE_URL": self.wall.url,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            # All tools at once: what is looked up later is nothing that the scripted model could call.
            "ENABLE_TOOL_SEARCH": "false",
        }

    def trust_folder(self) -> None:
        """As the client does after its question whether the files in this folder are trusted."""
        path = self.home / ".claude.json"
        settings = json.loads(path.read_text()) if path.exists() else {}
        settings.setdefault("projects", {}).setdefault(str(self.project), {})["hasTrustDialogAccepted"] = True
        path.write_text(json.dumps(settings))

    def talk(self, model: ScriptedModel, prompt: str, *argv: str, env: Mapping[str, str] | None = None) -> Talk:
        """`claude -p prompt`, to its end, which is a good one."""
        words = ["-p", prompt, "--output-format", "stream-json", "--verbose", "--include-hook-events", *argv]
        ended = self.run(*words, env={"ANTHROPIC_BASE_URL": model.url, **(env or {})})
        talk = Talk([json.loads(line) for line in ended.stdout.splitlines()], ended.stderr)
        assert ended.returncode == 0, talk.result
        return talk

    def run(self, *argv: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.binary), *argv],
            cwd=self.project,
            env={**self.environment, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
