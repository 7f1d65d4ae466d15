"""The small programs that are timed."""

from __future__ import annotations

from cct_cloudflare.sandbox.program import Program, ProgramFile


def _program(language: str, name: str, text: str) -> Program:
    return Program(language, name, (ProgramFile(name, text),))


JAVASCRIPT = _program("javascript", "main.js", "console.log(2 ** 10)\n")
PYTHON = _program("python", "main.py", "print(2 ** 10)\n")
