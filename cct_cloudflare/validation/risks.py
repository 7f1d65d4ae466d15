"""A package → what of it needs an explicit yes before it is installed.

| rule | needs a yes because |
|---|---|
| `unreadable` | it is written so that what it does cannot be told |
| `hook-command` | a hook acts by itself, at moments that nobody sees |
| `setting-command` | a setting names a program: a status line, a key helper, a helper for headers |
| `shell-line` | a command or skill runs a line when it is loaded, before Claude or the user sees it |
| `download-run` | a download, or a text that is decoded, is run unread |
| `permission-bypass` | nothing is asked about any more |
| `permission-mode` | less is asked about: a mode other than default, manual, plan and dontAsk |
| `permission-any-command` | a rule such as `Bash(*)`, or one for a program that runs whatever it is told |
| `permission-download` | a rule allows a line that downloads and runs |
| `permission-any-file` | any file may be changed, or read outside the project |
| `permission-any-address` | requests may go anywhere |
| `permission-any-tool` | a rule for tools that it does not name |
| `permission-folder` | a folder outside the project is opened |
| `mcp-approval` | the project's MCP servers start without Claude Code's own question |
| `mcp-shell` | an MCP server is code in an argument of a shell or an interpreter |
| `mcp-privileges` | an MCP server has rights over the machine |
| `mcp-plain-http` | an MCP server is reached without encryption |
| `mcp-credential` | an MCP server gets a key of Claude Code's or of cct's |
| `env-loader` | a variable changes which programs run or what they load |
| `env-proxy` | a variable leads traffic elsewhere, or weakens TLS |
| `env-base-url` | a variable or setting sends prompts and keys elsewhere |
| `env-account` | a variable makes requests somebody else's |
| `env-telemetry` | a variable sends what sessions contain |
| `env-client` | a variable of Claude Code that is not known to be harmless |
| `guard-off` | hooks, warnings or checks are switched off |
| `sandbox-weaker` | Claude Code's sandbox holds less |
| `plugin` | plugins come along, with hooks and servers of their own |
| `frontmatter-power` | an agent or skill brings hooks, servers, monitors or settings along |
| `remote-access` | other machines or sessions take part |

None of them: rules that deny or ask, an allow rule for one purpose (`Bash(npm test *)`), a model, an MCP server as such
(Claude Code asks before it starts one; `cct validate` warns of one without a version), text for Claude.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cct_cloudflare.components.model import JSON_KINDS, Kind
from cct_cloudflare.components.package import Package
from cct_cloudflare.validation.grants import mode_risk, risks_of_hooks, risks_of_settings
from cct_cloudflare.validation.model import Risk
from cct_cloudflare.validation.reading import POWERS, Reading, read
from cct_cloudflare.validation.rules import breadth
from cct_cloudflare.validation.servers import risks_of_servers
from cct_cloudflare.validation.shells import line_that_runs_download, runs_download, runs_hidden, shell_lines
from cct_cloudflare.validation.showing import shown

# Files by which Claude Code takes a skill's folder for a plugin, which has all that a plugin may have.
_PLUGIN_FILE = re.compile(
    r"(?:^|/)(?:\.claude-plugin/|\.mcp\.json$|\.lsp\.json$|hooks\.json$|monitors\.json$)", re.IGNORECASE
)


def risks(package: Package) -> tuple[Risk, ...]:
    """All of them, in the order of the files; empty for what may be installed with `--yes`. Never raises.

    What cannot be read is a risk (`unreadable`): nobody knows what it does.
    """
    return tuple(dict.fromkeys(_risks(package)))


def _risks(package: Package) -> Iterator[Risk]:
    reading = read(package)
    main = shown(reading.main)
    for doubt in reading.doubts:
        yield Risk("unreadable", f"it {shown(doubt)}, so what it does cannot be told", main)
    if reading.kind in JSON_KINDS:
        data = {key: value for key, value in reading.data.items() if key != "description"}
        yield from risks_of_settings(data, main)
    else:
        yield from _of_markdown(reading, main)
    yield from _of_files(package)


def _of_markdown(reading: Reading, main: str) -> Iterator[Risk]:
    for tool in reading.allowed_tools:
        found = breadth(tool, standing=False)
        if found is not None:
            yield Risk(found.rule, f"{shown(tool)} lets Claude {found.what} without asking", f"{main}: allowed-tools")
    mode = reading.power("permissionmode")
    said = None if mode is None else mode_risk(mode)
    if said is not None:
        yield Risk(*said, f"{main}: permissionMode")
    yield from risks_of_hooks(reading.power("hooks"), f"{main}: hooks")
    servers = reading.power("mcpservers")
    for entry in servers if isinstance(servers, list) else [servers]:
        yield from risks_of_servers(entry, f"{main}: mcpServers")
    for name in ("mcpservers", "lspservers", "monitors", "settings", "channels"):
        if reading.power(name):
            yield Risk("frontmatter-power", f"the {reading.kind} brings {POWERS[name]} along", main)
    if reading.kind in (Kind.COMMAND, Kind.SKILL):
        for line in shell_lines(reading.text):
            yield Risk("shell-line", f"a command runs as soon as the {reading.kind} is loaded: {shown(line)}", main)
            if runs_download(line) or runs_hidden(line):
                yield Risk("download-run", f"it runs what it downloads or decodes: {shown(line)}", main)


def _of_files(package: Package) -> Iterator[Risk]:
    for path, content in package.files.items():
        if package.item.kind is Kind.SKILL and _PLUGIN_FILE.search(path):
            yield Risk("plugin", "the skill is a plugin as well, with what plugins may have", shown(path))
        if path == package.main and package.item.kind in JSON_KINDS:
            continue
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            continue
        line = line_that_runs_download(text)
        if line is not None:
            yield Risk(
                "download-run", "it has a line that downloads a program and runs it unread", f"{shown(path)}:{line}"
            )
