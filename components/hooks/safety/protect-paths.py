"""Blocks edits of files that are not written by hand: secrets, lock files, git's own folder, what a build made.

A PreToolUse hook for the tools that edit files. Arguments: more patterns, as in .gitignore (`docs/api/`, `*.snap`);
one that starts with `!` allows again what an earlier one blocked. A call that it cannot read is blocked.
"""

import fnmatch
import json
import os
import sys

PATTERNS = [
    ".git/",
    ".env",
    ".env.*",
    "!.env.example",
    "!.env.sample",
    "!.env.template",
    ".dev.vars",
    "*.pem",
    "id_rsa",
    "id_ed25519",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lock",
    "bun.lockb",
    "poetry.lock",
    "uv.lock",
    "Pipfile.lock",
    "Cargo.lock",
    "composer.lock",
    "Gemfile.lock",
    "go.sum",
    "flake.lock",
    "node_modules/",
    ".venv/",
    "__pycache__/",
    "*.min.js",
    "*.min.css",
    "*.map",
]


def protecting(path, project, patterns):
    """The pattern that protects `path` (absolute), or None. Names compare without case: some disks do not know it."""
    inside = os.path.relpath(path, project).replace(os.sep, "/")
    parts = path.replace(os.sep, "/").strip("/").split("/")
    # Of the folders above the project only the last names count: a project may lie below a `.venv`.
    parts = inside.split("/") if not inside.startswith("../") else parts[-2:]
    found = None
    for pattern in patterns:
        allows, body = pattern.startswith("!"), pattern.lstrip("!")
        if matches(body.casefold(), [part.casefold() for part in parts]):
            found = None if allows else pattern
    return found


def matches(pattern, parts):
    folder = pattern.endswith("/")
    wanted = pattern.strip("/").split("/")
    if len(wanted) == 1 and not pattern.startswith("/"):
        names = parts[:-1] if folder else parts
        # `.git` itself is a file in a worktree, and as precious.
        return any(fnmatch.fnmatchcase(name, wanted[0]) for name in names) or parts[-1:] == wanted == [".git"]
    return len(parts) >= len(wanted) + folder and all(map(fnmatch.fnmatchcase, parts, wanted))


def main():
    try:
        call = json.loads(sys.stdin.buffer.read().decode("utf-8"))
        given = call["tool_input"].get("file_path") or call["tool_input"].get("notebook_path")
        folder = call.get("cwd") or os.getcwd()
        project = os.environ.get("CLAUDE_PROJECT_DIR") or folder
        named = os.path.normpath(os.path.join(folder, os.path.expanduser(given)))
        # The name as it is given, and the file that it leads to through links.
        paths = [(named, os.path.normpath(project)), (os.path.realpath(named), os.path.realpath(project))]
        for path, root in paths:
            pattern = protecting(path, root, [*PATTERNS, *sys.argv[1:]])
            if pattern:
                return say(
                    f"{os.path.basename(named)} is protected ({pattern}). Use the tool that writes it (a lock file: "
                    "the package manager), or ask the person you work for to change it."
                )
    except Exception as problem:
        return say(f"The hook could not look at the edit ({type(problem).__name__}), so it was not made.")
    return 0


def say(text):
    line = "".join(char if char.isprintable() else "?" for char in text)
    sys.stderr.buffer.write(f"protect-paths: {line}\n".encode("utf-8", "backslashreplace"))
    return 2


if __name__ == "__main__":
    sys.exit(main())
