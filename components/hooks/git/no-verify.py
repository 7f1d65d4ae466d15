"""Blocks git commands that skip the project's own checks: --no-verify, hooks switched off, hooks taken away.

A PreToolUse hook for the tools that run shell commands. What cannot be read with certainty is blocked when it
speaks of skipping; everything else passes.
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


ADVICE = "Run without it, and mend what the checks find; only the person you work for may skip them."
SKIPS = re.compile(
    r"--no-veri|hookspath|\b(?:husky=0|lefthook=(?:0|false)|skip=|pre_commit_)|\s-\w{0,9}n\b", re.IGNORECASE
)
MAY_SKIP = re.compile(r"\b(?:commit|push|merge|am|rebase|config)\b")
TAKES_AWAY = re.compile(
    r"\b(?:rm|chmod|mv|unlink)\b.{0,99}(?:\.git/hooks|\.husky)|\b(?:husky|lefthook|pre-commit) uninstall"
)
SWITCH = re.compile(
    r"(?:HUSKY|LEFTHOOK)=(?:0|false)$|(?:SKIP|LEFTHOOK_EXCLUDE|PRE_COMMIT_ALLOW_NO_CONFIG)=.", re.IGNORECASE
)
CHECKED = {"commit", "push", "merge", "am", "rebase", "cherry-pick", "revert", "pull"}
# Their value is the next argument, and may say anything.
TAKES_VALUE = set(
    "-m --message -F --file -C --reuse-message -c --reedit-message --author --date -t --template --fixup --squash "
    "--cleanup --trailer --pathspec-from-file -o --push-option -s --strategy -X --strategy-option --into-name".split()
)


def suspicious(text):
    return TAKES_AWAY.search(text) or (MAY_SKIP.search(text) and SKIPS.search(text))


def check(text, folder):
    off = False  # whether a variable that was exported switches the hooks off
    for command, git in calls(text, folder):
        if git:
            look_at(git, off or any(SWITCH.match(word) for word in command.words))
        off = off or (command.name == "export" and any(SWITCH.match(word) for word in command.arguments))
        if command.name in ("pre-commit", "husky", "lefthook") and "uninstall" in command.arguments:
            raise Blocked(f"It would take the hooks of {command.name} away.")
        if command.name in ("rm", "chmod", "mv", "unlink") and any(
            re.search(r"(?:^|/)(?:\.git/hooks|\.husky)(?:/(?!.*\.sample$)|$)", word) for word in command.arguments
        ):
            raise Blocked("It would take the project's git hooks away.")


def look_at(git, off):
    if any(setting.lower().startswith("core.hookspath") for setting in git.settings):
        raise Blocked("It would run git with another folder of hooks.")
    reads = len(git.rest) < 2 or {"--get", "--get-all", "get", "--list", "list"} & set(git.rest)
    if git.verb == "config" and "core.hookspath" in map(str.lower, git.rest) and not reads:
        raise Blocked("It would move the folder that git takes its hooks from.")
    if git.verb not in CHECKED:
        return
    if off:
        raise Blocked("A variable of the command switches the hooks off.")
    # `-n` skips them in these two; behind one of these letters stands a value: `-mnone`, `-Skeyn`.
    skipping = r"-[^\W\dmFCctSu]*n" if git.verb in ("commit", "am") else "(?!)"
    words = iter(git.rest)
    for word in itertools.takewhile(lambda word: word != "--", words):
        if word.startswith("--no-veri") or re.match(skipping, word):
            raise Blocked(f"git {git.verb} {word} skips the hooks.")
        if word in TAKES_VALUE or re.fullmatch(r"-[^\W\dmFCctSu]*[mFCct]", word):
            next(words, None)


if __name__ == "__main__":
    sys.exit(main())
