"""Lines to copy: they work as they are, in a shell on this machine."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

from cct_cloudflare.config import TOKEN_VARIABLE

#: A prompt that the scripted model knows, too.
QUESTION = "What is the 10th Fibonacci number?"

_PROGRAM = {
    "language": "javascript",
    "entrypoint": "main.js",
    "files": [{"path": "main.js", "content": "console.log(6 * 7)"}],
}


def curl_line(url: str, token: str | None, *, has_model: bool) -> str:
    """One request with everything that it needs: a prompt, or without a model a program.

    `token` None leaves it to the shell's own CCT_TOKEN.
    """
    route, body = ("/execute", {"question": QUESTION}) if has_model else ("/run", _PROGRAM)
    return _curl(url + route, token, body)


def _curl(url: str, token: str | None, body: Mapping[str, Any]) -> str:
    bearer = f'"Authorization: Bearer ${TOKEN_VARIABLE}"' if token is None else f"'Authorization: Bearer {token}'"
    what = shlex.quote(json.dumps(body))
    return f"curl --no-progress-meter {url} -H {bearer} -H 'Content-Type: application/json' -d {what}"


def cct_line(url: str, *, has_model: bool) -> str:
    """The same with cct, which knows the token of a Worker that `cct dev` serves."""
    if has_model:
        return f"cct --sandbox cloudflare --worker-url {url} --prompt {shlex.quote(QUESTION)}"
    return f"cct run main.py --worker-url {url}"
