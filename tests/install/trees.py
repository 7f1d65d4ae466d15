"""Projects and catalogs from dictionaries, and what lies in a folder as one value."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cct_cloudflare.components.model import Kind
from cct_cloudflare.components.package import Item, Package
from cct_cloudflare.install.applying import Applied, apply
from cct_cloudflare.install.lockfile import Scope
from cct_cloudflare.install.plan import Decisions
from cct_cloudflare.install.planning import plan_add
from cct_cloudflare.install.removing import plan_remove
from cct_cloudflare.install.request import AddRequest, RemoveRequest
from cct_cloudflare.install.site import Site
from cct_cloudflare.merging.model import Decision


def write_tree(root: Path, files: Mapping[str, str | bytes]) -> Path:
    for path, content in files.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def tree(root: Path) -> dict[str, Any]:
    """Every folder and file below `root`: the mode, and the bytes of a file."""
    found: dict[str, Any] = {}
    for folder, folders, files in os.walk(root):
        for name in sorted(folders):
            path = Path(folder, name)
            found[path.relative_to(root).as_posix() + "/"] = stat.S_IMODE(path.lstat().st_mode)
        for name in sorted(files):
            path = Path(folder, name)
            found[path.relative_to(root).as_posix()] = (stat.S_IMODE(path.lstat().st_mode), path.read_bytes())
    return found


def package(
    kind: str, name: str, main: str | bytes | Mapping[str, Any], *, source: str = "bundled", **more: str | bytes
) -> Package:
    """`more` are side files: `x_py="…"` is `x.py`."""
    leaf = name.rpartition("/")[2]
    names = {"agent": f"{leaf}.md", "command": f"{leaf}.md", "skill": "SKILL.md"}
    file = names.get(kind, f"{leaf}.json")
    content = json.dumps(main) if isinstance(main, Mapping) else main
    files = {file: content, **{key.replace("__", "/").replace("_", "."): value for key, value in more.items()}}
    return Package(
        Item(Kind(kind), name, "…", source),
        {path: text.encode() if isinstance(text, str) else text for path, text in files.items()},
        file,
    )


def request(project: Path, *packages: Package, scope: str = "project", approve: bool = False) -> AddRequest:
    return AddRequest.of(packages, project, Scope(scope), approve=approve)


def add(
    project: Path,
    *packages: Package,
    scope: str = "project",
    approve: bool = False,
    every: Decision | None = None,
    by_key: Mapping[str, Decision] | None = None,
) -> Applied:
    asked = request(project, *packages, scope=scope, approve=approve).deciding(Decisions(every, by_key or {}))
    return apply(asked.site, lambda: plan_add(asked))


def remove(project: Path, *refs: str, scope: str = "project", every: Decision | None = None) -> Applied:
    asked = RemoveRequest(Site.of(Scope(scope), project), refs, Decisions(every))
    return apply(asked.site, lambda: plan_remove(asked))


def bundled(*refs: str) -> list[Package]:
    """Packages of the bundled catalog; all of them without `refs`."""
    from cct_cloudflare.catalog import bundled_catalog

    catalog = bundled_catalog()
    return [catalog.load(item) for item in catalog.items() if not refs or item.ref in refs]
