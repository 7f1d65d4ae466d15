"""`cct run`: programs of the user's own, in all three languages, in the real sandbox."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.runtime import PATIENCE, Cct


def write(folder: Path, **files: str | bytes) -> None:
    """Files by name, with `_` for the dot before the suffix."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / ".".join(name.rsplit("_", 1))
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("main.py", "print(sum(n * n for n in range(10)))"),
        ("main.js", "console.log([...Array(10).keys()].reduce((sum, n) => sum + n * n, 0))"),
        ("main.mjs", "import { sep } from 'node:path'; console.log(sep === '/' ? 285 : 0)"),
        ("main.cjs", "const { sep } = require('node:path'); console.log(sep === '/' ? 285 : 0)"),
        ("main.ts", "const square = (n: number): number => n * n; console.log(square(5) * 11 + 10)"),
    ],
)
def test_the_program_output_alone_is_on_stdout(cct: Cct, name: str, source: str) -> None:
    (cct.project / name).write_text(source)
    done = cct("run", name)
    assert (done.code, done.stdout) == (0, "285\n")
    assert "this machine" in done.stderr
    assert list(cct.files()) == [name], "nothing is rendered, nothing is saved"
    assert not (cct.project / ".claude").exists()


def test_typescript_with_enums_parameter_properties_and_several_files(cct: Cct) -> None:
    write(
        cct.project,
        main_ts="""\
import { Shape, type Area } from './shapes';
import * as colour from './lib/colour.ts';
class Box implements Area {
  constructor(private readonly side: number, public kind: Shape = Shape.Square) {}
  area(): number { return this.side ** 2; }
}
const box = new Box(4);
console.log(Shape[box.kind], box.area() satisfies number, colour.name);
const data = await Promise.resolve(<number>(<unknown>7));
console.log(data!);
""",
        shapes_ts="export enum Shape { Circle, Square = 4 }\nexport interface Area { area(): number }\n",
    )
    write(cct.project / "lib", colour_ts="export const name: string = 'red';\n")
    done = cct("run", "main.ts", "shapes.ts", "lib/colour.ts")
    assert (done.code, done.stdout) == (0, "Square 16 red\n7\n"), done.stderr


def test_python_with_helpers_packages_asyncio_and_data(cct: Cct) -> None:
    write(
        cct.project,
        main_py="""\
import asyncio, json, pathlib
from helper import double
from package.inner import VALUE

async def slow(n):
    await asyncio.sleep(0.01 * (3 - n))
    return double(n)

async def main():
    print(await asyncio.gather(*(slow(n) for n in range(3))))

asyncio.run(main())
print(VALUE, pathlib.Path("table.bin").read_bytes() == bytes(range(256)), __name__)
""",
        helper_py="def double(n):\n    return 2 * n\n",
        table_bin=bytes(range(256)),
    )
    write(cct.project / "package", __init___py="", inner_py="VALUE = 'inner'\n")
    done = cct("run", "main.py", "helper.py", "table.bin", "package/__init__.py", "package/inner.py")
    assert (done.code, done.stdout) == (0, "[0, 2, 4]\ninner True __main__\n"), done.stderr


def test_files_are_given_by_absolute_path_and_from_another_folder(cct: Cct, tmp_path: Path) -> None:
    write(tmp_path / "app" / "data", in_csv="a,b\n1,2\n")
    write(tmp_path / "app", main_py="print(open('data/in.csv').read(), end='')")
    done = cct("run", tmp_path / "app" / "main.py", tmp_path / "app" / "data" / "in.csv")
    assert (done.code, done.stdout) == (0, "a,b\n1,2\n"), done.stderr


@pytest.mark.parametrize(
    ("language", "source"),
    [("python", "print('from', 'stdin')"), ("typescript", "const a: string = 'stdin'; console.log('from', a)")],
)
def test_the_program_comes_from_standard_input(cct: Cct, language: str, source: str) -> None:
    done = cct("run", "-", "--language", language, stdin=source.encode())
    assert (done.code, done.stdout) == (0, "from stdin\n"), done.stderr


def test_the_language_can_be_said(cct: Cct) -> None:
    write(cct.project, script_txt="print('python', end='')")
    assert cct("run", "script.txt", "--language", "python").stdout == "python"


@pytest.mark.parametrize(
    ("name", "source", "status"),
    [
        ("main.py", "import sys\nprint('before')\nsys.exit(3)", 3),
        ("main.js", "console.log('before'); process.exit(3); console.log('after')", 3),
        ("main.js", "process.exitCode = 4; console.log('before')", 4),
        ("main.py", "print('before'); raise SystemExit('words')", 1),
    ],
)
def test_any_status_of_the_program_but_zero_is_exit_1(cct: Cct, name: str, source: str, status: int) -> None:
    (cct.project / name).write_text(source)
    done = cct("run", name, "--json")
    assert done.code == 1
    assert done.json["exitCode"] == status
    assert done.json["errorCode"] == "program_failed"
    assert done.json["output"] == "before\n"
    assert done.json["success"] is False
    assert done.json["outputMayBeIncomplete"] is False


@pytest.mark.parametrize(
    ("name", "source", "said"),
    [
        ("main.py", "def f():\n    return {}['missing']\n\nf()\n", ('/main.py", line 2', "KeyError")),
        ("main.js", "function f() {\n  throw new TypeError('broken');\n}\nf();\n", ("main.js:2", "TypeError: broken")),
        ("main.ts", "type A = 1;\ninterface B { a: A }\nthrow new Error('line three');\n", ("main.ts:3", "line three")),
        ("main.py", "x = 1\nif x\n    pass\n", ("main.py", "line 2", "SyntaxError")),
        ("main.js", "const a = 1;\nconst a = 2;\n", ("main.js", "SyntaxError")),
        ("main.ts", "const a: = 2;\n", ("main.ts", "SyntaxError")),
    ],
)
def test_an_error_names_the_programs_own_file_and_line(cct: Cct, name: str, source: str, said: tuple[str]) -> None:
    (cct.project / name).write_text(source)
    done = cct("run", name, "--json")
    assert done.code == 1
    assert done.json["exitCode"] == 1
    for word in said:
        assert word in done.json["error"]


def test_files_that_the_program_writes_are_saved(cct: Cct) -> None:
    write(cct.project, main_js="", in_txt="given\n")
    (cct.project / "main.js").write_text(
        "const fs = require('node:fs');"
        "fs.mkdirSync('out/deep', { recursive: true });"
        "fs.writeFileSync('out/deep/a.txt', fs.readFileSync('in.txt', 'utf8') + 'and more\\n');"
        "fs.writeFileSync('raw.bin', Buffer.from([0, 255, 254, 13, 10]));"
    )
    done = cct("run", "main.js", "in.txt", "--output", "results", "--json")
    assert done.code == 0, done.stderr
    saved = {name: data for name, data in cct.files().items() if name.startswith("results/")}
    assert saved == {"results/out/deep/a.txt": b"given\nand more\n", "results/raw.bin": b"\0\xff\xfe\r\n"}
    assert {file["path"] for file in done.json["savedFiles"]} == {"out/deep/a.txt", "raw.bin"}
    assert done.json["outputDirectory"] == str(cct.project / "results")
    assert {file["path"] for file in done.json["files"]} == {"out/deep/a.txt", "raw.bin"}


def test_without_output_the_folder_is_named_after_the_run(cct: Cct) -> None:
    write(cct.project, main_py="open('a.txt', 'w').write('x')")
    done = cct("run", "main.py", "--json")
    folder = f"cloudflare-{done.json['sandboxId']}"
    assert cct.files() == {"main.py": b"open('a.txt', 'w').write('x')", f"{folder}/a.txt": b"x"}


def test_a_web_page_has_nothing_to_run(cct: Cct) -> None:
    write(cct.project, index_html="<h1>hi</h1>")
    done = cct("run", "index.html", "--json")
    assert (done.code, done.json["language"], done.json["output"]) == (0, "web", "")


def test_the_timeout_is_the_programs(cct: Cct) -> None:
    write(cct.project, main_js="console.log('started'); setTimeout(() => console.log('never'), 100_000)")
    done = cct("run", "main.js", "--timeout", "0.5")
    assert (done.code, done.stdout) == (6, "started\n")
    assert "0.5 s" in done.stderr


@pytest.mark.parametrize(
    ("argv", "code", "word"),
    [
        (["missing.py"], 2, "usage"),
        (["main.py", "--timeout", "0"], 2, "usage"),
        (["main.py", "--timeout", "nan"], 2, "usage"),
        (["main.py", "../elsewhere.txt"], 2, "usage"),
        ([".hidden.py"], 7, "unsafe_path"),
        (["main.py", ".env"], 7, "unsafe_path"),
        (["con.py"], 7, "unsafe_path"),
    ],
)
def test_what_is_refused_before_it_runs(cct: Cct, argv: list[str], code: int, word: str) -> None:
    for name in ("main.py", ".hidden.py", ".env", "con.py"):
        (cct.project / name).write_text("print('ran')")
    (cct.project.parent / "elsewhere.txt").write_text("x")
    before = cct.files()
    done = cct("run", *argv, "--json")
    assert (done.code, done.json["errorCode"]) == (code, word)
    assert cct.files() == before


def test_quiet_leaves_only_the_programs_own_words(cct: Cct) -> None:
    write(cct.project, main_py="import sys\nprint('out')\nprint('err', file=sys.stderr)")
    done = cct("run", "main.py", "--quiet")
    assert (done.code, done.stdout, done.stderr) == (0, "out\n", "err\n")


def test_standard_input_without_end_is_refused_not_collected(cct: Cct) -> None:
    with Path("/dev/zero").open("rb") as endless:
        done = subprocess.run(
            cct.command("run", "-", "--language", "python", "--json"),
            stdin=endless,
            env=cct.environment,
            cwd=cct.project,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
    assert done.returncode == 2
    assert json.loads(done.stdout)["errorCode"] == "payload_too_large"
