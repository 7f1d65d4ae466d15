"""Blocks git commands that would throw away work that is nowhere else: uncommitted changes, stashes, others' commits.

A PreToolUse hook for the tools that run shell commands. It asks git whether there is anything to lose, so that the
same commands pass in a clean folder. What cannot be read with certainty is blocked when it looks destructive.
"""

import itertools
import json
import os
import re
import subprocess
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


# --- The reader of git commands: the same text in every hook that looks at git ------------------------------------

WITH_VALUE = ("-C", "-c", "--git-dir", "--work-tree", "--namespace", "--config-env", "--attr-source", "--super-prefix")
HARMLESS = re.compile(r"GIT_(?:AUTHOR|COMMITTER|TRACE|SSH|LFS|EDITOR|SEQUENCE|PAGER|TERMINAL|MERGE|OPTIONAL)")
PREFIX = re.compile(r"sudo|doas|env|command|exec|nohup|nice|ionice|g?timeout|stdbuf|setsid|caffeinate|chronic|unbuffer")
GIT = re.compile(r"(?<![.\w-])git\b(?!/)", re.IGNORECASE)


class Git:
    """A call of git: its `verb` and the `rest`, which is `flags` and `names`; `folder` is None where it is unknown."""

    def __init__(self, command):
        words, self.settings, self.folder = list(command.arguments), [], command.folder
        while words and words[0].startswith("-"):
            option = words.pop(0)
            value = words.pop(0) if option in WITH_VALUE and words else ""
            self.folder = path_of(value, self.folder) if option == "-C" else self.folder
            self.settings += [value] if option in ("-c", "--config-env") else []
            if option.startswith(("--git-dir", "--work-tree")):
                self.folder = None
        self.verb, self.rest = (words or [""])[0], words[1:]
        if re.search(r"[\0{*?]", self.verb):
            raise Blocked("Which git command runs is not written out.")
        if any(word.startswith("GIT_") and "=" in word and not HARMLESS.match(word) for word in command.words):
            self.folder = None
        self.flags = [word for word in self.rest if word.startswith("-")]
        self.names = [word for word in self.rest if not word.startswith("-")]

    def has(self, letters, *options):
        """Whether it has one of the flags; git takes any beginning of a long one that is unique."""
        short = {letter for flag in self.flags if flag[1:2] != "-" for letter in flag[1:]}
        long = [flag for flag in self.flags if len(flag) > 4]
        return bool(short & set(letters)) or any(option.startswith(flag) for flag in long for option in options)

    def ask(self, *question):
        """What git says in the folder, "" where it has no answer. Nothing of the command itself runs."""
        if self.folder is None:
            raise Blocked("In which folder git works is not written out.")
        line = ["git", "--no-optional-locks", "-C", self.folder, *question]
        done = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, timeout=5, check=False)
        return "" if done.returncode else done.stdout.decode("utf-8", "replace").strip("\n")


def calls(text, folder):
    """(command, its call of git or None) for each command. Blocked: something suspicious inside another program."""
    for command in read(text, folder):
        names = [program(word) for word in command.arguments]
        at = names.index("git") if "git" in names and PREFIX.fullmatch(command.name) else None
        if at is not None and not any(re.match(r"-C|--chdir|.*\s", word) for word in command.arguments[:at]):
            command.name, command.arguments = "git", command.arguments[at + 1 :]
        inline = command.given or {"-c", "-e", "-p", "--eval", "--print", "eval"} & set(command.arguments)
        interpreter = inline and re.fullmatch(r"(?:python|node|perl|ruby|deno|bun)[\d.]*", command.name)
        starter = bool(STARTER.fullmatch(command.name))
        told = ("git " if command.name == UNKNOWN else "") + command.text(piped=starter)
        if (starter or interpreter or command.name == UNKNOWN) and suspicious(told):
            raise Blocked("It would run from inside another program. Call it directly, so that it can be read.")
        yield command, Git(command) if command.name == "git" else None


# --- The end of the reader of git commands ------------------------------------------------------------------------


ADVICE = "Commit it or stash it first (git stash push -u), or ask the person you work for to do it."
LOSES = re.compile(
    r"--hard\b|\bclean\s+-|\bcheckout\s+(?:--|-f|\.)|\brestore\s|\bstash\s+(?:drop|clear)\b|--force\b|\spush\s+-f"
)


def suspicious(text):
    return GIT.search(text) and LOSES.search(text)


def check(text, folder):
    saved = False
    for _, git in calls(text, folder):
        if git:
            # `git stash && git reset --hard` throws nothing away.
            saved = saved or (git.verb == "stash" and (not git.rest or git.rest[0] in ("push", "save", "-u")))
            look_at(git, saved)


def look_at(git, saved):
    if git.verb == "clean" and git.has("f", "--force") and not git.has("n", "--dry-run"):
        keep(git, saved, untracked=True)
    elif (git.verb == "reset" and git.has("", "--hard", "--merge")) or (
        git.verb == "restore" and (git.has("W", "--worktree") or not git.has("S", "--staged"))
    ):
        keep(git, saved)
    elif git.verb in ("checkout", "switch"):
        forced = git.has("f", "--force", "--discard-changes")
        if forced or (git.verb == "checkout" and ("--" in git.rest or "." in git.names or restores(git))):
            keep(git, saved)
    elif git.verb == "stash" and git.names[:1] in (["drop"], ["clear"]) and git.ask("stash", "list"):
        raise Blocked(f"git stash {git.names[0]} would delete stashed work.")
    elif git.verb == "push":
        leased = any(flag.startswith(("--force-w", "--force-i")) for flag in git.flags)
        bare = git.has("", "--force", "--mirror") or any(name.startswith("+") for name in git.names[1:])
        if git.has("f") or (bare and not leased):
            raise Blocked("A forced push can delete commits of others; --force-with-lease cannot.")
    elif git.verb == "reflog" and git.names[:1] in (["expire"], ["delete"]):
        raise Blocked("The reflog is the last way back to lost commits.")


def restores(git):
    """Whether a `checkout` without `--` restores a file: what it names exists in the folder and is no branch."""
    path = path_of(git.names[0], git.folder) if len(git.names) == 1 else None
    return path and os.path.lexists(path) and not git.ask("rev-parse", "-q", "--verify", git.names[0] + "^{commit}")


def keep(git, saved, untracked=False):
    if saved:
        return
    what = "delete files that git does not know" if untracked else "throw away changes that are not committed"
    changed = git.ask("status", "--porcelain", "--untracked-files=" + ("normal" if untracked else "no")).splitlines()
    lost = [line[3:] for line in changed if line.startswith("??") is untracked]
    if lost:
        raise Blocked(f"git {git.verb} would {what}: {', '.join(lost[:5])}{' and more' if len(lost) > 5 else ''}.")


if __name__ == "__main__":
    sys.exit(main())
