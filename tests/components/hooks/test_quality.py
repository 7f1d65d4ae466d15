"""quality/format-on-edit, quality/lint-on-edit and testing/run-related-tests, with the real Ruff and pytest.

Tools of Node are stood in for by scripts where the project would have them: what matters is that they are found there
alone, and how they are called.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.components.hooks.calls import Fire, git, load

FORMAT, LINT, TESTS = "quality/format-on-edit", "quality/lint-on-edit", "testing/run-related-tests"
RELATED = load(TESTS)
UGLY = "x = { 'a':1 }\n"


def edited(path: Path, tool: str = "Edit") -> dict[str, Any]:
    return {"tool_name": tool, "tool_input": {"file_path": str(path)}, "tool_response": {}}


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def tool(path: Path, body: str) -> Path:
    write(path, f"#!{sys.executable}\nimport pathlib, sys\n{body}\n").chmod(0o755)
    return path


def test_python_is_formatted_where_ruff_is_set_up(ask: Fire, project: Path) -> None:
    file = write(project / "src" / "it's.py", UGLY)
    assert ask(FORMAT, "PostToolUse", edited(file)).stdout == ""
    assert file.read_text() == UGLY
    write(project / "pyproject.toml", "[tool.ruff]\nline-length = 100\n")
    answer = ask(FORMAT, "PostToolUse", edited(file, "Write"))
    assert answer.status == 0 and file.read_text() == 'x = {"a": 1}\n'
    told = json.loads(answer.stdout)["hookSpecificOutput"]
    assert told["hookEventName"] == "PostToolUse"
    assert told["additionalContext"].startswith("ruff has formatted src/it's.py: read it again")
    assert ask(FORMAT, "PostToolUse", edited(file)).stdout == ""


def test_what_does_not_parse_stays_as_it_is(ask: Fire, project: Path) -> None:
    write(project / "ruff.toml", "")
    file = write(project / "a.py", "def (:\n")
    answer = ask(FORMAT, "PostToolUse", edited(file))
    assert answer.status == 1 and "could not format" in answer.stderr and answer.stdout == ""
    assert file.read_text() == "def (:\n"


@pytest.mark.parametrize(
    "configuration", [{".prettierrc": "{}"}, {"package.json": '{"devDependencies": {"prettier": "^3"}}'}]
)
def test_prettier_runs_from_the_project_alone(ask: Fire, project: Path, configuration: dict[str, str]) -> None:
    for name, text in configuration.items():
        write(project / name, text)
    file = write(project / "web" / "a.ts", "let a")
    assert ask(FORMAT, "PostToolUse", edited(file)) == ask(FORMAT, "PostToolUse", edited(project / "absent.ts"))
    tool(project / "node_modules/.bin/prettier", "pathlib.Path(sys.argv[-1]).write_text(repr(sys.argv[1:-1]))")
    assert "prettier has formatted web/a.ts" in ask(FORMAT, "PostToolUse", edited(file)).stdout
    assert file.read_text() == "['--write', '--ignore-unknown', '--log-level', 'error']"


def test_biome_comes_before_prettier(ask: Fire, project: Path) -> None:
    write(project / ".prettierrc", "{}")
    write(project / "biome.json", "{}")
    file = write(project / "a.ts", "let a")
    for name in ("prettier", "biome"):
        tool(project / "node_modules/.bin" / name, f"pathlib.Path(sys.argv[-1]).write_text('{name}')")
    ask(FORMAT, "PostToolUse", edited(file))
    assert file.read_text() == "biome"


@pytest.mark.parametrize("name", [FORMAT, LINT])
def test_files_outside_and_made_files_are_left_alone(name: str, ask: Fire, project: Path, tmp_path: Path) -> None:
    write(project / "ruff.toml", "")
    write(tmp_path / "ruff.toml", "")
    outside = write(tmp_path / "outside.py", "import os\n" + UGLY)
    (project / "link.py").symlink_to(outside)
    made = write(project / "node_modules" / "x" / "a.py", "import os\n" + UGLY)
    for file in (outside, project / "link.py", made, project / "absent.py", project):
        answer = ask(name, "PostToolUse", edited(file))
        assert (answer.status, answer.stdout, answer.stderr) == (0, "", "")
    assert outside.read_text() == made.read_text() == "import os\n" + UGLY


def test_claude_reads_what_ruff_finds(ask: Fire, project: Path) -> None:
    file = write(project / "a.py", "import os\n")
    assert ask(LINT, "PostToolUse", edited(file)).status == 0
    write(project / "pyproject.toml", "[tool.ruff.lint]\nselect = ['F']\n")
    answer = ask(LINT, "PostToolUse", edited(file))
    assert answer.blocked and "ruff on a.py:" in answer.reason and "F401" in answer.reason
    assert file.read_text() == "import os\n"
    write(file, "print(1)\n")
    assert ask(LINT, "PostToolUse", edited(file)).status == 0


def test_findings_are_bounded_and_cannot_steer_a_terminal(ask: Fire, project: Path) -> None:
    write(project / "eslint.config.mjs", "")
    file = write(project / "a.ts", "")
    tool(
        project / "node_modules/.bin/eslint", "print('\\x1b]0;x\\x07' + 'y' * 5_000)\nprint('z\\n' * 500)\nsys.exit(1)"
    )
    answer = ask(LINT, "PostToolUse", edited(file))
    assert answer.blocked and "\x1b" not in answer.reason and "\x07" not in answer.reason
    assert len(answer.reason) < 5_000 and "461 lines more" in answer.reason


def test_a_linter_that_breaks_has_found_nothing(ask: Fire, project: Path) -> None:
    write(project / "eslint.config.mjs", "")
    tool(project / "node_modules/.bin/eslint", "print('no configuration')\nsys.exit(2)")
    assert ask(LINT, "PostToolUse", edited(write(project / "a.ts", ""))).status == 0


def test_a_test_belongs_to_a_file_by_its_name() -> None:
    every = [
        "tests/test_shop.py",
        "shop/cart_test.py",
        "web/a.test.ts",
        "web/a.spec.tsx",
        "web/b.test.ts",
        "tests/a.py",
    ]
    assert RELATED.related(["shop/shop.py"], every) == ["tests/test_shop.py"]
    assert RELATED.related(["cart.py", "web/a.ts"], every) == ["shop/cart_test.py", "web/a.test.ts", "web/a.spec.tsx"]
    assert RELATED.related(["web/b.test.ts", "README.md"], every) == ["web/b.test.ts"]
    assert RELATED.related(["a.py"], every) == []
    assert len(RELATED.related([f"test_{n}.py" for n in range(99)], [])) == RELATED.MOST_TESTS


def test_claude_goes_on_while_a_related_test_fails(ask: Fire, project: Path) -> None:
    stop = {"stop_hook_active": False}
    assert ask(TESTS, "Stop", stop).status == 0, "no repository"
    git(project, "init", "-q")
    assert ask(TESTS, "Stop", stop).status == 0, "no commit"
    write(project / ".gitignore", ".claude/\n__pycache__/\n")
    write(project / "shop.py", "PRICE = 1\n")
    write(project / "test_shop.py", "import shop\n\ndef test_price():\n    assert shop.PRICE == 1\n")
    write(project / "test_other.py", "raise SystemError\n")
    git(project, "add", ".")
    git(project, "commit", "-qm", "x")
    assert ask(TESTS, "Stop", stop) == ask(TESTS, "Stop", {"stop_hook_active": True})
    write(project / "shop.py", "PRICE = 2\n")
    answer = ask(TESTS, "Stop", stop)
    assert answer.blocked and "pytest fails" in answer.reason and "test_shop.py" in answer.reason
    assert "test_other" not in answer.reason and "assert 2 == 1" in answer.reason
    assert ask(TESTS, "Stop", {"stop_hook_active": True}).status == 0


def test_what_passed_is_run_again_only_after_a_change(ask: Fire, project: Path, home: Path) -> None:
    git(project, "init", "-q")
    write(project / "x.ts", "")
    git(project, "add", "x.ts")
    git(project, "commit", "-qm", "x")
    write(project / "x.test.ts", "")
    write(project / ".gitignore", ".claude/\nran\nnode_modules/\n")
    tool(project / "node_modules/.bin/vitest", "pathlib.Path('ran').open('a').write(' '.join(sys.argv[1:]) + ';')")
    for _ in range(3):
        assert ask(TESTS, "Stop", {"stop_hook_active": False}).status == 0
    assert (project / "ran").read_text() == "run --passWithNoTests x.test.ts;"
    write(project / "x.test.ts", "//")
    ask(TESTS, "Stop", {"stop_hook_active": False})
    assert (project / "ran").read_text().count(";") == 2
    assert len(list((home / ".local/state/claude-code").iterdir())) == 1
    tool(project / "node_modules/.bin/vitest", "sys.exit(7)")
    write(project / "x.test.ts", "///")
    assert ask(TESTS, "Stop", {"stop_hook_active": False}).status == 1, "a runner that breaks keeps nobody"
