"""Where a row of the list has its test already: the test is named, and looked for."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def missing(test: str) -> str | None:
    """Why `path::name` names no test: a function of a Python module, or the words of one in TypeScript."""
    path, _, name = test.partition("::")
    file = ROOT / path
    if not file.is_file():
        return f"there is no {path}"
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".ts":
        return None if f"'{name}'" in text or f'"{name}"' in text else f"{path} has no test {name!r}"
    functions = {node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}
    return None if name in functions and name.startswith("test_") else f"{path} has no function {name}"
