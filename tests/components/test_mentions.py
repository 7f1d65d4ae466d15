from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

import pytest

from cct_cloudflare.components.mentions import MAX_FILE_BYTES, MAX_TOTAL_BYTES, may_hold_secret, read_mentions
from tests.components.trees import write_tree

FILES = {
    "data.txt": "file contents\n",
    "docs/a.md": "# A\n",
    "with space.txt": "space\n",
    "lines.txt": "".join(f"{n}\n" for n in range(1, 31)),
    "weird.txt.": "dot\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "project", FILES)


def included(text: str, project: Path) -> list[str]:
    return [file.label for file in read_mentions(text, project).files]


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("see @data.txt", ["data.txt"]),
        ("@data.txt.", ["data.txt"]),
        ("(see @data.txt)", ["data.txt"]),
        ("is it @data.txt?! or @docs/a.md, or", ["data.txt", "docs/a.md"]),
        ("@./data.txt @docs/../data.txt", ["data.txt"]),
        ('@"with space.txt" x', ["with space.txt"]),
        ("@lines.txt#L3-5", ["lines.txt#L3-5"]),
        ("@lines.txt#L3 @lines.txt", ["lines.txt#L3", "lines.txt"]),
        ("```\n@data.txt\n```", ["data.txt"]),
        ("@weird.txt.", ["weird.txt."]),
    ],
)
def test_a_mention_of_a_file_includes_it(text: str, labels: list[str], project: Path) -> None:
    mentions = read_mentions(text, project)
    assert [file.label for file in mentions.files] == labels
    assert mentions.warnings == ()


@pytest.mark.parametrize(
    "text",
    [
        "mail me@data.txt or someone@example.com",
        "npm i @types/node @vitejs/plugin-react",
        "@media print { } @app.route('/') @nobody",
        '(@data.txt) `@data.txt` "@data.txt"',
        "@docs is a folder",
        "@ @. @/ @~ @~/x @.. @../.. @" + "x" * 5000,
        "@data.txt\0",
        "@docs/*.md",
        '@"no such file"',
        "@" + "." * 100_000,
        "@data.txt" + "." * 1000,
    ],
)
def test_what_names_no_file_stays_text(text: str, project: Path) -> None:
    mentions = read_mentions(text, project)
    assert (mentions.files, mentions.warnings) == ((), ())


def test_lines_are_cut_out(project: Path) -> None:
    (file,) = read_mentions("@lines.txt#L3-5", project).files
    assert (file.path, file.text, file.bytes) == ("lines.txt", "3\n4\n5\n", 6)
    assert read_mentions("@lines.txt#L29-99", project).files[0].text == "29\n30\n"
    assert read_mentions("@lines.txt#L0", project).files[0].text == ""
    write_tree(project, {"odd.txt": "1\u2028a\x0cb\r\n2\n3"})
    assert read_mentions("@odd.txt#L2-3", project).files[0].text == "2\n3"


def test_mentions_inside_an_included_file_are_not_followed(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a.md": "see @b.md", "b.md": "see @a.md"})
    assert included("@a.md", tmp_path) == ["a.md"]


def test_text_is_byte_identical(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a.txt": b"\xef\xbb\xbfone\r\ntwo\rthree"})
    assert read_mentions("@a.txt", tmp_path).files[0].text == "\ufeffone\r\ntwo\rthree"


@pytest.mark.parametrize(
    "name",
    [
        ".env",
        ".ENV",
        ".env.local",
        ".Env.Example",
        ".envrc",
        "prod.env",
        ".dev.vars",
        ".dev.vars.staging",
        ".git/config",
        ".GIT/config",
        "sub/.git/HEAD",
        "git~1/config",
        ".npmrc",
        ".netrc",
        ".pypirc",
        "id_rsa",
        "keys/id_ed25519.pub",
        "server.pem",
        "server.KEY",
        "store.p12",
        ".ssh/config",
        ".aws/credentials",
        "credentials.json",
        "my-secrets.yaml",
        "secret",
        "service-account-prod.json",
        ".claude/settings.local.json",
        "terraform.tfstate.backup",
    ],
)
def test_a_secret_is_never_read(name: str, tmp_path: Path) -> None:
    write_tree(tmp_path, {name: "TOKEN=hunter2"})
    mentions = read_mentions(f"use @{name}", tmp_path)
    assert mentions.files == ()
    assert mentions.warnings == (f"@{name} is not included: it may hold a secret",)


@pytest.mark.parametrize("name", [".e\u200bnv", ".env.", ".env ", "．env", "docs/.ENV "])
def test_a_secret_under_a_disguised_name_is_one(name: str) -> None:
    assert may_hold_secret(PurePosixPath(name))


@pytest.mark.parametrize(
    "name", ["environment.md", "src/secrets.py", "keys.md", "key", "src/env.ts", "monkey", "token.ts", "credentials.md"]
)
def test_ordinary_names_are_no_secrets(name: str) -> None:
    assert not may_hold_secret(PurePosixPath(name))


def test_a_link_does_not_hide_a_secret(tmp_path: Path) -> None:
    project = write_tree(tmp_path / "project", {".env": "KEY=1", "notes.txt": "fine"})
    (project / "harmless.txt").symlink_to(project / ".env")
    (project / "id_rsa").symlink_to(project / "notes.txt")
    (project / "alias.txt").symlink_to(project / "notes.txt")
    mentions = read_mentions("@harmless.txt @id_rsa @alias.txt", project)
    assert [file.path for file in mentions.files] == ["notes.txt"]
    assert len(mentions.warnings) == 2


def test_nothing_outside_the_project_is_read(tmp_path: Path) -> None:
    write_tree(tmp_path, {"outside.txt": "private", "project/inside.txt": "fine", "elsewhere/deep.txt": "private"})
    project = tmp_path / "project"
    (project / "link.txt").symlink_to(tmp_path / "outside.txt")
    (project / "folder").symlink_to(tmp_path / "elsewhere")
    text = f"@../outside.txt @{tmp_path}/outside.txt @link.txt @folder/deep.txt @{project}/inside.txt"
    mentions = read_mentions(text, project)
    assert [file.path for file in mentions.files] == ["inside.txt"]
    assert len(mentions.warnings) == 4
    assert all("outside the project" in warning for warning in mentions.warnings)


def test_a_project_behind_a_link_is_still_the_project(tmp_path: Path) -> None:
    write_tree(tmp_path / "real", {"a.txt": "a"})
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert included("@a.txt", tmp_path / "link") == ["a.txt"]


def test_a_private_key_under_any_name_stays_out(tmp_path: Path) -> None:
    write_tree(tmp_path, {"notes.txt": "x\n-----BEGIN OPENSSH PRIVATE KEY-----\nabc"})
    mentions = read_mentions("@notes.txt", tmp_path)
    assert mentions.files == ()
    assert "private key" in mentions.warnings[0]


def test_sizes_are_capped(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {
            "limit.txt": "x" * MAX_FILE_BYTES,
            "over.txt": "x" * (MAX_FILE_BYTES + 1),
            "other.txt": "y" * (MAX_TOTAL_BYTES - MAX_FILE_BYTES),
            "small.txt": "z",
        },
    )
    with (tmp_path / "huge.bin").open("wb") as file:
        file.truncate(50 * 1024 * 1024)
    mentions = read_mentions("@limit.txt @over.txt @huge.bin @other.txt @small.txt @limit.txt", tmp_path)
    assert [file.path for file in mentions.files] == ["limit.txt", "other.txt"]
    assert [warning.split(" is not included: ")[0] for warning in mentions.warnings] == [
        "@over.txt",
        "@huge.bin",
        "@small.txt",
    ]


def test_what_is_not_text_stays_out(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a.png": b"\x89PNG\r\n\x1a\n\xff", "b.bin": b"a\0b", "c.txt": "ok"})
    mentions = read_mentions("@a.png @b.bin @c.txt", tmp_path)
    assert [file.path for file in mentions.files] == ["c.txt"]
    assert len(mentions.warnings) == 2


def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert included("@pipe", tmp_path) == []


def test_a_warning_is_safe_to_print(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a\x1b[31m\u202e.pem": "x"})
    (warning,) = read_mentions("@a\x1b[31m\u202e.pem", tmp_path).warnings
    assert warning.isprintable()
