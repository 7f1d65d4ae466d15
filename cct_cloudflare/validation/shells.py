"""Command lines: what of them is dangerous whoever runs them, and where Markdown has some.

This looks for words, not for meaning: a shell can be made to say anything in any way. It errs towards danger, and
whoever hides a command well enough still has to show its line to the user. Each pattern looks at a place and goes
back over no more than a word, so that no text takes long; what belongs together is found one after the other.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_FETCHER = (
    r"(?:curl|wget2?|aria2c|axel|fetch|ftp|tftp|sftp|scp|rsync|nc|ncat|netcat|socat|lwp-request|https?|xh|httpie|lynx|"
    r"w3m|iwr|irm|invoke-webrequest|invoke-restmethod|start-bitstransfer|bitsadmin|certutil)(?:\.exe)?"
)
_DECODER = r"(?:base64|base32|xxd|uudecode|openssl|gpg|rev|gunzip|zcat|certutil)(?:\.exe)?"
_RUNNER = (
    r"(?:(?:ba|z|da|k|mk|c|tc|a|fi|r?ba|pw)?sh|powershell|cmd|iex|invoke-expression|eval|exec|source|sudo|doas|su|env|"
    r"xargs|nohup|busybox|python[\d.]{0,8}|pypy[\d.]{0,8}|perl[\d.]{0,8}|ruby[\d.]{0,8}|node|nodejs|deno|bun|tsx|"
    r"php[\d.]{0,8}|lua[\d.]{0,8}|rscript|osascript|at|batch|crontab)(?:\.exe)?"
)
_START = r"(?:^|(?<=[\s;|&(){}`'\"=<>$/\\,!-]))"
_END = r"(?=$|[\s;|&(){}`'\"<>,])"
_PATH = r"(?:[\w./-]{0,60}/)?"

_FETCHES = re.compile(_START + _FETCHER + _END)
_SURELY_FETCHES = re.compile(r"\b(?:curl|wget|iwr|irm|invoke-webrequest|invoke-restmethod)\b")
_DECODES = re.compile(_START + _DECODER + _END)
_RUNS = re.compile(_START + _RUNNER + _END)
_INTO_RUNNER = re.compile(rf"\|&?\s{{0,20}}{_PATH}(?:\w{{1,40}}=\S{{0,40}}\s{{1,9}}){{0,3}}{_RUNNER}{_END}")
# Its result is the code of what stands before it: `bash <(curl …)`, `sh -c $(curl …)`, `iex (iwr …)`.
_RUNS_FETCHED = re.compile(
    rf"{_START}(?:{_RUNNER}|\.)(?:\s{{1,9}}-\S{{1,40}}){{0,6}}\s{{0,9}}(?:\$\(|<\(|`|\(){{1,4}}\s{{0,9}}{_PATH}"
    rf"(?:{_FETCHER}{_END}|new-object net)"
)
_SUBSTITUTES = re.compile(r"\$\(|<\(|`")
_ADDRESS = re.compile(r"https?://|\$")
_TO_FILE = re.compile(r"\s(?:-\w{0,9}o\b|--output|--remote-name|-outfile|>)")
_ALWAYS_TO_FILE = re.compile(rf"{_START}(?:wget2?|aria2c|axel|scp|sftp|rsync|certutil|bitsadmin)(?:\.exe)?{_END}")
_LATER = re.compile(
    rf"(?:&&|;|\|\||\n)\s{{0,20}}{_PATH}(?:{_RUNNER}{_END}|chmod{_END}|\.\s{{1,9}}\S|\./\S|/tmp/\S|\$\w)"
)
_SEPARATOR = re.compile(r"[|;&\n]+")
_POWERSHELL = re.compile(r"\b(?:powershell|pwsh)\b")
_ENCODED = re.compile(r"\s-e(?:nc\w{0,12}|c)?\s{1,9}[a-z0-9+/=]{16}")
_LIBRARY_FETCHES = re.compile(
    r"\b(?:urllib|urlopen|requests\.get|http\.client|fetch\(|https?\.get|net/http|lwp::simple|file_get_contents)"
)
_LIBRARY_RUNS = re.compile(r"\b(?:exec|eval|system|subprocess|function|child_process|spawn)\b")
_DEVICE = re.compile(r"/dev/(?:tcp|udp)/")
_HINT = re.compile(r"curl|wget|iwr|irm|invoke-", re.IGNORECASE)
#: A backslash makes this many lines one at most.
_MOST_CONTINUED = 10

# As Claude Code 2.1.330 finds them, but that code spans around a line do not hide it: a few too many are found.
_INLINE = re.compile(r"(?:^|(?<=[\s\ufeff]))!`([^`]+)`", re.MULTILINE)
_FENCE, _OPENING = "```", "```!"

_HIDDEN = (*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xAD, 0xFEFF)
_WITHOUT_HIDDEN = dict.fromkeys(_HIDDEN)


def shell_lines(text: str) -> Iterator[str]:
    """The commands that Claude Code runs while it loads a command or a skill: !`…` and ```! blocks."""
    at = text.find(_OPENING)
    while at >= 0:
        end = text.find(_FENCE, at + len(_OPENING))
        if end < 0:
            break
        block = text[at + len(_OPENING) : end].strip()
        if block:
            yield block
        at = text.find(_OPENING, end + len(_FENCE))
    yield from (line for match in _INLINE.finditer(text) if (line := match.group(1).strip()))


def plain_command(line: str) -> str:
    """The line as a shell would read its words: no quotes, no backslashes, lower case, continued lines joined."""
    text = unicodedata.normalize("NFKC", line).translate(_WITHOUT_HIDDEN).replace("\\\r\n", " ").replace("\\\n", " ")
    text = text.replace("${IFS}", " ").replace("$IFS", " ").replace("\r", "\n")
    text = re.sub(r"\$?(?:''|\"\")|\$@|\$\*", "", text)
    text = re.sub(r"(?<=\w)['\"\\^]+(?=\w)|\\(?=\w)", "", text)
    text = re.sub(r"['\"]", " ", text)
    return re.sub(r"[ \t\f\v]+", " ", text).casefold()


def runs_download(line: str) -> bool:
    """Whether a line fetches a program and runs it unread: `curl … | sh`, `bash <(wget …)`, `curl -o x; sh x`."""
    text = plain_command(line)
    if _RUNS_FETCHED.search(text) or _DEVICE.search(text) or _saves_and_runs(text):
        return True
    lines = text.split("\n")
    return any(_follows(one, _FETCHES, _INTO_RUNNER) for one in lines) or any(
        _LIBRARY_FETCHES.search(one) and _LIBRARY_RUNS.search(one) for one in lines
    )


def runs_hidden(line: str) -> bool:
    """Whether a line decodes a text and runs it: `base64 -d | sh`, `powershell -enc …`."""
    return any(
        _follows(one, _DECODES, _INTO_RUNNER)
        or _follows(one, _RUNS, _SUBSTITUTES, _DECODES)
        or _follows(one, _POWERSHELL, _ENCODED)
        for one in plain_command(line).split("\n")
    )


def line_that_runs_download(text: str) -> int | None:
    """The same for prose and scripts, where only a line with an address or a variable in it says it surely.

    Gives the number of the first such line, from 1.
    """
    if not _HINT.search(text):
        return None
    for number, line in enumerate(_continued(text), 1):
        if _HINT.search(line):
            plain = plain_command(line)
            if _follows(plain, _SURELY_FETCHES, _ADDRESS, _INTO_RUNNER):
                return number
            if _RUNS_FETCHED.search(plain) and _follows(plain, _SURELY_FETCHES, _ADDRESS):
                return number
    return None


def _follows(line: str, *patterns: re.Pattern[str]) -> bool:
    """Whether there is a match of each pattern, each somewhere after the one before."""
    at = 0
    for pattern in patterns:
        found = pattern.search(line, at)
        if found is None:
            return False
        at = found.end()
    return True


def _saves_and_runs(text: str) -> bool:
    """A fetcher that writes a file, and something that runs afterwards."""
    at = 0
    for separator in (*_SEPARATOR.finditer(text), None):
        end = len(text) if separator is None else separator.start()
        command = text[at:end]
        if _ALWAYS_TO_FILE.search(command) or _follows(command, _FETCHES, _TO_FILE):
            return _LATER.search(text, end) is not None
        at = end if separator is None else separator.end()
    return False


def _continued(text: str) -> Iterator[str]:
    """Each line with those that a backslash makes part of it."""
    lines = text.splitlines()
    for index, line in enumerate(lines):
        whole = line
        for following in lines[index + 1 : index + 1 + _MOST_CONTINUED]:
            if not whole.endswith("\\"):
                break
            whole = whole[:-1] + " " + following
        yield whole
