"""MCP servers: which of them need a yes of their own, beside the one that Claude Code asks for before it starts any."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cct_cloudflare.validation.effects import command_line
from cct_cloudflare.validation.facts import words
from cct_cloudflare.validation.model import Risk
from cct_cloudflare.validation.shells import runs_download, runs_hidden
from cct_cloudflare.validation.showing import shown
from cct_cloudflare.validation.variables import danger

_SHELLS = words("ash bash cmd csh dash fish ksh powershell pwsh sh tcsh zsh")
_INTERPRETERS = words("bun deno node nodejs osascript perl php py python ruby tsx ts-node")
_PRIVILEGED = words("doas pkexec sudo su runas")
_CODE = re.compile(r"-{1,2}(?:[A-Za-z]*[cerp]|eval|print|command|exec|encodedcommand|enc)|/[ck]", re.IGNORECASE)
#: Keys that Claude Code and cct have of their own; what gets one can act as the user.
_CREDENTIAL = re.compile(r"\$\{?(?:ANTHROPIC_(?:API_KEY|AUTH_TOKEN)|CLAUDE_CODE_\w*TOKEN|CCT_TOKEN)\b")
_EXACT = re.compile(r"[vV]?\d+(?:\.\d+){1,3}[0-9A-Za-z]*(?:[-+.][0-9A-Za-z]+)*")
_COMMIT = re.compile(r"[@#][0-9a-f]{40}$")
_PRIVATE = re.compile(
    r"(?:https|wss)://|\$\{|(?:http|ws)://(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?(?:/|$)", re.IGNORECASE
)

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
_MACHINE = re.compile(
    r"--privileged|docker\.sock|--(?:pid|network|net|ipc|userns)[= ]host|(?:-v|--volume)[= ](?:/|~|\$\{?HOME\}?)/?:"
)


def risks_of_servers(servers: Any, where: str) -> Iterator[Risk]:
    """`servers` is the `mcpServers` object; `where` the place that it stands in."""
    for name, server in servers.items() if isinstance(servers, dict) else ():
        if isinstance(server, dict):
            place = f"{where}.{shown(str(name))}"
            for rule, what in _of_server(server):
                yield Risk(rule, what, place)


def _of_server(server: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if "command" in server:
        yield from _of_command(server)
    url = server.get("url")
    if isinstance(url, str) and not _PRIVATE.match(url.strip()):
        yield "mcp-plain-http", f"it talks to {shown(url)} unencrypted"
    if "headersHelper" in server:
        yield "setting-command", f"a command makes its headers: {shown(str(server['headersHelper']))}"
    env = server.get("env")
    for name in env if isinstance(env, dict) else ():
        found = danger(str(name), of_server=True)
        if found is not None:
            yield found.rule, f"{shown(str(name))} {found.what}"
    if any(_CREDENTIAL.search(text) for text in _texts(server)):
        yield "mcp-credential", "it is given a key that belongs to Claude Code or to cct"


def _of_command(server: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    raw = command_line(server)
    line, argv = shown(raw), _unwrapped(_argv(server))
    if runs_download(raw) or runs_hidden(raw):
        yield "download-run", f"it runs what it downloads or decodes: {line}"
    program = _program(argv[0]) if argv else ""
    bare = re.sub(r"[\d.]+$", "", program)
    if program in _SHELLS or (bare in _INTERPRETERS and any(_CODE.fullmatch(word) for word in argv[1:3])):
        yield "mcp-shell", f"a shell or an interpreter runs code that stands in its arguments: {line}"
    if program in _PRIVILEGED or (program in ("docker", "podman") and _MACHINE.search(" ".join(argv))):
        yield "mcp-privileges", f"it runs with rights over the whole machine: {line}"
    for package in _packages(argv):
        if not _is_pinned(package, program):
            yield (
                "mcp-unpinned",
                f"it runs whatever {shown(package)} is on the day that it starts, since no version is named",
            )


def _argv(server: Mapping[str, Any]) -> list[str]:
    arguments = server.get("args")
    listed = arguments if isinstance(arguments, list) else []
    return [*str(server["command"]).split(), *(str(argument) for argument in listed)]


def _unwrapped(argv: list[str]) -> list[str]:
    """Without `cmd /c` (how npx is started on Windows) and `env A=1`, where a program of its own follows."""
    for _ in range(_MOST_NESTED):
        program = _program(argv[0]) if argv else ""
        if program == "cmd" and len(argv) > 2 and argv[1].lower() == "/c" and not re.search(r"[&|<>]", " ".join(argv)):
            argv = argv[2:]
        elif program == "env" and len(argv) > 1:
            start = next((i for i, word in enumerate(argv) if i and not re.match(r"\w+=", word)), len(argv) - 1)
            argv = argv[start:]
        else:
            break
    return argv


def _program(word: str) -> str:
    name = re.split(r"[/\\]", word.strip("\"' "))[-1].casefold()
    return re.sub(r"\.(?:exe|cmd|bat|ps1)$", "", name)


def _packages(argv: Sequence[str]) -> list[str]:
    """What a package runner would fetch: by its options, else the first word that is no option."""
    if not argv:
        return []
    named = (_program(argv[0]), *argv[1:])
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


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
