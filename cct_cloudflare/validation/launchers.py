"""What starts a stdio MCP server: the program behind wrappers, and the packages that a runner such as npx fetches."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from cct_cloudflare.validation.facts import words

_EXACT = re.compile(r"[vV]?\d+(?:\.\d+){1,3}[0-9A-Za-z]*(?:[-+.][0-9A-Za-z]+)*")
_COMMIT = re.compile(r"[@#][0-9a-f]{40}$")
_MOST_NESTED = 8

# The words after which a package's name stands.
_RUNNERS: tuple[tuple[str, ...], ...] = (
    ("npx",),
    ("bunx",),
    ("pnpx",),
    ("npm", "exec"),
    ("npm", "x"),
    ("pnpm", "dlx"),
    ("yarn", "dlx"),
    ("bun", "x"),
    ("uvx",),
    ("uv", "tool", "run"),
    ("pipx", "run"),
    ("go", "run"),
    ("deno", "run"),
    ("docker", "run"),
    ("podman", "run"),
)
# Options of those runners whose value names a package, and others that have a value.
_PACKAGE_OPTIONS = words("--package --from --spec --with")
_OPTIONS = words("--python --index --default-index --index-url --extra-index-url --registry --cache --prefix")
_SWITCHES = words("-i -t -it -ti -d -y -q --rm --init --yes --quiet --read-only --privileged --no-install")


def unpinned(server: Mapping[str, Any]) -> list[str]:
    """The packages of which its command line runs whatever is the newest on the day that it starts."""
    argv = argv_of(server)
    return [package for package in _packages(argv) if not _is_pinned(package, program_of(argv[0]))]


def argv_of(server: Mapping[str, Any]) -> list[str]:
    """Its command line from the program on that is meant: without `cmd /c` (npx on Windows) and `env A=1`."""
    arguments = server.get("args")
    listed = arguments if isinstance(arguments, list) else []
    argv = [*str(server.get("command", "")).split(), *(str(argument) for argument in listed)]
    for _ in range(_MOST_NESTED):
        program = program_of(argv[0]) if argv else ""
        if program == "cmd" and len(argv) > 2 and argv[1].lower() == "/c" and not re.search(r"[&|<>]", " ".join(argv)):
            argv = argv[2:]
        elif program == "env" and len(argv) > 1:
            start = next((i for i, word in enumerate(argv) if i and not re.match(r"\w+=", word)), len(argv) - 1)
            argv = argv[start:]
        else:
            break
    return argv


def program_of(word: str) -> str:
    name = re.split(r"[/\\]", word.strip("\"' "))[-1].casefold()
    return re.sub(r"\.(?:exe|cmd|bat|ps1)$", "", name)


def _packages(argv: Sequence[str]) -> list[str]:
    """What a package runner would fetch: by its options, else the first word that is no option."""
    if not argv:
        return []
    named = (program_of(argv[0]), *argv[1:])
    runner = next((runner for runner in _RUNNERS if named[: len(runner)] == runner), None)
    if runner is None:
        return []
    rest = deque(argv[len(runner) :])
    by_option: list[str] = []
    containers, npm_like = runner[0] in ("docker", "podman"), runner[0] in ("npx", "pnpx", "npm")
    while rest and rest[0].startswith("-") and rest[0] != "--":
        option, equals, value = rest.popleft().partition("=")
        if option in _PACKAGE_OPTIONS or (option == "-p" and npm_like):
            by_option.append(value if equals or not rest else rest.popleft())
        elif rest and not equals and (option in _OPTIONS or (containers and option not in _SWITCHES)):
            rest.popleft()
        elif rest and option == "-p":
            rest.popleft()  # uvx: a version of Python
    if by_option:
        return by_option
    return [word for word in rest if word != "--"][:1]


def _is_pinned(package: str, program: str) -> bool:
    if package.startswith((".", "/", "~", "${")) or _COMMIT.search(package):
        return True
    if program in ("docker", "podman"):
        tag = package.rpartition("/")[2].partition(":")[2]
        return "@sha256:" in package or tag not in ("", "latest")
    version = package.rpartition("==")[2] if "==" in package else package[1:].rpartition("@")[2]
    has_version = "==" in package or "@" in package[1:]
    if program == "deno" and not re.match(r"(?:npm|jsr|https?):", package):
        return True
    return has_version and _EXACT.fullmatch(version) is not None
