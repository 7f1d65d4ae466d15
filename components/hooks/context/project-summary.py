"""Tells Claude at the start of a session what it would otherwise search for: commands, versions, unfinished work.

A SessionStart hook: what it prints becomes context. Names are taken from the project's files only when they look like
names, so that no text of a file can speak to Claude through here. It runs nothing but git, and fails open.
"""

import json
import os
import re
import subprocess
import sys

NAME = re.compile(r"[A-Za-z0-9][\w:./-]{0,39}")
VERSION = re.compile(r"v?\d[\w.*+-]{0,19}|lts/[\w*-]{1,12}|system")
MOST = 20
LOCKS = {
    "pnpm-lock.yaml": "pnpm",
    "yarn.lock": "yarn",
    "bun.lock": "bun",
    "bun.lockb": "bun",
    "package-lock.json": "npm",
}
UNFINISHED = {
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
    "BISECT_LOG": "a bisect",
}


def read(project, name):
    try:
        with open(os.path.join(project, name), encoding="utf-8", errors="replace") as file:
            return file.read(500_000)
    except OSError:
        return ""


def names(found):
    unique = list(dict.fromkeys(name for name in found if NAME.fullmatch(name)))
    return ", ".join(unique[:MOST]) + (f" and {len(unique) - MOST} more" if len(unique) > MOST else "")


def commands(project):
    try:
        scripts = json.loads(read(project, "package.json") or "{}").get("scripts")
    except (ValueError, AttributeError):
        scripts = None
    if isinstance(scripts, dict) and names(scripts):
        manager = next((name for lock, name in LOCKS.items() if os.path.exists(os.path.join(project, lock))), "npm")
        yield f"Scripts ({manager} run …): {names(scripts)}"
    targets = re.findall(r"^([\w][\w./-]*)\s*:(?![:=])", read(project, "Makefile"), re.MULTILINE)
    if names(targets):
        yield f"Make targets: {names(targets)}"
    recipes = re.findall(r"^@?([\w-]+)(?:\s+[^:=\n]*)?:(?!=)", read(project, "justfile"), re.MULTILINE)
    if names(recipes):
        yield f"Just recipes: {names(recipes)}"


def versions(project):
    found = []
    for file, what in (
        (".nvmrc", "Node"),
        (".node-version", "Node"),
        (".python-version", "Python"),
        (".tool-versions", ""),
    ):
        for line in read(project, file).splitlines()[:5]:
            words = [what, *line.split()] if what else line.split()
            if len(words) > 1 and NAME.fullmatch(words[0]) and VERSION.fullmatch(words[1]):
                found.append(" ".join(words[:2]))
    python = re.search(
        r"^requires-python\s*=\s*[\"']([^\"'\n]{1,20})[\"']", read(project, "pyproject.toml"), re.MULTILINE
    )
    if python and re.fullmatch(r"[\d.,<>=!~* ]+", python[1]):
        found.append(f"Python {python[1]}")
    if found:
        yield "Versions asked for: " + ", ".join(dict.fromkeys(found))


def git(project, *arguments):
    done = subprocess.run(
        ["git", "-C", project, *arguments],
        env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=5,
        check=False,
    )
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else ""


def history(project):
    status = git(project, "status", "--porcelain=v2", "--branch", "--show-stash")
    if not status:
        return
    lines = status.splitlines()
    header = dict(line[2:].split(" ", 1) for line in lines if line.startswith("# "))
    changed = [line for line in lines if not line.startswith("#")]
    conflicts = sum(line.startswith("u ") for line in changed)
    branch = header.get("branch.head", "")
    told = [f"branch {branch}"] if NAME.fullmatch(branch) else []
    if "branch.ab" in header:
        ahead, behind = header["branch.ab"].split()
        told += [f"{ahead[1:]} commits not pushed"] * (ahead != "+0") + [f"{behind[1:]} behind"] * (behind != "-0")
    told += [f"{len(changed)} files changed"] if changed else ["nothing changed"]
    told += [f"{conflicts} of them in conflict"] if conflicts else []
    told += [f"{header['stash']} stashed"] if header.get("stash", "0").isdigit() and "stash" in header else []
    yield "Git: " + ", ".join(told)
    folder = git(project, "rev-parse", "--absolute-git-dir").strip()
    under_way = dict.fromkeys(what for name, what in UNFINISHED.items() if os.path.exists(os.path.join(folder, name)))
    if under_way:
        yield f"Unfinished in git: {', '.join(under_way)}. Ask before you end or abort it."


def main():
    try:
        call = json.loads(sys.stdin.buffer.read().decode("utf-8"))
        project = os.environ.get("CLAUDE_PROJECT_DIR") or call["cwd"]
        lines = [*commands(project), *versions(project), *history(project)]
    except Exception as problem:
        sys.stderr.write(f"project-summary: nothing to tell ({type(problem).__name__}).\n")
        return 1  # shown to the person; blocks nothing
    if lines:
        sys.stdout.buffer.write(("About this project:\n- " + "\n- ".join(lines) + "\n").encode("utf-8", "replace"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
