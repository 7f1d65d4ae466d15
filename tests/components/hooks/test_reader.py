"""The reader of command lines against a real shell, and against anything at all."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.components.hooks.calls import environment, load
from tests.components.hooks.shared import PARTS, Part

READER: ModuleType = load("git/guard-main")


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.start)
def test_what_hooks_share_is_the_same_text(part: Part) -> None:
    first, *others = part.hooks
    for other in others:
        assert part.of(other) == part.of(first), (
            "run `python -m tests.components.hooks`: it copies the text of the first"
        )


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
    "sh -c 'git a \"b c\"'",
    "sh -ec \"sh -c 'git a'\"",
    "env X=1 git a",
    "env -u X git a",
    "nohup git a >/dev/null 2>&1",
    "nice -n 1 git a",
    "timeout 5 git a",
    "command git a; exec git b",
    "eval 'git a'\" b\"",
    'x=$(git a) ; echo "$(git b)" `git c`',
    "echo \"it's $(git a 'x\"y') \" # git b",
    "git a \\\n  b",
    "g\\it a; 'git' b; g'i't c",
    "git a>out 2>err <a.txt b",
    "cat <<EOF\n$(git a) `git b`\nEOF\ngit c",
    "cat <<'EOF'\n$(git a)\nEOF\ngit c",
    "cat <<-EOF\n\tx\n\tEOF\ngit c",
    "sh <<EOF\ngit a\ngit b 'c d'\nEOF",
    'git commit -m "$(cat <<\'EOF\'\nDon\'t ("quote") it: `x` $(y)\n\nEOF\n)" && git push',
    "echo 'git a' | sh",
    "printf '%s\\n' x | git a",
    "echo a#b; git a # git b",
    "case x in x) git a;; esac",
    "while git a; do break; done",
    "! git a",
    "echo $(( (1 + 2) * 3 )); git a",
    'echo ${X:-$(git a)} "${Y:-"$(git b)"}"',
    "true; true;git a;",
    "git a | git b |& git c" if Path("/bin/sh").resolve().name.startswith("bash") else "git a | git b",
    "git 'a\nb' \"c\td\"",
    'echo "a \\" git b"; git c',
    "find . -maxdepth 0 -exec git a \\;",
    "echo x | xargs git a",
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
    found = [arguments for name, arguments, _ in READER.programs(line, {"git"}) if name == "git"]
    assert ran, "the shell started nothing"
    known = [["?" if READER.UNKNOWN in word else word for word in call] for call in found]
    for call in ran:
        assert any(
            len(call) == len(candidate) and all(b in ("?", a) for a, b in zip(call, candidate, strict=True))
            for candidate in known
        ), (call, known)
    # A branch that was not taken is found, too; nothing else is.
    assert len(known) <= len(ran) + 2


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12), min_size=1))
def test_words_come_back_as_they_were_quoted(words: list[str]) -> None:
    line = shlex.join(["echo", *words])
    assert [(name, arguments) for name, arguments, _ in READER.programs(line, set())] == [("echo", words)]


PIECES = [
    *"'\"\\$`(){}<>|&;#\n\t !*~=",
    "$(", "$((", "${", "))", "<<", "<<EOF\n", "\nEOF\n", "<(", "git ", "sh -c ", "push", "bash", "eval ", "x=1 ", "$'",
]  # fmt: skip


@settings(max_examples=300)
@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join) | st.text(max_size=60))
def test_any_text_is_read_or_unclear(text: str) -> None:
    try:
        found = READER.programs(text, {"git"})
    except READER.Unclear:
        return
    assert all(isinstance(word, str) for _, arguments, _ in found for word in arguments)


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
        READER.programs(text, {"git"})


@pytest.mark.parametrize("text", ["{a," * 50_000, "sh -c " * 20_000, "a=" * 50_000, "\\" * 99_999], ids=range(4))
def test_what_is_only_long_is_read(text: str) -> None:
    READER.programs(text, {"git"})
