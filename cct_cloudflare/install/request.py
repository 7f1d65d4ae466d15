"""What is asked of an install."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from cct_cloudflare.components.package import Package
from cct_cloudflare.install.lockfile import Scope
from cct_cloudflare.install.plan import Decisions
from cct_cloudflare.install.site import Site


@dataclass(frozen=True)
class AddRequest:
    """`approve` lets Claude Code start the MCP servers without asking, in this user's copy of the project."""

    site: Site
    packages: tuple[Package, ...]
    scope: Scope = Scope.PROJECT
    approve: bool = False
    decisions: Decisions = field(default_factory=Decisions)

    @classmethod
    def of(cls, packages: tuple[Package, ...], directory: Path, scope: Scope, *, approve: bool = False) -> AddRequest:
        return cls(Site.of(scope, directory), packages, scope, approve)

    def deciding(self, decisions: Decisions) -> AddRequest:
        return replace(self, decisions=decisions)


@dataclass(frozen=True)
class RemoveRequest:
    """`refs` are `kind/category/leaf` or `kind/leaf`. `decisions` are about files that the user has changed since."""

    site: Site
    refs: tuple[str, ...]
    decisions: Decisions = field(default_factory=Decisions)

    def deciding(self, decisions: Decisions) -> RemoveRequest:
        return replace(self, decisions=decisions)
