from __future__ import annotations

from pathlib import Path

import pytest

from cct_cloudflare.errors import CctError, UsageError
from cct_cloudflare.sandbox.given import MAX_BYTES, program_from_files, program_from_stdin
from cct_cloudflare.sandbox.program import Program, ProgramFile


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("main.py", "python"),
        ("main.mjs", "javascript"),
        ("main.cjs", "javascript"),
        ("Main.JS", "javascript"),
        ("main.ts", "typescript"),
        ("main.mts", "typescript"),
        ("index.html", "web"),
    ],
)
def test_the_language_comes_from_the_name(tmp_path: Path, name: str, language: str) -> None:
    (tmp_path / name).write_text("x")
    assert program_from_files([tmp_path / name], None) == Program(language, name, (ProgramFile(name, "x"),))


def test_a_given_language_wins(tmp_path: Path) -> None:
    (tmp_path / "script").write_text("x")
    assert program_from_files([tmp_path / "script"], "python").language == "python"


def test_other_files_are_named_relative_to_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "app" / "data").mkdir(parents=True)
    (tmp_path / "app" / "main.py").write_text("m")
    (tmp_path / "app" / "data" / "in.bin").write_bytes(b"\xff")
    monkeypatch.chdir(tmp_path)
    program = program_from_files([Path("app/main.py"), tmp_path / "app" / "data" / "in.bin", Path("app/main.py")], None)
    assert program.entrypoint == "main.py"
    assert [file.path for file in program.files] == ["main.py", "data/in.bin"]
    assert program.files[1].data == b"\xff"
    assert program.files[1].encoding == "base64"


def test_a_linked_folder_is_still_the_programs_folder(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "main.py").write_text("m")
    (tmp_path / "link").symlink_to("real")
    assert (
        program_from_files([tmp_path / "link" / "main.py", tmp_path / "real" / "main.py"], None).entrypoint == "main.py"
    )


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["main.py", "../outside.csv"], "outside"),
        (["main.py", "missing.csv"], "missing.csv"),
        (["main.py", "folder"], "is a folder"),
        (["folder"], "is a folder"),
        (["script"], "language"),
    ],
)
def test_what_cannot_be_a_program_is_refused(tmp_path: Path, names: list[str], said: str) -> None:
    here = tmp_path / "here"
    (here / "folder").mkdir(parents=True)
    for path in (here / "main.py", here / "script", tmp_path / "outside.csv"):
        path.write_text("x")
    with pytest.raises(UsageError, match=said):
        program_from_files([here / name for name in names], None)


def test_files_that_are_too_large_are_refused_together(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("x")
    with (tmp_path / "big.bin").open("wb") as file:
        file.truncate(MAX_BYTES)
    with pytest.raises(CctError) as caught:
        program_from_files([tmp_path / "main.py", tmp_path / "big.bin"], None)
    assert caught.value.code == "payload_too_large"


def test_standard_input_needs_a_language() -> None:
    assert program_from_stdin(b"print(1)", "python") == Program(
        "python", "main.py", (ProgramFile("main.py", "print(1)"),)
    )
    with pytest.raises(UsageError, match="needs a language"):
        program_from_stdin(b"print(1)", None)
