from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

_HEAVY = ("anthropic", "httpx", "questionary", "jinja2", "rich", "psutil", "yaml", "asyncio", "importlib.metadata")


@pytest.mark.parametrize("argv", [["--version"], ["--help"]])
def test_nothing_heavy_is_imported_to_say_hello(argv: list[str]) -> None:
    script = (
        "import sys\n"
        "from cct_cloudflare.cli.main import run_cli\n"
        f"code = run_cli({argv!r})\n"
        f"print([name for name in {_HEAVY!r} if name in sys.modules], file=sys.stderr)\n"
        "sys.exit(code)\n"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stderr == "[]\n"


def test_a_prompt_without_components_loads_nothing_that_installs_or_judges_them(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from cct_cloudflare.cli.main import run_cli\n"
        f"code = run_cli(['--sandbox', 'cloudflare', '--prompt', 'x', '--dry-run', '--directory', {str(tmp_path)!r}])\n"
        "rooms = {'catalog', 'install', 'inventory', 'merging', 'registries', 'validation'}\n"
        "light = {'cct_cloudflare.install', 'cct_cloudflare.install.state'}  # whether a change was interrupted\n"
        "names = [name.split('.') for name in set(sys.modules) - light if name.startswith('cct_cloudflare.')]\n"
        "print(sorted(rooms.intersection(name[1] for name in names)))\n"
        "sys.exit(code)\n"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.splitlines()[-1] == "[]"


def test_python_dash_m_is_the_same_command() -> None:
    command = [sys.executable, "-m", "cct_cloudflare", "--version"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.startswith("cct ")


@pytest.mark.parametrize("argv", [["history"], ["history", "--json"]])
def test_control_c_before_anything_has_begun_is_no_traceback(argv: list[str]) -> None:
    script = (
        "import builtins, sys\n"
        "load = builtins.__import__\n"
        "def interrupted(name, *rest):\n"
        "    if name == 'click':\n"
        "        raise KeyboardInterrupt\n"
        "    return load(name, *rest)\n"
        "builtins.__import__ = interrupted\n"
        "from cct_cloudflare.__main__ import main\n"
        "main()\n"
    )
    answer = subprocess.run([sys.executable, "-c", script, *argv], capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stderr) == (130, "")
    if "--json" in argv:
        assert json.loads(answer.stdout)["errorCode"] == "interrupted"
    else:
        assert answer.stdout == ""
