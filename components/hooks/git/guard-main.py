"""Blocks commits on the main branch and pushes to it: work goes through a branch of its own.

A PreToolUse hook for the tools that run shell commands. Arguments: the branches to protect (main and master).
A command about git that cannot be read with certainty is blocked, and Claude is told what to write instead.
It is a guard rail for an assistant, not a wall: a script may still push, and only the server can refuse.
"""

import itertools
import json
import os
import re
import sys

# --- The reader of command lines ----------------------------------------------------------------------------------
# The same text stands in every hook that looks at commands: a hook is one file. A test holds them equal.
# It finds every program that a line starts, through quotes, lists, pipes, substitutions, here-documents, `sh -c`,
# `env` and the like, and runs nothing. What it cannot read with certainty it calls Unclear, and the hook decides.

UNKNOWN = "\0"  # in a word: something that only the shell will know. `$NAME` is written \0NAME\0, the rest \0\0.
SHELLS = set("sh bash zsh dash ksh fish ash su script flock watch parallel ssh".split())
WRAPPERS = set(
    "sudo doas env command exec builtin nohup nice ionice time timeout gtimeout stdbuf setsid xargs find fd busybox "
    "caffeinate chronic strace unbuffer flock watch parallel ssh".split()
)
RESERVED = set("{ } ! if then else elif fi do done while until coproc function".split())
ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")
_PLAIN = re.compile(r"[^ \t\r\n'\"\\$`;&|()<>{]+")
_QUOTED = re.compile(r"[^\"\\$`}]+")
_NAME = re.compile(r"\w+|[@*#?$!-]")
_BRACES = re.compile(r"\{[^{}\s$`()]{0,99}(?:,|\.\.)[^{}\s$`()]{0,99}\}")
_SCOPES = itertools.count(1)
_REDIRECT = re.compile(r"(?:\d+|\{\w+\})?(&>>?|<<<|<<-?|<>|<&|>>|>\||>&|>|<)")


class Unclear(Exception):
    """The line cannot be read with certainty."""


class Command:
    """`words` as the program gets them; `texts` its here-documents; `writes` where it is redirected to.

    `source` is the command before it in a pipe, `scope` the subshells that it stands in.
    """

    def __init__(self, scope, source):
        self.words, self.texts, self.writes = [], [], []
        self.scope, self.source = scope, source


class Reader:
    def __init__(self, text, scope=()):
        if len(text) > 500_000 or len(scope) > 20 or UNKNOWN in text:
            raise Unclear
        self.text, self.at, self.scope = text, 0, scope
        self.found, self.pending = [], []

    def read(self):
        """Every command of the text, in the order of their ends."""
        self.sequence("")
        if self.pending:
            raise Unclear
        return self.found

    def sequence(self, closer, source=None):
        outer = self.scope
        if closer:
            self.scope = (*outer, next(_SCOPES))
            if len(self.scope) > 20:
                raise Unclear
        command = Command(self.scope, source)
        while True:
            char = self.text[self.at : self.at + 1]
            if char in (closer, ""):
                if char != closer:
                    raise Unclear
                self.at += 1
                break
            redirect = _REDIRECT.match(self.text, self.at)
            if char in " \t\r":
                self.at += 1
            elif self.text.startswith("\\\n", self.at):
                self.at += 2
            elif char == "#":
                self.at = self.line_end()
            elif self.text.startswith(("<(", ">("), self.at):
                self.at += 2
                self.sequence(")")
                command.words.append(UNKNOWN * 2)
            elif redirect:
                self.at = redirect.end()
                self.redirected(command, redirect[1])
            elif char in "\n;&|()":
                self.at += 1
                if command.words or command.writes or command.texts or char == "|":
                    self.found.append(command)
                    command = Command(self.scope, command if char == "|" else None)
                if char == "(":
                    self.sequence(")", command.source)
                elif char == "\n":
                    self.here_documents()
            else:
                command.words.append(self.word())
        if command.words or command.writes:
            self.found.append(command)
        self.scope = outer

    def word(self):
        parts, text = [], self.text
        while self.at < len(text):
            char = text[self.at]
            braces = _BRACES.match(text, self.at) if char == "{" else None
            plain = _PLAIN.match(text, self.at)
            if plain:
                parts.append(plain[0])
                self.at = plain.end()
            elif braces:
                parts.append(UNKNOWN * 2)
                self.at = braces.end()
            elif char == "{":
                parts.append(char)
                self.at += 1
            elif char == "'":
                end = text.find("'", self.at + 1)
                if end < 0:
                    raise Unclear
                parts.append(text[self.at + 1 : end])
                self.at = end + 1
            elif char == '"':
                self.at += 1
                parts.append(self.quoted('"'))
            elif char == "\\":
                parts.append(text[self.at + 1 : self.at + 2].replace("\n", ""))
                self.at += 2
            elif char == "$":
                parts.append(self.dollar(False))
            elif char == "`":
                parts.append(self.backquoted())
            else:
                break
        return "".join(parts)

    def quoted(self, closer):
        """Text in which only $, ` and \\ mean something, up to `closer` (none: the end of the text)."""
        parts, text = [], self.text
        while True:
            char = text[self.at : self.at + 1]
            plain = _QUOTED.match(text, self.at)
            if plain:
                parts.append(plain[0])
                self.at = plain.end()
            elif char == closer:
                self.at += len(closer)
                return "".join(parts)
            elif not char:
                raise Unclear
            elif char == "\\":
                following = text[self.at + 1 : self.at + 2]
                parts.append(following.replace("\n", "") if following in '$`"\\\n' else char + following)
                self.at += 2
            elif char == "$":
                parts.append(self.dollar(True))
            elif char == "`":
                parts.append(self.backquoted())
            else:
                self.at += 1
                if closer == "}" and char == '"':
                    self.quoted('"')
                parts.append(char)

    def dollar(self, in_quotes):
        text, start = self.text, self.at
        self.at += 2
        following = text[start + 1 : start + 2]
        if following == "(":
            self.sequence(")")
        elif following == "{":
            name = re.compile(r"(\w+)\}").match(text, self.at)
            if name:
                self.at = name.end()
                return f"\0{name[1]}\0"
            self.quoted("}")
        elif following == "'" and not in_quotes:
            end = re.compile(r"(?:[^'\\]|\\.)*'", re.DOTALL).match(text, self.at)
            if not end:
                raise Unclear
            self.at = end.end()
            return UNKNOWN * 2 if "\\" in end[0] else end[0][:-1]
        elif following == '"' and not in_quotes:
            return self.quoted('"')
        else:
            name = _NAME.match(text, start + 1)
            self.at = name.end() if name else start + 1
            return f"\0{name[0]}\0" if name else "$"
        return UNKNOWN * 2

    def backquoted(self):
        end = re.compile(r"`((?:[^`\\]|\\.)*)`", re.DOTALL).match(self.text, self.at)
        if not end:
            raise Unclear
        self.at = end.end()
        inner = re.sub(r"\\([`$\\])", r"\1", end[1])
        self.found += Reader(inner, (*self.scope, next(_SCOPES))).read()
        return UNKNOWN * 2

    def redirected(self, command, operator):
        blanks = re.compile(r"[ \t]*").match(self.text, self.at)
        start = self.at = blanks.end()
        word = self.word()
        raw = self.text[start : self.at]
        if operator in ("<<", "<<-"):
            self.pending.append((command, word, operator == "<<-", not re.search(r"['\"\\]", raw)))
        elif operator == "<<<":
            command.texts.append(word)
        elif ">" in operator:
            command.writes.append(word)

    def here_documents(self):
        pending, self.pending = self.pending, []
        for command, delimiter, strip, expands in pending:
            start = self.at
            while True:
                end = self.line_end()
                line, line_start = self.text[self.at : end], self.at
                if (line.lstrip("\t") if strip else line).rstrip("\r") == delimiter:
                    break
                if end == len(self.text):
                    raise Unclear
                self.at = end + 1
            self.at = end
            body = self.text[start:line_start]
            command.texts.append(body)
            if expands and ("$" in body or "`" in body):
                inner = Reader(body, (*self.scope, next(_SCOPES)))
                inner.quoted("")
                self.found += inner.found

    def line_end(self):
        end = self.text.find("\n", self.at)
        return len(self.text) if end < 0 else end


def programs(text, targets):
    """(name, arguments, command) of every program that `text` starts. `targets` are the names that matter.

    Raises Unclear. `name` is UNKNOWN where only the shell knows it.
    """
    try:
        return [found for command in Reader(text).read() for found in unfolded(command.words, command, targets, 0)]
    except RecursionError:
        raise Unclear from None


def unfolded(words, command, targets, depth):
    if depth > 8:
        raise Unclear
    while words and (words[0] in RESERVED or ASSIGNMENT.match(words[0])):
        words = words[1:]
    if not words:
        return
    name, arguments = program_name(words[0]), words[1:]
    yield name, arguments, command
    if name == "eval":
        yield from nested(" ".join(arguments), command, targets, depth)
    elif name in SHELLS or (name == "env" and any(word.startswith(("-S", "--split")) for word in arguments)):
        scripts = [word for word in arguments if not word.startswith("-")] or list(command.texts)
        if not scripts and command.source:
            scripts = [" ".join(command.source.words[1:]), *command.source.words[1:], *command.source.texts]
        for script in scripts:
            yield from nested(script, command, targets, depth)
    if name in WRAPPERS:
        # What `find -exec` and `xargs` will put there is not in the line.
        arguments = [UNKNOWN * 2 if word == "{}" else word for word in arguments]
        arguments += [UNKNOWN * 2] if name == "xargs" else []
        known = targets | SHELLS | WRAPPERS | {"eval"}
        starts = [index for index, word in enumerate(arguments) if program_name(word) in known]
        if len(starts) > 8:
            raise Unclear
        ends = {";", "+"} if name == "find" else ()
        for index in starts:
            inner = itertools.takewhile(lambda word: word not in ends, arguments[index:])
            yield from unfolded(list(inner), command, targets, depth + 1)


def nested(script, outer, targets, depth):
    if UNKNOWN in script:
        raise Unclear
    for command in Reader(script, (*outer.scope, next(_SCOPES))).read():
        yield from unfolded(command.words, command, targets, depth + 1)


def program_name(word):
    name = word.replace("\\", "/").rsplit("/", 1)[-1].lower()
    return UNKNOWN if UNKNOWN in name else name[:-4] if name.endswith(".exe") else name


# --- The end of the reader ----------------------------------------------------------------------------------------


# --- The reader of git commands -----------------------------------------------------------------------------------
# As the reader of command lines: the same text in every hook that looks at git.

WITH_VALUE = {"-C", "-c", "--git-dir", "--work-tree", "--namespace", "--config-env", "--attr-source", "--super-prefix"}
HARMLESS = re.compile(
    r"GIT_(?:AUTHOR|COMMITTER|TRACE|SSH|LFS)\w*|GIT_(?:SEQUENCE_)?EDITOR|GIT_PAGER|GIT_TERMINAL_PROMPT"
    r"|GIT_MERGE_AUTOEDIT|GIT_OPTIONAL_LOCKS"
)
REDEFINING = re.compile(r"(?:alias|push|remote|branch|include|includeif|url)\.", re.IGNORECASE)


class Folders:
    """In which folder each subshell works. None: only the shell knows."""

    def __init__(self, folder):
        self.folders = {(): folder}

    def of(self, command):
        scope = command.scope
        while scope not in self.folders:
            scope = scope[:-1]
        return self.folders.setdefault(command.scope, self.folders[scope])

    def change(self, command, arguments):
        """Follows a `cd`."""
        folder = self.of(command)
        targets = [word for word in arguments if not word.startswith("-") or word == "-"]
        target = targets[0] if len(targets) == 1 else "-"
        target = target.replace("\0HOME\0", "~").replace("\0PWD\0", ".")
        target = target.replace("\0CLAUDE_PROJECT_DIR\0", os.environ.get("CLAUDE_PROJECT_DIR", UNKNOWN))
        known = folder is not None and UNKNOWN not in target and target != "-"
        self.folders[command.scope] = os.path.join(folder, os.path.expanduser(target)) if known else None


class GitCall:
    """One call of git: its `subcommand` ("" for none) and the `rest` of its arguments.

    `settings` are those of `-c`. `redefined` says that the line itself changes what git means or where it works.
    """

    def __init__(self, arguments, command, folder):
        self.folder, self.options, self.settings, index = folder, [], [], 0
        while index < len(arguments) and arguments[index].startswith("-"):
            word, value = arguments[index], arguments[index + 1 : index + 2]
            if word in ("-C", "--git-dir", "--work-tree"):
                self.options += [word, *map(os.path.expanduser, value)]
            elif word.startswith(("--git-dir=", "--work-tree=")):
                self.options.append(word)
            elif word in ("-c", "--config-env"):
                self.settings += value
            index += 2 if word in WITH_VALUE else 1
        self.subcommand, self.rest = ("", []) if index >= len(arguments) else (arguments[index], arguments[index + 1 :])
        variables = [word for word in command.words if word.startswith("GIT_") and ASSIGNMENT.match(word)]
        self.redefined = any(not HARMLESS.match(word) for word in variables) or any(
            REDEFINING.match(word) or UNKNOWN in word.partition("=")[0] for word in self.settings
        )

    @property
    def placed(self):
        """Whether it is known where it works."""
        return self.folder is not None and not self.redefined and not any(UNKNOWN in word for word in self.options)

    def ask(self, *question):
        """What git says in that place, "" where it has no answer. Nothing of the command itself runs."""
        import subprocess

        if not self.placed:
            return ""
        try:
            answer = subprocess.run(
                ["git", *self.options, *question],
                cwd=self.folder,
                env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=5,
                check=False,
            )
        except (OSError, ValueError):  # no such folder, or no git: then the command will not get far either
            return ""
        return answer.stdout.decode("utf-8", "replace").strip("\n") if answer.returncode == 0 else ""


def means(word, *options):
    """Whether `word` is one of the long options: git takes any beginning that is unique."""
    return word in options or any(len(word) > 4 and option.startswith(word) for option in options)


# --- The end of the reader of git commands ------------------------------------------------------------------------


# --- The hook -----------------------------------------------------------------------------------------------------


class Blocked(Exception):
    """The reason, a sentence for Claude."""


def run(check, advice):
    """Reads the tool call. 2 blocks it, and Claude reads why on stderr; a call that cannot be looked at is blocked."""
    try:
        call = json.loads(sys.stdin.buffer.read().decode("utf-8"))
        command = call["tool_input"].get("command", "")
        check(command, call.get("cwd") or os.getcwd())
    except Blocked as reason:
        return say(f"{reason} {advice}")
    except Exception as problem:
        return say(f"The hook could not look at the command ({type(problem).__name__}), so it was not run.")
    return 0


def say(text):
    name = os.path.splitext(os.path.basename(__file__))[0]
    line = "".join(char if char.isprintable() else "?" for char in text.replace(UNKNOWN, ""))
    sys.stderr.buffer.write(f"{name}: {line}\n".encode("utf-8", "backslashreplace"))
    return 2


COMMITS = {"commit", "merge", "cherry-pick", "revert", "am"}
# They end or only show what is under way.
ENDINGS = {"--abort", "--quit", "--skip", "--dry-run", "--ff-only", "--show-current-patch"}
# Not looked up as an alias: git knows them.
OTHERS = set(
    "add apply archive bisect blame bundle cat-file check-ignore clean clone config describe diff difftool "
    "for-each-ref format-patch fsck gc grep help init log ls-files ls-remote ls-tree maintenance merge-base mv notes "
    "prune range-diff rebase reflog remote reset restore rev-list rev-parse rm shortlog show show-ref "
    "sparse-checkout stash status submodule tag version worktree".split()
)
VERBS = re.compile(r"\b(?:push|commit|merge|cherry-pick|revert|update-ref|send-pack)\b", re.IGNORECASE)
NO_FOLDER = "In which folder git works is not written out, so its branch is not known."


def suspicious(text):
    """For what cannot be read: whether a git that writes may be in it."""
    return "git" in text.casefold() and VERBS.search(text)


class Guard:
    def __init__(self, protected, folder):
        self.protected = {name.casefold() for name in protected}
        self.folders = Folders(folder)
        self.switched = {}  # repository → the branch that the line itself has changed it to

    def check(self, text):
        try:
            found = programs(text, {"git", "cd", "pushd", "popd"})
        except Unclear:
            if suspicious(text):
                raise Blocked("The command is too involved to see which branch it writes to.") from None
            return
        for name, arguments, command in found:
            if name in ("cd", "pushd", "popd"):
                self.folders.change(command, arguments)
            elif name == "git":
                self.git(arguments, command)
            elif name == UNKNOWN and suspicious("git " + " ".join(arguments)):
                raise Blocked("Which program the command starts is not written out.")
            elif re.fullmatch(r"(?:python|node|perl|ruby|deno|bun)[\d.]*", name):
                inline = arguments if {"-c", "-e", "-p", "--eval", "--print", "eval"} & set(arguments) else []
                if any(suspicious(word) for word in [*inline, *command.texts]):
                    raise Blocked("The command has git write from inside another program.")
            elif name in ("export", "declare", "typeset", "alias") and any(
                word.startswith(("GIT_", "git=")) and not HARMLESS.match(word) for word in arguments
            ):
                raise Blocked("The command changes what git means or where it works.")

    def git(self, arguments, command):
        call = GitCall(arguments, command, self.folders.of(command))
        if UNKNOWN in call.subcommand:
            raise Blocked("Which git command runs is not written out.")
        if call.subcommand in COMMITS:
            self.commits(call)
        elif call.subcommand in ("push", "send-pack"):
            self.pushes(call)
        elif call.subcommand in ("checkout", "switch", "symbolic-ref"):
            self.switches(call)
        elif call.subcommand in ("branch", "update-ref", "fetch", "pull"):
            self.moves(call)
        elif call.subcommand and call.subcommand not in OTHERS:
            self.alias(call, command)
        if call.subcommand in ("submodule", "bisect", "rebase"):
            self.starts(call, command)

    def is_protected(self, ref):
        return ref[ref.startswith("refs/heads/") and len("refs/heads/") :].casefold() in self.protected

    def branch(self, call):
        """The branch that `call` finds, "" outside of any."""
        if not call.placed:
            raise Blocked(NO_FOLDER)
        switched = self.switched and self.switched.get(repository(call))
        if switched and UNKNOWN in switched:
            raise Blocked("To which branch the command changes first is not written out.")
        return switched or call.ask("symbolic-ref", "--quiet", "--short", "HEAD")

    def commits(self, call):
        if ENDINGS & set(call.rest):
            return
        branch = self.branch(call)
        # The first commit of a repository has no other branch to go to.
        if self.is_protected(branch) and call.ask("rev-parse", "--verify", "--quiet", "HEAD"):
            raise Blocked(f"git {call.subcommand} would write to {branch}.")

    def pushes(self, call):
        words, flags, values = [], set(), iter(call.rest)
        for word in values:
            if word in ("-o", "--push-option", "--receive-pack", "--exec", "--repo"):
                next(values, None)
            elif word.startswith("--"):
                flags.add(word)
            elif word.startswith("-"):
                flags |= {f"-{letter}" for letter in word[1:]}
            else:
                words.append(word)
        if "-n" in flags or "--dry-run" in flags:
            return
        if any(means(flag, "--all", "--branches", "--mirror") for flag in flags):
            raise Blocked("It would push every branch, the main one among them.")
        if not words[1:] and "--tags" not in flags:
            self.pushes_by_default(call)
        refs = iter(words[1:])
        for ref in refs:
            if ref == "tag":
                next(refs, None)
                continue
            source, colon, target = ref.lstrip("+").partition(":")
            target = target if colon else source
            if target in ("HEAD", "@"):
                target = self.branch(call) or UNKNOWN
            if UNKNOWN in target or not target or re.search(r"[*?\[{]", target):
                raise Blocked("To which branch it pushes is not written out.")
            if self.is_protected(target):
                raise Blocked(f"It would push to {target}.")

    def pushes_by_default(self, call):
        branch = self.branch(call)
        upstream = call.ask("rev-parse", "--abbrev-ref", "@{push}").partition("/")[2]
        if self.is_protected(branch) or self.is_protected(upstream):
            raise Blocked(f"It would push to {upstream or branch}.")
        if call.ask("config", "--get", "push.default") == "matching":
            raise Blocked("push.default is `matching`: it would push every branch, the main one among them.")

    def switches(self, call):
        names = [word for word in call.rest if not word.startswith("-")]
        created = [word for word in call.rest if word in ("-b", "-B", "-c", "-C", "--create", "--orphan")]
        if call.subcommand == "symbolic-ref":
            target = names[1].replace("refs/heads/", "") if len(names) == 2 else None
        elif created:
            after = call.rest[call.rest.index(created[0]) + 1 :]
            target = after[0] if after else None
        elif call.rest == ["-"]:
            target = UNKNOWN
        elif len(names) == 1 and not {"--", "--detach", "-d"} & set(call.rest):
            known = UNKNOWN in names[0] or self.is_protected(names[0])
            known = known or call.ask("rev-parse", "--verify", "--quiet", f"refs/heads/{names[0]}")
            target = names[0] if known else None  # otherwise a file or a commit
        else:
            target = None
        if target is not None:
            self.switched[repository(call)] = target

    def moves(self, call):
        names = [word for word in call.rest if not word.startswith("-")]
        flags = set(call.rest) - set(names)
        if call.subcommand == "update-ref" and any(self.is_protected(name) or UNKNOWN in name for name in names):
            raise Blocked("It would move the main branch.")
        if call.subcommand in ("fetch", "pull"):
            if any(":" in name and self.is_protected(name.rpartition(":")[2]) for name in names[1:]):
                raise Blocked("It would overwrite the main branch with what it fetches.")
        if call.subcommand == "branch" and any(
            flag in ("-f", "-d", "-D", "-m", "-M", "-C") or means(flag, "--force", "--delete", "--move", "--copy")
            for flag in flags
        ):
            if len(names) == 1 and not {"-f", "-d", "-D", "--force", "--delete"} & flags:
                names.append(self.branch(call))
            if any(self.is_protected(name) for name in names):
                raise Blocked("It would move, rename or delete the main branch.")

    def alias(self, call, command):
        meaning = call.ask("config", "--get", f"alias.{call.subcommand}")
        if meaning.startswith("!"):
            Guard(self.protected, call.folder).check(" ".join([meaning[1:], *call.rest]).replace(UNKNOWN, "?"))
        elif meaning:
            self.git([*call.options, *meaning.split(), *call.rest], command)
        elif call.redefined:
            raise Blocked("What the git command means is set in the command itself.")

    def starts(self, call, command):
        """What `submodule foreach`, `bisect run` and `rebase --exec` start."""
        found = []
        for index, word in enumerate(call.rest):
            if program_name(word) == "git":
                found += unfolded(call.rest[index:], command, {"git"}, 1)
            elif " " in word:
                try:
                    found += nested(word.replace(UNKNOWN, "?"), command, {"git"}, 1)
                except Unclear:
                    if suspicious(word):
                        raise Blocked("The command has git run something that cannot be read.") from None
        for name, arguments, inner in found:
            if name == "git":
                self.git(arguments, inner)


def repository(call):
    return call.ask("rev-parse", "--absolute-git-dir")


if __name__ == "__main__":
    BRANCHES = sys.argv[1:] or ["main", "master"]
    sys.exit(
        run(
            lambda text, folder: Guard(BRANCHES, folder).check(text),
            "Work on a branch of its own (git switch -c <name>), push that (git push -u origin <name>), and write "
            "folders and branches out.",
        )
    )
