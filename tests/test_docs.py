"""The documents say what the code does. `python -m tests.test_docs` writes the reference in README.md anew."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from cct_cloudflare.cli.main import cct
from cct_cloudflare.errors import Exit

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
_REFERENCE = re.compile(r"(?<=<!-- reference -->\n).*?(?=<!-- /reference -->)", re.DOTALL)


def reference() -> str:
    """The help text of every command, as README.md shows it."""
    width: dict[str, Any] = {"terminal_width": 100, "max_content_width": 100}
    context = cct.make_context("cct", [], resilient_parsing=True, **width)
    texts = [("cct", context.get_help())]
    for name in cct.list_commands(context):
        command = cct.get_command(context, name)
        assert command is not None
        texts.append(
            (f"cct {name}", command.make_context(name, [], context, resilient_parsing=True, **width).get_help())
        )
    return "".join(f"\n### `{name}`\n\n```text\n{text}\n```\n" for name, text in texts) + "\n"


def test_the_reference_is_what_the_commands_say() -> None:
    found = _REFERENCE.search(README.read_text())
    assert found is not None
    assert found[0] == reference(), "run: python -m tests.test_docs"


def test_every_exit_code_is_explained() -> None:
    rows = re.findall(r"^\| (\d+) \|", README.read_text(), re.MULTILINE)
    assert rows == [str(code.value) for code in Exit]


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/architecture.md", "components/README.md"])
def test_links_lead_somewhere(page: str) -> None:
    path = ROOT / page
    for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
        assert (path.parent / target).exists(), target


@pytest.mark.parametrize(
    "named",
    re.findall(
        r"`((?:src|cct_cloudflare|components|templates)/[\w./-]+)`", (ROOT / "docs/architecture.md").read_text()
    ),
)
def test_the_architecture_names_files_that_exist(named: str) -> None:
    folder = ROOT / "templates" / "cloudflare" if named.startswith("src/") else ROOT
    assert (folder / named).exists()


if __name__ == "__main__":
    README.write_text(_REFERENCE.sub(lambda _: reference(), README.read_text()))
