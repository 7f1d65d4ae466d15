from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from cct_cloudflare import folder as folder_module
from cct_cloudflare.errors import CctError, ConfigError, Exit, UnsafeError, WorkerError
from cct_cloudflare.folder import Folder
from cct_cloudflare.sandbox import outputs
from cct_cloudflare.sandbox.outputs import SavedFiles, fresh_directory, plan_outputs, save
from cct_cloudflare.sandbox.program import ProgramFile, RefusedFile

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX links and modes")


@pytest.fixture(params=["dir_fd", "paths"], autouse=True)
def each_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways to walk a folder: the one of Linux and macOS, and the one for systems without it."""
    if request.param == "paths":
        monkeypatch.setattr(folder_module, "_HAS_DIR_FD", False)
    elif not folder_module._HAS_DIR_FD:
        pytest.skip("this system cannot")


def files(contents: Mapping[str, str | bytes]) -> list[ProgramFile]:
    return [
        ProgramFile.from_bytes(path, content if isinstance(content, bytes) else content.encode())
        for path, content in contents.items()
    ]


def write(contents: Mapping[str, str | bytes], directory: Path) -> SavedFiles:
    return save(plan_outputs(files(contents), [], directory))


def tree(directory: Path) -> dict[str, bytes | None]:
    """Every file's bytes; None for a folder, so that litter shows."""
    return {
        path.relative_to(directory).as_posix(): path.read_bytes() if path.is_file() else None
        for path in sorted(directory.rglob("*"))
    }


def statuses(saved: SavedFiles) -> dict[str, str]:
    return {file.path: file.status for file in saved.saved}


def test_a_new_folder_appears_with_exact_bytes(tmp_path: Path) -> None:
    fence = "```python\nprint('```')\n```\r\n"
    target = tmp_path / "deep" / "out"
    saved = write({"a.md": fence, "sub/b.bin": b"\xff\x00", "sub/c.txt": "", ".gitignore": "x"}, target)
    assert tree(target) == {
        ".gitignore": b"x",
        "a.md": fence.encode(),
        "sub": None,
        "sub/b.bin": b"\xff\x00",
        "sub/c.txt": b"",
    }
    assert saved.directory == target
    assert [(file.path, file.bytes, file.status) for file in saved.saved][:2] == [
        ("a.md", len(fence), "new"),
        ("sub/b.bin", 2, "new"),
    ]
    assert list(tmp_path.iterdir()) == [tmp_path / "deep"]
    assert list((tmp_path / "deep").iterdir()) == [target]


def test_nothing_to_save_makes_no_folder(tmp_path: Path) -> None:
    saved = save(plan_outputs([], [RefusedFile("x", "y")], tmp_path / "out"))
    assert (saved.directory, saved.saved, saved.refused) == (None, (), (RefusedFile("x", "y"),))
    assert tree(tmp_path) == {}


def test_unsafe_names_are_refused_and_the_rest_is_saved(tmp_path: Path) -> None:
    unsafe = [
        "../../x",
        "/etc/x",
        ".git/hooks/pre-commit",
        ".GIT/config",
        "git~1",
        ".claude/settings.json",
        ".mcp.json",
    ]
    unsafe += [".env", ".bashrc", ".github/workflows/ci.yml", "", "a\nb", "a\x00b", "C:\\x", "CON"]
    target = tmp_path / "a" / "b" / "out"
    plan = plan_outputs(
        files({**dict.fromkeys(unsafe, "bad"), "good.txt": "good"}), [RefusedFile("early", "z")], target
    )
    saved = save(plan)
    assert tree(tmp_path) == {"a": None, "a/b": None, "a/b/out": None, "a/b/out/good.txt": b"good"}
    assert [file.path for file in saved.refused] == ["early", *unsafe]
    assert all(file.reason for file in saved.refused)


@pytest.mark.parametrize(
    "paths",
    [
        ["a.txt", "a.txt"],
        ["a.txt", "A.TXT"],
        ["caf\u00e9", "cafe\u0301"],
        ["stra\u00dfe", "STRASSE"],
        ["\ufb01", "fi"],
        ["a", "a/b"],
        ["a/b", "a"],
        ["A/b/c", "a/B"],
    ],
)
def test_names_that_collide_are_an_error_and_nothing_is_saved(paths: list[str], tmp_path: Path) -> None:
    with pytest.raises(UnsafeError) as caught:
        plan_outputs([ProgramFile("first", "1"), *(ProgramFile(path, "x") for path in paths)], [], tmp_path / "out")
    assert caught.value.exit_code is Exit.UNSAFE
    assert tree(tmp_path) == {}


def test_folders_may_differ_by_case(tmp_path: Path) -> None:
    plan_outputs(files({"A/x": "1", "a/y": "2"}), [], tmp_path)


def test_too_many_files(tmp_path: Path) -> None:
    most = [ProgramFile(f"f{n}", "") for n in range(outputs.MAX_FILES)]
    assert len(plan_outputs(most, [], tmp_path).files) == outputs.MAX_FILES
    with pytest.raises(UnsafeError):
        plan_outputs([*most, ProgramFile("one more", "")], [], tmp_path)


def test_too_many_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outputs, "MAX_BYTES", 10)
    assert plan_outputs(files({"a": "x" * 5, "b": "x" * 5}), [], tmp_path).files
    with pytest.raises(UnsafeError):
        plan_outputs(files({"a": "x" * 5, "b": "x" * 6}), [], tmp_path)


def test_bad_base64_is_the_workers_fault(tmp_path: Path) -> None:
    with pytest.raises(WorkerError):
        plan_outputs([ProgramFile("a", "!", "base64")], [], tmp_path)


@posix
def test_no_file_is_executable_whatever_stood_there(tmp_path: Path) -> None:
    old = tmp_path / "run.sh"
    old.write_text("old")
    old.chmod(0o755)
    before = os.umask(0)
    try:
        write({"run.sh": "#!/bin/sh", "new.sh": "#!/bin/sh"}, tmp_path)
        write({"run.sh": "#!/bin/sh"}, tmp_path / "fresh")
    finally:
        os.umask(before)
    for path in (old, tmp_path / "new.sh", tmp_path / "fresh" / "run.sh"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o666


def test_into_a_folder_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / "old.txt").write_text("old")
    (tmp_path / "same.txt").write_text("same")
    same = (tmp_path / "same.txt").stat()
    saved = write({"old.txt": "new", "same.txt": "same", "sub/a": "a", "more/deep/b": "b"}, tmp_path)
    assert statuses(saved) == {"old.txt": "replaced", "same.txt": "unchanged", "sub/a": "new", "more/deep/b": "new"}
    assert tree(tmp_path) == {
        "mine.txt": b"mine",
        "more": None,
        "more/deep": None,
        "more/deep/b": b"b",
        "old.txt": b"new",
        "same.txt": b"same",
        "sub": None,
        "sub/a": b"a",
    }
    assert ((tmp_path / "same.txt").stat().st_ino, (tmp_path / "same.txt").stat().st_mtime_ns) == (
        same.st_ino,
        same.st_mtime_ns,
    )


def _link_as_file(directory: Path, outside: Path) -> None:
    (directory / "b.txt").symlink_to(outside / "secret")


def _dangling_link(directory: Path, outside: Path) -> None:
    (directory / "b.txt").symlink_to(outside / "not there")


def _link_as_folder(directory: Path, outside: Path) -> None:
    (directory / "sub").symlink_to(outside, target_is_directory=True)


def _folder_as_file(directory: Path, _: Path) -> None:
    (directory / "b.txt").mkdir()


def _file_as_folder(directory: Path, _: Path) -> None:
    (directory / "sub").write_text("a file")


def _pipe(directory: Path, _: Path) -> None:
    os.mkfifo(directory / "b.txt")


@posix
@pytest.mark.parametrize(
    "stand", [_link_as_file, _dangling_link, _link_as_folder, _folder_as_file, _file_as_folder, _pipe]
)
def test_what_is_in_the_way_is_not_followed_and_nothing_changes(
    stand: Callable[[Path, Path], None], tmp_path: Path
) -> None:
    outside, directory = tmp_path / "outside", tmp_path / "out"
    outside.mkdir()
    directory.mkdir()
    (outside / "secret").write_text("untouched")
    (directory / "a.txt").write_text("old")
    stand(directory, outside)
    before = [(path, path.lstat().st_mode) for path in sorted(tmp_path.rglob("*"))]
    with pytest.raises(UnsafeError) as caught:
        write({"a.txt": "new", "b.txt": "new", "sub/c.txt": "new"}, directory)
    assert caught.value.exit_code is Exit.UNSAFE
    assert [(path, path.lstat().st_mode) for path in sorted(tmp_path.rglob("*"))] == before
    assert (directory / "a.txt").read_text() == "old"
    assert (outside / "secret").read_text() == "untouched"


@posix
def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real", target_is_directory=True)
    saved = write({"a": "1"}, tmp_path / "link")
    assert saved.directory == tmp_path / "real"
    assert (tmp_path / "real" / "a").read_text() == "1"


def _fail_at(monkeypatch: pytest.MonkeyPatch, name: str, call: int, error: BaseException) -> None:
    """The `call`-th call of `os.<name>` fails."""
    real, calls = getattr(os, name), 0

    def fake(*args: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            raise error
        return real(*args, **options)

    monkeypatch.setattr(os, name, fake)


FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("error", [FULL, KeyboardInterrupt()])
@pytest.mark.parametrize(
    ("name", "call"), [("replace", 1), ("replace", 2), ("replace", 3), ("mkdir", 1), ("mkdir", 2), ("mkdir", 3)]
)
def test_a_failure_in_the_middle_takes_everything_back(
    name: str, call: int, error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.txt").write_text("old a")
    (tmp_path / "z.txt").write_text("old z")
    before = tree(tmp_path)
    plan = plan_outputs(files({"a.txt": "A", "new/deep/b.txt": "B", "z.txt": "Z"}), [], tmp_path)
    with monkeypatch.context() as patch:
        _fail_at(patch, name, call, error)
        with pytest.raises((ConfigError, KeyboardInterrupt)) as caught:
            save(plan)
    if isinstance(caught.value, CctError):
        assert (caught.value.code, caught.value.exit_code) == ("output_unwritable", Exit.CONFIG)
    assert tree(tmp_path) == before
    save(plan)
    assert (tmp_path / "new" / "deep" / "b.txt").read_text() == "B"


@pytest.mark.parametrize("error", [FULL, KeyboardInterrupt()])
@pytest.mark.parametrize("call", [1, 2, 3])
def test_a_new_folder_that_cannot_be_finished_does_not_appear(
    call: int, error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_outputs(files({"a": "1", "b/c": "2", "d": "3"}), [], tmp_path / "x" / "out")
    with monkeypatch.context() as patch:
        _fail_at(patch, "open", call, error)
        with pytest.raises((ConfigError, KeyboardInterrupt)):
            save(plan)
    assert tree(tmp_path) == {}


@posix
def test_file_systems_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_text("old")
    monkeypatch.setattr(os, "link", lambda *_, **__: (_ for _ in ()).throw(OSError(errno.EPERM, "no links")))
    plan = plan_outputs(files({"a": "new", "b": "new"}), [], tmp_path)
    with monkeypatch.context() as patch:
        _fail_at(patch, "replace", 2, FULL)
        with pytest.raises(ConfigError):
            save(plan)
    assert tree(tmp_path) == {"a": b"old"}
    save(plan)
    assert tree(tmp_path) == {"a": b"new", "b": b"new"}


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(ConfigError) as caught:
        write({"a": "1"}, tmp_path / "out")
    assert caught.value.code == "output_unwritable"
    assert tree(tmp_path) == {"out": b"mine"}


def test_saving_twice_changes_nothing(tmp_path: Path) -> None:
    contents = {"a": "1", "b/c": "2"}
    write(contents, tmp_path / "out")
    before = [(path, path.stat().st_mtime_ns) for path in sorted(tmp_path.rglob("*")) if path.is_file()]
    assert set(statuses(write(contents, tmp_path / "out")).values()) == {"unchanged"}
    assert [(path, path.stat().st_mtime_ns) for path in sorted(tmp_path.rglob("*")) if path.is_file()] == before


def test_no_folder_stays_open(tmp_path: Path) -> None:
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("needs /proc")
    write({f"d{n}/e/f": "x" for n in range(50)}, tmp_path)
    before = len(list(Path("/proc/self/fd").iterdir()))
    write({f"d{n}/e/f": "y" for n in range(50)}, tmp_path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_fresh_directory(tmp_path: Path) -> None:
    first = fresh_directory(tmp_path, "5f0c-1")
    assert first == tmp_path / "cloudflare-5f0c-1"
    first.mkdir()
    assert fresh_directory(tmp_path, "5f0c-1") == tmp_path / "cloudflare-5f0c-1-2"


@pytest.mark.parametrize("run_id", ["", "../../x", "a/b", "a" * 65, "-x", ".git", "a\nb", "a b", "é"])
def test_a_run_id_that_is_no_name_is_not_used(run_id: str, tmp_path: Path) -> None:
    directory = fresh_directory(tmp_path, run_id)
    assert directory.parent == tmp_path
    assert not run_id or run_id not in directory.name


def test_a_folder_removes_what_was_temporary(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), Folder.open(tmp_path) as root, root.temporary() as staging:
        staging.write_new("a", b"1")
        raise RuntimeError
    assert tree(tmp_path) == {}
