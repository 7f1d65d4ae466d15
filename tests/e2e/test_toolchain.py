"""Setting the local runtime up: once, whoever asks and however it is interrupted; afterwards without Node."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.runtime import CACHE, NPM_CACHE, NPM_SETTINGS, PATIENCE, ROOT, Cct, Finished, end, family, wait_until

PROGRAM = "console.log('ran')"


@pytest.fixture
def cct(cct: Cct, tmp_path: Path) -> Cct:
    """A cct with an empty cache, which npm fills without the network."""
    (cct.project / "main.js").write_text(PROGRAM)
    cct.environment |= {
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "npm_config_cache": str(NPM_CACHE),
        "npm_config_userconfig": str(NPM_SETTINGS),
        "npm_config_offline": "true",
    }
    return cct


def cache_of(cct: Cct) -> Path:
    return Path(cct.environment["XDG_CACHE_HOME"]) / "cct-cloudflare"


def in_the_making(cct: Cct) -> list[Path]:
    return list(cache_of(cct).glob("*/making-*"))


def begin(cct: Cct, folder: str) -> subprocess.Popen[bytes]:
    """A `cct run` that is in the middle of making `folder` of the cache."""
    process = cct.start("run", "main.js", "--quiet")
    assert wait_until(lambda: any((cache_of(cct) / folder).glob("making-*/*")) and bool(family(process)))
    return process


def finish(process: subprocess.Popen[bytes]) -> Finished:
    out, err = process.communicate(timeout=PATIENCE)
    return Finished(process.returncode, out, err)


def test_killed_installs_heal_and_two_at_once_install_once(cct: Cct) -> None:
    killed = begin(cct, "toolchain")
    end(killed, signal.SIGKILL)
    both = [cct.start("run", "main.js") for _ in range(2)]
    done = [finish(process) for process in both]
    assert [(one.code, one.stdout) for one in done] == [(0, "ran\n")] * 2, done
    said = "".join(one.stderr for one in done)
    assert said.count("Installing the local runtime") == 1
    assert said.count("Building the local Worker") == 1
    assert in_the_making(cct) == []
    assert cct("run", "main.js").stderr.count("Building") == 0


@pytest.fixture
def installed(cct: Cct) -> Cct:
    """npm's part is there already."""
    cache_of(cct).mkdir(parents=True)
    (cache_of(cct) / "toolchain").symlink_to(CACHE / "cct-cloudflare" / "toolchain")
    return cct


def test_a_build_that_was_killed_is_made_again(installed: Cct) -> None:
    end(begin(installed, "worker"), signal.SIGKILL)
    assert in_the_making(installed) != []
    done = installed("run", "main.js")
    assert (done.code, done.stdout) == (0, "ran\n")
    assert in_the_making(installed) == []


def test_ctrl_c_while_building_is_130_and_tidy(installed: Cct) -> None:
    done = end(begin(installed, "worker"), signal.SIGINT)
    assert (done.code, done.stdout) == (130, "")
    assert "Traceback" not in done.stderr
    assert in_the_making(installed) == []


@pytest.mark.parametrize("broken", ["a file", "no rights"])
def test_a_cache_that_cannot_be_written_is_exit_3(cct: Cct, broken: str) -> None:
    place = cache_of(cct).parent
    if broken == "a file":
        place.write_text("not a folder")
    else:
        if os.geteuid() == 0:
            pytest.skip("everything can be written by root")
        place.mkdir(mode=0o500)
    done = cct("run", "main.js", "--json")
    assert (done.code, done.json["errorCode"]) == (3, "toolchain")
    assert str(place) in done.json["error"]
    assert "XDG_CACHE_HOME" in done.json["hint"]


def test_packages_that_cannot_be_had_are_exit_3_in_npms_words(cct: Cct, tmp_path: Path) -> None:
    done = cct("run", "main.js", "--json", env={"npm_config_cache": str(tmp_path / "nothing")})
    assert (done.code, done.json["errorCode"]) == (3, "toolchain")
    assert "ENOTCACHED" in done.json["error"]
    assert "network" in done.json["hint"]
    assert in_the_making(cct) == []


@pytest.fixture(scope="module")
def python_without_node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has cct and everything it imports, but no Node beside it."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, symlinks=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    (packages / "all.pth").write_text(f"{ROOT}\n{sysconfig.get_path('purelib')}\n")
    return folder / "bin" / "python"


def run_without_node(cct: Cct, python: Path, tmp_path: Path, *argv: str, cache: Path | None = None) -> Finished:
    """No Node beside Python, and nothing at all on PATH."""
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    done = subprocess.run(
        [python, "-P", "-m", "cct_cloudflare", *argv],
        cwd=cct.project,
        env={**cct.environment, "PATH": str(nothing), **({"XDG_CACHE_HOME": str(cache)} if cache else {})},
        capture_output=True,
        check=False,
        timeout=PATIENCE,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


def test_without_node_what_is_cached_is_enough(cct: Cct, python_without_node: Path, tmp_path: Path) -> None:
    (cct.project / "main.py").write_text("print('ran')")
    done = run_without_node(cct, python_without_node, tmp_path, "run", "main.py", cache=CACHE)
    assert (done.code, done.stdout) == (0, "ran\n"), done.stderr


def test_without_node_and_without_cache_the_way_out_is_named(
    cct: Cct, python_without_node: Path, tmp_path: Path
) -> None:
    done = run_without_node(cct, python_without_node, tmp_path, "run", "main.js", "--json")
    assert (done.code, done.json["errorCode"]) == (3, "toolchain")
    assert "22.12" in done.json["error"]
    assert "cct-cloudflare[node]" in done.json["hint"]
    assert in_the_making(cct) == []


def test_the_test_environment_has_its_node_beside_python() -> None:
    """Otherwise the tests above would not show what they say."""
    assert sys.prefix != sys.base_prefix
