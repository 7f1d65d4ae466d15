"""What to do next about an error that a Worker answered, in the words of the command line.

A Worker's own hints are for whoever speaks its API: they name fields and routes, which nobody here has typed.
"""

from __future__ import annotations

from collections.abc import Mapping

_VERSIONS = "Worker and cct may be of different versions: render and deploy the Worker again."

#: By code; for the others the Worker's own hint is right here, too.
OWN_HINTS: Mapping[str, str] = {
    "unauthorized": "Set CCT_TOKEN to the Worker's token.",
    "not_found": _VERSIONS,
    "method_not_allowed": _VERSIONS,
    "unsupported_media_type": _VERSIONS,
    "invalid_json": _VERSIONS,
    "invalid_request": f"The message says what the Worker does not take. {_VERSIONS}",
    "payload_too_large": "Shorten the prompt, or name fewer files and components.",
    "sandbox_unsupported": "Leave --isolation away, or name a sandbox that this Worker has: its /health lists them.",
    "not_configured": "Set the Worker's token: cct deploy does.",
    "key_missing": "Set ANTHROPIC_API_KEY where the Worker is started: cct deploy and cct dev give it to theirs.",
    "model_not_found": "Choose another model with --model.",
    "model_truncated": "The program did not fit: raise --max-tokens, or ask for less.",
    "sandbox_timeout": "Raise --timeout, or give the program less to do.",
}
