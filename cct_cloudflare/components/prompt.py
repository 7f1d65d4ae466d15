"""Agents, skills, commands and a prompt → the `system` text and the `question` that are sent."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cct_cloudflare.components.arguments import Expansion, expand
from cct_cloudflare.components.mentions import IncludedFile, read_mentions
from cct_cloudflare.components.model import Component
from cct_cloudflare.components.models import UnknownModelError, model_of
from cct_cloudflare.components.names import printable
from cct_cloudflare.components.sections import section, trim
from cct_cloudflare.errors import UsageError

_SHELL_LINE = re.compile(r"(?<!\S)!`([^`\n]+)`")
_SHELL_BLOCK = re.compile(r"^[ \t]*(?:```|~~~)!", re.MULTILINE)
_PRICE = re.compile(r"\$\d{2,}")


@dataclass(frozen=True, slots=True)
class Instructions:
    """The text of a skill; `name` is `category/leaf`."""

    name: str
    body: str


@dataclass(frozen=True)
class MergedPrompt:
    """What is sent, and where it came from.

    `system` is None without agents and skills; `model` is a full name, None when no agent chooses one. `included_files`
    are already part of `question`. `warnings` are sentences without a full stop, in the order of what they are about.
    """

    system: str | None
    question: str
    model: str | None
    components: tuple[Component, ...]
    included_files: tuple[IncludedFile, ...]
    warnings: tuple[str, ...]


def merge(
    agents: Sequence[Component],
    commands: Sequence[Component],
    prompt: str,
    project: Path,
    skills: Sequence[Instructions] = (),
) -> MergedPrompt:
    """Reads the files that the question mentions, and nothing else. Raises UsageError when there is nothing to ask."""
    if any("\ud800" <= char <= "\udfff" for char in prompt):
        raise UsageError("The prompt is not valid UTF-8.", hint="Save it as UTF-8 and give it with --prompt-file.")
    components = (*agents, *commands)
    warnings = [warning for component in components for warning in component.warnings]
    warnings += [warning for skill in skills for warning in _shell_warnings("skill", skill.name, skill.body)]
    model = _choose_model(agents, warnings)
    asked = _question(commands, prompt, warnings)
    if not asked.strip("\0 \t\r\n"):
        raise UsageError("The prompt is empty.", hint='Say what to build: --prompt "…"')
    mentions = read_mentions(asked, project)
    warnings.extend(mentions.warnings)
    return MergedPrompt(
        system=_system(agents, skills),
        question=asked + _file_sections(mentions.files),
        model=model,
        components=components,
        included_files=mentions.files,
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _system(agents: Sequence[Component], skills: Sequence[Instructions]) -> str | None:
    sections = [section("agent", "name", agent.name, trim(agent.body)) for agent in agents]
    if len(sections) > 1:
        sections.insert(0, "You work as all of these agents at once. Where they disagree, the earlier one decides.")
    if skills:
        sections.append("Use these skills where they fit the task. Files and scripts that they name are not there.")
        sections += [section("skill", "name", skill.name, trim(skill.body)) for skill in skills]
    return "\n\n".join(sections) or None


def _choose_model(agents: Sequence[Component], warnings: list[str]) -> str | None:
    chosen: str | None = None
    for agent in agents:
        try:
            model = model_of(agent.model)
        except UnknownModelError:
            warnings.append(f"agent {agent.name}: its model {printable(agent.model or '')!r} is not known and not used")
            continue
        if chosen is None:
            chosen = model
        elif model is not None and chosen != model:
            warnings.append(f"agent {agent.name}: its model {model} is not used, an earlier agent chose {chosen}")
    return chosen


def _question(commands: Sequence[Component], prompt: str, warnings: list[str]) -> str:
    if not commands:
        return prompt
    arguments = prompt.strip()
    expansions = [expand(trim(command.body), arguments, command.argument_names) for command in commands]
    for command, expansion in zip(commands, expansions, strict=True):
        warnings.extend(_command_warnings(command, expansion))
    if len(commands) == 1:
        text = expansions[0].text
    else:
        steps = [
            f"## Step {number}: {command.name}\n\n{expansion.text}"
            for number, (command, expansion) in enumerate(zip(commands, expansions, strict=True), start=1)
        ]
        text = "\n\n".join(["Take these steps in order, into one result.", *steps])
    if arguments and not all(expansion.replaced for expansion in expansions):
        text = f"{text}\n\nARGUMENTS: {arguments}".lstrip("\n")
    return text


def _command_warnings(command: Component, expansion: Expansion) -> Iterator[str]:
    yield from _shell_warnings("command", command.name, command.body)
    # A price in prose, `$87`, is no placeholder that somebody forgot to fill.
    unfilled = [token for token in expansion.unfilled if not _PRICE.fullmatch(token)]
    if unfilled:
        yield f"command {command.name}: the prompt has no argument for {', '.join(unfilled)}"
    if expansion.replaced and expansion.unused:
        yield f"command {command.name}: takes single arguments and leaves out {printable(' '.join(expansion.unused))!r}"


def _shell_warnings(kind: str, name: str, body: str) -> Iterator[str]:
    shell = _SHELL_LINE.findall(body)
    if shell:
        yield f"{kind} {name}: shell lines are never run and stay text: {printable('; '.join(shell))[:200]}"
    if _SHELL_BLOCK.search(body):
        yield f"{kind} {name}: its shell blocks are never run and stay text"


def _file_sections(files: Sequence[IncludedFile]) -> str:
    if not files:
        return ""
    sections = [section("file", "path", file.label, file.text) for file in files]
    return "\n\n" + "\n\n".join(["The files mentioned above:", *sections])
