"""What a question of a command leaves on the terminal."""

from __future__ import annotations

import pytest

from tests.runtime import Cct, cct, runtime
from tests.wizard.terminal import CTRL_C, CTRL_D, on_terminal

__all__ = ["cct", "runtime"]


@pytest.mark.parametrize("key", [CTRL_C, CTRL_D])
def test_a_question_that_is_not_answered_ends_its_line(cct: Cct, key: str) -> None:
    with on_terminal(cct, "--demo", "--prompt", "What is the 10th Fibonacci number?") as terminal:
        terminal.answer("[Y/n]:", key)
        terminal.expect("Error: Interrupted.")
        assert terminal.end() == 130
    assert "Error: Interrupted." in terminal.shown.split("\n")
    assert "\n\nError" not in terminal.shown
    assert not (cct.project / ".claude").exists()


def test_a_no_is_no_interruption(cct: Cct) -> None:
    with on_terminal(cct, "--demo", "--prompt", "What is the 10th Fibonacci number?") as terminal:
        terminal.answer("[Y/n]:", "n\r")
        terminal.expect("Error: Not confirmed, so it was not done.")
        assert terminal.end() == 130
    assert not (cct.project / ".claude").exists()
