"""Packages that a server's command line fetches anew whenever somebody publishes one."""

from __future__ import annotations

from typing import Any

import pytest

from cct_cloudflare.validation.launchers import unpinned


@pytest.mark.parametrize(
    ("server", "package"),
    [
        ({"command": "npx", "args": ["-y", "thing"]}, "thing"),
        ({"command": "npx", "args": ["-y", "thing@latest"]}, "thing@latest"),
        ({"command": "npx", "args": ["-y", "@scope/thing@^1.2.0"]}, "@scope/thing@^1.2.0"),
        ({"command": "npx", "args": ["-y", "thing@1"]}, "thing@1"),
        ({"command": "npx", "args": ["--package=thing", "run-it"]}, "thing"),
        ({"command": "NPX.cmd", "args": ["thing"]}, "thing"),
        ({"command": "npx -y thing"}, "thing"),
        ({"command": "cmd", "args": ["/c", "npx", "thing"]}, "thing"),
        ({"command": "env", "args": ["A=1", "uvx", "thing"]}, "thing"),
        ({"command": "uvx", "args": ["--from", "git+https://github.com/a/b", "thing"]}, "git+https://github.com/a/b"),
        ({"command": "docker", "args": ["run", "--rm", "-e", "A", "thing/thing:latest"]}, "thing/thing:latest"),
    ],
)
def test_a_package_without_an_exact_version(server: dict[str, Any], package: str) -> None:
    assert unpinned(server) == [package]


@pytest.mark.parametrize(
    "server",
    [
        {"command": "npx", "args": ["-y", "thing@1.2.3"]},
        {"command": "npx", "args": ["-y", "@scope/thing@0.1.0-beta.2"]},
        {"command": "uvx", "args": ["thing==2.0"]},
        {"command": "uvx", "args": ["--from", f"git+https://github.com/a/b@{'a' * 40}", "thing"]},
        {"command": "docker", "args": ["run", "--rm", f"a/b@sha256:{'a' * 64}"]},
        {"command": "node", "args": ["server.js"]},
        {"command": "npx", "args": ["./tools/server"]},
        {"command": "", "args": None},
        {},
    ],
    ids=str,
)
def test_what_stays_the_same_program(server: dict[str, Any]) -> None:
    assert unpinned(server) == []
