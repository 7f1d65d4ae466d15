from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cct_cloudflare import limits
from cct_cloudflare.errors import UsageError
from cct_cloudflare.resources import templates_dir
from cct_cloudflare.run import RunRequest, plan_run
from cct_cloudflare.sandbox.toolchain import find_node


def test_both_sides_have_the_same_bounds() -> None:
    source = (templates_dir() / "cloudflare" / "src" / "limits.ts").as_uri()
    script = f"import {{LIMITS}} from {json.dumps(source)}; console.log(JSON.stringify(LIMITS))"
    argv = [str(find_node()), "--experimental-transform-types", "--no-warnings", "--input-type=module", "-e", script]
    theirs = json.loads(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)
    assert theirs["executeBody"] == limits.EXECUTE_BODY
    assert theirs["questionCharacters"] == limits.QUESTION_CHARACTERS
    assert theirs["systemCharacters"] == limits.SYSTEM_CHARACTERS
    assert list(theirs["maxTokens"].values()) == [
        limits.LEAST_MAX_TOKENS,
        limits.MOST_MAX_TOKENS,
        limits.DEFAULT_MAX_TOKENS,
    ]
    assert list(theirs["timeout"].values()) == [limits.LEAST_TIMEOUT, limits.MOST_TIMEOUT, limits.DEFAULT_TIMEOUT]
    assert theirs["programFiles"] == limits.PROGRAM_FILES
    assert theirs["savedFiles"] == limits.SAVED_FILES


@given(st.text())
def test_characters_are_counted_as_javascript_does(text: str) -> None:
    assert limits.characters(text) == len(text.encode("utf-16-le")) // 2


@pytest.mark.parametrize("prompt", ["x" * 100_001, "😀" * 50_001, "é" * 131_073])
def test_a_prompt_that_the_worker_would_refuse_is_not_sent(tmp_path: Path, prompt: str) -> None:
    with pytest.raises(UsageError) as caught:
        plan_run(RunRequest(prompt, tmp_path))
    assert caught.value.code == "payload_too_large"


def test_the_longest_prompt_is_sent(tmp_path: Path) -> None:
    assert plan_run(RunRequest("😀" * 50_000, tmp_path)).execute.question == "😀" * 50_000
