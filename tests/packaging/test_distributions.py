"""A wheel, an sdist and an editable install all carry the templates and components, and no litter of a checkout.

Each is installed into an empty venv elsewhere. Dependencies come from this environment through a `.pth` file,
so nothing is downloaded.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from cct_cloudflare.scaffold.render import template_paths

CHECKOUT = Path(__file__).resolve().parents[2]
NOT_COPIED = (".git", ".venv", ".work", "node_modules", "build", "dist", "__pycache__", "*.egg-info", ".*_cache")

# What working in a checkout leaves behind, and must not be shipped.
LITTER = (
    "templates/cloudflare/node_modules/hono/index.js",
    "templates/cloudflare/node_modules/.bin/wrangler",
    "templates/cloudflare/build/assets/python/snapshot.bin",
    "templates/cloudflare/.wrangler/state/db.sqlite",
    "templates/cloudflare/.dev.vars",
    "templates/cloudflare/scripts/__pycache__/x.pyc",
    "components/node_modules/y.js",
)

WHAT_IS_FOUND = """
import json
from pathlib import Path
from cct_cloudflare import __version__
from cct_cloudflare.resources import components_dir, templates_dir
from cct_cloudflare.scaffold import apply, plan
apply(plan(Path("."), name="packaged", container=True))
files = lambda root: sorted(path.relative_to(root).as_posix() for path in root.rglob("*.md") if path.is_file())
print(json.dumps({
    "version": __version__,
    "templates": str(templates_dir()),
    "components": files(components_dir()),
    "rendered": json.loads(Path(".claude/sandbox/cloudflare/.cct-manifest.json").read_text())["files"],
}))
"""


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source tree as a developer has it, litter included."""
    tree = tmp_path_factory.mktemp("source") / "cct"
    shutil.copytree(CHECKOUT, tree, ignore=shutil.ignore_patterns(*NOT_COPIED))
    for path in LITTER:
        file = tree / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("litter")
    return tree


@pytest.fixture(scope="session")
def distributions(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The sdist and the wheel made of the tree, and the wheel made of that sdist."""
    direct, through = tmp_path_factory.mktemp("direct"), tmp_path_factory.mktemp("through")
    _python("-m", "build", "--no-isolation", "--wheel", "--outdir", str(direct), str(tree))
    _python("-m", "build", "--no-isolation", "--outdir", str(through), str(tree))
    return {
        "wheel": next(direct.glob("*.whl")),
        "wheel of the sdist": next(through.glob("*.whl")),
        "sdist": next(through.glob("*.tar.gz")),
    }


@pytest.fixture
def install(tmp_path: Path) -> Callable[..., Path]:
    def install(*what: str) -> Path:
        """An empty venv with `what` in it; its Python."""
        venv = tmp_path / "venv"
        _python("-m", "venv", "--without-pip", str(venv))
        python = venv / "bin" / "python"
        own = _python("-c", "import sysconfig; print(sysconfig.get_path('purelib'))", executable=python).strip()
        # A path in a .pth file is searched, but the .pth files there (an editable cct) are not read.
        Path(own, "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
        _python(
            *("-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index"),
            *("--no-build-isolation", "--disable-pip-version-check", *what),
        )
        return python

    return install


def test_wheel_and_sdist_carry_the_same(distributions: dict[str, Path]) -> None:
    wheels = [_zip_contents(distributions[name]) for name in ("wheel", "wheel of the sdist")]
    assert wheels[0] == wheels[1]


def test_a_wheel_carries_the_template_and_components_exactly(tree: Path, distributions: dict[str, Path]) -> None:
    packed = _zip_contents(distributions["wheel"])
    prefix = "cct_cloudflare/_resources/"
    resources = {name.removeprefix(prefix): content for name, content in packed.items() if name.startswith(prefix)}
    template = tree / "templates/cloudflare"
    expected = {f"templates/cloudflare/{path}": (template / path).read_bytes() for path in template_paths(template)}
    components = {
        path.relative_to(tree).as_posix(): path.read_bytes()
        for path in (tree / "components").rglob("*")
        if path.is_file() and path.relative_to(tree).as_posix() not in LITTER
    }
    assert resources == {**expected, **components}
    assert "templates/cloudflare/.gitignore" in resources
    assert len(components) > 14
    assert {name.split("/")[0] for name in packed if ".dist-info" not in name} == {"cct_cloudflare"}
    assert "cct_cloudflare/py.typed" in packed


def test_an_sdist_carries_what_working_on_it_takes_and_no_litter(distributions: dict[str, Path]) -> None:
    with tarfile.open(distributions["sdist"]) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    assert {"Makefile", "LICENSE", "README.md", "CONTRIBUTING.md", "constraints.txt", ".ci/setup", ".ci/run"} <= names
    assert "tests/packaging/test_distributions.py" in names
    assert not any(f"/{part}/" in f"/{name}/" for name in names for part in ("node_modules", ".wrangler", ".venv"))
    assert names.isdisjoint(LITTER)


@pytest.mark.parametrize("kind", ["wheel", "sdist", "editable"])
def test_an_installed_cct_finds_its_templates_and_components(
    kind: str, tree: Path, distributions: dict[str, Path], install: Callable[..., Path], tmp_path: Path
) -> None:
    python = install("--editable", str(tree)) if kind == "editable" else install(str(distributions[kind]))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    found = json.loads(_python("-c", WHAT_IS_FOUND, executable=python, cwd=elsewhere))

    inside = tree if kind == "editable" else python.parents[1]
    assert Path(found["templates"]).is_relative_to(inside)
    rendered = {path.removesuffix(".j2") for path in template_paths(tree / "templates/cloudflare")}
    assert found["rendered"].keys() == rendered
    assert "agents/development-team/python-developer.md" in found["components"]
    assert _run([str(python.parent / "cct"), "--version"], elsewhere).split() == ["cct", found["version"]]


def _zip_contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in sorted(archive.namelist()) if not name.endswith("/RECORD")}


def _python(*arguments: str, executable: Path | str = sys.executable, cwd: Path | None = None) -> str:
    return _run([str(executable), *arguments], cwd)


def _run(command: list[str], cwd: Path | None) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIP_"))}
    ended = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout
