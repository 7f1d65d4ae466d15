"""Text that several hooks hold each for itself, because an installed hook is one file."""

from __future__ import annotations

from dataclasses import dataclass

from tests.components.hooks.calls import script


@dataclass(frozen=True)
class Part:
    """The lines from the one that begins with `# --- {start}` up to the one that begins with `# --- {end}`."""

    start: str
    end: str
    hooks: tuple[str, ...]

    def span(self, text: str) -> tuple[int, int]:
        start = text.index(f"# --- {self.start} -")
        return start, text.index(f"# --- {self.end} -", start)

    def of(self, hook: str) -> str:
        text = script(hook).read_text(encoding="utf-8")
        start, end = self.span(text)
        return text[start:end]

    def put(self, hook: str, part: str) -> None:
        text = script(hook).read_text(encoding="utf-8")
        start, end = self.span(text)
        script(hook).write_text(text[:start] + part + text[end:], encoding="utf-8")


_GIT = ("git/guard-main", "git/no-verify", "git/keep-work")
PARTS = (
    Part(
        "The reader of command lines: the same text in every hook that looks at commands",
        "The end of the reader",
        (*_GIT, "safety/dangerous-commands"),
    ),
    Part(
        "The reader of git commands: the same text in every hook that looks at git",
        "The end of the reader of git commands",
        _GIT,
    ),
    Part(
        "What was edited, and which tools the project has",
        "The hook",
        ("quality/format-on-edit", "quality/lint-on-edit"),
    ),
)
