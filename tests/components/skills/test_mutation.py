"""Which changes are made, and that the project is never touched."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from tests.components.skills.script import SKILLS, load, run

MUTATE = "testing/mutation-testing/mutate"
mutate = load(MUTATE)

SOURCE = '''\
"""Prices."""
from __future__ import annotations


def price(count: int, member: bool = False) -> int:
    """In cents."""
    if count < 1:
        raise ValueError(f"{count + 1} pieces")
    if member and count >= 10:
        return count * 90
    return count * 100


if __name__ == "__main__":
    print(price(1 + 1))
'''
GOOD_TESTS = """\
from shop.prices import price

assert [price(1), price(9, True), price(10), price(10, True)] == [100, 900, 1000, 900]
try:
    price(0)
except ValueError:
    pass
else:
    raise SystemExit("no error")
"""
WEAK_TESTS = """\
from shop.prices import price

assert price(5) == 500 and price(20, True) == 1800
try:
    price(-5)
except ValueError:
    pass
else:
    raise SystemExit("no error")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "src" / "shop").mkdir(parents=True)
    (root / ".git").mkdir()
    (root / "src" / "shop" / "__init__.py").touch()
    (root / "src" / "shop" / "prices.py").write_text(SOURCE)
    (root / "good.py").write_text(GOOD_TESTS)
    (root / "weak.py").write_text(WEAK_TESTS)
    return root


def changes(source: str) -> list[tuple[int, str, str]]:
    return [(mutant.line, mutant.before, mutant.after) for mutant in mutate.mutants(source.encode())]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = a < b", [("a < b", "a <= b")]),
        ("x = a == b == c", []),
        ("x = a not in b", [("a not in b", "a in b")]),
        ("x = a and b and c", [("a and b and c", "(a or b or c)")]),
        ("x = not a", [("not a", "(a)")]),
        ("x = a + b", [("a + b", "(a - b)")]),
        ("x = 'a' + b", []),
        ("x = f'{a + b}'", []),
        ("x = True", [("True", "False")]),
        ("x = 7", [("7", "8")]),
        ("if a:\n    b = c", [("a", "(not a)")]),
        ("def f():\n    return a", [("return a", "return None")]),
        ("def f():\n    return None", []),
        ("def f():\n    raise E", [("raise E", "pass")]),
        ("a.b(c)", [("a.b(c)", "pass")]),
        ("'a docstring'", []),
        ("x += a", [("x += a", "pass")]),
        ("for a in b:\n    break", [("break", "continue")]),
        ("def f(a: X[1] = b) -> Y[2]:\n    c: Z[3] = d", []),
        ("match a:\n    case 1:\n        b = c", []),
        ("if TYPE_CHECKING:\n    a(1)\nif __name__ == '__main__':\n    b(2)", []),
        ("assert a < 1", []),
    ],
)
def test_what_is_changed_and_into_what(source: str, expected: list[tuple[str, str]]) -> None:
    assert [(before, after) for _, before, after in changes(source)] == expected


@pytest.mark.parametrize(
    "source", ["# ünïcode\nx = 'é' if a < b else 'ö'\n", "\ufeffx = a < b\n", "x = (a <\r\n  b)\r\n"]
)
def test_a_change_is_made_where_it_is_meant(source: str) -> None:
    for mutant in mutate.mutants(source.encode()):
        ast.parse(mutant.source)
        assert mutant.source.replace(mutant.after.encode(), b"", 1).count(b"\n") <= source.count("\n")
    (first, *_) = mutate.mutants(source.encode())
    assert first.source.decode() == source.replace("a <\r\n  b", "a <= b").replace("a < b", "a <= b")


@pytest.mark.parametrize("script", sorted(SKILLS.rglob("*.py")), ids=lambda path: path.stem)
def test_each_change_of_a_real_file_is_python_and_differs(script: Path) -> None:
    source = script.read_bytes()
    found = mutate.mutants(source)
    assert len(found) > 10
    assert all(mutant.source != source for mutant in found)
    assert [mutant.line for mutant in found] == sorted(mutant.line for mutant in found)


def test_good_tests_notice_all_and_weak_ones_do_not(project: Path) -> None:
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    good = run(MUTATE, "src/shop/prices.py", "--", sys.executable, "good.py", cwd=project)
    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout.splitlines()[-1] == "13 noticed, 0 not", good.stdout
    weak = run(MUTATE, "src/shop/prices.py", "--lines", "7-9", "--", sys.executable, "weak.py", cwd=project)
    assert weak.returncode == 1
    assert "src/shop/prices.py:7: not noticed: count < 1  ->  count <= 1" in weak.stdout
    assert {path: path.read_bytes() for path in project.rglob("*") if path.is_file()} == before


def test_a_limit_spreads_over_the_file() -> None:
    found = mutate.mutants("\n".join(f"x{number} = a < b" for number in range(100)).encode())
    assert [mutant.line for mutant in mutate.spread(found, 4)] == [1, 26, 51, 76]
    assert mutate.spread(found, 500) == found


def test_it_does_not_begin_when_it_could_tell_nothing(project: Path, tmp_path: Path) -> None:
    def refused(*arguments: str) -> str:
        result = run(MUTATE, *arguments, cwd=project)
        assert (result.returncode, result.stdout) == (2, "") and "Traceback" not in result.stderr
        return result.stderr

    assert "fail" in refused("src/shop/prices.py", "--", sys.executable, "-c", "exit(1)")
    assert "do not import this file" in refused("src/shop/prices.py", "--", sys.executable, "-c", "")
    assert "nothing to change" in refused("src/shop/prices.py", "--lines", "1-2", "--", "true")
    (project / "broken.py").write_text("(")
    assert "cannot be parsed" in refused("broken.py", "--", "true")
    assert "No such file" in refused("src/shop/prices.py", "--", "there-is-no-such-program")
    assert "is not in" in refused("src/shop/prices.py", "--root", str(tmp_path / "project" / ".git"), "--", "true")
    assert "No such file" in refused("missing.py", "--", "true")
    assert "usage:" in refused("src/shop/prices.py", "--lines", "x", "--", "true")
    assert "usage:" in refused("src/shop/prices.py", "--limit", "0", "--", "true")


def test_a_change_that_loops_for_ever_counts_as_noticed(project: Path) -> None:
    (project / "src" / "shop" / "prices.py").write_text("def f(n):\n    while n > 0:\n        n -= 1\n    return n\n")
    test = "from shop.prices import f; assert f(3) == 0"
    command = ("--timeout", "2", "--lines", "3", "--", sys.executable, "-c", test)
    result = run(MUTATE, "src/shop/prices.py", *command, cwd=project)
    assert result.stdout.splitlines()[-1] == "2 noticed, 0 not", result.stdout + result.stderr


def test_what_is_too_large_to_copy_is_linked_and_the_rest_left_out(project: Path, tmp_path: Path) -> None:
    for name in ("node_modules/a", ".venv/bin", "__pycache__"):
        (project / name).mkdir(parents=True)
    (project / "link").symlink_to("good.py")
    mutate.copy_project(project, tmp_path / "copy")
    copied = {path.name for path in (tmp_path / "copy").iterdir()}
    assert copied == {"src", "good.py", "weak.py", "link", "node_modules", ".venv"}
    assert (tmp_path / "copy" / "node_modules").is_symlink() and (tmp_path / "copy" / "link").is_symlink()
