"""Files that Claude named and files that its program wrote: what is unsafe is refused, the rest is saved."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cct_cloudflare.scripted import Reply, ScriptedModel
from tests.runtime import PROMPT, Cct, Finished, ask, reply, reply_of

MAIN = 'console.log("ran");'

UNSAFE = [
    "../../x",
    "../x",
    "a/../../x",
    "/etc/x",
    ".git/hooks/post-checkout",
    ".GIT/config",
    "git~1/config",
    "sub/.git/config",
    ".claude/settings.json",
    ".mcp.json",
    ".env",
    ".bashrc",
    ".github/workflows/ci.yml",
    "~/x",
    "C:/x",
    "a\\..\\..\\x",
    "nul\0byte",
    "new\nline",
    "con",
    "a\u202etxt.exe",
    "node_modules/x/index.js",
]


def generated(cct: Cct, answer: Reply, *argv: str | Path) -> Finished:
    with ScriptedModel([answer], pace=0) as model:
        return ask(cct, model, "--json", *argv)


def test_every_unsafe_name_of_claude_is_refused_and_the_rest_saved(cct: Cct) -> None:
    (cct.project.parent / "x").write_text("mine")
    done = generated(cct, reply({"main.js": MAIN, **dict.fromkeys(UNSAFE, "evil"), "good.txt": "good"}))
    assert done.code == 7, done.stdout
    assert {file["path"] for file in done.json["refusedFiles"]} == set(UNSAFE)
    assert all(file["reason"] for file in done.json["refusedFiles"])
    assert done.json["success"] is True, "the program itself ran"
    assert done.json["output"] == "ran\n"
    folder = f"cloudflare-{done.json['sandboxId']}"
    assert cct.files() == {f"{folder}/main.js": MAIN.encode(), f"{folder}/good.txt": b"good"}
    assert (cct.project.parent / "x").read_text() == "mine"


def test_refused_files_are_shown_to_people_too(cct: Cct) -> None:
    with ScriptedModel([reply({"main.js": MAIN, "../../x": "evil"})], pace=0) as model:
        done = ask(cct, model)
    assert (done.code, done.stdout) == (7, "ran\n")
    assert "../../x" in done.stderr
    assert "refused" in done.stderr.lower()


def test_exit_7_wins_over_a_program_that_fails(cct: Cct) -> None:
    done = generated(cct, reply({"main.js": "process.exit(1)", ".env": "A=1"}))
    assert (done.code, done.json["errorCode"]) == (7, "program_failed")


WRITES = """\
import fs from 'node:fs';
const attempts = {};
for (const path of %s) {
  try {
    const at = path.lastIndexOf('/');
    if (at > 0) fs.mkdirSync(path.slice(0, at), { recursive: true });
    fs.writeFileSync(path, 'written');
    attempts[path] = true;
  } catch (error) { attempts[path] = String(error); }
}
fs.writeFileSync('good.txt', 'good');
"""


@pytest.mark.parametrize("language", ["javascript", "python"])
def test_unsafe_names_that_the_program_writes_are_refused(cct: Cct, language: str) -> None:
    inside = [path for path in UNSAFE if not path.startswith(("..", "/", "a/..")) and "\0" not in path]
    if language == "javascript":  # workerd reads paths as URLs: these name something else, or nothing
        inside = [path for path in inside if not set(path) & set("\\\n:")]
    if language == "javascript":
        answer = reply({"main.js": WRITES % json.dumps(inside)})
    else:
        source = (
            "import os\n"
            f"for path in {inside!r}:\n"
            "    os.makedirs(os.path.dirname(path) or '.', exist_ok=True)\n"
            "    open(path, 'w').write('written')\n"
            "open('good.txt', 'w').write('good')\n"
        )
        answer = reply({"main.py": source}, language="python")
    done = generated(cct, answer)
    assert done.code == 7, done.stdout
    assert {file["path"] for file in done.json["refusedFiles"]} == set(inside)
    folder = f"cloudflare-{done.json['sandboxId']}"
    assert set(cct.files()) == {f"{folder}/{answer.entrypoint}", f"{folder}/good.txt"}


@pytest.mark.parametrize("language", ["javascript", "python"])
def test_what_a_program_writes_outside_its_folder_stays_in_the_sandbox(cct: Cct, language: str) -> None:
    marker = cct.project.parent / "escaped.txt"
    paths = [str(marker), "../../escaped.txt", "/tmp/cct-escaped.txt", "/etc/cct-escaped.txt"]
    if language == "javascript":
        answer = reply({"main.js": WRITES % json.dumps(paths)})
    else:
        source = (
            "import os\n"
            f"for path in {paths!r}:\n"
            "    try:\n"
            "        os.makedirs(os.path.dirname(path) or '.', exist_ok=True)\n"
            "        open(path, 'w').write('written')\n"
            "    except OSError as error:\n"
            "        print(error)\n"
            "open('good.txt', 'w').write('good')\n"
        )
        answer = reply({"main.py": source}, language="python")
    done = generated(cct, answer)
    assert done.code == 0, done.stdout
    folder = f"cloudflare-{done.json['sandboxId']}"
    assert set(cct.files()) == {f"{folder}/{answer.entrypoint}", f"{folder}/good.txt"}
    assert not any(Path(path).exists() for path in paths if path.startswith("/"))


@pytest.mark.parametrize(
    ("answer", "code", "word"),
    [
        (reply({"../main.js": MAIN}), 7, "unsafe_path"),
        (reply({"main.js": MAIN}, entrypoint="other.js"), 5, "model_invalid"),
        (reply_of([("main.js", MAIN), ("a.txt", "1"), ("a.txt", "2")]), 5, "model_invalid"),
        (reply_of([("main.js", MAIN), ("a.txt", "1"), ("A.TXT", "2")]), 5, "model_invalid"),
        (reply({"main.js": MAIN, "a": "file", "a/b": "needs a folder"}), 5, "model_invalid"),
        (reply({"main.js": MAIN, "": "no name"}), 5, "model_invalid"),
        (reply({"main.js": MAIN, **{f"f{n}.txt": "x" for n in range(300)}}), 5, "model_invalid"),
    ],
    ids=["unsafe entrypoint", "no entrypoint", "twice", "twice by case", "file and folder", "empty", "300 files"],
)
def test_a_layout_that_no_disk_has_does_not_run(cct: Cct, answer: Reply, code: int, word: str) -> None:
    done = generated(cct, answer)
    assert (done.code, done.json["errorCode"]) == (code, word), done.stdout[:500]
    assert "output" not in done.json
    assert cct.files() == {}


def test_ten_thousand_written_files_are_capped_and_flagged(cct: Cct) -> None:
    source = "import fs from 'node:fs'; for (let n = 0; n < 10_000; n++) fs.writeFileSync(`f${n}.txt`, 'x');"
    done = generated(cct, reply({"main.js": source}))
    assert done.code == 0, done.stdout[:500]
    assert len(done.json["savedFiles"]) == 1 + 1000
    assert len(cct.files()) == 1 + 1000
    assert done.json["truncated"] is True


@pytest.mark.parametrize("language", ["javascript", "python"])
def test_a_hundred_megabytes_of_written_files_are_capped_and_flagged(cct: Cct, language: str) -> None:
    if language == "javascript":
        source = "import fs from 'node:fs'; const b = Buffer.alloc(1 << 20, 97);"
        answer = reply({"main.js": source + "for (let n = 0; n < 100; n++) fs.writeFileSync(`f${n}.txt`, b);"})
    else:
        source = "for n in range(100):\n    open(f'f{n}.txt', 'wb').write(b'a' * (1 << 20))\n"
        answer = reply({"main.py": source}, language="python")
    done = generated(cct, answer)
    assert done.code == 0, done.stdout[:500]
    assert 2**20 < sum(file["bytes"] for file in done.json["savedFiles"]) <= 11 * 2**20
    assert done.json["truncated"] is True


FENCES = "# Doc\n\n````md\n```js\nlet a = `${'```'}`;\n```\n````\n\n~~~\n```\r\n\ttail \\n \\u0041 é 漢 🎉\u2028\n"


def test_content_with_nested_fences_is_kept_byte_for_byte(cct: Cct) -> None:
    source = "import fs from 'node:fs'; fs.writeFileSync('copy.md', fs.readFileSync('doc.md'));"
    done = generated(cct, reply({"main.js": source, "doc.md": FENCES}), "--output", "out")
    assert done.code == 0, done.stdout
    assert cct.files()["out/doc.md"] == FENCES.encode()
    assert cct.files()["out/copy.md"] == FENCES.encode()


def test_nothing_that_is_saved_is_executable(cct: Cct) -> None:
    source = (
        "import fs from 'node:fs'; fs.writeFileSync('run.sh', '#!/bin/sh\\n', { mode: 0o777 });"
        "try { fs.chmodSync('run.sh', 0o777); } catch {}"
    )
    done = generated(cct, reply({"main.js": source, "tool": "#!/bin/sh\n"}), "--output", "out")
    assert done.code == 0, done.stdout
    modes = {path.name: path.stat().st_mode & 0o7111 for path in (cct.project / "out").iterdir()}
    assert modes == {"main.js": 0, "run.sh": 0, "tool": 0}


@pytest.mark.parametrize("kind", ["file", "folder", "dangling"])
def test_a_link_in_the_output_folder_is_not_followed(cct: Cct, tmp_path: Path, kind: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.txt").write_text("mine")
    out = cct.project / "out"
    out.mkdir()
    if kind == "folder":
        (out / "sub").symlink_to(outside)
    else:
        (out / "sub").mkdir()
        (out / "sub" / "a.txt").symlink_to(outside / ("a.txt" if kind == "file" else "new.txt"))
    done = generated(cct, reply({"main.js": MAIN, "sub/a.txt": "evil"}), "--output", "out")
    assert (done.code, done.json["errorCode"]) == (7, "unsafe_file")
    assert {path.name: path.read_text() for path in outside.iterdir()} == {"a.txt": "mine"}
    assert not (out / "main.js").exists(), "all or nothing"


def test_an_output_folder_that_cannot_be_written_is_exit_3(cct: Cct) -> None:
    (cct.project / "out").write_text("a file")
    done = generated(cct, reply({"main.js": MAIN}), "--output", "out")
    assert done.code in (2, 3)
    assert (cct.project / "out").read_text() == "a file"


def test_a_file_that_is_there_already_is_replaced_and_said_so(cct: Cct) -> None:
    (cct.project / "out").mkdir()
    (cct.project / "out" / "main.js").write_text("old")
    (cct.project / "out" / "other.txt").write_text("mine")
    done = generated(cct, reply({"main.js": MAIN}), "--output", "out")
    assert done.json["savedFiles"] == [{"path": "main.js", "bytes": len(MAIN), "status": "replaced"}]
    assert cct.files() == {"out/main.js": MAIN.encode(), "out/other.txt": b"mine"}


def test_a_refused_prompt_of_no_program_saves_nothing(cct: Cct) -> None:
    with ScriptedModel([reply({"main.js": MAIN})], pace=0) as model:
        done = ask(cct, model, "--json", prompt=f"Not that: {PROMPT[:5]}")
    assert (done.code, done.json["errorCode"]) == (5, "model_bad_request")
    assert cct.files() == {}
