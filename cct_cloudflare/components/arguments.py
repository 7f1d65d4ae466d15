"""`$ARGUMENTS` and its relatives in a command's body, by Claude Code's rules.

The rules are those of code.claude.com/docs/en/skills ("Available string substitutions"), checked against Claude
Code 2.1.330 by reading what it sends:

- `$ARGUMENTS` is the text as typed; `$ARGUMENTS[N]` and `$N` count from 0, so `$1` is the second argument;
  `$name` is one that the frontmatter's `arguments` declares.
- Arguments are split like a shell does: quotes group, a backslash takes the next character literally. A text with
  an unbalanced quote (`don't`) is one argument.
- `$N` without an N-th argument stays as it is; a declared name without one becomes empty. `$1x`, `${1}` and
  `$HOME` are not placeholders.
- One backslash before a placeholder keeps it literal and disappears (`\\$1.00`); two change nothing.
- What is inserted is not looked at again.
- When nothing was replaced, the text follows the body as `ARGUMENTS: …`.

In one point this differs on purpose: Claude Code drops what follows a shell operator (`;`, `|`, `&`, `#`) from the
indexed arguments. Here such a character is text, because a prompt is prose.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Expansion:
    """`replaced` says whether the body took anything from the arguments.

    `unused` are the arguments that no placeholder took, `unfilled` the placeholders that no argument filled.
    """

    text: str
    replaced: bool
    unused: tuple[str, ...] = ()
    unfilled: tuple[str, ...] = ()


def split_arguments(text: str) -> list[str]:
    """`foo "b c" d\\ e` → `["foo", "b c", "d e"]`; never raises."""
    arguments: list[str] = []
    word: list[str] | None = None  # None between words: `""` is a word too
    quote = ""
    characters = iter(text)
    for char in characters:
        if not quote and char.isspace():
            if word is not None:
                arguments.append("".join(word))
            word = None
            continue
        word = [] if word is None else word
        if char == quote:
            quote = ""
        elif not quote and char in "\"'":
            quote = char
        elif char == "\\" and quote != "'":
            following = next(characters, "")
            # Between double quotes Claude Code keeps the backslash: it only stops a quote from closing.
            word.append(char + following if quote or not following else following)
        else:
            word.append(char)
    if quote:
        return [text.strip()]
    return arguments if word is None else [*arguments, "".join(word)]


def expand(body: str, text: str, names: Sequence[str] = ()) -> Expansion:
    """`body` with its placeholders replaced by `text`, the arguments as typed; `names` are the declared ones."""
    arguments = split_arguments(text)
    declared = {name: index for index, name in enumerate(names) if not name.isdigit() and name != "ARGUMENTS"}
    used: set[int] = set()
    unfilled: list[str] = []
    replaced = False

    def replace(match: re.Match[str]) -> str:
        nonlocal replaced
        backslashes, token = match["backslashes"], match["token"]
        if backslashes == "\\":
            return token
        name, index = match["name"], match["index"] or match["number"]
        if name is not None:
            position = declared[name]
        elif index is not None and len(index) < 7:
            position = int(index)
        elif index is None:
            replaced = True
            used.update(range(len(arguments)))
            return backslashes + text
        else:
            position = len(arguments)
        if position < len(arguments):
            replaced = True
            used.add(position)
            return backslashes + arguments[position]
        unfilled.append(token)
        if name is None:
            return match.group()
        replaced = True
        return backslashes

    result = _placeholder(tuple(declared)).sub(replace, body)
    unused = tuple(argument for index, argument in enumerate(arguments) if index not in used)
    return Expansion(result, replaced, unused, tuple(dict.fromkeys(unfilled)))


def _placeholder(names: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(names, key=len, reverse=True)
    named = "|".join(re.escape(name) for name in longest_first) or r"(?!)"
    return re.compile(
        rf"(?P<backslashes>\\*)(?P<token>\$(?:(?P<name>{named})(?![\w\[])"
        r"|ARGUMENTS\[(?P<index>\d+)\]|ARGUMENTS|(?P<number>\d+)(?!\w)))",
        re.ASCII,
    )
