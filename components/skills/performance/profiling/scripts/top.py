"""Reduces a profile to the functions that matter and the heaviest path.

    python3 top.py PROFILE [--by self|total] [--only TEXT] [--limit N]

Reads V8's `.cpuprofile` and `.heapprofile` (Node, Chrome), Python's pstats (cProfile) and collapsed stacks
(`a;b;c 12`: py-spy, perf). Exit status: 0, 2 when the file cannot be read as one of these.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

PATH_LENGTH = 40
PATH_SHARE = 0.1


class UnreadableError(Exception):
    """The message says what is wrong with the file."""


class Function(NamedTuple):
    name: str
    place: str


class Cost(NamedTuple):
    own: float
    total: float
    calls: int | None


class Profile(NamedTuple):
    unit: str
    """ms, KiB or samples"""
    whole: float
    costs: dict[Function, Cost]
    path: list[tuple[Function, float]]
    """The heaviest child of the heaviest child, and so on, with its total; empty where there is no tree."""


class Node(NamedTuple):
    function: Function
    own: float
    children: list[int]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Reduces a profile to the functions that matter.")
    parser.add_argument("profile", nargs="+", type=Path)
    parser.add_argument("--by", choices=("self", "total"), default="self", help="what to sort by (default: self)")
    parser.add_argument("--only", default="", metavar="TEXT", help="only functions with this in their name or place")
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="how many functions (default: 20)")
    options = parser.parse_args(argv)
    for path in options.profile:
        try:
            profile = read(path)
        except (OSError, UnreadableError) as error:
            print(f"{path}: {error}", file=sys.stderr)
            return 2
        print("\n".join(report(path, profile, options)))
    return 0


def read(path: Path) -> Profile:
    """Raises OSError or UnreadableError."""
    data = path.read_bytes()
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return read_pstats(path)
    if text.lstrip().startswith("{"):
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            return read_pstats(path)
        return read_v8(document)
    return read_collapsed(text)


def read_v8(document: Any) -> Profile:
    try:
        if "head" in document:
            nodes, root = heap_nodes(document["head"])
            return from_tree("KiB", nodes, root)
        nodes, root = cpu_nodes(document)
        return from_tree("ms", nodes, root)
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise UnreadableError("it is JSON, but no profile of V8") from error


def cpu_nodes(document: dict[str, Any]) -> tuple[list[Node], int]:
    position = {node["id"]: index for index, node in enumerate(document["nodes"])}
    own = [0.0] * len(position)
    # A sample lasts until the next one is taken; deltas are microseconds.
    for sample, delta in zip(document["samples"], document["timeDeltas"][1:]):
        own[position[sample]] += max(0, delta) / 1000
    nodes = [
        # Waiting for something to do is no cost.
        Node(v8_function(node), 0.0 if node["callFrame"]["functionName"] == "(idle)" else own[index],
             [position[child] for child in node.get("children", ())])
        for index, node in enumerate(document["nodes"])
    ]  # fmt: skip
    children = {child for node in nodes for child in node.children}
    return nodes, next(index for index in range(len(nodes)) if index not in children)


def heap_nodes(head: dict[str, Any]) -> tuple[list[Node], int]:
    nodes: list[Node] = []
    waiting = [(head, -1)]
    while waiting:
        node, parent = waiting.pop()
        nodes.append(Node(v8_function(node), node["selfSize"] / 1024, []))
        if parent >= 0:
            nodes[parent].children.append(len(nodes) - 1)
        waiting.extend((child, len(nodes) - 1) for child in node.get("children", ()))
    return nodes, 0


def v8_function(node: dict[str, Any]) -> Function:
    frame = node["callFrame"]
    url = frame["url"].removeprefix("file://")
    return Function(frame["functionName"] or "(anonymous)", f"{url}:{frame['lineNumber'] + 1}" if url else "")


def read_collapsed(text: str) -> Profile:
    nodes = [Node(Function("(all)", ""), 0.0, [])]
    known: dict[tuple[int, str], int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        found = re.fullmatch(r"(.*\S)\s+(\d+)", line)
        if found is None:
            if line.strip():
                raise UnreadableError(f"line {number} is no stack with a count")
            continue
        at = 0
        for name in found[1].split(";"):
            if (at, name) not in known:
                known[at, name] = len(nodes)
                nodes[at].children.append(len(nodes))
                nodes.append(Node(collapsed_function(name), 0.0, []))
            at = known[at, name]
        nodes[at] = nodes[at]._replace(own=nodes[at].own + int(found[2]))
    if not known:
        raise UnreadableError("it is empty")
    return from_tree("samples", nodes, 0)


def collapsed_function(frame: str) -> Function:
    """py-spy writes `name (file.py:12)`."""
    found = re.fullmatch(r"(.+) \((.+)\)", frame)
    return Function(found[1], found[2]) if found else Function(frame, "")


def from_tree(unit: str, nodes: list[Node], root: int) -> Profile:
    totals = [node.own for node in nodes]
    own: dict[Function, float] = defaultdict(float)
    total: dict[Function, float] = defaultdict(float)
    for at, entering in walk(nodes, root):
        if not entering:
            for child in nodes[at].children:
                totals[at] += totals[child]
    open_calls: dict[Function, int] = defaultdict(int)
    for at, entering in walk(nodes, root):
        function = nodes[at].function
        if entering:
            own[function] += nodes[at].own
            # A function that calls itself would count what is below it twice.
            if not open_calls[function]:
                total[function] += totals[at]
        open_calls[function] += 1 if entering else -1
    path: list[tuple[Function, float]] = []
    at = root
    while nodes[at].children and len(path) < PATH_LENGTH:
        at = max(nodes[at].children, key=lambda child: totals[child])
        if totals[at] < PATH_SHARE * totals[root]:
            break
        path.append((nodes[at].function, totals[at]))
    costs = {function: Cost(own[function], total[function], None) for function in own}
    return Profile(unit, totals[root], costs, path)


def walk(nodes: list[Node], root: int) -> Iterator[tuple[int, bool]]:
    """Each node when it is entered (True) and when it is left (False). Stacks may be deeper than Python's own."""
    waiting = [(root, True)]
    while waiting:
        at, entering = waiting.pop()
        yield at, entering
        if entering:
            waiting.append((at, False))
            waiting.extend((child, True) for child in nodes[at].children)


def read_pstats(path: Path) -> Profile:
    import pstats

    try:
        stats: Any = pstats.Stats(str(path))
    except Exception as error:  # marshal raises whatever the bytes lead it to
        raise UnreadableError("it is no profile of V8 or cProfile, and no collapsed stacks") from error
    costs = {
        Function(name, "" if file == "~" else f"{file}:{line}"): Cost(own * 1000, total * 1000, calls)
        for (file, line, name), (_, calls, own, total, _) in stats.stats.items()
    }
    return Profile("ms", stats.total_tt * 1000, costs, [])


def report(path: Path, profile: Profile, options: argparse.Namespace) -> Iterator[str]:
    here = f"{Path.cwd()}{os.sep}"
    yield f"{path}: {profile.whole:.1f} {profile.unit}"
    chosen = [
        (function, cost)
        for function, cost in profile.costs.items()
        if options.only in function.name or options.only in function.place
    ]
    chosen.sort(key=lambda entry: (-(entry[1].own if options.by == "self" else entry[1].total), entry[0]))
    counted = any(cost.calls is not None for _, cost in chosen)
    rows = [["self", "total", *(["calls"] if counted else []), "function"]]
    for function, cost in chosen[: options.limit]:
        if max(cost.own, cost.total) > 0:
            calls = [str(cost.calls)] if counted else []
            rows.append([share(cost.own, profile), share(cost.total, profile), *calls, label(function, here)])
    widths = [max(map(len, cells)) for cells in zip(*rows)][:-1]
    for *cells, name in rows:
        yield "  ".join([*(cell.rjust(width) for cell, width in zip(cells, widths)), name])
    if not profile.whole:
        yield "nothing was sampled: let it run longer"
    elif profile.path:
        yield "heaviest path:"
        for depth, (function, steps) in enumerate(groupby(profile.path, key=lambda step: step[0])):
            totals = [total for _, total in steps]
            times = f"  ({len(totals)} deep)" if len(totals) > 1 else ""
            yield f"  {share(totals[0], profile)} {'  ' * min(depth, 10)}{label(function, here)}{times}"


def share(value: float, profile: Profile) -> str:
    return f"{value:.1f} {profile.unit} {value / profile.whole if profile.whole else 0:4.0%}"


def label(function: Function, here: str) -> str:
    place = function.place[len(here) :] if function.place.startswith(here) else function.place
    text = f"{function.name}  {place}".rstrip()
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)


if __name__ == "__main__":
    sys.exit(main())
