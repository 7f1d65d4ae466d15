"""Has the terminal show a desktop notification when Claude waits for an answer, or has been idle.

A Notification hook. It starts no program: it answers with the escape sequence that terminals know for this
(OSC 9: iTerm2, Ghostty, WezTerm, Windows Terminal, and kitty; OSC 777: foot, urxvt, VTE), and Claude Code writes it.
It fails open.
"""

import json
import os
import sys

LONGEST = 200


def plain(text):
    """One line without a character that could end or start an escape sequence."""
    line = " ".join(str(text).split())
    return "".join(char if char.isprintable() else "?" for char in line)[:LONGEST]


def sequence(title, message, environment):
    term = environment.get("TERM", "")
    title, message = title.replace(";", ","), message.replace(";", ",")  # it separates fields
    if term.startswith(("foot", "rxvt")) or environment.get("VTE_VERSION"):
        return f"\033]777;notify;{title};{message}\a"
    return f"\033]9;{title}: {message}\a"


def main():
    try:
        call = json.loads(sys.stdin.buffer.read().decode("utf-8"))
        title = plain(f"Claude Code, {os.path.basename(call.get('cwd') or '') or 'here'}")
        message = plain(call.get("message") or "Claude is waiting for you")
        answer = {"terminalSequence": sequence(title, message, os.environ), "suppressOutput": True}
        sys.stdout.write(json.dumps(answer))
    except Exception as problem:
        sys.stderr.write(f"desktop: no notification ({type(problem).__name__}).\n")
        return 1  # shown to the person; blocks nothing
    return 0


if __name__ == "__main__":
    sys.exit(main())
