"""Where a registry lies, judged by its text alone, before anything is contacted."""

from __future__ import annotations

import enum
import re
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

from cct_cloudflare.config import is_loopback
from cct_cloudflare.errors import UsageError
from cct_cloudflare.plain import plain_line

_MAX_ADDRESS = 2_000
_OWNER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})")
_REPOSITORY = re.compile(r"[A-Za-z0-9._-]{1,100}")
_REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/+-]{0,199}")
_SCP = re.compile(r"(?:[A-Za-z0-9][\w.-]*@)?[A-Za-z0-9][A-Za-z0-9.-]*:(?!:)(?!//)[^\s]+")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")
_HINT = "Give a folder, github:owner/repository, https://… or a git address (https://….git, ssh://…, git@host:…)."


class Place(enum.StrEnum):
    FOLDER = "folder"
    GIT = "git"
    GITHUB = "github"
    SITE = "site"


@dataclass(frozen=True, slots=True)
class Address:
    """`text` is what is shown and kept. `target` is, by place: an absolute path, what git clones,
    `owner/repository`, or the address that files lie below, without a slash at its end.
    """

    place: Place
    text: str
    target: str
    ref: str | None = None
    """A branch, a tag or a commit; None for what the source itself takes for its newest."""


def parse_address(text: str, *, ref: str | None = None, base: Path | None = None) -> Address:
    """What `text` means; a relative path is one below `base` (the current folder by default).

    Raises UsageError for what is no address, has a password or a token in it, or would go over an open network
    unencrypted.
    """
    text = text.strip()
    if not text or len(text) > _MAX_ADDRESS or any(not character.isprintable() for character in text):
        raise _refused(text, "it is empty, too long, or has characters that no address has")
    if text.startswith("-"):
        raise _refused(text, "it begins with a dash")
    lowered = text.lower()
    if lowered.startswith("github:"):
        return _github(text[len("github:") :], text, ref)
    if lowered.startswith(("http://", "https://")):
        return _over_http(text, ref)
    if lowered.startswith(("git+", "ssh://", "file://")):
        return _git(text, text[len("git+") :] if lowered.startswith("git+") else text, ref)
    folder = (base or Path()) / Path(text).expanduser()
    if not folder.is_dir() and _SCP.fullmatch(text) and len(text.partition(":")[0]) > 1:
        return _git(text, text, ref)
    scheme = _SCHEME.match(text)
    if scheme and not folder.exists():
        raise _refused(text, f"{scheme[1]}: is not supported")
    return _folder(text, folder, ref)


def checked_ref(ref: str | None) -> str | None:
    """Raises UsageError for what git could take for an option or a range."""
    if ref is None:
        return None
    if not _REF.fullmatch(ref) or ".." in ref or "//" in ref or ref.endswith((".", "/", ".lock")):
        raise UsageError(
            f"{plain_line(ref[:80])!r} is not the name of a branch, a tag or a commit.",
            hint="For example main, v2.1 or a commit's 40 digits.",
        )
    return ref


def _folder(text: str, folder: Path, ref: str | None) -> Address:
    resolved = folder.resolve()
    if not resolved.is_dir():
        raise UsageError(f"{plain_line(text)} is no folder, and no address either.", hint=_HINT)
    if ref is not None:
        return Address(Place.GIT, f"git+{resolved.as_uri()}", resolved.as_uri(), checked_ref(ref))
    return Address(Place.FOLDER, str(resolved), str(resolved))


def _github(rest: str, text: str, ref: str | None) -> Address:
    name, at, own_ref = rest.partition("@")
    owner, _, repository = name.strip("/").removesuffix(".git").partition("/")
    if not _OWNER.fullmatch(owner) or not _REPOSITORY.fullmatch(repository) or repository in (".", ".."):
        raise _refused(text, "after github: comes owner/repository, or owner/repository@ref")
    if at and ref is not None and ref != own_ref:
        raise UsageError(f"{plain_line(text)} and --ref name two versions.", hint="Give one of them.")
    target = f"{owner}/{repository}"
    return Address(Place.GITHUB, f"github:{target}", target, checked_ref(own_ref if at else ref))


def _over_http(text: str, ref: str | None) -> Address:
    parts = _split(text)
    path = parts.path.rstrip("/")
    if parts.hostname in ("github.com", "www.github.com") and not path.endswith(".git"):
        owner, repository, *rest = [*path.strip("/").split("/"), ""]
        if rest and rest[0] == "tree" and rest[1:-1]:
            branch = "/".join(rest[1:-1])
            return _github(f"{owner}/{repository}@{branch}", text, ref)
        if not any(rest):
            return _github(f"{owner}/{repository}", text, ref)
        raise _refused(text, "it is a page of a repository, not the repository")
    if path.endswith(".git"):
        return _git(f"{parts.scheme}://{parts.netloc}{path}", f"{parts.scheme}://{parts.netloc}{path}", ref)
    if ref is not None:
        raise UsageError("--ref is for git repositories; a web site has no versions.", hint="Leave it out.")
    if any(part in (".", "..") for part in urllib.parse.unquote(path).split("/")):
        raise _refused(text, "it has . or .. in its path")
    target = f"{parts.scheme}://{parts.netloc}{path}"
    return Address(Place.SITE, target, target)


def _git(text: str, url: str, ref: str | None) -> Address:
    lowered = url.lower()
    if lowered.startswith(("https://", "http://")):
        parts = _split(url)
        if text.startswith("git+"):
            text = f"git+{parts.scheme}://{parts.netloc}{parts.path}"
    elif lowered.startswith("ssh://"):
        ssh = urllib.parse.urlsplit(url)
        if ssh.password is not None:
            raise _refused(text.partition("://")[0] + "://…", "it has a password in it", "Use a key of ssh.")
        if not ssh.hostname or ssh.hostname.startswith("-") or (ssh.username or "").startswith("-"):
            raise _refused(text, "it names no host")
    elif not lowered.startswith("file:///") and not _SCP.fullmatch(url):
        raise _refused(text, "git is used over https, ssh and file:/// only")
    return Address(Place.GIT, text, url, checked_ref(ref))


def _split(text: str) -> urllib.parse.SplitResult:
    """The parts of an http(s) address. Raises UsageError."""
    try:
        parts = urllib.parse.urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise _refused(text, "it is no web address") from error
    if "@" in parts.netloc:
        # Not shown: what stands before the @ may be a token.
        raise _refused(
            f"{parts.scheme}://…@{host}", "it has a name or a token in it", "For a private repository use ssh://…"
        )
    if not host or "\\" in text or " " in text:
        raise _refused(text, "it is no web address")
    if parts.query or parts.fragment:
        raise _refused(text, "it has a ? or a # in it")
    if parts.scheme == "http" and not is_loopback(host):
        raise _refused(text, "it is not encrypted", f"Use https://{host}…")
    return parts


def _refused(text: str, why: str, hint: str = _HINT) -> UsageError:
    return UsageError(f"{plain_line(text[:200]) or 'This'} cannot be a registry: {why}.", hint=hint)
