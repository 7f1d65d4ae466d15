"""The packaged template as it renders."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from jinja2.exceptions import SecurityError, UndefinedError

from cct_cloudflare.pricing import default_model
from cct_cloudflare.scaffold.render import render, template_dir, template_paths
from cct_cloudflare.scaffold.settings import COMPATIBILITY_DATE, ScaffoldSettings
from cct_cloudflare.scaffold.source import is_worker_source
from tests.scaffold.trees import write_tree


def test_only_j2_files_are_rendered_and_all_others_are_byte_for_byte(tmp_path: Path) -> None:
    odd = b"@{ name }@ \x00\xff\r\n[[ name ]] {{ name }} <% %>"
    write_tree(tmp_path, {"a.ts": odd, "b.md.j2": b"@{ name }@ {{ x }} [[ y ]]\n\n", "d/.hidden": b""})
    assert render(ScaffoldSettings("n"), tmp_path) == {
        "a.ts": odd,
        "b.md": b"n {{ x }} [[ y ]]\n\n",
        "d/.hidden": b"",
    }


def test_an_unknown_variable_is_an_error(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a.j2": b"@{ unknown }@"})
    with pytest.raises(UndefinedError):
        render(ScaffoldSettings(), tmp_path)


def test_a_template_cannot_reach_pythons_internals(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a.j2": b"@{ name.__class__.__mro__ }@"})
    with pytest.raises(SecurityError):
        render(ScaffoldSettings(), tmp_path)


def test_what_a_checkout_installs_and_builds_is_no_part_of_the_template(tmp_path: Path) -> None:
    litter = (
        "node_modules/a/index.js",
        "build/worker.js",
        ".wrangler/state",
        ".dev.vars",
        "src/node_modules/b.js",
        "src/__pycache__/c.pyc",
    )
    write_tree(tmp_path, {**dict.fromkeys(litter, b"x"), "src/build/kept.ts": b"", ".dev.vars.example": b""})
    (tmp_path / "link.ts").symlink_to(tmp_path / ".dev.vars")
    assert template_paths(tmp_path) == [".dev.vars.example", "src/build/kept.ts"]


def test_no_worker_source_is_templated() -> None:
    """Then the source of every project is the same, whatever its settings, and can be compared to the template's."""
    assert [path for path in template_paths(template_dir()) if path.endswith(".j2") and is_worker_source(path)] == []


def test_the_project_has_all_files_of_the_design() -> None:
    files = render(ScaffoldSettings())
    assert {
        ".dev.vars.example",
        ".gitignore",
        "QUICKSTART.md",
        "README.md",
        "SANDBOX_DEBUGGING.md",
        "claude-code-sandbox.md",
        "package-lock.json",
        "package.json",
        "src/index.ts",
        "tsconfig.json",
        "wrangler.toml",
    } <= files.keys()
    assert not any(path.endswith(".j2") for path in files)
    assert not any(b"@{" in files[path] for path in ("wrangler.toml", "README.md", "QUICKSTART.md"))


def test_wrangler_toml_carries_its_bindings_in_every_environment() -> None:
    config = tomllib.loads(render(ScaffoldSettings("my-worker"))["wrangler.toml"].decode())
    assert config["name"] == "my-worker"
    assert config["compatibility_date"] == COMPATIBILITY_DATE
    assert set(config["env"]) == {"development", "staging", "production"}
    for environment in (config, *config["env"].values()):
        assert environment["vars"]["DEFAULT_MODEL"] == default_model()
        assert environment["worker_loaders"] == config["worker_loaders"]
        assert environment["durable_objects"] == config["durable_objects"]


def test_dev_vars_example_names_every_variable_and_no_value_of_a_secret() -> None:
    rendered = render(ScaffoldSettings())
    assigned = dict(re.findall(r'^(?:# )?([A-Z_]+)=(".*")$', rendered[".dev.vars.example"].decode(), re.MULTILINE))
    known = set(re.findall(r"^  ([A-Z_]+)\?: string;$", rendered["src/env.ts"].decode(), re.MULTILINE))
    assert {"CCT_TOKEN", "ANTHROPIC_API_KEY", "MAX_CONCURRENT_RUNS"} <= known
    assert set(assigned) == known
    assert assigned["ANTHROPIC_API_KEY"] == assigned["CCT_TOKEN"] == '""'
