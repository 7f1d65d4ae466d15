"""What launcher.ts writes, and what it refuses to write."""

from __future__ import annotations

import base64
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from cct_cloudflare.resources import templates_dir
from cct_cloudflare.sandbox.outputs import plan_outputs
from cct_cloudflare.sandbox.outputs import save as save_here
from cct_cloudflare.sandbox.program import ProgramFile
from tests.worker_tools.worker import Project, Ran, answered, events, stream, tree, with_files, worker

FOLDER = "cloudflare-run-1"


def save(project: Project, reply: bytes, *arguments: str) -> Ran:
    with worker(reply) as server:
        return project.run("launcher.ts", "Q", "--url", server.url, "--json", *arguments)


def text(path: str, content: str = "new") -> dict[str, str]:
    return {"path": path, "content": content}


def refused(ran: Ran, code: int, error: str) -> Any:
    assert (ran.code, ran.json["errorCode"]) == (code, error), ran.json
    return ran.json["error"]


def too_deep(project: Project) -> tuple[Path, str]:
    """A folder whose path is long, and a name that is allowed, but together with it too long for this system."""
    deep = project.root
    while len(str(deep)) < 3000:
        deep = deep / ("d" * 200)
    deep.mkdir(parents=True)
    return deep, "/".join(["e" * 200] * 5)


def test_bytes_are_exact_and_nothing_is_executable(project: Project) -> None:
    binary = bytes(range(256))
    files = [
        text("a.txt", "é\r\n```\x00\ufeff"),
        text("deep/er/b.sh", "#!/bin/sh\n"),
        {"path": "c.bin", "content": base64.b64encode(binary).decode(), "encoding": "base64"},
        {"path": "empty", "content": "", "encoding": "base64"},
    ]
    ran = save(project, with_files(*files))
    assert ran.code == 0
    assert tree(project.root) == {
        f"{FOLDER}/a.txt": "é\r\n```\x00\ufeff".encode(),
        f"{FOLDER}/c.bin": binary,
        f"{FOLDER}/deep/er/b.sh": b"#!/bin/sh\n",
        f"{FOLDER}/empty": b"",
    }
    assert not any(path.stat().st_mode & 0o111 for path in (project.root / FOLDER).rglob("*") if path.is_file())
    assert [file["bytes"] for file in ran.json["savedFiles"]] == [len(files[0]["content"].encode()), 10, 256, 0]


def test_a_run_without_files_makes_no_folder(project: Project) -> None:
    ran = save(project, with_files())
    assert (ran.code, ran.json["outputDirectory"]) == (0, None)
    assert tree(project.root) == {}


def test_unsafe_names_are_left_out_and_the_rest_is_saved(project: Project) -> None:
    table = json.loads((templates_dir() / "cloudflare" / "test" / "paths.json").read_text("utf-8"))
    files = [text(path, str(index)) for index, path in enumerate(table["unsafe"])]
    ran = save(project, with_files(*files, text("kept.txt")))
    assert ran.code == 7
    assert tree(project.root) == {f"{FOLDER}/kept.txt": b"new"}
    assert len(ran.json["refusedFiles"]) == len({file["path"] for file in files})
    assert not (project.root.parent / "x").exists()


@pytest.mark.parametrize(
    "paths",
    [
        ["a", "a"],
        ["a", "A"],
        ["\u00e9", "e\u0301"],
        ["stra\u00dfe", "STRASSE"],
        ["a", "a/b"],
        ["A/b", "a"],
        ["a/b", "a/B"],
    ],
)
def test_two_files_for_one_place_save_nothing_here_and_in_cct(project: Project, paths: list[str]) -> None:
    refused(save(project, with_files(*map(text, paths))), 7, "unsafe_file")
    assert tree(project.root) == {}
    with pytest.raises(Exception, match="nothing was saved"):
        plan_outputs([ProgramFile(path, "") for path in paths], [], project.root)


def test_too_many_files_save_nothing(project: Project) -> None:
    refused(save(project, with_files(*(text(f"f{n}") for n in range(1201)))), 7, "unsafe_file")
    assert tree(project.root) == {}


@pytest.mark.parametrize("content", ["@@@@", "YQ", "YQ==\n", "YR==", "Y Q=="])
def test_base64_that_is_none_saves_nothing(project: Project, content: str) -> None:
    file = {"path": "a", "content": content, "encoding": "base64"}
    refused(save(project, with_files(text("b"), file)), 4, "worker_invalid")
    assert tree(project.root) == {}


@pytest.mark.parametrize("run_id", ["../../up", "", "a/b", ".git", "x" * 200, "a\nb"])
def test_a_run_id_that_is_no_name_does_not_become_one(project: Project, run_id: str) -> None:
    ran = save(project, with_files(text("a"), sandboxId=run_id))
    assert ran.code == 0
    folder = Path(ran.json["outputDirectory"])
    assert folder.parent == project.root
    assert folder.name.removeprefix("cloudflare-").isalnum()


def test_a_folder_that_is_taken_is_left_alone(project: Project) -> None:
    (project.root / FOLDER).mkdir()
    (project.root / f"{FOLDER}-2").symlink_to("nowhere")
    assert save(project, with_files(text("a"))).code == 0
    assert tree(project.root) == {f"{FOLDER}-3/a": b"new"}


def test_a_folder_of_ones_own_is_added_to(project: Project) -> None:
    output = project.root / "out" / "put"
    reply = with_files(text("a", "1"), text("d/b", "2"))
    first, second = save(project, reply, "--output", "out/put"), save(project, reply, "--output", "out/put")
    assert [file["status"] for file in first.json["savedFiles"]] == ["new", "new"]
    assert [file["status"] for file in second.json["savedFiles"]] == ["unchanged", "unchanged"]
    assert save(project, with_files(text("a", "1"), text("d/c", "3")), "--output", str(output)).code == 0
    assert tree(output) == {"a": b"1", "d/b": b"2", "d/c": b"3"}


def test_files_are_replaced_and_told_as_cct_does_it(project: Project) -> None:
    files = [text("a"), text("d/c"), text("b"), text("same")]
    before = {"b": "old and longer", "same": "new", "mine": "mine"}
    mine, other = project.root / "out", project.root / "other"
    for folder in (mine, other):
        folder.mkdir()
        for name, content in before.items():
            (folder / name).write_text(content)
    ran = save(project, with_files(*files), "--output", "out")
    assert ran.code == 0
    saved = save_here(plan_outputs([ProgramFile(file["path"], file["content"]) for file in files], [], other))
    assert ran.json["savedFiles"] == [file.to_json() for file in saved.saved]
    assert [file["status"] for file in ran.json["savedFiles"]] == ["new", "new", "replaced", "unchanged"]
    assert tree(mine) == tree(other) == {"a": b"new", "b": b"new", "d/c": b"new", "mine": b"mine", "same": b"new"}
    assert sorted(path.name for path in mine.iterdir()) == ["a", "b", "d", "mine", "same"]


def test_what_was_replaced_comes_back_when_another_file_cannot_be_put(project: Project) -> None:
    output, long = too_deep(project)
    (output / "b").write_text("old")
    reply = with_files(text("a"), text("b"), text("d/e"), text(long))
    refused(save(project, reply, "--output", str(output)), 3, "output_unwritable")
    assert [(path.name, path.read_text()) for path in output.iterdir()] == [("b", "old")]


@pytest.mark.parametrize("way", ["file", "dangling", "folder", "inner folder"])
def test_links_in_the_folder_are_not_followed(project: Project, tmp_path: Path, way: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "b").write_text("new")
    output = project.root / "out"
    (output / "d").mkdir(parents=True)
    link, target = {
        "file": ("x", outside / "b"),
        "dangling": ("x", outside / "made"),
        "folder": ("e", outside),
        "inner folder": ("d/e", outside),
    }[way]
    (output / link).symlink_to(target)
    path = {"file": "x", "dangling": "x", "folder": "e/made", "inner folder": "d/e/made"}[way]
    error = refused(save(project, with_files(text("a"), text(path)), "--output", "out"), 7, "unsafe_file")
    assert "is a link" in error
    assert [path.name for path in outside.iterdir()] == ["b"]
    assert not (output / "a").exists()


def test_what_is_no_file_is_in_the_way(project: Project) -> None:
    output = project.root / "out"
    (output / "folder").mkdir(parents=True)
    (output / "file").write_text("")
    os.mkfifo(output / "pipe")
    for path in ("folder", "file/x", "pipe"):
        refused(save(project, with_files(text("a"), text(path)), "--output", "out"), 7, "unsafe_file")
    assert sorted(path.name for path in output.iterdir()) == ["file", "folder", "pipe"]


def test_the_folder_itself_may_be_a_link_of_the_user(project: Project, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (project.root / "out").symlink_to(tmp_path / "real")
    ran = save(project, with_files(text("a")), "--output", "out")
    assert (ran.code, ran.json["outputDirectory"]) == (0, str(tmp_path / "real"))
    assert tree(tmp_path / "real") == {"a": b"new"}


def test_a_failure_takes_back_what_was_written(project: Project) -> None:
    deep, long = too_deep(project)
    shown = deep.relative_to(project.root)
    ran = save(project, with_files(text("a"), text("n/b"), text(long)), "--output", str(shown))
    refused(ran, 3, "output_unwritable")
    assert list(deep.iterdir()) == []


def test_the_answer_outlives_files_that_cannot_be_saved(project: Project) -> None:
    (project.root / "out" / "main.py").mkdir(parents=True)
    with worker(
        stream(events(answered(success=False, errorCode="program_failed", exitCode=3, error="boom")))
    ) as server:
        body = project.run("launcher.ts", "Q", "--url", server.url, "--output", "out", "--json")
        shown = project.run("launcher.ts", "Q", "--url", server.url, "--output", "out")
    assert (body.code, body.json["errorCode"], body.json["code"]) == (7, "unsafe_file", "print(55)\n")
    assert body.json["programError"] == {"error": "boom", "errorCode": "program_failed"}
    assert (shown.code, shown.stdout) == (7, "55\n")
    assert "failed with status 3" in shown.stderr
    assert "main.py is a folder" in shown.stderr


def test_a_new_folder_that_cannot_be_filled_leaves_nothing(project: Project) -> None:
    base, long = too_deep(project)
    ran = save(project, with_files(text("a"), text(long)), "--output", str(base / "x" / "out"))
    refused(ran, 3, "output_unwritable")
    assert list(base.iterdir()) == []


def test_new_folders_are_as_open_as_the_users_own(project: Project) -> None:
    save(project, with_files(text("d/a")))
    (project.root / "mine").mkdir()
    mine = stat.S_IMODE((project.root / "mine").stat().st_mode)
    assert stat.S_IMODE((project.root / FOLDER).stat().st_mode) == mine
    assert stat.S_IMODE((project.root / FOLDER / "d").stat().st_mode) == mine


def test_nothing_is_saved_of_a_run_that_has_no_result(project: Project) -> None:
    told = [*events(answered(files=[text("a")]))[:-1], ("file", {"path": "a", "bytes": 3})]
    refused(save(project, stream(told)), 4, "stream_ended")
    assert tree(project.root) == {}
