"""Prints one line below the prompt: model, folder, branch and whether it is clean, context used, cost.

A status line command: Claude Code starts it with a JSON object on stdin, several times a minute. What is missing in
that object is left out; the line never holds a character that could steer the terminal, but for its own colours.
"""

import json
import os
import subprocess
import sys

DIM, YELLOW, RED, RESET = "\033[2m", "\033[33m", "\033[31m", "\033[0m"


def plain(text):
    return "".join(char for char in str(text) if char.isprintable())[:60]


def branch(folder):
    """`main`, or `main*` when tracked files have changed; "" outside of a repository."""
    try:
        done = subprocess.run(
            ["git", "-C", folder, "status", "--porcelain=v2", "--branch", "--untracked-files=no"],
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=1,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    head = next((line[14:] for line in lines if line.startswith("# branch.head ")), "")
    return plain(head) + ("*" if any(not line.startswith("#") for line in lines) else "")


def number(value):
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def line(state):
    def part(*keys):
        value = state
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        return value

    folder = part("workspace", "current_dir") or part("cwd") or os.getcwd()
    parts = [
        plain(part("model", "display_name") or ""),
        plain(os.path.basename(str(folder).rstrip("/"))),
        branch(str(folder)),
    ]
    used = number(part("context_window", "used_percentage"))
    if used is not None:
        colour = RED if used >= 80 else YELLOW if used >= 60 else ""
        parts.append(f"{colour}{used:.0f}% context{RESET if colour else ''}")
    cost = number(part("cost", "total_cost_usd"))
    if cost:
        parts.append(f"${cost:.2f}")
    return f"{DIM} | {RESET}".join(text for text in parts if text)


def main():
    try:
        state = json.loads(sys.stdin.buffer.read().decode("utf-8"))
        sys.stdout.buffer.write(line(state if isinstance(state, dict) else {}).encode("utf-8", "replace") + b"\n")
    except Exception as problem:
        sys.stderr.write(f"project-line: {type(problem).__name__}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
