"""Blocks shell commands that destroy more than a project: whole folders, disks, the system's rights, unread downloads.

A PreToolUse hook for the tools that run shell commands. What cannot be read with certainty is blocked when it
contains one of the words in question; everything else passes. A project's own scripts are not looked into.
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


TARGETS = set(
    "rm shred find dd wipefs fdisk parted sgdisk diskutil chmod chown chgrp shutdown reboot halt poweroff mv kill "
    "crontab truncate tee cp cd source . python python3 node perl ruby php mkfs mkfs.ext2 mkfs.ext3 mkfs.ext4 mkfs.xfs "
    "mkfs.btrfs mkfs.vfat mkfs.fat mkfs.ntfs mkfs.f2fs".split()
)
# A download as the program itself: `sh -c "$(curl …)"`, `source <(curl …)`.
INSERTED = re.compile(r"(?:\$\(|<\(|`)\s*(?:sudo\s+)?(?:curl|wget)\b")
SUSPICIOUS = re.compile(
    r"\brm\s+-\w*[rR]|\bmkfs|\bdd\s+.{0,200}\bof=/dev|\bshred\b|:\(\)\s*\{|\b(?:curl|wget)\b.{0,500}\|", re.DOTALL
)
UNREAD = "It would run a download that nobody has read. Save it, look at it, then run it."
DISK = re.compile(r"/dev/(?:sd|hd|vd|xvd|nvme|mmcblk|disk|rdisk|mapper/|md\d|loop\d)")
INTERPRETERS = re.compile(
    r"(?:sh|bash|zsh|dash|ksh|fish|python|node|perl|ruby|php|osascript|pwsh|powershell|iex)[\d.]*"
)
NARROWING = set("-name -iname -path -wholename -regex -iregex -empty -size -mtime -mmin -newer -inum -user".split())
FETCHERS = {"curl", "wget", "fetch", "http", "https", "aria2c"}
# Directly below the root, and what every system needs.
SYSTEM = re.compile(
    r"/(?:bin|boot|dev|etc|home|lib|lib32|lib64|media|mnt|opt|proc|root|run|sbin|srv|sys|usr|var|Applications|Library"
    r"|System|Users|Volumes|private|cores|[A-Za-z]|)(?:/\*)?"
)
BELOW_SYSTEM = re.compile(r"/(?:etc|usr|boot|lib|lib64|bin|sbin|System|Library)/|/(?:Users|home)/[^/]+(?:/\*|/\.\*)?$")


def check(text, folder):
    if re.search(r"([\w:.]+)\s*\(\)\s*\{\s*\1\s*\|\s*\1\s*&\s*\}", text):
        raise Blocked("It is a fork bomb.")
    try:
        found = programs(text, TARGETS)
    except Unclear:
        if INSERTED.search(text):
            raise Blocked(UNREAD) from None
        if SUSPICIOUS.search(text):
            raise Blocked("The command is too involved to see what it would destroy.") from None
        return
    folders = {}  # where a `cd` of the line leads; by subshell
    for name, arguments, command in found:
        here = folders.get(command.scope, folder)
        if name == "cd" and arguments:
            folders[command.scope] = place(arguments[-1], here)
        if (name in ("source", ".") or INTERPRETERS.fullmatch(name)) and any(UNKNOWN in word for word in arguments):
            if INSERTED.search(text):
                raise Blocked(UNREAD)
        look_at(name, arguments, command, here)


def look_at(name, arguments, command, here):
    flags = {word for word in arguments if word.startswith("-")}
    short = {letter for word in flags if not word.startswith("--") for letter in word[1:]}
    names = [word for word in arguments if not word.startswith("-")]
    for target in command.writes:
        if DISK.match(target):
            raise Blocked(f"It would write over the disk {target}.")
    if name == "rm" and (short & {"r", "R"} or "--recursive" in flags or "--no-preserve-root" in flags):
        for target in names:
            refuse(target, here, "delete")
    elif name == "find" and {"-delete", "rm", "shred"} & set(arguments) and not flags & NARROWING:
        for target in itertools.takewhile(lambda word: not word.startswith(("-", "(", "!")), arguments):
            refuse(target, here, "delete")
    elif name in ("chmod", "chown", "chgrp") and (short & {"R"} or "--recursive" in flags):
        for target in names[1:]:
            refuse(target, here, "change the rights of")
    elif name == "mv":
        for target in names[:-1]:
            refuse(target, here, "move")
    elif name.startswith("mkfs") or name in ("wipefs", "sgdisk"):
        raise Blocked(f"{name} destroys what is there.")
    elif name == "diskutil" and any(
        word.lower().startswith(("erase", "partition", "zero", "secure")) for word in names
    ):
        raise Blocked("diskutil would erase a disk.")
    elif name == "dd" and any(DISK.match(word[3:]) for word in names if word.startswith("of=")):
        raise Blocked("dd would write over a disk.")
    elif name in ("shred", "tee", "cp", "truncate", "fdisk", "parted") and any(DISK.match(word) for word in names):
        raise Blocked(f"{name} would write over a disk.")
    elif name in ("shutdown", "reboot", "halt", "poweroff"):
        raise Blocked("It would stop the machine.")
    elif name == "kill" and len(arguments) > 1 and arguments[-1] == "-1":
        raise Blocked("It would end every process.")
    elif name == "crontab" and "r" in short:
        raise Blocked("It would delete all scheduled jobs.")
    elif INTERPRETERS.fullmatch(name) and downloads(command):
        raise Blocked(UNREAD)


def downloads(command):
    """Whether what a pipe feeds to an interpreter comes from the network."""
    source = command.source
    while source:
        if any(program_name(word) in FETCHERS for word in source.words):
            return True
        source = source.source
    return False


def refuse(target, here, verb):
    unset = re.fullmatch("\0(\\w+)\0/+\\.?\\*?", target)
    if unset and unset[1] not in ("HOME", "PWD", "CLAUDE_PROJECT_DIR"):
        raise Blocked(f"Where ${unset[1]} is empty it would {verb} everything. Write the folder out.")
    path = place(target, here)
    if path is None:
        return
    whole = path.rstrip("*").rstrip("/") if path.endswith("/*") or path.endswith("/.*") else path
    whole = whole or "/"
    home = os.path.expanduser("~")
    project = os.environ.get("CLAUDE_PROJECT_DIR") or here
    if SYSTEM.fullmatch(whole) or BELOW_SYSTEM.match(whole) or whole == home:
        raise Blocked(f"It would {verb} {whole}.")
    if verb == "delete" and (project == whole or project.startswith(whole + "/")):
        raise Blocked(f"It would {verb} the project or a folder above it ({whole}).")
    if os.path.basename(whole) == ".git" and verb == "delete":
        raise Blocked("It would delete the history of the project.")


def place(target, here):
    """The full path that a word means, None for one that only the shell knows."""
    if here is None and not target.startswith(("/", "~", UNKNOWN)):
        return None
    target = target.replace("\0HOME\0", "~").replace("\0PWD\0", here or UNKNOWN)
    target = target.replace("\0CLAUDE_PROJECT_DIR\0", os.environ.get("CLAUDE_PROJECT_DIR") or UNKNOWN)
    if UNKNOWN in target:
        return None
    return "/" + os.path.normpath(os.path.join(here or "/", os.path.expanduser(target))).lstrip("/")


if __name__ == "__main__":
    sys.exit(run(check, "If it is really meant, ask the person you work for to run it."))
