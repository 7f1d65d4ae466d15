"""What the registries say of each error code, as the lines below its heading in SANDBOX_DEBUGGING.md."""

from __future__ import annotations

import functools
import json
import re
import subprocess
from typing import Any

from cct_cloudflare.errors import CODES
from cct_cloudflare.sandbox.toolchain import find_node
from tests.runtime import ROOT

#: A heading that is a code, and the list below it.
_HEADING = re.compile(r"^### `(?P<code>\w+)`\n\n(?P<facts>(?:- .*\n)*)\n?", re.MULTILINE)


def with_facts(text: str) -> str:
    """The page with the facts of every code below its heading."""

    def heading(found: re.Match[str]) -> str:
        return f"### `{found['code']}`\n\n{facts(found['code'])}\n" if found["code"] in CODES else found[0]

    return _HEADING.sub(heading, text)


def facts(code: str) -> str:
    """Status, exit status, whether the same again can help, and the Worker's hint: a list, one item a line."""
    spec = CODES[code]
    again = "retryable" if spec.retryable else "not retryable"
    if spec.status is None:
        return f"- Exit status {spec.exit.value}, {again}.\n"
    hint = worker_errors()[code]["hint"]
    return f"- HTTP {spec.status}, exit status {spec.exit.value}, {again}.\n- The Worker's hint: `{hint}`\n"


def told(page: str) -> dict[str, str]:
    """The facts that a page tells, by code."""
    return {found["code"]: found["facts"] for found in _HEADING.finditer(page)}


@functools.cache
def worker_errors() -> dict[str, dict[str, Any]]:
    """The Worker's registry, read by the language that it is written in."""
    source = (ROOT / "templates" / "cloudflare" / "src" / "errors.ts").as_uri()
    script = f"import {{ERRORS}} from {json.dumps(source)}; console.log(JSON.stringify(ERRORS))"
    argv = [
        str(find_node()),
        "--experimental-transform-types",
        "--no-warnings",
        "--input-type=module",
        "-e",
        script,
    ]
    return dict(json.loads(subprocess.run(argv, capture_output=True, text=True, check=True).stdout))
