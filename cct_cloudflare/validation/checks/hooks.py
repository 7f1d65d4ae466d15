"""Hooks: events, matchers, handlers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cct_cloudflare.validation import schema
from cct_cloudflare.validation.checks.problem import At, Lines, Problem, error, kind_of, listed, nearest, warning

#: Longer than this a session seems to hang; Claude Code itself waits 10 minutes at most unless it is told to.
MAX_TIMEOUT = 600

# Claude Code takes a matcher of these characters for names, and any other for a regular expression.
_NAMES = re.compile(r"[\w\s|,-]*")


def check_hooks(events: Any, lines: Lines, at: At) -> Iterator[Problem]:
    if not isinstance(events, dict):
        yield error(lines[at], "hook-shape", f"hooks must be an object of events, not {kind_of(events)}")
        return
    for event, groups in events.items():
        place = (*at, event)
        if event not in schema.HOOK_EVENTS:
            near = nearest(event, schema.HOOK_EVENTS)
            yield error(lines[place], "hook-event", f"{event} is not an event of Claude Code{near}")
        if not isinstance(groups, list):
            yield error(lines[place], "hook-shape", f"{event} must be a list of groups, not {kind_of(groups)}")
            continue
        for index, group in enumerate(groups):
            yield from _check_group(event, group, lines, (*place, str(index)))


def _check_group(event: str, group: Any, lines: Lines, at: At) -> Iterator[Problem]:
    if not isinstance(group, dict):
        yield error(lines[at], "hook-shape", f"a group of {event} must be an object with hooks, not {kind_of(group)}")
        return
    for key in group.keys() - {"matcher", "hooks"}:
        yield warning(lines[(*at, key)], "hook-key", f"{key} is not a key of a group; a group has matcher and hooks")
    yield from _check_matcher(event, group, lines, (*at, "matcher"))
    hooks = group.get("hooks")
    if not isinstance(hooks, list) or not hooks:
        yield error(lines[(*at, "hooks")], "hook-shape", f"a group of {event} has no list of hooks")
        return
    for index, hook in enumerate(hooks):
        place = (*at, "hooks", str(index))
        if isinstance(hook, dict):
            yield from _check_hook(hook, lines, place)
        else:
            yield error(lines[place], "hook-shape", f"a hook must be an object, not {kind_of(hook)}")


def _check_matcher(event: str, group: Mapping[str, Any], lines: Lines, at: At) -> Iterator[Problem]:
    matcher = group.get("matcher")
    if "matcher" not in group:
        return
    if not isinstance(matcher, str):
        yield error(lines[at], "hook-matcher", f"matcher must be a text, not {kind_of(matcher)}")
        return
    if matcher not in ("", "*") and event in schema.EVENTS_WITHOUT_MATCHER:
        yield warning(lines[at], "hook-matcher", f"{event} takes no notice of a matcher")
    elif event in schema.TOOL_EVENTS and _NAMES.fullmatch(matcher):
        for name in (part.strip() for part in re.split(r"[|,]", matcher)):
            if name and name not in schema.TOOLS and not name.startswith("mcp__"):
                near = nearest(name, schema.TOOLS)
                yield warning(lines[at], "unknown-tool", f"no tool that is known is called {name}{near}")
    elif matcher != "*" and not _NAMES.fullmatch(matcher):
        try:
            re.compile(matcher)
        except (re.error, RecursionError, OverflowError):
            yield warning(lines[at], "hook-matcher", f"matcher {matcher!r} may not be a valid regular expression")


def _check_hook(hook: Mapping[str, Any], lines: Lines, at: At) -> Iterator[Problem]:
    kind = hook.get("type")
    if not isinstance(kind, str) or kind not in schema.HOOK_TYPES:
        said = "a hook has no type" if kind is None else f"{kind!r} is not a type of hook"
        yield error(lines[(*at, "type")], "hook-type", f"{said}; there are {listed(schema.HOOK_TYPES)}")
        return
    needed, possible = schema.HOOK_TYPES[kind]
    for key in sorted(needed):
        if not isinstance(hook.get(key), str) or not hook[key].strip():
            yield error(lines[(*at, key)], "hook-value", f"a hook of type {kind} needs a text as its {key}")
    for key in hook.keys() - needed - possible:
        near = nearest(key, needed | possible)
        yield warning(lines[(*at, key)], "hook-key", f"{key} is not a key of a hook of type {kind}{near}")
    if "timeout" in hook:
        yield from _check_timeout(hook["timeout"], lines[(*at, "timeout")])
    if "args" in hook and not _are_texts(hook["args"]):
        yield error(lines[(*at, "args")], "hook-value", "args must be a list of texts")
    for key in ("async", "asyncRewake", "once", "continueOnBlock"):
        if key in hook and not isinstance(hook[key], bool):
            yield error(lines[(*at, key)], "hook-value", f"{key} must be true or false, not {kind_of(hook[key])}")
    if "onFailure" in hook and hook["onFailure"] not in ("continue", "block"):
        yield error(lines[(*at, "onFailure")], "hook-value", "onFailure must be continue or block")
    url = hook.get("url")
    if kind == "http" and isinstance(url, str) and not re.match(r"https?://[^\s/]", url):
        yield error(lines[(*at, "url")], "hook-value", "url must be a whole address, https://…")


def _check_timeout(timeout: Any, line: int) -> Iterator[Problem]:
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or timeout <= 0:
        yield error(line, "hook-value", "timeout must be a number of seconds above 0")
    elif timeout > MAX_TIMEOUT:
        yield warning(line, "hook-value", f"timeout is in seconds: {timeout} is {timeout / 60:.0f} minutes")


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(entry, str) for entry in value)
