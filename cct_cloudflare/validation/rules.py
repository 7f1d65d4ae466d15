"""Permission rules: which ones, when they allow, leave nothing to ask about."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from cct_cloudflare.validation.facts import words
from cct_cloudflare.validation.shells import plain_command, runs_download, runs_hidden

_SHELLS = words("bash powershell monitor")
_WRITERS = words("edit write multiedit notebookedit")

# Each runs code that it is given; a rule for one has to name what it runs.
_INTERPRETERS = words(
    """
    . ash awk bash bun busybox cmd csh dash deno emacs expect fish gawk jshell ksh lua mksh nawk node nodejs nvim perl
    php powershell psql pwsh py pypy python r rscript ruby sed sh source sqlite3 tcsh ts-node tsx vi vim zsh
    """
)
# Each runs the command that follows its own options.
_PREFIXES = words(
    """
    builtin command doas env exec eval ionice nice nocorrect noglob nohup parallel setsid stdbuf strace sudo time
    timeout watch xargs
    """
)
_MANAGERS = words("bunx docker git go make nerdctl npm npx pipx pnpm pnpx podman uv uvx yarn")
# They reach other machines, other users' rights or other programs, whatever their arguments are.
_REACHING = words(
    """
    aria2c at aws az chmod chown crontab curl dd doas doctl eval exec fdisk find ftp gcloud gsutil helm http https
    kubectl launchctl lftp mkfs mount nc ncat netcat nsenter osascript pkexec rclone rm rsync scp sftp shred socat ssh
    su sudo systemctl telnet terraform unshare wget wrangler xargs xh
    """
)
# First words that do the same.
_REACHING_WORDS = frozenset(
    tuple(line.split())
    for line in """
    bun add
    bun install
    bun x
    cargo install
    docker exec
    docker run
    gh api
    gh extension
    git config
    git push
    go install
    go run
    npm exec
    npm i
    npm install
    npm publish
    npm x
    pip install
    pip3 install
    pipx install
    pipx run
    pnpm add
    pnpm dlx
    pnpm install
    podman exec
    podman run
    uv add
    uv pip
    yarn add
    yarn dlx
    """.strip().splitlines()
)
# What follows these is a command of its own.
_RUN_WORDS = frozenset(
    {
        ("bundle", "exec"),
        ("bun", "run"),
        ("conda", "run"),
        ("hatch", "run"),
        ("pdm", "run"),
        ("pipenv", "run"),
        ("pnpm", "exec"),
        ("poetry", "run"),
        ("uv", "run"),
        ("yarn", "exec"),
    }
)
_CODE_OPTION = re.compile(r"-{1,2}(?:[a-z]*[ce]|eval|command|exec|print|p|r|require|import)")
_VERSION = re.compile(r"[\d.]+$")
_ASSIGNMENT = re.compile(r"[a-z_]\w*\+?=")
#: `nice timeout 10 env A=1 …`: one that goes deeper has something to hide.
_MOST_NESTED = 8
_ONE_SERVER = re.compile(r"mcp__\w[\w-]*?__[\w*-]*")


@dataclass(frozen=True, slots=True)
class Breadth:
    """Why a rule is too broad to be added without asking. `what` follows "it lets Claude"."""

    rule: str
    what: str


def breadth(text: str, *, standing: bool = True) -> Breadth | None:
    """What an allow rule lets through beyond one purpose; None for a narrow one.

    `standing` says that it holds for good: reading any file then counts, and so does writing any of the project's. For
    a command that somebody starts they are its work.
    """
    tool, content = _split(text)
    bare = content.strip(" :*/") == ""
    if not tool or ("*" in tool and not _ONE_SERVER.fullmatch(tool)):
        return Breadth("permission-any-tool", "use tools that the rule does not name")
    if tool in _SHELLS:
        return _of_command(content)
    any_file = bare or content.strip(" ./*") == ""
    if tool in _WRITERS and ((standing and any_file) or _leaves_project(content)):
        return Breadth("permission-any-file", "change files that the rule does not name")
    if tool == "read" and standing and (bare or _leaves_project(content)):
        return Breadth("permission-any-file", "read files outside the project")
    if tool == "webfetch" and (bare or re.fullmatch(r"\s*domain\s*:[\s*.]*", content)):
        return Breadth("permission-any-address", "send requests to any address")
    return None


def _split(text: str) -> tuple[str, str]:
    """`Bash(git status)` → `bash`, `git status`; a rule that is never closed is read as if it were."""
    folded = unicodedata.normalize("NFKC", text)
    name, _, content = folded.partition("(")
    tool = "".join(char for char in name if char.isalnum() or char in "_-*").casefold()
    return tool, content.rstrip().removesuffix(")")


def _of_command(content: str) -> Breadth | None:
    if runs_download(content) or runs_hidden(content):
        return Breadth("permission-download", "run what it downloads or decodes")
    line = plain_command(re.sub(r":\*\s*$", " *", content))
    program = _free_program(line.split())
    if program == "":
        return Breadth("permission-any-command", "run any command")
    return None if program is None else Breadth("permission-any-command", f"run anything by way of {program}")


def _free_program(argv: list[str]) -> str | None:
    """The program that a rule lets run anything with; "" for every program, None when the rule is narrow."""
    for _ in range(_MOST_NESTED):
        start = next((index for index, word in enumerate(argv) if not _ASSIGNMENT.match(word)), len(argv))
        argv = argv[start:]
        if not argv or "*" in argv[0]:
            return ""
        if not any("*" in word for word in argv):
            return None
        program = re.split(r"[/\\]", argv[0])[-1].removesuffix(".exe")
        if _is_free(program, _before_wildcard(argv[1:])):
            return program
        inner = _inner_command(program, argv)
        if inner is None:
            return None
        argv = inner
    return ""


def _is_free(program: str, given: list[str]) -> bool:
    """Whether a program runs anything when what follows `given`, its first words, is open."""
    names = {program, _VERSION.sub("", program)}
    plain = [word for word in given if not word.startswith("-")]
    if names & _REACHING or (program, *plain[:1]) in _REACHING_WORDS:
        return True
    if names & (_INTERPRETERS | _MANAGERS) and not plain:
        return True
    if names & _INTERPRETERS and any(_CODE_OPTION.fullmatch(word) for word in given):
        return True
    return program == "git" and given[0].startswith(("-c", "--exec-path", "--config"))


def _inner_command(program: str, argv: list[str]) -> list[str] | None:
    """The command that `timeout 10`, `uv run` and their like start; None for a program that starts no other."""
    if program in _PREFIXES and not (program == "command" and argv[1:2] in (["-v"], ["-V"])):
        rest = argv[1:]
        start = next(
            (i for i, word in enumerate(rest) if not word.startswith("-") and not word[0].isdigit()), len(rest)
        )
        return rest[start:]
    plain = [word for word in _before_wildcard(argv[1:]) if not word.startswith("-")]
    if (program, *plain[:1]) in _RUN_WORDS:
        return argv[argv.index(plain[0]) + 1 :]
    return None


def _before_wildcard(argv: list[str]) -> list[str]:
    stop = next((index for index, word in enumerate(argv) if "*" in word), len(argv))
    return argv[:stop]


def _leaves_project(content: str) -> bool:
    path = content.strip().replace("\\", "/")
    drive = re.match(r"[a-z]:/", path, re.IGNORECASE) is not None
    return drive or path.startswith(("//", "~", "$")) or ".." in path.split("/")
