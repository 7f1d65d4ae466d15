"""Blocks commits on the main branch and pushes to it: work goes through a branch of its own.

A PreToolUse hook for the tools that run shell commands. Arguments: the branches to protect (main and master).
A command about git that cannot be read with certainty is blocked, and Claude is told what to write instead.
It is a guard rail for an assistant, not a wall: a script may still push, and only the server can refuse.
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


PROTECTED = {"main", "master"}
ADVICE = (
    "Work on a branch of its own (git switch -c <name>), push that (git push -u origin <name>), and write folders and "
    "branches out."
)
WRITES = re.compile(
    r"\b(?:push|commit|merge|cherry-pick|revert|am|update-ref|symbolic-ref|send-pack|branch\s+-\w*[fdDmMC])\b"
)
# They end or only show what is under way.
ENDINGS = {"--abort", "--quit", "--skip", "--dry-run", "--ff-only", "--show-current-patch"}


def suspicious(text):
    return GIT.search(text) and WRITES.search(text)


def check(text, folder):
    switched = {}  # repository → the branch that the line itself has changed it to
    for command, git in calls(text, folder):
        if git:
            look_at(git, switched)
        elif command.name in ("export", "declare", "typeset", "alias") and any(
            word.startswith(("GIT_", "git=")) and not HARMLESS.match(word) for word in command.arguments
        ):
            raise Blocked("The command changes what git means or where it works.")


def look_at(git, switched):
    if git.verb in ("commit", "merge", "cherry-pick", "revert", "am"):
        # The first commit of a repository has no other branch to go to.
        name = "" if ENDINGS & set(git.flags) else branch(git, switched)
        if protected(name) and git.ask("rev-parse", "-q", "--verify", "HEAD"):
            raise Blocked(f"git {git.verb} would write to {name}.")
    elif git.verb in ("push", "send-pack"):
        pushes(git, switched)
    elif git.verb in ("checkout", "switch"):
        switches(git, switched)
    elif git.verb in ("update-ref", "symbolic-ref") or (
        git.verb == "branch" and git.has("fdDmMC", "--force", "--delete", "--move", "--copy")
    ):
        if any(protected(name) or UNKNOWN in name for name in git.names):
            raise Blocked("It would move, rename or delete the main branch.")
    elif git.verb in ("fetch", "pull"):
        if any(":" in name and protected(name.rpartition(":")[2]) for name in git.names[1:]):
            raise Blocked("It would overwrite the main branch with what it fetches.")
    elif git.verb in ("submodule", "bisect", "rebase"):
        if suspicious(" ".join(git.rest)):
            raise Blocked(f"git {git.verb} would start a git that writes.")
    elif git.verb:
        meaning = [*git.settings, git.ask("config", "--get", f"alias.{git.verb}") if git.folder else ""]
        if WRITES.search(" ".join(meaning)):
            raise Blocked(f"git {git.verb} is another name for a git that writes. Write it out.")


def protected(ref):
    return ref[ref.startswith("refs/heads/") and len("refs/heads/") :].casefold() in PROTECTED


def branch(git, switched):
    """The branch that the call finds, "" outside of any."""
    name = switched.get(git.ask("rev-parse", "--absolute-git-dir")) or git.ask("symbolic-ref", "-q", "--short", "HEAD")
    if UNKNOWN in name:
        raise Blocked("To which branch the command changes first is not written out.")
    return name


def switches(git, switched):
    """Notes the branch to which a `checkout` or `switch` leads. What else it may name is a file or a commit."""
    created = [word for word in git.rest if re.fullmatch("-[bBcC]|--create|--orphan", word)]
    if created:
        target = "".join(git.rest[git.rest.index(created[0]) + 1 :][:1])
    elif git.rest == ["-"]:
        target = UNKNOWN
    else:
        target = git.names[0] if len(git.names) == 1 and not {"--", "--detach", "-d"} & set(git.flags) else ""
        if not protected(target) and UNKNOWN not in target:
            target = git.ask("rev-parse", "-q", "--verify", f"refs/heads/{target}") and target
    if target:
        switched[git.ask("rev-parse", "--absolute-git-dir")] = target


def pushes(git, switched):
    names, words = [], iter(git.rest)
    for word in words:
        if word in ("-o", "--push-option", "--receive-pack", "--exec", "--repo"):
            next(words, None)
        elif not word.startswith("-"):
            names.append(word)
    if {"-n", "--dry-run"} & set(git.flags):
        return
    if git.has("", "--all", "--branches", "--mirror"):
        raise Blocked("It would push every branch, the main one among them.")
    targets = [name.lstrip("+").rpartition(":")[2] for name in names[1:]]
    if not targets and not git.has("", "--tags"):
        if git.settings or git.ask("config", "--get", "push.default") == "matching":
            raise Blocked("What it pushes is a matter of settings (push.default is `matching`, or -c). Name a branch.")
        upstream = git.ask("rev-parse", "--abbrev-ref", "@{push}").partition("/")[2]
        targets = [name for name in (branch(git, switched), upstream) if name]
    for target in targets:
        target = branch(git, switched) if target in ("HEAD", "@") else target
        if protected(target):
            raise Blocked(f"It would push to {target}.")
        if not target or re.search(r"[\0*?\[{]", target):
            raise Blocked("To which branch it pushes is not written out.")


if __name__ == "__main__":
    PROTECTED = {name.casefold() for name in sys.argv[1:]} or PROTECTED
    sys.exit(main())
