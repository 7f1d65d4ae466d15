from __future__ import annotations

import ast
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cct_cloudflare import scripted
from cct_cloudflare.sandbox.paths import unsafe_path
from cct_cloudflare.scripted import Reply, ReplyFile

FIBONACCI = "What is the 10th Fibonacci number?"


def test_the_prompts_cover_every_language_and_a_failure() -> None:
    assert len(scripted.prompts()) >= 6
    assert len(set(scripted.prompts())) == len(scripted.prompts())
    assert {reply.language for reply in scripted.replies()} == {"python", "javascript", "typescript", "web"}
    assert FIBONACCI in scripted.prompts()


@pytest.mark.parametrize("reply", scripted.replies(), ids=lambda reply: reply.prompt)
def test_every_reply_is_a_whole_program(reply: Reply) -> None:
    paths = [file.path for file in reply.files]
    assert reply.entrypoint in paths
    assert len(set(paths)) == len(paths)
    assert all(unsafe_path(path) is None for path in paths)
    assert scripted.find(reply.prompt) is reply
    data = json.loads(reply.tool_input())
    assert list(data) == ["language", "entrypoint", "files"]
    assert [(file["path"], file["content"]) for file in data["files"]] == [(f.path, f.content) for f in reply.files]
    for file in reply.files:
        assert file.content.endswith("\n") and not file.content.startswith("\n")
        if file.path.endswith(".py"):
            ast.parse(file.content)


@pytest.mark.parametrize(
    "text",
    [
        FIBONACCI,
        "what is the 10th  fibonacci\n number",
        f"<question>\n{FIBONACCI}\n</question>\n\nAnswer with a program.",
        f"Do this step by step:\n1. {FIBONACCI}\n2. Then test it.",
        "WHAT IS THE 10TH FIBONACCI NUMBER?!",
    ],
)
def test_a_prompt_is_found_whatever_surrounds_it(text: str) -> None:
    reply = scripted.find(text)
    assert reply is not None
    assert reply.prompt == FIBONACCI


@pytest.mark.parametrize(
    "text",
    ["", "?", "What is the 110th Fibonacci number?", "What is the 10th Fibonacci numbering?", "Create a todo apple"],
)
def test_another_prompt_is_not(text: str) -> None:
    assert scripted.find(text) is None


def test_the_longest_prompt_wins() -> None:
    file = (ReplyFile("main.py", "\n"),)
    short, long = (Reply(prompt, "python", "main.py", file) for prompt in ("print it", "print it twice"))
    assert scripted.find("Please print it twice.", [short, long]) is long
    assert scripted.find("Please print it thrice.", [short, long]) is short
    assert scripted.find("print it", [Reply("", "python", "main.py", file)]) is None


@given(st.text(), st.text())
def test_finding_never_fails(before: str, after: str) -> None:
    found = scripted.find(f"{before} {FIBONACCI} {after}")
    assert found is not None
    assert len(found.prompt) >= len(FIBONACCI)
