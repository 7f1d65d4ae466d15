"""git/no-verify and git/keep-work."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.components.hooks.calls import Fire, git, load, repository, shell

NO_VERIFY = load("git/no-verify")
KEEP_WORK = load("git/keep-work")


def skips(command: str) -> bool:
    return NO_VERIFY.judged(command, "/") is not None


@pytest.mark.parametrize(
    "command",
    [
        "git commit --no-verify -m x",
        "git commit -m x --no-verif",
        "git commit -n -m x",
        "git commit -anm x",
        "git commit -nm x",
        "git push --no-verify",
        "git merge --no-verify feature",
        "git rebase --no-verify main",
        "git am -n patch",
        "git -c core.hooksPath=/dev/null commit -m x",
        "git -c CORE.HOOKSPATH= commit -m x",
        "git config core.hooksPath /dev/null",
        "git config --global core.hookspath ''",
        "HUSKY=0 git commit -m x",
        "env HUSKY=0 git commit -m x",
        "export HUSKY=0 && git commit -m x",
        "SKIP=mypy git commit -m x",
        "LEFTHOOK=false git push",
        "sh -c 'git commit --no-verify -m x'",
        "git commit -m \"$(cat <<'EOF'\nIt's\nEOF\n)\" --no-verify",
        "rm -rf .git/hooks",
        "rm .git/hooks/pre-commit",
        "chmod -x .husky/pre-commit",
        "mv .git/hooks/pre-push /tmp",
        "pre-commit uninstall",
        "npx husky uninstall; husky uninstall",
        "git commit --no-verify 'unbalanced",
    ],
)
def test_what_skips_checks_is_blocked(command: str) -> None:
    assert skips(command)


@pytest.mark.parametrize(
    "command",
    [
        "git commit -m x",
        "git commit -m '--no-verify is not allowed here'",
        "git commit -m --no-verify",
        "git commit -m 'no -n please' -- -n",
        "git commit -Fn",
        "git commit -am 'nn'",
        "git commit -Skeyn -m x",
        "git commit --no-edit --amend",
        "git push -n",
        "git merge -n feature",
        "git log -n 3",
        "git config --get core.hooksPath",
        "git config core.hooksPath",
        "git fetch --no-verify-signatures",
        "SKIP=1 make test",
        "HUSKY=0 npm ci",
        "rm .git/hooks/pre-commit.sample",
        "pre-commit run --all-files",
        "grep -rn -- --no-verify .",
        "echo 'unbalanced",
    ],
)
def test_what_skips_nothing_passes(command: str) -> None:
    assert not skips(command)


def test_no_verify_answers_claude_code(ask: Fire) -> None:
    answer = ask("git/no-verify", "PreToolUse", shell("git commit -n -m x"))
    assert answer.blocked and "git commit -n skips the hooks" in answer.stderr
    assert ask("git/no-verify", "PreToolUse", shell("git commit -m x")).status == 0


def loses(command: str, folder: Path) -> str | None:
    reason: str | None = KEEP_WORK.judged(command, str(folder))
    return reason


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a changed file, a new one, and a stash."""
    folder = repository(tmp_path_factory.mktemp("keep") / "changed")
    (folder / "a.txt").write_text("stashed\n", encoding="utf-8")
    git(folder, "stash", "push", "-q")
    (folder / "a.txt").write_text("two\n", encoding="utf-8")
    (folder / "new.txt").write_text("new\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return repository(tmp_path_factory.mktemp("keep") / "clean")


@pytest.mark.parametrize(
    ("command", "lost"),
    [
        ("git reset --hard", "a.txt"),
        ("git reset --hard HEAD~1", "a.txt"),
        ("git reset --har origin/main", "a.txt"),
        ("git checkout -- a.txt", "a.txt"),
        ("git checkout .", "a.txt"),
        ("git checkout a.txt", "a.txt"),
        ("git checkout -f feature", "a.txt"),
        ("git switch --discard-changes feature", "a.txt"),
        ("git restore .", "a.txt"),
        ("git restore --staged --worktree a.txt", "a.txt"),
        ("git clean -fd", "new.txt"),
        ("git clean -xdff", "new.txt"),
        ("git stash drop", "stashed"),
        ("git stash clear", "stashed"),
        ("cd . && git reset --hard", "a.txt"),
        ("timeout 9 git reset --hard", "a.txt"),
        ("git fetch && git reset --hard origin/main", "a.txt"),
        ("git -C . clean -f", "new.txt"),
    ],
)
def test_work_is_kept_where_there_is_some(command: str, lost: str, changed: Path, clean: Path) -> None:
    assert lost in str(loses(command, changed))
    assert loses(command, clean) is None


@pytest.mark.parametrize(
    "command",
    [
        "git push --force",
        "git push -f origin feature",
        "git push origin +feature",
        "git reflog expire --expire=now --all",
        "cd $SOMEWHERE && git reset --hard",
        "git $VERB --hard",
        "git reset --hard 'unbalanced",
        "sh -c 'git reset --hard'",
        "find . -exec git clean -fd ;",
    ],
)
def test_what_can_always_lose_something_is_blocked(command: str, clean: Path) -> None:
    assert loses(command, clean)


@pytest.mark.parametrize(
    "command",
    [
        "git reset",
        "git reset --soft HEAD~1",
        "git restore --staged a.txt",
        "git checkout feature",
        "git checkout -b new",
        "git clean -n",
        "git clean -nfd",
        "git stash pop",
        "git stash list",
        "git push",
        "git push --force-with-lease origin feature",
        "git stash -u && git reset --hard origin/main",
        "git commit -m 'git reset --hard'",
        "echo git reset --hard",
        "echo 'unbalanced",
    ],
)
def test_what_loses_nothing_passes(command: str, changed: Path) -> None:
    assert loses(command, changed) is None


def test_keep_work_answers_claude_code(ask: Fire, project: Path) -> None:
    git(project, "init", "-q")
    (project / "notes.md").write_text("x", encoding="utf-8")
    answer = ask("git/keep-work", "PreToolUse", shell("git clean -fd"))
    assert answer.blocked and "notes.md" in answer.stderr and "git stash push -u" in answer.stderr
    assert ask("git/keep-work", "PreToolUse", shell("git status")).status == 0
