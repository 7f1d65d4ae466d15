"""Small trees built from dicts, and trees read back into dicts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cct_cloudflare.scaffold import Plan, apply, plan, target_of
from cct_cloudflare.scaffold.manifest import MANIFEST_NAME

Tree = dict[str, bytes]

TEMPLATE: Mapping[str, bytes] = {
    "README.md": b"# Worker\n",
    "src/index.ts": b"export default {};\n",
    "src/sandbox/isolate.ts": b"export {};\n",
    "test/api.test.ts": b"it();\n",
    "wrangler.toml": b'name = "cct-sandbox"\n',
}


def write_tree(root: Path, tree: Mapping[str, bytes]) -> None:
    for path, content in tree.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def read_tree(root: Path, *, manifest: bool = False) -> Tree:
    """Every file below `root`; the manifest only when asked for."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and (manifest or path.name != MANIFEST_NAME)
    }


def stamps(root: Path) -> dict[str, tuple[int, int]]:
    """Inode and modification time of everything: what differs when anything was touched."""
    return {str(path): (path.lstat().st_ino, path.lstat().st_mtime_ns) for path in [root, *root.rglob("*")]}


def scaffold(project: Path, rendered: Mapping[str, bytes] = TEMPLATE, *, force: bool = False) -> Plan:
    return apply(plan(project, rendered=rendered, force=force))


def words(made: Plan) -> dict[str, str]:
    return {file.path: file.action.value for file in made.files}


def target(project: Path) -> Path:
    return target_of(project)
