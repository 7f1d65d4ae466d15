"""Notes every shell command that Claude ran, as one JSON line each, in a file outside the project.

A PostToolUse and PostToolUseFailure hook. The file: $XDG_STATE_HOME/claude-code/commands.jsonl, or below
~/.local/state; for its owner only. Keys and tokens are taken out before a line is written. At 5 MB the file becomes
commands.1.jsonl and a new one begins. It fails open: a log that cannot be written stops nobody's work.
"""

import json
import os
import re
import sys
import time

LIMIT = 5_000_000
LONGEST = 4_000
SECRETS = [
    re.compile(
        r"(?i)(\b[\w-]*(?:token|secret|passw(?:or)?d|api[_-]?key|access[_-]?key|credential)[\w-]*[\"']?\s*[=:]\s*)(?:\"[^\"]*\"|'[^']*'|[^\s\"';&|]+)"
    ),
    re.compile(r"(?i)(\bauthorization:\s*(?:bearer|basic|token)?\s*)[^\s\"']+"),
    re.compile(
        r"(?i)((?:^|\s)--?(?:password|token|secret|api-key|user)(?:=|\s+)|\bcurl\b[^;|&\n]{0,400}?\s-u\s*)(?:\"[^\"]*\"|'[^']*'|[^\s\"';&|]+)"
    ),
    re.compile(r"(://[^\s:/@]+:)[^\s/@]+(?=@)"),
    re.compile(
        r"()\b(?:sk-[\w-]{16,}|gh[pousr]_\w{20,}|github_pat_\w{20,}|xox[abprs]-[\w-]{10,}|AKIA\w{16}|glpat-[\w-]{16,}|npm_\w{30,}|eyJ[\w-]{10,}\.[\w.-]{10,})"
    ),
]


def without_secrets(text):
    for form in SECRETS:
        text = form.sub(lambda match: match[1] + "[removed]", text)
    return text


def entry(call):
    text = str(call.get("tool_input", {}).get("command", ""))
    # Secrets first: half of one is not known as one.
    told = without_secrets(text[: 2 * LONGEST])
    told = told if len(text) <= LONGEST else f"{told[:LONGEST]}… ({len(text)} characters)"
    response = call.get("tool_response")
    interrupted = call.get("is_interrupt") or (isinstance(response, dict) and response.get("interrupted"))
    return {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "session": call.get("session_id"),
        "agent": call.get("agent_type"),
        "folder": call.get("cwd"),
        "tool": call.get("tool_name"),
        "command": told,
        "ended": "interrupted" if interrupted else "failed" if "error" in call else "ok",
        "ms": call.get("duration_ms"),
    }


def append(folder, line):
    """One write in append mode: lines of sessions that run at the same time do not mix."""
    os.makedirs(folder, mode=0o700, exist_ok=True)
    path = os.path.join(folder, "commands.jsonl")
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    handle = os.open(path, flags, 0o600)
    try:
        os.write(handle, line)
        full = os.fstat(handle).st_size > LIMIT
    finally:
        os.close(handle)
    if full:
        os.replace(path, os.path.join(folder, "commands.1.jsonl"))


def main():
    try:
        call = json.loads(sys.stdin.buffer.read().decode("utf-8"))
        state = os.environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
        line = json.dumps({key: value for key, value in entry(call).items() if value is not None})
        append(os.path.join(state, "claude-code"), line.encode("ascii") + b"\n")
    except Exception as problem:
        sys.stderr.write(f"command-log: nothing was noted ({type(problem).__name__}).\n")
        return 1  # shown to the person; blocks nothing
    return 0


if __name__ == "__main__":
    sys.exit(main())
