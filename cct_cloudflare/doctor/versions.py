"""Whether there is a newer cct: asked of the package index, and only when the user wants that."""

from __future__ import annotations

import re
import sys

from cct_cloudflare import __version__
from cct_cloudflare.doctor.check import Finding, ok, skip, warn
from cct_cloudflare.doctor.context import Context
from cct_cloudflare.plain import plain_line

_PACKAGE = "cct-cloudflare"

#: Seconds: pip takes one to start, and asks over the network.
VERSION_SECONDS = 15.0


def look_at_newest(context: Context) -> Finding:
    """Asks pip, which knows the user's index and proxy. cct pins its npm packages: they come with a newer one."""
    if not context.online:
        return skip("No package index is asked without --online.")
    said = context.programs.ask(
        [sys.executable, "-P", "-m", "pip", "index", "versions", _PACKAGE, "--disable-pip-version-check"],
        seconds=VERSION_SECONDS,
    )
    found = re.search(rf"^{re.escape(_PACKAGE)} \(([^)\s]+)\)", said.out, re.MULTILINE)
    if said.code != 0 or found is None:
        return skip(f"pip found no {_PACKAGE} in its package index.")
    newest = plain_line(found[1])
    if version_numbers(newest) > version_numbers(__version__):
        return warn(f"cct {newest} is out; this is {__version__}.", f"pip install --upgrade {_PACKAGE}")
    return ok(f"cct {__version__} is the newest.")


def version_numbers(version: str) -> tuple[int, ...]:
    """Up to three numbers, to be compared; a `-rc1` behind them does not count."""
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("-")[0])[:3])
