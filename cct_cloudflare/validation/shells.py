"""Command lines: what of them is dangerous whoever runs them, and where Markdown has some.

This looks for words, not for meaning: a shell can be made to say anything in any way. It errs towards danger, and
whoever hides a command well enough still has to show its line to the user.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

# As in Claude Code 2.1.330, but that code spans around a line do not hide it: a few too many are found.
_INLINE = re.compile(r"(?:^|(?<=[\s\ufeff]))!`([^`]+)`", re.MULTILINE)
_BLOCK = re.compile(r"```!\s*\n?([\s\S]*?)\n?```")

_FETCHER = (
    r"(?:curl|wget2?|aria2c|axel|fetch|ftp|tftp|sftp|scp|rsync|nc|ncat|netcat|socat|lwp-request|https?|xh|httpie|lynx|"
    r"w3m|iwr|irm|invoke-webrequest|invoke-restmethod|start-bitstransfer|bitsadmin|certutil)(?:\.exe)?"
)
_DECODER = r"(?:base64|base32|xxd|uudecode|openssl|gpg|rev|gunzip|zcat|certutil)(?:\.exe)?"
_RUNNER = (
    r"(?:(?:ba|z|da|k|mk|c|tc|a|fi|r?ba|pw)?sh|powershell|cmd|iex|invoke-expression|eval|exec|source|sudo|doas|su|env|"
    r"xargs|nohup|busybox|python[\d.]*|pypy[\d.]*|perl[\d.]*|ruby[\d.]*|node|nodejs|deno|bun|tsx|php[\d.]*|lua[\d.]*|"
    r"rscript|osascript|at|batch|crontab)(?:\.exe)?"
)
_WORD_START = r"(?:^|(?<=[\s;|&(){}`'\"=<>$/\\,!-]))"
_WORD_END = r"(?=$|[\s;|&(){}`'\"<>,])"

_PIPED = re.compile(
    rf"{_WORD_START}{_FETCHER}{_WORD_END}[^\n]*\|&?\s*(?:[\w./-]*/)?(?:\w+=\S*\s+)*{_RUNNER}{_WORD_END}"
)
_SUBSTITUTED = re.compile(
    rf"{_WORD_START}(?:{_RUNNER}|\.)(?:\s+-\S+)*\s*(?:\$\(|<\(|`|\()+\s*(?:[\w./-]*/)?"
    rf"(?:{_FETCHER}{_WORD_END}|new-object net)"
)
# A fetcher that is told to write a file, and something that runs afterwards.
_SAVED = re.compile(
    rf"{_WORD_START}(?:{_FETCHER}{_WORD_END}[^\n|;&]*\s(?:-\w*o\b|--output|--remote-name|-outfile|>)"
    rf"|(?:wget2?|aria2c|axel|scp|sftp|rsync|certutil|bitsadmin){_WORD_END})"
)
_RUN_LATER = re.compile(
    rf"(?:&&|;|\|\||\n)\s*(?:[\w./-]*/)?(?:{_RUNNER}{_WORD_END}|chmod{_WORD_END}|\.\s+\S|\./\S|/tmp/\S|\$\w)"
)
_DECODED = re.compile(rf"{_WORD_START}{_DECODER}{_WORD_END}[^\n]*\|&?\s*(?:[\w./-]*/)?{_RUNNER}{_WORD_END}")
_DECODED_INSIDE = re.compile(
    rf"{_WORD_START}(?:eval|{_RUNNER}){_WORD_END}[^\n]*(?:\$\(|<\(|`)[^\n]*{_WORD_START}{_DECODER}{_WORD_END}"
)
_ENCODED = re.compile(r"(?:powershell|pwsh)\S*\s[^\n]*-e(?:nc\w*|c)?\s+[a-z0-9+/=]{16,}")
_INLINE_FETCH = re.compile(
    r"\b(?:urllib|urlopen|requests\.get|http\.client|fetch\(|https?\.get|net/http|lwp::simple|file_get_contents)"
    r"[^\n]*\b(?:exec|eval|system|subprocess|function|child_process|spawn)\b"
    r"|\b(?:exec|eval|system|subprocess|function)\b[^\n]*"
    r"\b(?:urllib|urlopen|requests\.get|http\.client|fetch\(|https?\.get|net/http|lwp::simple|file_get_contents)"
)
_SURE_FETCHER = r"\b(?:curl|wget|iwr|irm|invoke-webrequest|invoke-restmethod)\b[^|\n]{0,300}(?:https?://|\$)"
_HINT = re.compile(r"curl|wget|iwr|irm|invoke-", re.IGNORECASE)
#: A line that goes on beyond this is data.
_LONGEST = 4_000
_MOST_CONTINUED = 10
_SURELY = re.compile(
    rf"{_SURE_FETCHER}[^|\n]{{0,300}}\|&?\s*(?:[\w./-]*/)?(?:sudo (?:-\S+ )*)?{_RUNNER}{_WORD_END}"
    rf"|{_WORD_START}{_RUNNER}{_WORD_END}[^|\n]{{0,80}}(?:\$\(|<\(|`)\s*{_SURE_FETCHER}"
)
_DEVICE = re.compile(r"/dev/(?:tcp|udp)/")
_HIDDEN = "".join(map(chr, (*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xAD, 0xFEFF)))
_WITHOUT_HIDDEN = {ord(char): None for char in _HIDDEN}


def shell_lines(text: str) -> Iterator[str]:
    """The commands that Claude Code runs while it loads a command or a skill: !`…` and ```! blocks."""
    for pattern in (_BLOCK, _INLINE):
        yield from (line for match in pattern.finditer(text) if (line := match.group(1).strip()))


def plain_command(line: str) -> str:
    """The line as a shell would read its words: no quotes, no backslashes, lower case, continued lines joined."""
    text = unicodedata.normalize("NFKC", line).translate(_WITHOUT_HIDDEN).replace("\\\r\n", " ").replace("\\\n", " ")
    text = text.replace("$IFS", " ").replace("${IFS}", " ").replace("\r", "\n")
    text = re.sub(r"\$?(?:''|\"\")|\$@|\$\*", "", text)
    text = re.sub(r"(?<=\w)['\"\\^]+(?=\w)|\\(?=\w)", "", text)
    text = re.sub(r"['\"]", " ", text)
    return re.sub(r"[ \t\f\v]+", " ", text).casefold()


def runs_download(line: str) -> bool:
    """Whether a line fetches a program and runs it unread: `curl … | sh`, `bash <(wget …)`, `curl -o x; sh x`."""
    text = plain_command(line)
    if _PIPED.search(text) or _SUBSTITUTED.search(text) or _INLINE_FETCH.search(text) or _DEVICE.search(text):
        return True
    saved = _SAVED.search(text)
    return saved is not None and _RUN_LATER.search(text, saved.end()) is not None


def line_that_runs_download(text: str) -> int | None:
    """The same for prose and scripts, where only a line with an address or a variable in it says it surely.

    Gives the number of the first such line, from 1.
    """
    if not _HINT.search(text):
        return None
    for number, line in enumerate(_continued(text), 1):
        if _HINT.search(line) and _SURELY.search(plain_command(line[:_LONGEST])):
            return number
    return None


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


def runs_hidden(line: str) -> bool:
    """Whether a command line decodes a text and runs it: `base64 -d | sh`, `powershell -enc …`."""
    text = plain_command(line)
    return any(pattern.search(text) for pattern in (_DECODED, _DECODED_INSIDE, _ENCODED))
