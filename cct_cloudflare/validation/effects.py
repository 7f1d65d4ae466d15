"""A package → every command line, variable, permission, address and other setting that would take effect."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import astuple
from typing import Any

from cct_cloudflare.components.model import Kind
from cct_cloudflare.components.package import Package
from cct_cloudflare.validation.facts import COMMAND_SETTINGS, GRANTS
from cct_cloudflare.validation.model import Command, Effects, Permission, Setting, Url, Variable
from cct_cloudflare.validation.reading import Reading, read
from cct_cloudflare.validation.shells import shell_lines
from cct_cloudflare.validation.showing import masked, shown

Effect = Command | Variable | Permission | Url | Setting

# What the component says about itself.
_NO_SETTINGS = ("$schema", "description")


def effects(package: Package) -> Effects:
    """Never raises: what cannot be read has no effect here, and is a risk (`risks`)."""
    found = list(dict.fromkeys(_printable(effect) for effect in _effects(read(package))))
    return Effects(
        tuple(effect for effect in found if isinstance(effect, Command)),
        tuple(effect for effect in found if isinstance(effect, Variable)),
        tuple(effect for effect in found if isinstance(effect, Permission)),
        tuple(effect for effect in found if isinstance(effect, Url)),
        tuple(effect for effect in found if isinstance(effect, Setting)),
    )


def _printable(effect: Effect) -> Effect:
    return type(effect)(*map(shown, astuple(effect)))


def _effects(reading: Reading) -> Iterator[Effect]:
    if reading.kind in (Kind.SETTING, Kind.HOOK):
        yield from _of_settings(reading.data)
    elif reading.kind is Kind.MCP:
        yield from _of_servers(reading.data.get("mcpServers"))
    else:
        yield from _of_markdown(reading)


def _of_settings(settings: Mapping[str, Any]) -> Iterator[Effect]:
    for key, value in settings.items():
        if key == "hooks":
            yield from of_hooks(value)
        elif key == "env":
            yield from _variables(value, "settings")
        elif key in ("mcpServers", "managedMcpServers"):
            yield from _of_servers(value)
        elif key in COMMAND_SETTINGS:
            yield from _commands_in(value, key)
        elif key in GRANTS:
            yield from _grants((key,), value)
        elif key not in _NO_SETTINGS:
            yield from _others(key, value)


def _others(key: str, value: Any) -> Iterator[Setting]:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _others(f"{key}.{name}", inner)
    else:
        yield Setting(key, masked(key, _plain(value)))


def _grants(at: tuple[str, ...], value: Any) -> Iterator[Effect]:
    key = ".".join(at[1:] if at[0] == "permissions" and len(at) > 1 else at)
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _grants((*at, str(name)), inner)
    elif isinstance(value, list):
        for entry in value:
            yield Permission(key, _plain(entry), "settings")
    elif key.endswith((".url", ".repo")):
        yield Url(_plain(value), key)
    else:
        yield Permission(key, _plain(value), "settings")


def of_hooks(events: Any) -> Iterator[Effect]:
    """The effects of a `hooks` object, wherever it stands."""
    for event, groups in _items(events):
        for group in groups if isinstance(groups, list) else ():
            matcher = group.get("matcher") if isinstance(group, dict) else None
            place = f"hook {event}" + (f" ({matcher})" if matcher not in (None, "", "*") else "")
            hooks = group.get("hooks") if isinstance(group, dict) else None
            for hook in hooks if isinstance(hooks, list) else ():
                if isinstance(hook, dict):
                    yield from _of_hook(hook, place)


def _of_hook(hook: Mapping[str, Any], place: str) -> Iterator[Effect]:
    if "command" in hook:
        yield Command(command_line(hook), place)
    if "url" in hook:
        yield Url(_plain(hook["url"]), place)
    if "tool" in hook:
        yield Command(f"MCP tool {_plain(hook.get('server', ''))}/{_plain(hook['tool'])}", place)
    if "prompt" in hook:
        yield Command(f"asks a model: {_plain(hook['prompt'])}", place)


def _of_servers(servers: Any) -> Iterator[Effect]:
    for name, server in _items(servers):
        place = f"MCP server {name}"
        if not isinstance(server, dict):
            continue
        if "command" in server:
            yield Command(command_line(server), place)
        if "url" in server:
            yield Url(_plain(server["url"]), place)
        if "headersHelper" in server:
            yield Command(_plain(server["headersHelper"]), f"{place}: headersHelper")
        yield from _variables(server.get("env"), place)
        for header, value in _items(server.get("headers")):
            yield Variable(f"header {header}", masked(header, _plain(value)), place)


def _of_markdown(reading: Reading) -> Iterator[Effect]:
    for tool in reading.allowed_tools:
        yield Permission("allow", tool, f"while the {reading.kind} is at work")
    mode = reading.power("permissionmode")
    if mode is not None:
        yield Permission("permissionMode", _plain(mode), f"the {reading.kind}")
    yield from of_hooks(reading.power("hooks"))
    servers = reading.power("mcpservers")
    for entry in servers if isinstance(servers, list) else [servers]:
        yield from _of_servers(entry)
    if reading.kind in (Kind.COMMAND, Kind.SKILL):
        for line in shell_lines(reading.text):
            yield Command(line, f"when the {reading.kind} is loaded")


def _commands_in(value: Any, key: str) -> Iterator[Effect]:
    """`apiKeyHelper: "x"`, `statusLine: {command: "x"}`, and whatever else names programs."""
    if isinstance(value, str):
        yield Command(value, key)
    elif isinstance(value, dict) and isinstance(value.get("command"), str):
        yield Command(command_line(value), key)
    else:
        entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for name, inner in entries:
            yield from _commands_in(inner, f"{key}.{name}")


def command_line(holder: Mapping[str, Any]) -> str:
    """`{command, args?}` as one text: with `args`, words as a shell would need them quoted."""
    arguments = holder.get("args")
    command = _plain(holder.get("command"))
    if isinstance(arguments, list) and arguments:
        words = [
            shlex.quote(_plain(argument)) if _needs_quotes(argument) else _plain(argument) for argument in arguments
        ]
        return " ".join((command, *words))
    return command


def _needs_quotes(argument: Any) -> bool:
    """Whether a reader could take one argument for several, or for none."""
    text = _plain(argument)
    return not text or any(char.isspace() or char in "'\"|&;<>()`\\" for char in text)


def _variables(values: Any, where: str) -> Iterator[Effect]:
    for name, value in _items(values):
        yield Variable(name, masked(name, _plain(value)), where)


def _items(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from ((str(key), inner) for key, inner in value.items())


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
