"""Commands that read a project's `.claude` finish a change of it that was interrupted, before they look."""

from __future__ import annotations

from pathlib import Path

from cct_cloudflare.install.state import is_interrupted


def heal_project(project: Path) -> None:
    """Finishes it, and says so on stderr. Raises ConfigError and UnsafeError when that cannot be."""
    if not is_interrupted(project):
        return
    from cct_cloudflare.cli.adding import Screen, tell_healed
    from cct_cloudflare.install.site import Site

    tell_healed(Site.of_project(project), Screen(no_color=False))
