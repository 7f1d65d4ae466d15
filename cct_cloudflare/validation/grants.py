"""Settings: which of them give Claude, or somebody else, more than they had."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cct_cloudflare.validation.effects import of_hooks
from cct_cloudflare.validation.facts import COMMAND_SETTINGS
from cct_cloudflare.validation.model import Command, Risk, Url
from cct_cloudflare.validation.reading import plain_name
from cct_cloudflare.validation.rules import breadth
from cct_cloudflare.validation.servers import risks_of_servers
from cct_cloudflare.validation.shells import runs_download, runs_hidden
from cct_cloudflare.validation.showing import shown
from cct_cloudflare.validation.variables import danger

Said = Iterator[tuple[str, str]]

_SAFE_MODES = frozenset({"default", "manual", "plan", "dontask"})
_COMMANDS = frozenset(map(plain_name, COMMAND_SETTINGS))
_PLUGINS = frozenset({"extraknownmarketplaces", "additionalmarketplaces", "prependplugins", "appendplugins"})
_GUARDS = {
    "disableallhooks": "it switches off every hook, those that guard the project too",
    "skipwebfetchpreflight": "it skips the check of addresses before pages are fetched",
    "skipdangerousmodepermissionprompt": "it skips the warning before the mode without questions",
}
_REMOTE = frozenset(
    {"remotecontrolatstartup", "remotetools", "crosssessioninbound", "sshconfigs", "autouploadsessions"}
)
# Below `sandbox`: what makes it hold less, by its path; a value that is off or empty is none.
_SANDBOX_WEAKER = frozenset(
    {
        "allowappleevents",
        "allownestedusernamespaces",
        "allowunsandboxedcommands",
        "bwrappath",
        "credentials",
        "enableweakernestedsandbox",
        "enableweakernetworkisolation",
        "excludedcommands",
        "filesystem.allowwrite",
        "filesystem.disabled",
        "network.allowallunixsockets",
        "network.allowmachlookup",
        "network.allowunixsockets",
        "network.httpproxyport",
        "network.socksproxyport",
        "network.tlsterminate",
        "ripgrep",
        "socatpath",
    }
)


def risks_of_settings(data: Mapping[str, Any], main: str) -> Iterator[Risk]:
    """Looks at every object, however deep: a key that means something somewhere is taken to mean it."""
    yield from _walk(data, main, ())


def _walk(value: Any, main: str, at: tuple[str, ...]) -> Iterator[Risk]:
    if isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _walk(inner, main, (*at, str(index)))
    if not isinstance(value, dict):
        return
    for key, inner in value.items():
        path = (*at, str(key))
        name, where = plain_name(key), f"{main}: {shown('.'.join(path))}"
        if name == "hooks":
            yield from risks_of_hooks(inner, where)
        elif name in ("mcpservers", "managedmcpservers"):
            yield from risks_of_servers(inner, where)
        elif name == "env" and isinstance(inner, dict):
            for variable in inner:
                found = danger(str(variable))
                if found is not None:
                    yield Risk(found.rule, f"{shown(str(variable))} {found.what}", where)
        else:
            yield from (Risk(rule, what, where) for rule, what in _said(name, inner, tuple(map(plain_name, at))))
            yield from _walk(inner, main, path)


def risks_of_hooks(events: Any, where: str) -> Iterator[Risk]:
    """Every hook is one: it acts by itself, at moments that nobody sees."""
    effects = list(of_hooks(events))
    for effect in effects:
        if isinstance(effect, Command):
            line, place = shown(effect.line), shown(effect.where)
            yield Risk("hook-command", f"a command runs by itself at {place}: {line}", where)
            if runs_download(effect.line) or runs_hidden(effect.line):
                yield Risk("download-run", f"it runs what it downloads or decodes: {line}", where)
        elif isinstance(effect, Url):
            yield Risk("hook-command", f"what happens is sent to {shown(effect.url)} at {shown(effect.where)}", where)
    if not effects and events not in ({}, [], None):
        yield Risk("hook-command", "its hooks have a shape that cannot be read", where)


def mode_risk(value: Any) -> tuple[str, str] | None:
    """What a permission mode gives away; None for one that asks at least as much as usual."""
    name = plain_name(value)
    if name in _SAFE_MODES:
        return None
    if name == "bypasspermissions":
        return "permission-bypass", "it lets Claude do everything without asking"
    return "permission-mode", f"it sets the permission mode {shown(str(value))}, in which Claude asks less"


def _said(name: str, value: Any, above: tuple[str, ...]) -> Said:
    judge = _JUDGES.get(name)
    if judge is not None:
        yield from judge(value)
    elif name in _COMMANDS:
        yield from _command(value)
    elif name in _GUARDS and _is_on(value):
        yield "guard-off", _GUARDS[name]
    elif name in _PLUGINS and _is_on(value):
        yield "plugin", "it brings plugins, which have hooks and servers of their own"
    elif name in _REMOTE and _is_on(value):
        yield "remote-access", "it lets other machines or sessions take part"
    if above[:1] == ("sandbox",):
        path = ".".join((*above[1:], name))
        if path in _SANDBOX_WEAKER and _is_on(value):
            yield "sandbox-weaker", f"it makes the sandbox hold less ({path})"
        if path == "enabled" and not _is_on(value):
            yield "sandbox-weaker", "it switches the sandbox off"
        if path == "network.alloweddomains" and isinstance(value, list) and any("*" in _bare(entry) for entry in value):
            yield "sandbox-weaker", "it opens the sandbox to every host"


def _mode(value: Any) -> Said:
    found = mode_risk(value)
    if found is not None:
        yield found


def _allow(value: Any) -> Said:
    for entry in value if isinstance(value, list) else [value]:
        found = breadth(str(entry)) if isinstance(entry, str) else None
        if found is not None:
            yield found.rule, f"{shown(entry)} lets Claude {found.what} without asking"


def _servers_approved(value: Any) -> Said:
    if _is_on(value):
        yield "mcp-approval", "it starts the project's MCP servers without asking"


def _folders(value: Any) -> Said:
    for entry in value if isinstance(value, list) else [value]:
        path = str(entry).replace("\\", "/").strip()
        if path.startswith(("/", "~", "$")) or ".." in path.split("/") or re.match(r"[A-Za-z]:", path):
            yield "permission-folder", f"it opens {shown(str(entry))}, which is outside the project"


def _roots(value: Any) -> Said:
    if _is_on(value):
        yield "permission-folder", "it takes configuration from other folders"


def _auto(value: Any) -> Said:
    if _is_on(value):
        yield "permission-mode", "it changes what is done without asking in auto mode"


def _enabled_plugins(value: Any) -> Said:
    for plugin, state in value.items() if isinstance(value, dict) else ((value, value),):
        if _is_on(state):
            yield "plugin", f"it switches on the plugin {shown(str(plugin))}, which has hooks and servers of its own"


def _gateway(value: Any) -> Said:
    if _is_on(value) and value not in ("claudeai", "console"):
        yield "env-base-url", f"it sends prompts, files and keys through a gateway ({shown(str(value))})"


def _command(value: Any) -> Said:
    text = value if isinstance(value, str) else value.get("command") if isinstance(value, dict) else None
    line = shown(text) if isinstance(text, str) else "in a shape that cannot be read"
    if value in (None, "", {}, []):
        return
    yield "setting-command", f"a command runs by itself: {line}"
    if isinstance(text, str) and (runs_download(text) or runs_hidden(text)):
        yield "download-run", f"it runs what it downloads or decodes: {line}"


def _is_on(value: Any) -> bool:
    """Claude Code reads "false" as false; whatever else is there counts."""
    return value not in (None, False, 0, "", [], {}) and not (
        isinstance(value, str) and value.strip().lower() == "false"
    )


def _bare(entry: Any) -> str:
    return "*" if str(entry).strip(" .") == "*" else ""


_JUDGES: Mapping[str, Callable[[Any], Said]] = {
    "defaultmode": _mode,
    "permissionmode": _mode,
    "allow": _allow,
    "enableallprojectmcpservers": _servers_approved,
    "enabledmcpjsonservers": _servers_approved,
    "additionaldirectories": _folders,
    "additionaldirectoryconfigroots": _roots,
    "automode": _auto,
    "enabledplugins": _enabled_plugins,
    "forceloginmethod": _gateway,
    "forcelogingatewayurl": _gateway,
}
