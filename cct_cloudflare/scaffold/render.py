"""The packaged template and a project's settings → the files of its Worker project."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cct_cloudflare import __version__
from cct_cloudflare.resources import templates_dir
from cct_cloudflare.scaffold.markdown import align_tables
from cct_cloudflare.scaffold.settings import COMPATIBILITY_DATE, ScaffoldSettings
from cct_cloudflare.scaffold.toml import toml_string

TEMPLATE_SUFFIX = ".j2"

# A checkout's template folder is also where its npm packages are installed and its builds land.
_NEVER = frozenset({"node_modules", ".wrangler", ".dev.vars", ".git", ".DS_Store", "__pycache__", ".ruff_cache"})
_NEVER_AT_TOP = frozenset({"build"})

#: The prompt whose cost the guides tell.
_EXAMPLE = "What is the 10th Fibonacci number?"

# Rendered for projects with the container tier only.
_OF_THE_CONTAINER = frozenset({"Dockerfile"})


def template_dir() -> Path:
    return templates_dir() / "cloudflare"


def render(settings: ScaffoldSettings, template: Path | None = None) -> dict[str, bytes]:
    """The whole project as `{relative path with slashes: bytes}`, sorted by path.

    Files named `*.j2` are rendered by Jinja2 and lose that suffix; every other file is taken byte for byte.
    `template` is the packaged one unless a test brings its own.
    """
    root = template or template_dir()
    raw = {path: (root / path).read_bytes() for path in template_paths(root)}
    context = _context(settings)
    files: dict[str, bytes] = {}
    for source, content in raw.items():
        path = source.removesuffix(TEMPLATE_SUFFIX)
        if path in _OF_THE_CONTAINER and not settings.container:
            continue
        files[path] = content if path == source else _render_text(content.decode(), context).encode()
    return dict(sorted(files.items()))


def sandbox_image() -> str:
    """The published image of the container tier: the release of the SDK that package.json pins, with Python in it."""
    return f"docker.io/cloudflare/sandbox:{_packages()['@cloudflare/sandbox']}-python"


def template_paths(root: Path) -> list[str]:
    """The files that belong to the template, as sorted relative paths with slashes; links are no part of it."""
    return sorted(_walk(root, ""))


def _walk(directory: Path, prefix: str) -> Iterator[str]:
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.name in _NEVER or (not prefix and entry.name in _NEVER_AT_TOP):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(directory / entry.name, f"{prefix}{entry.name}/")
            elif entry.is_file(follow_symlinks=False):
                yield prefix + entry.name


def _context(settings: ScaffoldSettings) -> dict[str, Any]:
    from cct_cloudflare.pricing import default_model, resolve_model

    model = default_model() if settings.model is None else resolve_model(settings.model)
    return {
        "name": settings.name,
        "compatibility_date": COMPATIBILITY_DATE,
        "model": model,
        "allowed_origins": settings.allowed_origins,
        "container": settings.container,
        "container_switches": settings.container_switches,
        "sandbox_image": sandbox_image(),
        **_of_the_guides(model),
    }


def _of_the_guides(model: str) -> dict[str, Any]:
    """Versions, prices and times: whatever a guide says of them is said there once, and rendered."""
    from cct_cloudflare.estimates import estimate
    from cct_cloudflare.generation import patience
    from cct_cloudflare.pricing import CLOUDFLARE, dollars, model_table

    table = model_table()
    return {
        "cct_version": __version__,
        "node_version": str(_package()["engines"]["node"]).removeprefix(">="),
        "packages": _packages(),
        "models": table,
        "cloudflare": CLOUDFLARE,
        "example_question": _EXAMPLE,
        "example_cost": estimate(_EXAMPLE, model=model, remote=True),
        "dollars": dollars,
        "patience": patience(),
    }


def _package() -> dict[str, Any]:
    package: dict[str, Any] = json.loads((template_dir() / "package.json").read_bytes())
    return package


def _packages() -> dict[str, str]:
    """The npm packages of a rendered project with the versions that it pins, by name."""
    package = _package()
    return {**package["dependencies"], **package["devDependencies"]}


def _render_text(source: str, context: Mapping[str, Any]) -> str:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    # "{{", "[[" and "<%" all mean something in TypeScript, TOML or Markdown; "@{" does in none of them.
    environment = SandboxedEnvironment(
        variable_start_string="@{",
        variable_end_string="}@",
        block_start_string="@%",
        block_end_string="%@",
        comment_start_string="@#",
        comment_end_string="#@",
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    environment.filters["toml"] = toml_string
    environment.filters["aligned"] = align_tables
    return environment.from_string(source).render(context)
