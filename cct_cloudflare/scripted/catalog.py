"""The prompts that the scripted model knows, and its reply to each: one TOML file under `replies/` per prompt."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any


@dataclass(frozen=True)
class ReplyFile:
    path: str
    content: str


@dataclass(frozen=True)
class Reply:
    """The answer to one prompt: a program, and a remark that stands before the tool call."""

    prompt: str
    language: str
    entrypoint: str
    files: tuple[ReplyFile, ...]
    remark: str = ""

    def tool_input(self) -> str:
        """The JSON text that the tool call carries, its keys in the order of the tool's schema."""
        files = [{"path": file.path, "content": file.content} for file in self.files]
        return json.dumps(
            {"language": self.language, "entrypoint": self.entrypoint, "files": files}, ensure_ascii=False
        )

    def prose(self) -> str:
        """The program as a person would be shown it, for a request that offers no tool to hand it over with."""
        blocks = [f"{file.path}\n```\n{file.content}```" for file in self.files]
        return "\n\n".join([self.remark, *blocks]).strip()


@dataclass(frozen=True)
class ToolReply:
    """The answer to one prompt of an agent that has tools of its own: one call of `tool`, then `ending` as prose.

    An agent without that tool gets the `ending` at once.
    """

    prompt: str
    tool: str
    arguments: Mapping[str, Any]
    ending: str = "Done."
    remark: str = ""

    def tool_input(self) -> str:
        return json.dumps(self.arguments, ensure_ascii=False)

    def prose(self) -> str:
        return self.ending


AnyReply = Reply | ToolReply


@lru_cache(maxsize=1)
def replies() -> tuple[Reply, ...]:
    """Every scripted reply, in the order of their file names; read once per process."""
    folder = resources.files("cct_cloudflare.scripted") / "replies"
    entries = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".toml")), key=lambda e: e.name)
    return tuple(_parse(entry.read_text(encoding="utf-8")) for entry in entries)


def _parse(text: str) -> Reply:
    data = tomllib.loads(text)
    return Reply(
        prompt=data["prompt"],
        language=data["language"],
        entrypoint=data["entrypoint"],
        files=tuple(ReplyFile(file["path"], file["content"]) for file in data["files"]),
        remark=data.get("remark", ""),
    )


def prompts() -> list[str]:
    """The prompts that have a reply, as a person would type them."""
    return [reply.prompt for reply in replies()]


def find(text: str, among: Iterable[AnyReply] | None = None) -> AnyReply | None:
    """The reply whose prompt occurs in `text`, whatever the case, the spaces and what stands around it.

    A command wraps the prompt in its own words, hence "occurs in". Of several that do, the longest wins.
    """
    wanted = _normalised(text)
    known: Iterable[AnyReply] = replies() if among is None else among
    found = [reply for reply in known if _contains(wanted, _normalised(reply.prompt))]
    return max(found, key=lambda reply: len(reply.prompt), default=None)


def _normalised(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(".?! ")


def _contains(text: str, part: str) -> bool:
    """Whether `part` occurs in `text` as whole words."""
    start = text.find(part)
    while part and start >= 0:
        end = start + len(part)
        if not text[start - 1 : start].isalnum() and not text[end : end + 1].isalnum():
            return True
        start = text.find(part, start + 1)
    return False
