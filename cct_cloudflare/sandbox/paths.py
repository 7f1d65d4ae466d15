"""Which names a generated file may have: the twin of the Worker's `src/paths.ts`, with the same reasons.

`templates/cloudflare/test/paths.json` holds both to it. The Worker drops unsafe names before a program runs; they are
judged again here, because the Worker may be anybody's.

The rule errs on the strict side: files are written into somebody's folder, on any system, by a program that nobody
has read. A name that another system, editor, shell or tool would read as something else is refused, and so
is every name that acts by being there: all that begin with a dot, but for the few in `_INERT_DOTFILES`.
"""

from __future__ import annotations

import re
import unicodedata

_INERT_DOTFILES = frozenset(
    {".dockerignore", ".editorconfig", ".gitignore", ".gitkeep", ".keep", ".nojekyll", ".prettierignore"}
)

# Read without being asked for, by coding agents, module loaders and Windows.
_ACTS_BY_ITSELF = frozenset(
    {"agents.md", "autorun.inf", "claude.local.md", "claude.md", "desktop.ini", "gemini.md", "node_modules"}
)

_MAX_PATH_BYTES = 1024
_MAX_NAME_BYTES = 255
_MAX_SEGMENTS = 32

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# Not to be seen, or changing the order of what is seen; some file systems drop them (HFS+: `.g<U+200C>it`).
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    "\ufff0-\uffff\U000e0000-\U000e0fff]"
)
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_NOT_FOR_WINDOWS = re.compile(r'[<>:"|?*]')
_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9]|lpt[0-9]) *(\.|\Z)")
# The other name that Windows gives a long one: `git~1` is `.git`.
_SHORT_NAME = re.compile(r"~[0-9]+(\.[^.]*)?\Z")


def unsafe_path(path: str) -> str | None:
    """Why a file must not be written under this path, as the end of the sentence "`path` …"; None when it may.

    The path is relative, with `/` between its segments.
    """
    if not path:
        return "is empty"
    if _LONE_SURROGATE.search(path):
        return "is not valid Unicode"
    if len(path.encode()) > _MAX_PATH_BYTES:
        return "is too long"
    if path.count("/") >= _MAX_SEGMENTS:
        return "is nested too deeply"
    if _CONTROL.search(path):
        return "has a control character"
    if _INVISIBLE.search(path):
        return "has an invisible character"
    # What normalises to a dot or a slash becomes one as soon as somebody normalises the name.
    return _unsafe_form(path) or _unsafe_form(unicodedata.normalize("NFKC", path))


def _unsafe_form(path: str) -> str | None:
    if "\\" in path:
        return "has a backslash"
    if path.startswith("/"):
        return "is absolute"
    if path.startswith("~"):
        return "begins with a tilde"
    *folders, file = path.lower().split("/")
    reasons = (*(_unsafe_name(name, is_file=False) for name in folders), _unsafe_name(file, is_file=True))
    return next(filter(None, reasons), None)


def _unsafe_name(name: str, *, is_file: bool) -> str | None:
    faults = (
        (not name, "has an empty segment"),
        (name == "..", "leaves its folder"),
        (name == ".", 'has a "." segment'),
        (_NOT_FOR_WINDOWS.search(name), "has a character that Windows does not allow"),
        (len(name.encode()) > _MAX_NAME_BYTES, "has a name that is too long"),
        (name.endswith((".", " ")) or name.startswith(" "), "has a name with a dot or space at its edge"),
        (_DEVICE.match(name), "names a Windows device"),
        (_SHORT_NAME.search(name), "has a Windows short name"),
        (
            name.startswith(".") and not (is_file and name in _INERT_DOTFILES),
            "has a hidden name, which tools may obey",
        ),
        (name in _ACTS_BY_ITSELF, "has a name that tools obey"),
    )
    return next((reason for fault, reason in faults if fault), None)
