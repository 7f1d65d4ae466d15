"""Tells Claude what the project's linter finds in a file that it has just edited, so that it mends it at once.

A PostToolUse hook for the tools that edit files. ESLint or Biome, Ruff, ShellCheck: each only where the project is
configured for it, ShellCheck where it is installed. Nothing is downloaded and nothing is changed. It fails open: a
linter that cannot run has found nothing.
"""

import json
import os
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


SCRIPTS = {".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts", ".vue", ".svelte"}
MOST_LINES = 40
LONGEST_LINE = 300


def linter(path, project):
    """The command line that checks `path`, or None when the project has nothing for it."""
    ending = os.path.splitext(path)[1]
    choices = []
    if ending in SCRIPTS:
        configurations = [f"eslint.config.{end}" for end in ("js", "mjs", "cjs", "ts", "mts", "cts")]
        choices = [
            ("eslint", configurations, ["--no-warn-ignored", "--no-color"]),
            ("biome", ["biome.json", "biome.jsonc"], ["lint", "--colors=off"]),
        ]
    elif ending in (".py", ".pyi"):
        signs = ["ruff.toml", ".ruff.toml", "pyproject.toml:[tool.ruff"]
        choices = [("ruff", signs, ["check", "--force-exclude", "--output-format", "concise", "--quiet", "--no-fix"])]
    elif ending in (".sh", ".bash"):
        choices = [("shellcheck", [os.path.basename(path)], ["--format", "gcc", "--color=never"])]
    for name, signs, arguments in choices:
        program = installed(path, project, name)
        if program and holding(path, project, *signs):
            return [program, *arguments, path]
    return None


def plain(output):
    """The first lines of what a tool printed, with nothing that could steer a terminal."""
    lines = [line.rstrip() for line in output.decode("utf-8", "replace").splitlines() if line.strip()]
    shown = [
        "".join(char if char.isprintable() else "?" for char in line)[:LONGEST_LINE] for line in lines[:MOST_LINES]
    ]
    return "\n".join([*shown, f"… and {len(lines) - MOST_LINES} lines more"] if len(lines) > MOST_LINES else shown)


def main():
    try:
        found = edited_file(json.loads(sys.stdin.buffer.read().decode("utf-8")))
        command = linter(*found) if found else None
        if command is None:
            return 0
        done = subprocess.run(
            command,
            cwd=os.path.dirname(found[0]),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=25,
            check=False,
        )
    except Exception as problem:
        sys.stderr.write(f"lint-on-edit: not checked ({type(problem).__name__}).\n")
        return 1  # shown to the person; blocks nothing
    # 1 is the status with which all of these say that they found something.
    findings = plain(done.stdout or done.stderr) if done.returncode == 1 else ""
    if findings:
        name = os.path.basename(command[0])
        # The edit stands; Claude reads this.
        json.dump({"decision": "block", "reason": f"{name} on {os.path.relpath(*found)}:\n{findings}"}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
