"""MCP servers: which of them need a yes of their own, beside the one that Claude Code asks for before it starts any."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cct_cloudflare.validation.effects import command_line
from cct_cloudflare.validation.facts import words
from cct_cloudflare.validation.launchers import argv_of, program_of
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
_PRIVATE = re.compile(
    r"(?:https|wss)://|\$\{|(?:http|ws)://(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?(?:/|$)", re.IGNORECASE
)

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
    line, argv = shown(raw), argv_of(server)
    if runs_download(raw) or runs_hidden(raw):
        yield "download-run", f"it runs what it downloads or decodes: {line}"
    program = program_of(argv[0]) if argv else ""
    bare = re.sub(r"[\d.]+$", "", program)
    if program in _SHELLS or (bare in _INTERPRETERS and any(_CODE.fullmatch(word) for word in argv[1:3])):
        yield "mcp-shell", f"a shell or an interpreter runs code that stands in its arguments: {line}"
    if program in _PRIVILEGED or (program in ("docker", "podman") and _MACHINE.search(" ".join(argv))):
        yield "mcp-privileges", f"it runs with rights over the whole machine: {line}"


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
