"""git/guard-main: nothing is committed on main, nothing pushed to it, however it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.components.hooks.calls import Fire, git, load, repository, shell

NAME = "git/guard-main"
GUARD = load(NAME)


def verdict(command: str, folder: Path | str) -> str | None:
    """Why the command is blocked, or None."""
    reason: str | None = GUARD.judged(command, str(folder))
    return reason


# Wherever they run.
NEVER = [
    "git push origin main",
    "git push origin master",
    "git push origin HEAD:main",
    "git push origin feature:main",
    "git push origin feature:refs/heads/main",
    "git push origin +main",
    "git push -f origin main",
    "git push origin :main",
    "git push origin --delete main",
    "git push origin feature main",
    "git push --all",
    "git push --mirr origin",
    "git push origin :",
    "git push origin 'refs/heads/*'",
    "git push -u -o ci.skip origin main",
    "git push git@example.com:a/b.git main",
    "git -C . push origin main",
    "git --no-pager -c color.ui=always push origin main",
    "/usr/bin/git push origin main",
    "GIT_SSH_COMMAND='ssh -v' git push origin main",
    'A=1 B="x y" git push origin main',
    "git \"push\" origin ma'in'",
    "g\\it push origin main",
    "git push \\\n  origin \\\n  main",
    "echo ok; git push origin main",
    "npm test && git push origin main",
    "npm test || git push origin main &",
    "(git push origin main)",
    "{ git push origin main; }",
    "if true; then git push origin main; fi",
    "for b in x; do git push origin main; done",
    "f() { git push origin main; }; f",
    "! git push origin main",
    "x=$(git push origin main)",
    'echo "$(git push origin main)"',
    "echo `git push origin main`",
    "sh -c 'git push origin main'",
    'bash -lc "cd . && git push origin main"',
    "sh -c \"sh -c 'git push origin main'\"",
    "eval 'git push origin main'",
    "env X=1 git push origin main",
    "env -S 'git push origin main'",
    "sudo -u someone git push origin main",
    "timeout 60 git push origin main",
    "nohup git push origin main >/dev/null 2>&1 &",
    "echo 'git push origin main' | sh",
    "bash <<'EOF'\ngit push origin main\nEOF",
    "bash <<< 'git push origin main'",
    "cat <<EOF\n$(git push origin main)\nEOF",
    "git commit -m \"$(cat <<'EOF'\nIt's (done)\nEOF\n)\" && git push origin main",
    "echo main | xargs git push origin",
    "find . -maxdepth 1 -exec git push origin {} ;",
    "git push origin $BRANCH",
    'git push origin "$(git branch --show-current)"',
    "git push origin {main,feature}",
    "git push origin $'ma\\x69n'",
    "B=main; git push origin $B",
    "git -c alias.p='push origin main' p",
    "git -c remote.origin.push=HEAD:main push origin",
    "GIT_DIR=../other/.git git push origin",
    "export GIT_DIR=../other/.git; git push",
    "alias git=hub; git push origin main",
    "git fetch . feature:main",
    "git branch -f main feature",
    "git branch -D main",
    "git branch -m main old",
    "git update-ref refs/heads/main feature",
    "git submodule foreach 'git push origin main'",
    "git rebase -x 'git push origin main' HEAD~1",
    "git bisect run git push origin main",
    "python3 -c \"import os; os.system('git push origin main')\"",
    "python3 - <<'EOF'\nimport subprocess\nsubprocess.run(['git', 'push', 'origin', 'main'])\nEOF",
    "$GIT push origin main",
    "git $VERB origin main",
    "git push origin main # a comment",
    "git push 'origin main",  # no shell could read it, so nobody can say
    'bash -c "$COMMAND git push"',
]

ALWAYS = [
    "",
    "ls -la",
    "git status",
    "git log --grep 'git push origin main'",
    "echo 'git push origin main'",
    'grep -rn "git push origin main" docs',
    "git push origin feature",
    "git push -u origin feature",
    "git push origin feature:feature",
    "git push --force-with-lease origin feature",
    "git push origin maintenance main2 feature/main",
    "git push --dry-run origin main",
    "git push origin v1.0",
    "git push origin tag v1.0",
    "git push --tags",
    "git fetch origin main",
    "git fetch origin main:refs/remotes/origin/main",
    "git pull --ff-only",
    "git diff main...feature",
    "git branch -d feature",
    "git branch -m old new",
    "git merge --abort",
    "git checkout main",
    "gh pr create --base main --title x",
    "npm run commit && echo push to main",
    "python3 notes.py 'how to git push origin main'",
    'echo "an unbalanced quote',
    "sudo apt-get install git",
    "git ls-files '*.py' | xargs wc -l",
    "git log -3 | python3 -c 'import sys; print(sys.stdin.read())'",
    "timeout 600 make test",
    "find . -name .git -prune -o -type f -exec grep -l commit {} +",
    "cat <<'EOF' > notes.md\ngit push origin main\nEOF",
]


@pytest.mark.parametrize("command", NEVER)
def test_what_writes_to_main_is_blocked_everywhere(command: str, repositories: tuple[Path, Path]) -> None:
    assert verdict(command, repositories[1])


@pytest.mark.parametrize("command", ALWAYS)
def test_what_does_not_write_to_main_passes_everywhere(command: str, repositories: tuple[Path, Path]) -> None:
    for folder in repositories:
        assert verdict(command, folder) is None


COMMITS = [
    "git commit -m x",
    "git commit --amend --no-edit",
    "git add -A && git commit -qm 'a b'",
    'git commit -m "$(cat <<\'EOF\'\nIt\'s "done" (main)\nEOF\n)"',
    "git merge feature",
    "git cherry-pick abc",
    "git revert HEAD",
    "git push",
    "git push origin",
    "git push origin HEAD",
    "git push -u origin HEAD",
    "git -C . commit -m x",
    "env X=1 git commit -m x",
    "sudo -u someone timeout 60 git push",
]


# Read only as far as that a git that writes is in them: blocked on every branch, with the way to write it.
INSIDE = [
    "sh -c 'git commit -m x'",
    "env -S 'git commit -m x'",
    "env -C .. git commit -m x",
    "echo x | xargs git commit -m",
    "python3 -c \"import os; os.system('git commit -m x')\"",
]


@pytest.mark.parametrize("command", INSIDE)
def test_git_is_called_directly(command: str, repositories: tuple[Path, Path]) -> None:
    for folder in repositories:
        assert "Call it directly" in str(verdict(command, folder))


@pytest.mark.parametrize("command", COMMITS)
def test_a_commit_depends_on_the_branch(command: str, repositories: tuple[Path, Path]) -> None:
    main, feature = repositories
    assert "main" in str(verdict(command, main))
    assert verdict(command, feature) is None


@pytest.mark.parametrize(
    ("command", "blocked_on_main", "blocked_on_feature"),
    [
        ("cd {feature} && git commit -m x", False, False),
        ("cd {main} && git commit -m x", True, True),
        ("git -C {feature} commit -m x", False, False),
        ("git --git-dir={main}/.git commit -m x", True, True),
        ("(cd {feature}); git commit -m x", True, False),
        ("(cd {main} && git status) && git commit -m x", True, False),
        ("bash -c 'cd {main}'; git commit -m x", True, False),
        ("git checkout -b new && git commit -m x", False, False),
        ("git switch -c new && cd .. && cd - ; git commit -m x", True, True),
        ("git switch -c new && cd {main} && git commit -m x", False, True),
        ("git checkout main && git commit -m x", True, True),
        ("git checkout feature && git commit -m x", False, False),
        ("git checkout a.txt && git commit -m x", True, False),
        ("git -C {feature} checkout feature && git commit -m x", True, False),
        ("git switch - && git commit -m x", True, True),
        ('cd "$SOMEWHERE" && git commit -m x', True, True),
        ("cd /nowhere/at/all && git commit -m x", False, False),
        ("git merge --ff-only origin/main", False, False),
        ("cd {main} && git push", True, True),
    ],
)
def test_it_follows_the_folder_and_the_branch(
    command: str, blocked_on_main: bool, blocked_on_feature: bool, repositories: tuple[Path, Path]
) -> None:
    main, feature = repositories
    line = command.format(main=main, feature=feature)
    assert (verdict(line, main) is not None, verdict(line, feature) is not None) == (
        blocked_on_main,
        blocked_on_feature,
    )


def test_the_first_commit_has_no_other_branch(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    assert verdict("git commit -m x", tmp_path) is None
    assert verdict("git commit -m x", tmp_path / "absent") is None


def test_what_the_repository_is_set_to_counts(tmp_path: Path) -> None:
    folder = repository(tmp_path / "r")
    remote = tmp_path / "remote.git"
    git(tmp_path, "clone", "-q", "--bare", str(folder), str(remote))
    git(folder, "remote", "add", "origin", str(remote))
    git(folder, "fetch", "-q", "origin")
    git(folder, "checkout", "-q", "feature")
    assert verdict("git push", folder) is None
    git(folder, "config", "alias.ship", "push origin main")
    git(folder, "config", "alias.go", "!git push origin main")
    assert verdict("git ship", folder)
    assert verdict("git go", folder)
    git(folder, "branch", "-q", "--set-upstream-to=origin/main")
    git(folder, "config", "push.default", "upstream")
    assert verdict("git push", folder) == "It would push to main."
    git(folder, "config", "push.default", "matching")
    assert "matching" in str(verdict("git push", folder))


def test_it_answers_claude_code(ask: Fire, project: Path) -> None:
    git(project, "init", "-q")
    for tool in ("Bash", "Monitor"):
        answer = ask(NAME, "PreToolUse", shell("git push origin HEAD:main", tool))
        assert answer.blocked and answer.stdout == ""
        assert answer.stderr.startswith("guard-main: It would push to main. Work on a branch of its own (git switch")
        assert len(answer.stderr.splitlines()) == 1
    assert ask(NAME, "PreToolUse", shell("git push origin feature")).status == 0


def test_its_message_cannot_steer_a_terminal(ask: Fire) -> None:
    answer = ask(NAME, "PreToolUse", shell("git push origin 'x:\u202emain' 'y:refs/heads/MAIN'\x1b[2J"))
    assert answer.blocked and "\x1b" not in answer.stderr and "\u202e" not in answer.stderr


def test_nothing_of_the_command_runs(ask: Fire, project: Path) -> None:
    git(project, "init", "-q")
    for command in ('git -C "$(touch ran)" commit -m x', "git commit -m `touch ran`", "cd '; touch ran' && git commit"):
        ask(NAME, "PreToolUse", shell(command))
    assert not list(project.glob("ran*"))
