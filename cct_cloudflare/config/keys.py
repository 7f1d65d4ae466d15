"""The Anthropic key: found, checked, kept."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from cct_cloudflare.config.places import KEY_VARIABLE, config_dir
from cct_cloudflare.errors import ConfigError
from cct_cloudflare.private_store import PrivateStore, read_small_text

KeySource = Literal["flag", "environment", "stored", "dotenv"]

#: How each is called where a person is told that the key comes from it.
KEY_SOURCES: Mapping[KeySource, str] = {
    "flag": "--anthropic-api-key",
    "environment": f"the variable {KEY_VARIABLE}",
    "stored": "your own credentials.json",
    "dotenv": "the project's .env",
}


@dataclass(frozen=True, slots=True)
class Key:
    """An Anthropic key and where it came from; `repr` never shows the key."""

    value: str = field(repr=False)
    source: KeySource


def find_anthropic_key(project: Path, flag: str | None = None, environ: Mapping[str, str] | None = None) -> Key:
    """The first key of: the flag, the environment, the user's stored one, the project's `.env`.

    An empty variable counts as absent. Raises ConfigError: `key_missing` where there is none, and for one that
    cannot be a key (white space, a placeholder): the next place is then not tried, since it is not what was meant.
    """
    environ = os.environ if environ is None else environ
    if flag is not None:
        return Key(_checked_key(flag, "--anthropic-api-key"), "flag")
    if value := environ.get(KEY_VARIABLE):
        return Key(_checked_key(value, KEY_VARIABLE), "environment")
    store = _credentials()
    if value := store.read().get("anthropicApiKey"):
        return Key(_checked_key(value, str(store.path)), "stored")
    dotenv = project / ".env"
    if value := _read_dotenv(dotenv):
        return Key(_checked_key(value, str(dotenv)), "dotenv")
    raise ConfigError(
        "No Anthropic API key was found.",
        hint=(
            f"Set {KEY_VARIABLE}, or put {KEY_VARIABLE}=… into {dotenv}, or into {store.path} as "
            '{"anthropicApiKey": "…"}, or pass --anthropic-api-key. With --demo no key is needed.'
        ),
        code="key_missing",
    )


def checked_key(value: str) -> str:
    """The key itself. Raises ConfigError, which never quotes it, for what cannot be one."""
    return _checked_key(value, "What was given")


def store_anthropic_key(value: str) -> Path:
    """Keeps the key for this user and returns the file's path. Raises ConfigError for what cannot be a key."""
    checked = checked_key(value)
    store = _credentials()
    store.update(lambda values: values.update(anthropicApiKey=checked))
    return store.path


_PLACEHOLDER = re.compile(
    r"""[<>{}$*…]|\.\.\.                                               # <key>, ${KEY}, sk-ant-..., sk-ant-***
    |^(sk-)?(ant-)?(api\d\d-)?(
        (your|my|insert|paste|enter|replace|put|add)([-_].*)?
        |x{3,}
        |change-?_?me|placeholder|todo|none|null|undefined|secret|(anthropic[-_])?(api[-_]?)?key([-_]here)?
    )?$""",
    re.IGNORECASE | re.VERBOSE,
)


def _checked_key(value: Any, where: str) -> str:
    fault = None
    if not isinstance(value, str):
        fault = "is not text"
    elif _has_space(value):
        fault = "contains white space or a line break"
    elif '"' in value or "'" in value:
        fault = "contains quotation marks"
    elif _PLACEHOLDER.search(value):
        fault = "is a placeholder, not a key"
    elif not is_token(value):
        fault = "contains characters that no key has"
    if fault:
        raise ConfigError(
            f"The Anthropic API key is not usable: {where} {fault}.",
            hint="Copy the key again from platform.claude.com: one line that starts with sk-ant-.",
        )
    return str(value)


def _has_space(value: str) -> bool:
    return any(character.isspace() or character < " " for character in value)


def is_token(value: str) -> bool:
    """Printable ASCII without spaces: all that can stand in a header without changing it."""
    return 0 < len(value) <= 4096 and all("!" <= character <= "~" for character in value)


_DOTENV_LINE = re.compile(rf"[ \t]*(?:export[ \t]+)?{KEY_VARIABLE}[ \t]*=[ \t]*(.*)")


def _read_dotenv(path: Path) -> str | None:
    """`ANTHROPIC_API_KEY` of a `.env` file; no other line is looked at and nothing is expanded."""
    try:
        text = read_small_text(path)
    except OSError as error:
        raise ConfigError(f"{path} could not be read: {error.strerror or error}.") from error
    except ValueError:
        return None  # a folder, a pipe: not the file that a project keeps its key in
    value = None
    for line in re.split(r"\r\n?|\n", text or ""):
        if found := _DOTENV_LINE.fullmatch(line):
            value = _dotenv_value(found[1])
    return value or None


def _dotenv_value(raw: str) -> str:
    """The value without quotes and comment; one that does not parse stays as it is, and the key's check names it."""
    if raw[:1] in ('"', "'"):
        value, closed, rest = raw[1:].partition(raw[0])
        return value if closed and re.fullmatch(r"[ \t]*(#.*)?", rest) else raw
    return re.sub(r"(^|[ \t]+)#.*", "", raw).rstrip(" \t")


def _credentials() -> PrivateStore:
    return PrivateStore(config_dir() / "credentials.json")
