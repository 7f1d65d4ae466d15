"""A package → what Claude Code would read of it.

Two readers that disagree are how something slips through: what ours does not understand, Claude Code's may. So a
`Reading` says where it cannot vouch for what it read (`doubts`), and whoever judges it takes a doubt for a risk.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from cct_cloudflare.components import frontmatter
from cct_cloudflare.components.model import JSON_KINDS, Kind
from cct_cloudflare.components.package import Package
from cct_cloudflare.merging import jsonc

#: Frontmatter that does more than inform Claude, by its plain name, and what it is called.
POWERS: Mapping[str, str] = MappingProxyType(
    {
        "permissionmode": "a permission mode",
        "hooks": "hooks",
        "mcpservers": "MCP servers",
        "lspservers": "language servers",
        "monitors": "monitors",
        "settings": "settings",
        "channels": "channels",
        "allowedtools": "allowed tools",
    }
)

# Claude Code 2.1.330 ends the block at the first `---`, even in the middle of a line.
_THEIR_OPENING = re.compile(r"---\s*\n")
# The end of a line to one reader of YAML and text to another, and what no header should have.
_ODD_CHARACTER = re.compile("[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff]|\r(?!\n)")
# What stands for a key without naming it: an alias, a merge.
_MACHINERY = re.compile(r"(?:^[ \t]*|[{,][ \t]*|\?[ \t]+)(?:[&*][^\s*]|<<[ \t]*:)", re.MULTILINE)
_ESCAPE = re.compile(r"\\x([0-9A-Fa-f]{2})|\\u([0-9A-Fa-f]{4})|\\U000([0-9A-Fa-f]{5})|\\\r?\n[ \t]*")
_KEY = re.compile(r"""(?P<quote>["']?)(?P<name>[^\W\d_][\w -]{3,40})(?P=quote)\s*:""")


@dataclass(frozen=True)
class Reading:
    """`data` is the JSON object, or the frontmatter; `text` the whole of a Markdown file.

    `doubts` go on after "it" and say why this may not be all that Claude Code sees.
    """

    kind: Kind
    main: str
    data: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    text: str = ""
    doubts: tuple[str, ...] = ()

    def power(self, name: str) -> Any:
        """The value of a frontmatter key by its plain name, None when it is not there."""
        return next((value for key, value in self.data.items() if plain_name(key) == name), None)

    @property
    def allowed_tools(self) -> tuple[str, ...]:
        """What `allowed-tools` may be read as: a space or a comma ends an entry, and the first ) ends a bracket, for
        Claude Code; who counts brackets reads some of them in another way.
        """
        value = self.power("allowedtools")
        entries = value if isinstance(value, list) else [value]
        theirs = dict.fromkeys(part for entry in entries if isinstance(entry, str) for part in _split_as_they_do(entry))
        ours = [entry for entry in frontmatter.list_value({"tools": value}, "tools") if entry not in theirs]
        return tuple(dict.fromkeys([*theirs, *(entry for entry in ours if "(" in entry)]))


def plain_name(name: Any) -> str:
    """Equal for names that differ in case, in dashes and spaces, or in characters that only look different."""
    folded = unicodedata.normalize("NFKC", str(name)).casefold()
    return "".join(char for char in folded if char.isalnum())


def read(package: Package) -> Reading:
    """Never raises."""
    kind, main = package.item.kind, package.main
    content = package.files.get(main)
    if content is None:
        return Reading(kind, main, doubts=("has no main file",))
    if kind in JSON_KINDS:
        return _read_json(kind, main, content)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return Reading(kind, main, doubts=("is not UTF-8 text",))
    return _read_markdown(kind, main, text)


def _read_json(kind: Kind, main: str, content: bytes) -> Reading:
    try:
        data = jsonc.load(content)
    except jsonc.JsoncError as error:
        return Reading(kind, main, doubts=(str(error).removeprefix("it "),))
    if not isinstance(data, dict):
        return Reading(kind, main, doubts=("is not a JSON object",))
    return Reading(kind, main, data)


def _read_markdown(kind: Kind, main: str, text: str) -> Reading:
    ours = frontmatter.parse(text)
    header = ours.fence.strip().removeprefix("---").removesuffix("---")
    doubts = list(_doubts(header, ours.metadata))
    theirs = _their_header(text.removeprefix(frontmatter.BOM))
    if theirs.strip() != header.strip():
        read_as = frontmatter.load_yaml(theirs)
        if read_as is None:
            doubts += _doubts(theirs, {})
        elif _powers(read_as).items() - _powers(ours.metadata).items():
            doubts.append("has a frontmatter that ends at another place for Claude Code")
    return Reading(kind, main, ours.metadata, text, tuple(dict.fromkeys(doubts)))


def _their_header(text: str) -> str:
    opening = _THEIR_OPENING.match(text)
    end = text.find("---", opening.end()) if opening else -1
    return text[opening.end() : end] if opening and end >= 0 else ""


def _doubts(header: str, metadata: Mapping[str, Any]) -> Iterator[str]:
    if _ODD_CHARACTER.search(header):
        yield "has characters in its frontmatter that are read in different ways"
    loaded = frontmatter.load_yaml(header)
    if loaded is not None and "<<" in loaded:
        yield "merges another mapping into its frontmatter"
    if loaded is None:
        if _MACHINERY.search(header):
            yield "uses aliases in a frontmatter that is not plain YAML"
        named = Counter(_named_powers(header))
        for name, times in named.items():
            # Broken YAML is common. One unindented line is read the same by whoever reads it at all.
            if name not in _powers(metadata) or times > 1 or _lines_with(header, name) != 1:
                yield f"may set {POWERS[name]} in a frontmatter that is not valid YAML"
    for name in POWERS:
        if sum(plain_name(key) == name for key in metadata) > 1 or _lines_with(header, name) > 1:
            yield f"sets {POWERS[name]} twice"


def _split_as_they_do(text: str) -> Iterator[str]:
    start, inside = 0, False
    for index, char in enumerate(text):
        if char in "()":
            inside = char == "("
        elif not inside and (char == "," or char.isspace()):
            if text[start:index].strip():
                yield text[start:index].strip()
            start = index + 1
    if text[start:].strip():
        yield text[start:].strip()


def _powers(metadata: Mapping[str, Any]) -> dict[str, str]:
    return {name: repr(value) for key, value in metadata.items() if (name := plain_name(key)) in POWERS}


def _named_powers(header: str) -> Iterator[str]:
    """The powers that a text has in a place that may be a key's, however it is spelled."""
    text = _ESCAPE.sub(_unescape, header)
    yield from (name for match in _KEY.finditer(text) if (name := plain_name(match["name"])) in POWERS)


def _lines_with(header: str, name: str) -> int:
    """How many lines begin with a key, unindented: YAML's own parser keeps the last one without a word."""
    keys = (match for line in header.splitlines() if (match := _KEY.match(_ESCAPE.sub(_unescape, line))))
    return sum(plain_name(match["name"]) == name for match in keys)


def _unescape(match: re.Match[str]) -> str:
    digits = match[1] or match[2] or match[3]
    return chr(int(digits, 16)) if digits else ""
