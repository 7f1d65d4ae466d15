from __future__ import annotations

import json
import shutil
import subprocess
import unicodedata
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cct_cloudflare.sandbox.paths import unsafe_path

_WORKER = Path(__file__).parents[2] / "templates" / "cloudflare"
_TABLE = json.loads((_WORKER / "test" / "paths.json").read_text())


@pytest.mark.parametrize("path", _TABLE["safe"])
def test_safe(path: str) -> None:
    assert unsafe_path(path) is None


@pytest.mark.parametrize("path", _TABLE["unsafe"])
def test_unsafe(path: str) -> None:
    assert unsafe_path(path)


@pytest.mark.parametrize("path", ["a\ud800b", "\udc00"])
def test_lone_surrogates(path: str) -> None:
    assert unsafe_path(path) == "is not valid Unicode"


def test_the_reason_ends_the_sentence() -> None:
    assert unsafe_path("../../x") == "leaves its folder"
    assert unsafe_path("/etc/x") == "is absolute"
    assert unsafe_path(".git/hooks/pre-commit") == "has a hidden name, which tools may obey"
    assert unsafe_path("CLAUDE.md") == "has a name that tools obey"


# The pieces that the rule is about, and any other text that this Python's Unicode tables know
# (a newer Node knows more, and normalises what is unassigned here).
_NAMES = ["git~1", "CON", "com1", ".git", ".gitignore", "CLAUDE.md", "node_modules", "x" * 250]
_PIECES = st.sampled_from([*_NAMES, "..", *"/.\\~: \x00\n\u200c\u202e\u2025\uff0f\uff0e\ud800İſKﬁ¹"])
_KNOWN = st.characters().filter(lambda character: unicodedata.category(character) != "Cn")
_PATHS = st.lists(_PIECES | st.text(_KNOWN, max_size=4), max_size=6).map("".join)


@given(_PATHS)
@example("a/b.txt")
def test_what_is_allowed_stays_below_its_folder_on_every_system(path: str) -> None:
    for form in (path, unicodedata.normalize("NFKC", path), unicodedata.normalize("NFD", path)):
        if unsafe_path(path) is None:
            posix, windows = PurePosixPath("/base", form), PureWindowsPath("C:/base", form)
            assert posix.parts[:2] == ("/", "base")
            assert windows.parts[:2] == ("C:\\", "base")
            assert ".." not in posix.parts
            assert ".." not in windows.parts
            assert str(PurePosixPath(form)) == form
            assert not any(part.lower().startswith(".git") for part in posix.parts[:-1])


def test_the_worker_judges_alike(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node here; the table holds the Worker's side in its own tests")
    paths = [*_TABLE["safe"], *_TABLE["unsafe"]]

    # Collected first, so that one process judges them all.
    @given(_PATHS)
    def collect(path: str) -> None:
        paths.append(path)

    collect()
    source = (_WORKER / "src" / "paths.ts").as_uri()
    script = (
        f"const {{ unsafePath }} = await import({json.dumps(source)});"
        "let text = ''; for await (const chunk of process.stdin.setEncoding('utf8')) text += chunk;"
        "console.log(JSON.stringify(JSON.parse(text).map(unsafePath)));"
    )
    done = subprocess.run(
        [node, "--no-warnings", "--input-type=module", "--eval", script],
        input=json.dumps(paths),
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert dict(zip(paths, json.loads(done.stdout), strict=True)) == {path: unsafe_path(path) for path in paths}
