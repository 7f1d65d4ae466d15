"""Every option of cct and of the project's Node tools as a section of README.md, made from their help."""

from __future__ import annotations

import functools
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import click

from cct_cloudflare.cli.main import cct
from cct_cloudflare.sandbox.toolchain import find_node
from tests.runtime import ROOT

TOOLS = ("launcher.ts", "monitor.ts")


@dataclass(frozen=True)
class Option:
    """One option of one command; `heading` is how it is written, `text` what it does."""

    command: str
    flag: str
    heading: str
    text: str


def options_section() -> str:
    """A heading for each option, and below it what it does, by the commands that take it."""
    by_flag: dict[str, list[Option]] = {}
    for option in (*_cct_options(cct, "cct"), *_tool_options()):
        by_flag.setdefault(option.flag, []).append(option)
    sections = {flag: _described(options) for flag, options in by_flag.items()}
    # Every command has it, and click says it in many ways.
    sections["--help"] = "#### `--help, -h`\n\n- Every command and tool: Show what it takes, and end."
    return "\n\n".join(section for _, section in sorted(sections.items()))


def _described(options: list[Option]) -> str:
    takers: dict[str, list[str]] = {}
    for option in options:
        takers.setdefault(option.text, []).append(f"`{option.command}`")
    meanings = [f"- {', '.join(commands)}: {text}" for text, commands in takers.items()]
    return "\n".join([f"#### `{options[0].heading}`", "", *meanings])


def _cct_options(command: click.Command, name: str) -> Iterator[Option]:
    context = click.Context(command, info_name=name)
    for parameter in command.get_params(context):
        if isinstance(parameter, click.Option) and not parameter.hidden:
            record = parameter.get_help_record(context)
            assert record is not None
            yield Option(name, max(parameter.opts, key=len), _heading(record[0]), _markdown(record[1]))
    if isinstance(command, click.Group):
        for inner_name in command.list_commands(context):
            inner = command.get_command(context, inner_name)
            assert inner is not None
            yield from _cct_options(inner, f"{name} {inner_name}")


def _heading(written: str) -> str:
    """The long form first, without the range, which stands in the text."""
    flags = sorted(re.sub(r" (INTEGER|FLOAT) RANGE$", " NUMBER", written).split(", "), key=len, reverse=True)
    return ", ".join(flags)


def _tool_options() -> Iterator[Option]:
    for tool in TOOLS:
        for written, text in re.findall(r"^  (--\S+(?: \S+)?) +(\S.*(?:\n {10,}\S.*)*)", _help_of(tool), re.MULTILINE):
            sentence = re.sub(r"\s+", " ", text)
            # A list of values keeps their case.
            if not re.match(r"\w+,", sentence):
                sentence = sentence[0].upper() + sentence[1:]
            yield Option(tool, written.split()[0], written, _markdown(f"{sentence}."))


@functools.cache
def _help_of(tool: str) -> str:
    argv = [str(find_node()), str(ROOT / "templates" / "cloudflare" / tool), "--help"]
    return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=120).stdout


def _markdown(text: str) -> str:
    """Help as Markdown: what a shell or a program reads stands as code, and the range that click adds as a word."""
    text = re.sub(r"  \[default: ([^;\]]+)(?:; )?([^\]]*)\]", lambda m: f" Default: {m[1]}. {_range(m[2])}", text)
    text = re.sub(r"  \[([^\]]+)\]$", lambda m: f" {_range(m[1])}", text)
    text = re.sub(r"(?<=; )-(?= )", "`-`", text)
    text = re.sub(r"\S*<[^>]*>\S*?(?=\.?$|\s)", lambda m: f"`{m[0]}`", text)
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else _coded(part) for part in parts).strip()


#: Flags, variables, patterns of paths, addresses.
_CODE = re.compile(r"(?<![\w/.-])(--[a-z][a-z-]*|[A-Z]+(?:_[A-Z]+)+(?:=1)?|[\w./-]*\*\*[\w./*-]+|https?://[\w.:/-]*\w)")


def _coded(text: str) -> str:
    return _CODE.sub(lambda found: f"`{found[0]}`", text)


def _range(text: str) -> str:
    """click's `x>=1`, `1<=x<=100`, `x>0` in words."""
    if both := re.fullmatch(r"([\d.]+)<=x<=([\d.]+)", text):
        return f"From {both[1].removesuffix('.0')} to {both[2].removesuffix('.0')}."
    if least := re.fullmatch(r"x>=([\d.]+)", text):
        return f"At least {least[1]}."
    if above := re.fullmatch(r"x>([\d.]+)", text):
        return f"More than {above[1]}."
    return text
