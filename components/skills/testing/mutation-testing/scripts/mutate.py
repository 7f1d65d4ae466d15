"""Breaks one Python file in one place at a time, in a copy of its project, and prints what no test notices.

    python3 mutate.py FILE [--root DIR] [--lines A-B] [--limit N] [--timeout SECONDS] -- COMMAND [ARGUMENT ...]

COMMAND runs the tests, with the copy as its working directory. Exit status: 0 all changes were noticed, 1 some were
not, 2 it could not begin.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

LEFT_OUT = {".git", "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", ".tox", ".nox"}
# Too large to copy, and what the command itself may need.
LINKED = {".venv", "venv", "node_modules"}

SWAPS: dict[type[ast.AST], type[Any]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.And: ast.Or,
    ast.Or: ast.And,
}


class CannotBeginError(Exception):
    """The message is one sentence for people."""


class Mutant(NamedTuple):
    line: int
    before: str
    after: str
    source: bytes


def main(argv: list[str] | None = None) -> int:
    options = parse(argv)
    try:
        return run(options)
    except (CannotBeginError, OSError, shutil.Error) as error:
        print(error, file=sys.stderr)
        return 2


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Breaks a Python file in one place at a time, and runs the tests.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--root", type=Path, metavar="DIR", help="the project (default: the repository of FILE)")
    parser.add_argument("--lines", type=line_range, metavar="A-B", help="only in these lines")
    parser.add_argument("--limit", type=int, default=60, metavar="N", help="so many changes at most (default: 60)")
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="for a run (default: 5 times the first one)")
    parser.add_argument("command", nargs="+", metavar="COMMAND", help="what runs the tests, after --")
    options = parser.parse_args(argv)
    if options.limit < 1 or (options.timeout is not None and not options.timeout > 0):
        parser.error("--limit and --timeout must be positive")
    return options


def line_range(text: str) -> range:
    first, _, last = text.partition("-")
    if not first.isdecimal() or not (last or first).isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form 40-90")
    return range(int(first), int(last or first) + 1)


def run(options: argparse.Namespace) -> int:
    file = options.file.resolve()
    source = file.read_bytes()
    root = (options.root or repository(file)).resolve()
    if not file.is_relative_to(root):
        raise CannotBeginError(f"{options.file} is not in {root}.")
    found = [mutant for mutant in mutants(source) if options.lines is None or mutant.line in options.lines]
    if not found:
        raise CannotBeginError("There is nothing to change in these lines.")
    chosen = spread(found, options.limit)
    with tempfile.TemporaryDirectory(prefix="mutate-") as folder:
        copy = Path(folder, root.name or "project")
        copy_project(root, copy)
        target = copy / file.relative_to(root)
        limit = check(target, copy, options)
        print(f"{len(chosen)} of {len(found)} possible changes", flush=True)
        survived = 0
        for mutant in chosen:
            target.write_bytes(mutant.source)
            if passes(options.command, copy, limit):
                survived += 1
                print(f"{options.file}:{mutant.line}: not noticed: {mutant.before}  ->  {mutant.after}", flush=True)
    print(f"{len(chosen) - survived} noticed, {survived} not")
    return 1 if survived else 0


def repository(file: Path) -> Path:
    return next((folder for folder in file.parents if (folder / ".git").exists()), Path.cwd())


def copy_project(root: Path, copy: Path) -> None:
    shutil.copytree(root, copy, symlinks=True, ignore=lambda _, names: (LEFT_OUT | LINKED) & set(names))
    for name in LINKED:
        if (root / name).is_dir():
            with contextlib.suppress(OSError):  # Windows may not allow it
                (copy / name).symlink_to(root / name, target_is_directory=True)


def check(target: Path, copy: Path, options: argparse.Namespace) -> float:
    """How long a run may take, in seconds. Raises CannotBeginError when the tests could not tell anything."""
    source = target.read_bytes()
    started = time.monotonic()
    if not passes(options.command, copy, options.timeout or 600):
        raise CannotBeginError("The tests fail, or take too long, in a copy of the project without any change.")
    taken = time.monotonic() - started
    target.write_bytes(b"raise RuntimeError('changed by mutate.py')\n")
    if passes(options.command, copy, options.timeout or 600):
        raise CannotBeginError("The tests do not import this file from their working directory, or not at all.")
    target.write_bytes(source)
    return options.timeout or max(10.0, 5 * taken)


def passes(command: list[str], folder: Path, timeout: float) -> bool:
    """Whether it ends with 0 within `timeout` seconds. Its output is dropped."""
    paths = [str(folder / "src"), str(folder), os.environ.get("PYTHONPATH", "")]
    # A compiled file is told from its source by size and second: two changes within one would look alike.
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        return process.wait(timeout) == 0
    except subprocess.TimeoutExpired:
        return False
    finally:
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        elif process.poll() is None:
            process.kill()
        process.wait()


def spread(found: list[Mutant], limit: int) -> list[Mutant]:
    if len(found) <= limit:
        return found
    return [found[index * len(found) // limit] for index in range(limit)]


def mutants(source: bytes) -> list[Mutant]:
    """Every change, in the order of the lines. Raises CannotBeginError when the file is not Python."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError) as error:
        raise CannotBeginError(f"The file cannot be parsed: {error}.") from error
    starts = [0]
    for line in source.split(b"\n"):
        starts.append(starts[-1] + len(line) + 1)
    bom = 3 if source.startswith(b"\xef\xbb\xbf") else 0
    found = []
    for node, text in changes(tree):
        begin = starts[node.lineno - 1] + node.col_offset + (bom if node.lineno == 1 else 0)
        end = starts[node.end_lineno - 1] + node.end_col_offset + (bom if node.end_lineno == 1 else 0)
        changed = source[:begin] + text.encode() + source[end:]
        with contextlib.suppress(SyntaxError, ValueError):
            if ast.dump(ast.parse(changed)) != ast.dump(tree):
                before = " ".join(source[begin:end].decode("utf-8", "replace").split())
                found.append(Mutant(node.lineno, before, text, changed))
    return sorted(found, key=lambda mutant: mutant.line)


def changes(node: ast.AST) -> Iterator[tuple[Any, str]]:
    """Each node that can be replaced, with what to put in its place."""
    yield from own_changes(node)
    for field, value in ast.iter_fields(node):
        # Annotations do not run; a docstring, a pattern and the inside of an f-string have no place to cut at.
        if field in ("annotation", "returns", "type_comment") or isinstance(node, (ast.JoinedStr, ast.Assert)):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not is_left_out(child):
                yield from changes(child)


def is_left_out(node: ast.AST) -> bool:
    if type(node).__name__.startswith("Match") or isinstance(node, (ast.Import, ast.ImportFrom)):
        return True
    if isinstance(node, ast.If):
        test = ast.unparse(node.test)
        return test.startswith("__name__ ==") or test.endswith("TYPE_CHECKING")
    return False


def own_changes(node: ast.AST) -> Iterator[tuple[Any, str]]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        yield node, ast.unparse(ast.Compare(node.left, [SWAPS[type(node.ops[0])]()], node.comparators))
    elif isinstance(node, ast.BinOp) and type(node.op) in SWAPS and not any(map(is_text, (node.left, node.right))):
        yield node, f"({ast.unparse(ast.BinOp(node.left, SWAPS[type(node.op)](), node.right))})"
    elif isinstance(node, ast.BoolOp):
        yield node, f"({ast.unparse(ast.BoolOp(SWAPS[type(node.op)](), node.values))})"
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node, f"({ast.unparse(node.operand)})"
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield node, str(not node.value)
    elif isinstance(node, ast.Constant) and type(node.value) is int:
        yield node, str(node.value + 1)
    elif isinstance(node, ast.Return) and node.value is not None and ast.unparse(node.value) != "None":
        yield node, "return None"
    elif isinstance(node, (ast.Raise, ast.AugAssign)) or (isinstance(node, ast.Expr) and is_call(node.value)):
        yield node, "pass"
    elif isinstance(node, ast.Break):
        yield node, "continue"
    elif isinstance(node, ast.Continue):
        yield node, "break"
    if isinstance(node, (ast.If, ast.While, ast.IfExp)) and isinstance(node.test, (ast.Name, ast.Attribute, ast.Call)):
        yield node.test, f"(not {ast.unparse(node.test)})"


def is_call(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) or (isinstance(node, ast.Await) and isinstance(node.value, ast.Call))


def is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes)))


if __name__ == "__main__":
    sys.exit(main())
