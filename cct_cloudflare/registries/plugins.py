"""The layout of a Claude Code plugin marketplace: `.claude-plugin/marketplace.json`, and plugins with `agents/`,
`commands/`, `skills/`, `hooks/hooks.json` and `.mcp.json`. A repository that is one plugin is a marketplace of one.

The plugin's name becomes the category. What runs files of its plugin (`${CLAUDE_PLUGIN_ROOT}`) is of no use without
it, and plugins that lie in another repository are another source: both are left out, and named.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cct_cloudflare.components.files import MAX_COMPONENT_BYTES
from cct_cloudflare.components.model import Kind
from cct_cloudflare.components.names import file_problem, name_problem
from cct_cloudflare.components.walking import ABOUT, SKILL_FILE
from cct_cloudflare.plain import plain_line
from cct_cloudflare.registries.failures import invalid
from cct_cloudflare.registries.indexes import MARKETPLACE, MAX_INDEX, PLUGIN, load_object
from cct_cloudflare.registries.listing import Listed, Located, located
from cct_cloudflare.registries.repository import skill, skills_below
from cct_cloudflare.registries.tree import Stat, Tree

PLUGIN_ROOT = "CLAUDE_PLUGIN_ROOT"
MAX_PLUGINS = 5_000
_COMPONENT_KEYS = ("agents", "commands", "skills", "hooks", "mcpServers")


@dataclass(frozen=True, slots=True)
class _Plugin:
    """`base` is its folder as a prefix; `spec` what marketplace and manifest say of it, the manifest first."""

    name: str
    base: str
    spec: Mapping[str, Any]
    has_defaults: bool


def arrange_plugins(tree: Tree, stats: Mapping[str, Stat] | None, own: str) -> tuple[list[Listed], list[str]]:
    """The components of all plugins, and sentences about what is left out. `own` is the registry's own
    `owner/repository` on GitHub, or empty.

    Raises WorkerError `registry_invalid` for a marketplace that is none.
    """
    left_out: list[str] = []
    entries = list(_marketplace(tree, own, left_out))
    manifests = tree.read([f"{base}{PLUGIN}" for _, base, _ in entries], limit=MAX_INDEX)
    plugins = [_plugin(name, base, entry, manifests.get(f"{base}{PLUGIN}")) for name, base, entry in entries]
    wanted = [path for plugin in plugins for path in (*_paths_of(plugin, "hooks"), *_paths_of(plugin, "mcpServers"))]
    texts = tree.read([path for path in wanted if stats is None or path in stats], limit=MAX_COMPONENT_BYTES)
    found: list[Listed] = []
    for plugin in plugins:
        found += _markdown(plugin, Kind.AGENT, "agents", stats)
        found += _markdown(plugin, Kind.COMMAND, "commands", stats)
        found += _skills(plugin, stats)
        found += _merged(plugin, texts, left_out)
        if stats is None and plugin.has_defaults:
            left_out.append(f"Folders of the plugin {plugin.name}: a site cannot be listed, its git repository can.")
    return found, left_out


def _marketplace(tree: Tree, own: str, left_out: list[str]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Name, folder and entry of each plugin that lies here."""
    files = tree.read([MARKETPLACE, PLUGIN], limit=MAX_INDEX)
    if MARKETPLACE not in files:
        name = load_object(files.get(PLUGIN, b""), PLUGIN).get("name")
        if not _is_name(name):
            raise invalid(f"{PLUGIN} gives the plugin no usable name.")
        yield str(name), "", {}
        return
    marketplace = load_object(files[MARKETPLACE], MARKETPLACE)
    listed = marketplace.get("plugins")
    if not isinstance(listed, list) or len(listed) > MAX_PLUGINS:
        raise invalid(f"{MARKETPLACE} has no list of plugins, or one of more than {MAX_PLUGINS:,}.")
    metadata = marketplace.get("metadata")
    root = metadata.get("pluginRoot") if isinstance(metadata, dict) else None
    for entry in listed:
        name = entry.get("name") if isinstance(entry, dict) else None
        if not _is_name(name):
            continue
        base = _base_of(entry.get("source"), root, own)
        if base is None:
            left_out.append(f"The plugin {plain_line(str(name))} lies elsewhere: {_elsewhere(entry.get('source'))}.")
            continue
        yield str(name), base, entry


def _base_of(source: Any, root: Any, own: str) -> str | None:
    """The folder of a plugin as a prefix; None for one that does not lie in this source."""
    if isinstance(source, dict):
        repository = str(source.get("repo") or source.get("url") or "").removesuffix(".git").lower()
        repository = repository.removeprefix("https://github.com/")
        # At another version it would be another source.
        if not own or repository != own.lower() or source.get("ref") or source.get("sha"):
            return None
        source = source.get("path") or "."
    if not isinstance(source, str):
        return None
    if isinstance(root, str) and not source.startswith("."):
        source = f"{root.rstrip('/')}/{source}"
    inner = _relative(source)
    return None if inner is None else f"{inner}/" if inner else ""


def _elsewhere(source: Any) -> str:
    if not isinstance(source, dict):
        return "its source is no path within this one"
    address = source.get("repo") or source.get("url") or source.get("package") or "nowhere that is named"
    return plain_line(str(address)[:200])


def _plugin(name: str, base: str, entry: Mapping[str, Any], manifest: bytes | None) -> _Plugin:
    if entry.get("strict") is False and any(key in entry for key in _COMPONENT_KEYS):
        return _Plugin(name, base, entry, has_defaults=False)
    spec = dict(entry)
    if manifest is not None:
        spec |= load_object(manifest, f"{base}{PLUGIN}")
    return _Plugin(name, base, spec, has_defaults=True)


def _paths_of(plugin: _Plugin, key: str) -> list[str]:
    """The paths that a plugin gives for a key, and the one by custom; no slash at the end of a folder."""
    defaults = {"hooks": "hooks/hooks.json", "mcpServers": ".mcp.json"}
    value = plugin.spec.get(key)
    if key == "commands" and isinstance(value, dict):
        value = [inner.get("source") for inner in value.values() if isinstance(inner, dict)]
    given = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    paths = [_relative(path) for path in given if isinstance(path, str)]
    if plugin.has_defaults:
        paths.append(defaults.get(key, key))
    return list(
        dict.fromkeys(f"{plugin.base}{path}" if path else plugin.base.rstrip("/") for path in paths if path is not None)
    )


def _markdown(plugin: _Plugin, kind: Kind, key: str, stats: Mapping[str, Stat] | None) -> Iterator[Listed]:
    for path in _paths_of(plugin, key):
        if path.endswith(".md"):
            below = [path] if stats is None or path in stats else []
            folder = path.rpartition("/")[0]
        else:
            folder = path
            below = sorted(each for each in stats or () if each.startswith(f"{path}/") and each.endswith(".md"))
        for each in below:
            rest = each[len(folder) + 1 if folder else 0 :].removesuffix(".md")
            name, main = f"{plugin.name}/{rest}", each.rpartition("/")[2]
            if name_problem(name) is None and main not in ABOUT:
                yield Listed(kind, name, main, {main: located(each, stats)})


def _skills(plugin: _Plugin, stats: Mapping[str, Stat] | None) -> Iterator[Listed]:
    for path in _paths_of(plugin, "skills"):
        leaf = path.rpartition("/")[2] or plugin.name
        alone = f"{path}/{SKILL_FILE}" if path else SKILL_FILE
        if stats is None:
            # What else belongs to it is not known; a folder of skills cannot be listed either.
            if path != f"{plugin.base}skills" and name_problem(f"{plugin.name}/{leaf}") is None:
                yield skill(f"{plugin.name}/{leaf}", {SKILL_FILE: Located(alone)})
            continue
        if alone in stats:
            prefix = f"{path}/" if path else ""
            files = {each[len(prefix) :]: located(each, stats) for each in stats if each.startswith(prefix)}
            own = {name: source for name, source in files.items() if file_problem(name) is None}
            if name_problem(f"{plugin.name}/{leaf}") is None:
                yield skill(f"{plugin.name}/{leaf}", own)
            continue
        for name, files in skills_below(f"{path}/", stats):
            if name_problem(f"{plugin.name}/{name}") is None:
                yield skill(f"{plugin.name}/{name}", files)


def _merged(plugin: _Plugin, texts: Mapping[str, bytes], left_out: list[str]) -> Iterator[Listed]:
    """Hooks, as one component for each file, and MCP servers, as one for each server."""
    hooks = [(path, _load(texts[path])) for path in _paths_of(plugin, "hooks") if path in texts]
    if isinstance(plugin.spec.get("hooks"), dict):
        hooks.append(("", plugin.spec["hooks"]))
    for path, value in hooks:
        if not isinstance(value, dict):
            left_out.append(f"The hooks of {plugin.name} are not a JSON object.")
            continue
        stem = path.rpartition("/")[2].removesuffix(".json")
        leaf = plugin.name if stem in ("", "hooks") else stem
        shaped = value if isinstance(value.get("hooks"), dict) else {"hooks": value}
        yield from _json_component(plugin, Kind.HOOK, leaf, shaped, left_out)
    servers: dict[str, Any] = {}
    declared = [_load(texts[path]) for path in _paths_of(plugin, "mcpServers") if path in texts]
    for value in (*declared, plugin.spec.get("mcpServers")):
        inner = value.get("mcpServers", value) if isinstance(value, dict) else None
        servers |= inner if isinstance(inner, dict) else {}
    for name, server in servers.items():
        if isinstance(server, dict):
            yield from _json_component(plugin, Kind.MCP, name, {"mcpServers": {name: server}}, left_out)


def _json_component(
    plugin: _Plugin, kind: Kind, leaf: str, value: Mapping[str, Any], left_out: list[str]
) -> Iterator[Listed]:
    name = f"{plugin.name}/{leaf}"
    if name_problem(name) is not None or "/" in leaf:
        return
    described = plugin.spec.get("description")
    if "description" not in value and isinstance(described, str):
        value = {"description": described, **value}
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    if PLUGIN_ROOT in text:
        left_out.append(
            f"The {kind} {plain_line(name)} runs files of its plugin: claude plugin install {plain_line(plugin.name)}."
        )
        return
    yield Listed(kind, name, f"{leaf}.json", {}, text=text)


def _load(data: bytes) -> Any:
    try:
        return json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None


def _relative(path: str) -> str | None:
    """A path within a plugin, without ./ and slashes at its ends; None for one that leads out of it."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if path.startswith("/") or "\\" in path or any(part == ".." or ":" in part for part in parts):
        return None
    return "/".join(parts)


def _is_name(name: Any) -> bool:
    return isinstance(name, str) and "/" not in name and name_problem(name) is None
