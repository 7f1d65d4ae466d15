"""Formats a file after Claude edited it, with the formatter that the project itself uses and has installed.

A PostToolUse hook for the tools that edit files. Prettier or Biome, Ruff or Black, gofmt, rustfmt: each only where the
project is configured for it. Nothing is downloaded. It fails open: a file that cannot be formatted stays as it is.
"""

import json
import os
import re
import shutil
import subprocess
import sys

# --- What was edited, and which tools the project has -------------------------------------------------------------
# The same text in both hooks that run tools on an edited file: a hook is one file. A test holds them equal.

MADE = {".git", "node_modules", ".venv", "venv", "__pycache__", "dist", "build", ".next", "target", "vendor"}


def edited_file(call):
    """The real path of the file that was edited, when it is one of the project's own, and the project; or None."""
    project = os.path.realpath(os.environ.get("CLAUDE_PROJECT_DIR") or call["cwd"])
    path = os.path.realpath(os.path.join(call["cwd"], call["tool_input"]["file_path"]))
    inside = os.path.relpath(path, project).split(os.sep)
    own = os.path.isfile(path) and inside[0] != ".." and not MADE & set(inside[:-1])
    return (path, project) if own else None


def upwards(path, project):
    """The folders from the file's own up to the project's."""
    folder = os.path.dirname(path)
    while True:
        yield folder
        if folder == project:
            return
        folder = os.path.dirname(folder)


def holding(path, project, *names):
    """The nearest folder with one of the files; `name:text` only where the file has that text in it."""
    for folder in upwards(path, project):
        for name in names:
            name, _, text = name.partition(":")
            try:
                with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
                    if text in file.read(1_000_000):
                        return folder
            except OSError:
                continue
    return None


def installed(path, project, name):
    """The project's own copy of a program, from node_modules or a virtual environment, else the machine's, or None."""
    for folder in upwards(path, project):
        for place in ("node_modules/.bin", ".venv/bin", "venv/bin", ".venv/Scripts"):
            found = shutil.which(name, path=os.path.join(folder, place))
            if found:
                return found
    return None if name in ("prettier", "biome", "eslint") else shutil.which(name)


# --- The hook -----------------------------------------------------------------------------------------------------


WEB = set(
    ".js .jsx .mjs .cjs .ts .tsx .mts .cts .css .scss .less .html .vue .svelte .json .jsonc .md .mdx .yaml .yml "
    ".graphql .gql".split()
)
PRETTIER = [
    'package.json:"prettier"',
    *(f".prettierrc{end}" for end in ("", ".json", ".json5", ".yaml", ".yml", ".toml", ".js", ".mjs", ".cjs", ".ts")),
    *(f"prettier.config.{end}" for end in ("js", "mjs", "cjs", "ts", "mts", "cts")),
]


def formatter(path, project):
    """The command line that formats `path`, or None when the project has nothing for it."""
    ending = os.path.splitext(path)[1]
    choices = []
    if ending in WEB:
        choices = [
            ("biome", ["biome.json", "biome.jsonc"], ["format", "--write"]),
            ("prettier", PRETTIER, ["--write", "--ignore-unknown", "--log-level", "error"]),
        ]
    elif ending in (".py", ".pyi"):
        choices = [
            (
                "ruff",
                ["ruff.toml", ".ruff.toml", "pyproject.toml:[tool.ruff"],
                ["format", "--force-exclude", "--quiet"],
            ),
            ("black", ["pyproject.toml:[tool.black"], ["--quiet"]),
        ]
    elif ending == ".go":
        choices = [("gofmt", ["go.mod"], ["-w"])]
    elif ending == ".rs":
        choices = [("rustfmt", ["Cargo.toml"], ["--edition", edition(path, project)])]
    for name, signs, arguments in choices:
        program = installed(path, project, name)
        if program and holding(path, project, *signs):
            return [program, *arguments, path]
    return None


def edition(path, project):
    folder = holding(path, project, "Cargo.toml:edition")
    if folder:
        with open(os.path.join(folder, "Cargo.toml"), encoding="utf-8", errors="replace") as file:
            found = re.search(r"^edition\s*=\s*\"(20\d\d)\"", file.read(), re.MULTILINE)
        if found:
            return found[1]
    return "2021"


def main():
    try:
        found = edited_file(json.loads(sys.stdin.buffer.read().decode("utf-8")))
        command = formatter(*found) if found else None
        if command is None:
            return 0
        with open(found[0], "rb") as file:
            before = file.read()
        done = subprocess.run(
            command,
            cwd=os.path.dirname(found[0]),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=25,
            check=False,
        )
        with open(found[0], "rb") as file:
            changed = file.read() != before
    except Exception as problem:
        sys.stderr.write(f"format-on-edit: not formatted ({type(problem).__name__}).\n")
        return 1  # shown to the person; blocks nothing
    name = os.path.basename(command[0])
    if done.returncode != 0:
        sys.stderr.write(f"format-on-edit: {name} could not format the file (it ended with {done.returncode}).\n")
        return 1
    if changed:
        told = f"{name} has formatted {os.path.relpath(*found)}: read it again before the next edit of it."
        json.dump({"hookSpecificOutput": {"hookEventName": "PostToolUse", "additionalContext": told}}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
