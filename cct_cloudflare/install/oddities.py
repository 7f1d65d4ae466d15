"""What is not as it should be in a package that is installed all the same."""

from __future__ import annotations

from collections.abc import Iterator

from cct_cloudflare.components import frontmatter
from cct_cloudflare.components.model import JSON_KINDS
from cct_cloudflare.components.names import printable
from cct_cloudflare.components.package import Package
from cct_cloudflare.merging import jsonc
from cct_cloudflare.validation.checks.data import check_data
from cct_cloudflare.validation.checks.problem import Lines
from cct_cloudflare.validation.checks.references import missing_side_files
from cct_cloudflare.validation.model import Level


def oddities(package: Package) -> tuple[str, ...]:
    """Sentences without a full stop: a part that Claude Code takes no notice of, a script that is missing."""
    found = _of_json(package) if package.item.kind in JSON_KINDS else _of_markdown(package)
    return tuple(f"In {package.main}: {printable(oddity)}" for oddity in found)


def _of_markdown(package: Package) -> Iterator[str]:
    yield from frontmatter.parse(package.files[package.main].decode("utf-8", "replace")).warnings


def _of_json(package: Package) -> Iterator[str]:
    data, lines = jsonc.load(package.files[package.main]), Lines()
    if isinstance(data, dict):
        problems = (*check_data(package.item.kind, data, lines), *missing_side_files(data, package.files, lines))
        yield from (problem.message for problem in problems if problem.level is Level.ERROR)
