"""How numbers, times, sizes and paths read to people. Pure: values in, text out."""

from __future__ import annotations

from pathlib import Path


def counted(count: int, noun: str, plural: str = "") -> str:
    """`1 file`, `2,000 files`; `plural` where an s at the end does not make it."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def duration(ms: float) -> str:
    if ms < 999.5:
        return f"{ms:.0f} ms"
    seconds = ms / 1000
    return f"{seconds:.2f} s" if seconds < 9.995 else f"{seconds:.1f} s"


def size(count: int) -> str:
    """Of so many bytes."""
    if count < 1000:
        return f"{count} B"
    value, unit = (
        (count / 1e3, "kB") if count < 999_500 else (count / 1e6, "MB") if count < 999_500_000 else (count / 1e9, "GB")
    )
    return f"{value:.1f} {unit}" if value < 99.95 else f"{value:.0f} {unit}"


def short_revision(revision: str) -> str:
    """As much of a commit, or of the hash of a site's index, as people compare."""
    return revision.removeprefix("sha256:")[:12]


def shown_path(path: Path) -> str:
    """Relative where that is shorter to read: below the current folder."""
    try:
        return str(path.relative_to(Path.cwd().resolve()))
    except ValueError:
        return str(path)


def tilde_path(path: Path) -> str:
    """As a person would write a path of their own: below the home folder with a tilde."""
    try:
        return f"~/{path.relative_to(Path.home()).as_posix()}"
    except (ValueError, RuntimeError):  # elsewhere, or nobody's home is known
        return str(path)
