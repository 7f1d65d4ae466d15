"""Blocks shell commands that destroy more than a project: whole folders, disks, the system's rights, unread downloads.

A PreToolUse hook for the tools that run shell commands. What cannot be read with certainty is blocked when it
contains one of the words in question; everything else passes. A project's own scripts are not looked into.
"""

import itertools
import json
import os
import re
import sys

# --- The reader of command lines: the same text in every hook that looks at commands ------------------------------
# It splits a line as a shell does and runs nothing. What it cannot read with certainty is Unclear.

UNKNOWN = "\0"  # in a word: what only the shell will know. `$NAME` is written \0NAME\0, the rest \0\0.
BEFORE = re.compile(r"[{}!]|if|then|else|elif|do|while|until|time|coproc|[A-Za-z_]\w*\+?=.*", re.DOTALL)
# Programs that run what they are given.
STARTER = re.compile(
    r"(?:ba|z|da|k|fi|a)?sh|eval|su|sudo|doas|env|command|exec|builtin|nohup|nice|ionice|g?timeout|stdbuf|setsid"
    r"|xargs|find|fd|busybox|caffeinate|chronic|strace|unbuffer|script|flock|watch|parallel|ssh|trap|function"
)
TOKEN = re.compile(
    r"""(?P<redirect>\d*(?:&>>?|<<<|<>|<&|>>|>\||>&|>(?!\()|<(?![<(])))
    | (?P<here><<(?P<dash>-?)[ \t]*(?P<mark>['"\\]?)(?P<end>[\w.-]+)['"]?)
    | (?P<plain>[^ \t\r\n'"\\$`;&|()<>\#]+|\$(?![\w({'"])) | (?P<quote>\$?") | '(?P<single>[^']*)'
    | \$(?P<variable>\w+|[@*\#?$!-]|\{[^{}`$"'\\]*\}) | (?P<open>\$\() | (?P<file>[<>]\() | `(?P<ticks>[^`\\]*)`
    | \\(?P<escaped>.) | (?P<blank>[ \t\r]+) | (?P<hash>\#) | (?P<stop>&&|\|\||\|&|[;&|()\n]|\Z)""",
    re.VERBOSE | re.DOTALL,
)
# In double quotes the others mean nothing.
IN_QUOTES = {"variable", "ticks", "escaped", "open", "plain", "quote"}


class Unclear(Exception):
    """The line cannot be read with certainty."""


class Command:
    """One call: `words` as a shell passes them, of which `name` and `arguments` are the program's own.

    `given` are the files, strings and here-documents of its redirections, `source` is what is piped into it, and
    `folder` is where it runs. Only the shell knows a `name` of UNKNOWN and a `folder` of None.
    """

    def __init__(self, source=None):
        self.words, self.given, self.source = [], [], source

    def end(self, folder):
        """Completes it, and returns the folder of what follows."""
        own = [*itertools.dropwhile(BEFORE.fullmatch, self.words), ""]
        self.name, self.arguments, self.folder = program(own[0]), own[1:-1], folder
        if self.name in ("cd", "pushd", "popd"):
            target = [word for word in self.arguments if word == "-" or not word.startswith("-")] or ["~"]
            return path_of("-" if self.name == "popd" else target[-1], folder)
        return folder

    def text(self, piped=False):
        """All that it is given, with what is `piped` into it."""
        return " ".join([self.source.text(True) if piped and self.source else "", *self.words, *self.given])


def read(text, folder):
    """The commands of a line that starts in `folder`, in the order of their ends."""
    if len(text) > 100_000 or UNKNOWN in text:
        raise Unclear
    # `outer` holds what open brackets have interrupted; `word` is None between two words.
    found, outer, at, command, word, quoted, redirect = [], [], 0, Command(), None, False, False
    while True:
        token = TOKEN.match(text, at)
        kind = token.lastgroup if token else ""
        start, at, value = at, token.end() if token else at, token[kind] if token else ""
        if quoted and kind not in IN_QUOTES and not text.startswith(("`", "${", "\\"), start):
            kind, at, value = "plain", start + 1, text[start : start + 1]
        if len(outer) > 20 or not (value or kind in ("single", "stop", "ticks")):
            raise Unclear
        if kind in ("open", "file"):
            outer.append((folder, command, (word or "") + UNKNOWN * 2, quoted, redirect))
            command, word, quoted, redirect = Command(), None, False, False
        elif kind == "hash" and word is None:  # a comment
            at = (text + "\n").find("\n", at)
        elif kind in ("plain", "single", "hash"):
            word = (word or "") + value
        elif kind == "escaped" and value != "\n":
            word = (word or "") + ("\\" if quoted and value not in '$`"\\' else "") + value
        elif kind == "variable":
            word = f"{word or ''}\0{value.strip('{}')}\0"
        elif kind == "ticks":
            found += read(value, folder)
            word = (word or "") + UNKNOWN * 2
        elif kind == "quote":
            word, quoted = word or "", not quoted
        elif kind != "escaped":
            if word is not None:
                (command.given if redirect else command.words).append(word)
                word, redirect = None, False
            if kind == "redirect":
                redirect = True
            elif kind == "here":
                body, text = here_document(text, text.find("\n", at) + 1, token)
                command.given.append(body)
            elif kind == "stop":
                if command.words or command.given or value in ("|", "|&"):
                    folder = command.end(folder)
                    found.append(command)
                    command = Command(command if value in ("|", "|&") else None)
                if value == "(":
                    outer.append((folder, Command(), None, False, False))
                elif value == ")" and outer:
                    if found and found[-1].name == "case":  # it closes a pattern, not a subshell
                        raise Unclear
                    folder, command, word, quoted, redirect = outer.pop()
                elif not value and outer:
                    raise Unclear
                elif not value:
                    return found


def here_document(text, start, token):
    """The lines from `start` on that the token announces, and the text without them."""
    last = rf"^{token['dash'] and chr(9) + '*'}{re.escape(token['end'])}\r?$"
    end = re.compile(last, re.MULTILINE).search(text, start) if start else None
    if not end or (not token["mark"] and re.search(r"`|\$\(", text[start : end.start()])):
        raise Unclear
    return text[start : end.start()], text[:start] + text[end.end() + 1 :]


def program(word):
    """The name of the program that a word starts: `git` for `/usr/bin/git`."""
    name = word.replace("\\", "/").rpartition("/")[2].lower()
    return UNKNOWN if UNKNOWN in name else name[:-4] if name.endswith(".exe") else name


def path_of(word, folder):
    """The full path that `word` means in `folder`, None for one that only the shell knows."""
    known = {"HOME": "~", "PWD": folder, "CLAUDE_PROJECT_DIR": os.environ.get("CLAUDE_PROJECT_DIR")}
    path = os.path.expanduser(re.sub("\0(\\w+)\0", lambda found: known.get(found[1]) or found[0], word))
    if UNKNOWN in path or word == "-" or not (folder or os.path.isabs(path)):
        return None
    return re.sub("^/+", "/", os.path.normpath(os.path.join(folder or "/", path)))


class Blocked(Exception):
    """The reason, a sentence for Claude."""


def judged(text, folder):
    """Why the line is blocked, or None. The hook says what is wrong in `check`, and what may be in `suspicious`."""
    try:
        check(text, folder)
    except Blocked as reason:
        return str(reason)
    except (Unclear, RecursionError):
        if suspicious(text):
            return "The command is too involved to be read. Write it more simply, in several calls."
    return None


def main():
    """2 blocks the call, and Claude reads why on stderr. A call that cannot be looked at is blocked."""
    try:
        call = json.loads(sys.stdin.buffer.read().decode("utf-8"))
        reason = judged(call["tool_input"].get("command", ""), call.get("cwd") or os.getcwd())
        reason = f"{reason} {ADVICE}" if reason else ""
    except Exception as problem:
        reason = f"The hook could not look at the command ({type(problem).__name__}), so it was not run."
    line = "".join(char if char.isprintable() else "?" for char in reason.replace(UNKNOWN, ""))
    name = os.path.splitext(os.path.basename(__file__))[0]
    sys.stderr.buffer.write(f"{name}: {line}\n".encode("utf-8", "backslashreplace") if reason else b"")
    return 2 if reason else 0


# --- The end of the reader ----------------------------------------------------------------------------------------


ADVICE = "If it is really meant, ask the person you work for to run it."
UNREAD = "It would run a download that nobody has read. Save it, look at it, then run it."
# A download as the program itself: `sh -c "$(curl …)"`, `source <(curl …)`.
INSERTED = re.compile(r"(?:\$\(|<\(|`)\s*(?:sudo\s+)?(?:curl|wget)\b")
RISKY = re.compile(
    r"\brm\s+-\w*[rR]|\bch(?:mod|own|grp)\s+-\w*R|\bmkfs|\bdd\s+.{0,200}\bof=/dev|\bshred\b|:\(\)\s*\{"
    r"|\b(?:curl|wget)\b[^|]{0,500}\|"
)
BOMB = re.compile(r"([\w:.]+)\s*\(\)\s*\{\s*\1\s*\|\s*\1\s*&\s*\}")
DISK = re.compile(r"/dev/(?:sd|hd|vd|xvd|nvme|mmcblk|disk|rdisk|mapper/|md\d|loop\d)")
SHELL = re.compile(r"(?:ba|z|da|k|fi|a)?sh|eval")
INTERPRETER = re.compile(
    rf"(?:{SHELL.pattern}|source|\.|python|node|perl|ruby|php|osascript|pwsh|powershell|iex)[\d.]*"
)
NARROWING = set("-name -iname -path -wholename -regex -iregex -empty -size -mtime -mmin -newer -inum -user".split())
FETCHERS = {"curl", "wget", "fetch", "http", "https", "aria2c"}
# Directly below the root, and what every system needs.
SYSTEM = re.compile(
    r"/(?:bin|boot|dev|etc|home|lib|lib32|lib64|media|mnt|opt|proc|root|run|sbin|srv|sys|usr|var|Applications|Library"
    r"|System|Users|Volumes|private|cores|[A-Za-z]|)(?:/\*)?|/(?:etc|usr|boot|lib|lib64|bin|sbin|System|Library)/.*"
    r"|/(?:Users|home)/[^/]+(?:/\*|/\.\*)?"
)


def suspicious(text):
    return RISKY.search(text) or INSERTED.search(text)


def check(text, folder, depth=0):
    if BOMB.search(text):
        raise Blocked("It is a fork bomb.")
    if depth > 5:
        raise Unclear
    for command in read(text, folder):
        words, starter = [command.name, *command.arguments], STARTER.fullmatch(command.name)
        if any(map(DISK.match, command.given)):
            raise Blocked("It would write over a disk.")
        # Behind `sudo`, `xargs` and the like stands what matters, `sh -c` has it in one word.
        scripts = [word for word in command.arguments if re.search(r"\s", word)] if starter else []
        for index, name in enumerate(map(program, words[: 100 if starter else 1])):
            look_at(name, words[index + 1 :], command.folder)
            if INTERPRETER.fullmatch(name):
                inserted = any(UNKNOWN in word for word in words) and INSERTED.search(text)
                if inserted or fetches(command.source):
                    raise Blocked(UNREAD)
            if SHELL.fullmatch(name):
                piped = command.source or Command()
                scripts += [*command.given, *piped.given, " ".join(piped.words[1:])]
        for script in scripts:
            try:
                check(script, command.folder, depth + 1)
            except Unclear:
                if suspicious(script):
                    raise


def fetches(command):
    """Whether something in the pipe comes from the network."""
    if command is None:
        return False
    names = command.words if STARTER.fullmatch(command.name) else [command.name]
    return any(program(word) in FETCHERS for word in names) or fetches(command.source)


def look_at(name, arguments, folder):
    flags = {word for word in arguments if word.startswith("-")}
    short = {letter for word in flags if not word.startswith("--") for letter in word[1:]}
    names = [word for word in arguments if not word.startswith("-")]
    verb, targets = None, names
    if name == "rm" and (short & {"r", "R"} or flags & {"--recursive", "--no-preserve-root"}):
        verb = "delete"
    elif name == "find" and {"-delete", "rm", "shred"} & set(arguments) and not flags & NARROWING:
        verb, targets = "delete", itertools.takewhile(lambda word: not word.startswith(("-", "(", "!")), arguments)
    elif name in ("chmod", "chown", "chgrp") and (short & {"R"} or "--recursive" in flags):
        verb, targets = "change the rights of", names[1:]
    elif name == "mv":
        verb, targets = "move", names[:-1]
    elif name.startswith("mkfs") or name in ("wipefs", "sgdisk"):
        raise Blocked(f"{name} destroys what is there.")
    elif name == "diskutil" and any(word.lower().startswith(("erase", "partition", "zero", "sec")) for word in names):
        raise Blocked("diskutil would erase a disk.")
    elif name in ("dd", "shred", "tee", "cp", "truncate", "fdisk", "parted"):
        if any(DISK.match(word[3:] if word.startswith("of=") else word) for word in names):
            raise Blocked(f"{name} would write over a disk.")
    elif name in ("shutdown", "reboot", "halt", "poweroff"):
        raise Blocked("It would stop the machine.")
    elif name == "kill" and len(arguments) > 1 and arguments[-1] == "-1":
        raise Blocked("It would end every process.")
    elif name == "crontab" and "r" in short:
        raise Blocked("It would delete all scheduled jobs.")
    for target in targets if verb else []:
        refuse(target, folder, verb)


def refuse(target, folder, verb):
    unset = re.fullmatch("\0(\\w+)\0/+\\.?\\*?", target)
    if unset and unset[1] not in ("HOME", "PWD", "CLAUDE_PROJECT_DIR"):
        raise Blocked(f"Where ${unset[1]} is empty it would {verb} everything. Write the folder out.")
    path = path_of(target, folder)
    if path is None:
        return
    whole = (path.rstrip("*.").rstrip("/") if path.endswith(("/*", "/.*")) else path) or "/"
    project = os.environ.get("CLAUDE_PROJECT_DIR") or folder or "/"
    if SYSTEM.fullmatch(whole) or whole == os.path.expanduser("~"):
        raise Blocked(f"It would {verb} {whole}.")
    if verb == "delete" and (project + "/").startswith(whole + "/"):
        raise Blocked(f"It would delete the project or a folder above it ({whole}).")
    if verb == "delete" and os.path.basename(whole) == ".git":
        raise Blocked("It would delete the history of the project.")


if __name__ == "__main__":
    sys.exit(main())
