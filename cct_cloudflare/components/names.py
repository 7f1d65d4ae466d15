"""Names of components: what may be one, and when two are the same.

A reference comes from a command line and becomes part of a path (later: of a URL), so it is judged here, by its
text alone, before anything looks for it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from cct_cloudflare.errors import UsageError

MAX_NAME = 200
MAX_DEPTH = 12
MAX_PATH_BYTES = 400

_FORBIDDEN = re.compile(r"""[\\:%~*?"'<>|&$`;,@#\x00-\x1f\x7f]""")
# What nearly all names are, told from the rest at once: no more than a shortcut of `name_problem`.
_PART = r"(?!(?:con|prn|aux|nul|com\d|lpt\d)(?:/|\Z))[a-z0-9_][a-z0-9_-]*"
_PLAIN = re.compile(rf"{_PART}(?:/{_PART}){{0,{MAX_DEPTH - 1}}}", re.ASCII)
_FORBIDDEN_IN_FILES = re.compile(r"""[\\:*?"<>|]""")
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?:\..*)?", re.IGNORECASE)
# Format characters (bidi marks, zero width) and line separators can make one name look like another.
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def parse_refs(values: Iterable[str]) -> list[str]:
    """References from repeated options, each of which may be a list: `["a,b", "c"]` → `["a", "b", "c"]`.

    Empty items are dropped, and so is a reference that was given before; the order stays.
    """
    items = (item.strip() for value in values for item in value.split(","))
    return list(dict.fromkeys(item for item in items if item))


def check_name(ref: str) -> str:
    """The reference in its plain form (a trailing `.md` is dropped). Raises UsageError `component_invalid`."""
    problem = name_problem(ref)
    if problem is not None:
        raise UsageError(
            f"{printable(ref[:80])!r} is not the name of a component: {problem}.",
            hint='Write "name" or "category/name", for example development-team/python-developer.',
            code="component_invalid",
        )
    return ref.removesuffix(".md")


def name_problem(name: str) -> str | None:
    """Why `name` cannot name a component, or None when it can."""
    if len(name) <= MAX_NAME and _PLAIN.fullmatch(name):
        return None
    if not name:
        return "it is empty"
    if len(name) > MAX_NAME:
        return f"it is longer than {MAX_NAME} characters"
    if has_invisible(name):
        return "it has an invisible character"
    forbidden = _FORBIDDEN.search(name)
    if forbidden is not None:
        return f"{forbidden.group()} is not allowed in it"
    parts = name.split("/")
    if len(parts) > MAX_DEPTH:
        return "it has too many folders"
    return next((problem for part in parts if (problem := _part_problem(part))), None)


def file_problem(path: str) -> str | None:
    """Why a file of a component cannot have this path, relative and with slashes; None when it can.

    More characters are allowed than in a name: nobody types it, and it becomes no part of an address or command.
    """
    if not path:
        return "it is empty"
    if len(path.encode("utf-8", "surrogatepass")) > MAX_PATH_BYTES:
        return f"it is longer than {MAX_PATH_BYTES} bytes"
    if has_invisible(path):
        return "it has an invisible character"
    forbidden = _FORBIDDEN_IN_FILES.search(path)
    if forbidden is not None:
        return f"{forbidden.group()} is not allowed in it"
    parts = path.split("/")
    if len(parts) > MAX_DEPTH:
        return "it has too many folders"
    if any(part != part.strip() or part.startswith(".") or part.endswith(".") or not part for part in parts):
        return "no part of it may be empty, start with a dot or a space, or end with one"
    return next((f"{part} is a device on Windows" for part in parts if _DEVICE.fullmatch(part)), None)


def _part_problem(part: str) -> str | None:
    if not part:
        return "it has an empty part"
    if part != part.strip() or part.startswith((".", "-")) or part.endswith("."):
        return "no part of it may start with a dot, a dash or a space, or end with a dot or a space"
    if _DEVICE.fullmatch(part):
        return f"{part} is a device on Windows"
    return None


def name_key(name: str) -> str:
    """Equal for two names that a file system could take for one: case and Unicode form do not count."""
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def has_invisible(text: str) -> bool:
    # What can be printed has no such character, and is told from the rest many times faster.
    return not text.isprintable() and any(unicodedata.category(char) in _INVISIBLE for char in text)


def printable(text: str) -> str:
    """`text` on one line, with every character that could steer a terminal or reorder a line written as an escape."""
    line = " ".join(text.split())
    if line.isprintable():
        return line
    return "".join(_escape(char) if unicodedata.category(char) in _INVISIBLE else char for char in line)


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
