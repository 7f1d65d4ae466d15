"""The reader of command lines against a real shell, and against anything at all."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.components.hooks.calls import NAMES, environment, load, script
from tests.components.hooks.shared import PARTS, Part

READER: ModuleType = load("git/guard-main")


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.start)
def test_what_hooks_share_is_the_same_text(part: Part) -> None:
    first, *others = part.hooks
    for other in others:
        assert part.of(other) == part.of(first), (
            "run `python -m tests.components.hooks`: it copies the text of the first"
        )


def test_a_hook_is_short_enough_to_read() -> None:
    for name in NAMES:
        text = script(name).read_text(encoding="utf-8")
        shared = [part.of(name) for part in PARTS if name in part.hooks]
        lines = [piece.count("\n") for piece in shared]
        assert sum(lines) <= 230, name
        assert text.count("\n") - sum(lines) <= 160, name


# Each is run by sh with a `git` that notes its arguments; the reader must find exactly these calls.
LINES = [
    "git push origin main",
    "git commit -m 'a b' -m \"c $((1 + 2)) d\"",
    "A=1 B='x y' git status; git log",
    "true && git a || git b",
    "false && git a || git b & wait",
    "(cd / && git a); { git b; }",
    "if true; then git a; else git b; fi",
    "for x in 1 2; do git a; done",
    "f() { git a; }; f",
    'x=$(git a) ; echo "$(git b)" `git c`',
    "echo \"it's $(git a 'x\"y') \" # git b",
    "git a \\\n  b",
    "g\\it a; 'git' b; g'i't c",
    "git a>out 2>err <a.txt b",
    "cat <<'EOF'\n$(git a)\nEOF\ngit c",
    "cat <<-EOF\n\tx\n\tEOF\ngit c",
    'git commit -m "$(cat <<\'EOF\'\nDon\'t ("quote") it: `x` $(y)\n\nEOF\n)" && git push',
    "printf '%s\\n' x | git a",
    "echo a#b; git a # git b",
    "case x in x) git a;; esac",
    "while git a; do break; done",
    "! git a",
    "echo $(( (1 + 2) * 3 )); git a",
    "true; true;git a;",
    "git a | git b |& git c" if Path("/bin/sh").resolve().name.startswith("bash") else "git a | git b",
    "git 'a\nb' \"c\td\"",
    'echo "a \\" git b"; git c',
    "echo ${X:-y} $$ $? 5$ \"$\" '$(git x)'; git a",
    "cat <<A <<'B'\n'\nA\n$(git x)\nB\ngit a",
    "(git a; (git b)) | cat; x=$(git c | cat)",
]
# What git does in these, the reader does not say: a hook is told which program starts it, and with what.
STARTED = [
    "sh -c 'git a \"b c\"'",
    "sh -ec \"sh -c 'git a'\"",
    "env X=1 git a",
    "env -u X git a",
    "nohup git a >/dev/null 2>&1",
    "nice -n 1 git a",
    "timeout 5 git a",
    "command git a; exec git b",
    "eval 'git a'\" b\"",
    "sh <<EOF\ngit a\ngit b 'c d'\nEOF",
    "echo 'git a' | sh",
    "find . -maxdepth 0 -exec git a \\;",
    "echo x | xargs git a",
]
# A shell reads these, and the reader does not: a hook judges them by the words in them.
INVOLVED = [
    'echo ${X:-$(git a)} "${Y:-"$(git b)"}"',
    "cat <<EOF\n$(git a) `git b`\nEOF\ngit c",
    "x=$(case x in x) git a;; esac)",
    'echo "`echo \\`git a\\``"',
]


def noted(folder: Path, line: str, home: Path) -> list[list[str]]:
    program = folder / "git"
    program.write_text(
        '#!/bin/sh\nn=$(mktemp "$NOTES/XXXXXX")\nfor x in "$@"; do printf "%s\\0" "$x"; done >"$n"\n[ "$1" != c ]\n'
    )
    program.chmod(0o755)
    notes = folder / "notes"
    notes.mkdir()
    (folder / "a.txt").touch()
    variables = environment(home, NOTES=str(notes))
    variables["PATH"] = f"{folder}:{variables['PATH']}"
    subprocess.run(["sh", "-c", line], cwd=folder, env=variables, capture_output=True, timeout=30, check=False)
    return [file.read_text().split("\0")[:-1] for file in notes.iterdir()]


@pytest.mark.parametrize("line", LINES)
def test_it_finds_what_a_shell_starts(line: str, tmp_path: Path, home: Path) -> None:
    ran = noted(tmp_path, line, home)
    found = [command.arguments for command in READER.read(line, "/") if command.name == "git"]
    assert ran, "the shell started nothing"
    known = [["?" if READER.UNKNOWN in word else word for word in call] for call in found]
    for call in ran:
        assert any(
            len(call) == len(candidate) and all(b in ("?", a) for a, b in zip(call, candidate, strict=True))
            for candidate in known
        ), (call, known)
    # A branch that was not taken is found, too; nothing else is.
    assert len(known) <= len(ran) + 2


@pytest.mark.parametrize("line", STARTED)
def test_it_tells_what_may_start_something(line: str, tmp_path: Path, home: Path) -> None:
    assert noted(tmp_path, line, home), "the shell started nothing"
    starters = [command for command in READER.read(line, "/") if READER.STARTER.fullmatch(command.name)]
    assert any("git a" in command.text(piped=True) for command in starters)


@pytest.mark.parametrize("line", INVOLVED)
def test_what_is_too_involved_is_unclear(line: str, tmp_path: Path, home: Path) -> None:
    assert noted(tmp_path, line, home), "the shell started nothing"
    with pytest.raises(READER.Unclear):
        READER.read(line, "/")


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12), min_size=1))
def test_words_come_back_as_they_were_quoted(words: list[str]) -> None:
    line = shlex.join(["echo", *words])
    assert [(command.name, command.arguments) for command in READER.read(line, "/")] == [("echo", words)]


PIECES = [
    *"'\"\\$`(){}<>|&;#\n\t !*~=",
    "$(", "$((", "${", "))", "<<", "<<EOF\n", "\nEOF\n", "<(", "git ", "sh -c ", "push", "bash", "eval ", "x=1 ", "$'",
]  # fmt: skip


@settings(max_examples=300)
@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join) | st.text(max_size=60))
def test_any_text_is_read_or_unclear(text: str) -> None:
    try:
        found = READER.read(text, "/")
    except READER.Unclear:
        return
    assert all(isinstance(word, str) for command in found for word in [command.name, *command.words, *command.given])


@pytest.mark.parametrize(
    "text",
    [
        "$(" * 5_000,
        "`" * 99_999,
        "(" * 99_999,
        "${x:-" * 20_000,
        "sudo " * 50_000,
        "cat <<A\n" * 20_000,
        '"$(' * 20_000,
        "git push " * 20_000 + "'",
        "x" * 600_000,
        "a\0b",
    ],
    ids=range(10),
)
def test_what_nests_without_end_is_unclear_at_once(text: str) -> None:
    with pytest.raises(READER.Unclear):
        READER.read(text, "/")


@pytest.mark.parametrize(
    "text", ["{a," * 30_000, "sh -c " * 10_000, "a=" * 50_000, "\\" * 90_000, "cat <<A\nA\n" * 10_000], ids=range(5)
)
def test_what_is_only_long_is_read(text: str) -> None:
    READER.read(text, "/")
