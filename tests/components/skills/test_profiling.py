"""Profiles of every kind, the real ones of Python and Node among them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.components.skills.script import load, run

TOP = "performance/profiling/top"
top = load(TOP)

STACKS = """\
main (app.py:1);load (app.py:9);parse (lib/json.py:4) 30
main (app.py:1);work (app.py:20);work (app.py:20);parse (lib/json.py:4) 50
main (app.py:1);work (app.py:20) 15
main (app.py:1) 5
"""


def costs(profile: Any) -> dict[str, tuple[float, float]]:
    return {function.name: (cost.own, cost.total) for function, cost in profile.costs.items()}


def test_shares_and_recursion() -> None:
    profile = top.read_collapsed(STACKS)
    assert (profile.unit, profile.whole) == ("samples", 100)
    assert costs(profile) == {
        "(all)": (0, 100),
        "main": (5, 100),
        "load": (0, 30),
        "parse": (80, 80),
        "work": (15, 65),
    }
    assert [function.name for function, _ in profile.path] == ["main", "work", "work", "parse"]


def test_the_table_and_the_path(tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_text(STACKS)
    lines = run(TOP, "p.txt", "--limit", "2", cwd=tmp_path).stdout.splitlines()
    assert lines[0] == "p.txt: 100.0 samples"
    assert lines[1].split() == ["self", "total", "function"]
    assert [line.split("  ")[-2:] for line in lines[2:4]] == [["parse", "lib/json.py:4"], ["work", "app.py:20"]]
    assert lines[4] == "heaviest path:"
    assert lines[6].endswith("work  app.py:20  (2 deep)") and "65%" in lines[6]
    by_total = run(TOP, "p.txt", "--by", "total", "--only", "app.py", cwd=tmp_path).stdout
    assert "lib/json.py" not in by_total.partition("heaviest")[0]
    assert [line.split()[-2] for line in by_total.splitlines()[2:5]] == ["main", "work", "load"]


def cpu_profile(chain: int) -> dict[str, Any]:
    """`(root)` → f → f → … with one sample of 2 ms on each, and one of 9 ms in `(idle)`."""

    def frame(name: str, line: int) -> dict[str, Any]:
        return {"functionName": name, "url": "file:///app/a.js" if line >= 0 else "", "lineNumber": line}

    nodes = [
        {"id": 1, "callFrame": frame("(root)", -1), "children": [2, 3]},
        {"id": 2, "callFrame": frame("(idle)", -1)},
    ]
    nodes += [
        {"id": 3 + at, "callFrame": frame("f", 4), "children": [4 + at] if at + 1 < chain else []}
        for at in range(chain)
    ]
    samples = [2, *range(3, 3 + chain)]
    return {
        "nodes": nodes,
        "samples": samples,
        "timeDeltas": [100, 9_000, *[2_000] * (chain - 1), 2_000][: len(samples)],
    }


@pytest.mark.parametrize("chain", [1, 3, 5_000])
def test_a_profile_of_v8_however_deep(chain: int, tmp_path: Path) -> None:
    (tmp_path / "a.cpuprofile").write_text(json.dumps(cpu_profile(chain)))
    profile = top.read(tmp_path / "a.cpuprofile")
    # The last sample has no end, and waiting is no cost.
    assert list(costs(profile)["f"]) == pytest.approx([2 * (chain - 1)] * 2)
    assert costs(profile)["(idle)"] == (0, 0)
    assert next(function.place for function in profile.costs if function.name == "f") == "/app/a.js:5"


def test_a_heap_profile_of_v8() -> None:
    frame = {"functionName": "", "url": "", "lineNumber": -1}
    leaf = {"callFrame": {**frame, "functionName": "keep"}, "selfSize": 3072, "children": []}
    head = {"callFrame": {**frame, "functionName": "(root)"}, "selfSize": 1024, "children": [leaf, leaf]}
    profile = top.read_v8({"head": head})
    assert (profile.unit, costs(profile)) == ("KiB", {"(root)": (1, 7), "keep": (6, 6)})


def test_what_cprofile_writes(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def f(n):\n    return n if n < 2 else f(n - 1) + f(n - 2)\n\nf(12)\n")
    command = [sys.executable, "-m", "cProfile", "-o", "a.prof", "a.py"]
    subprocess.run(command, cwd=tmp_path, check=True)
    lines = run(TOP, "a.prof", "--only", "a.py", cwd=tmp_path).stdout.splitlines()
    assert lines[1].split() == ["self", "total", "calls", "function"]
    assert any(line.endswith("465  f  a.py:1") for line in lines), lines


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed here")
def test_what_node_writes(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text(
        "function burn(n) { let s = 0; for (let i = 0; i < n; i++) s += Math.sqrt(i); return s }\n"
        "let s = 0; for (let i = 0; i < 60; i++) s += burn(1e6); console.log(s > 0)\n"
    )
    subprocess.run(["node", "--cpu-prof", "--cpu-prof-name=a.cpuprofile", "a.js"], cwd=tmp_path, check=True)
    result = run(TOP, "a.cpuprofile", "--only", "burn", cwd=tmp_path)
    assert result.returncode == 0
    assert any(line.endswith("burn  a.js:1") for line in result.stdout.splitlines()), result.stdout


def test_names_cannot_steer_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_text("a\x1b[31m;b 3\n")
    result = run(TOP, "p.txt", cwd=tmp_path)
    assert "\x1b" not in result.stdout and r"a\x1b[31m" in result.stdout


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"no stack here\n",
        b"\xff\xfe\0",
        b"{}",
        b'{"nodes": 3}',
        b'{"head": []}',
        b"{" * 100_000,
        b"{\xfb\xff",
    ],
)
def test_what_is_no_profile_is_refused(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "x").write_bytes(content)
    result = run(TOP, "x", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("x: ") and "Traceback" not in result.stderr
