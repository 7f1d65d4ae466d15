"""Blocks edits that would write a secret into a file: keys and tokens of known form, private keys, passwords in URLs.

A PreToolUse hook for the tools that edit files. It looks at the new text alone, says which kind it saw and in which
line, and never repeats the secret. A call that it cannot read is blocked.
"""

import json
import re
import sys

# Forms that their issuers document; each is long or marked enough that other text does not look like it.
KINDS = {
    "a private key": r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----\s*\\?n?\s*[A-Za-z0-9+/=]{32}",
    "a key of Anthropic": r"\bsk-ant-[a-z]+\d\d-[\w-]{60,}",
    "a key of OpenAI": r"\bsk-(?:proj|svcacct|admin)-[\w-]{40,}|\bsk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}",
    "an access key of AWS": r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b",
    "a secret key of AWS": r"(?i)\baws_?secret_?access_?key\b[\"']?\s*[:=]\s*[\"']?[A-Za-z0-9/+]{40}\b",
    "a token of GitHub": r"\bgh[pousr]_[A-Za-z0-9]{36,}\b|\bgithub_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}\b",
    "a token of GitLab": r"\bglpat-[\w-]{20,}",
    "a token of Slack": r"\bxox[abprs]-(?:\d+-)+[A-Za-z0-9]{20,}|\bxapp-\d-[A-Z0-9]+-\d+-[a-f0-9]{60,}",
    "a webhook of Slack": r"hooks\.slack\.com/services/T[A-Z0-9]{8,}/B[A-Z0-9]{8,}/[A-Za-z0-9]{24}",
    "a live key of Stripe": r"\b[rs]k_live_[A-Za-z0-9]{20,}",
    "an API key of Google": r"\bAIza[A-Za-z0-9_-]{35}\b",
    "a token of npm": r"\bnpm_[A-Za-z0-9]{36}\b",
    "a token of PyPI": r"\bpypi-AgE[\w-]{50,}",
    "a key of SendGrid": r"\bSG\.[\w-]{22}\.[\w-]{43}\b",
    "a token of Hugging Face": r"\bhf_[A-Za-z]{34}\b",
    "a password in a URL": r"\b[a-z][a-z0-9+.-]{1,20}://(?P<user>[^\s:/@\"'<>${}]{0,64})"
    r":(?P<password>[^\s:/@\"'<>${}]{6,128})@(?P<host>[\w.-]+)",
}
EXAMPLES = re.compile(
    r"example|placeholder|change-?me|dummy|your[-_]|xxxx|\*\*\*|(?:my|db|the)?[-_]?(?:password|passwd|secret)\d*$",
    re.IGNORECASE,
)


def is_example(match):
    """AWS marks its examples; a database on this machine or in a container has no secret worth the name."""
    if match.re.groupindex:
        host, password = match["host"], match["password"]
        return "." not in host or host == "127.0.0.1" or password == match["user"] or EXAMPLES.match(password)
    return "EXAMPLE" in match[0]


def secrets(text):
    """(kind, line) of each secret in `text`."""
    for kind, form in KINDS.items():
        for match in re.finditer(form, text):
            if not is_example(match):
                yield kind, text.count("\n", 0, match.start()) + 1


def new_texts(tool_input):
    """What an edit writes: of Write, Edit and NotebookEdit."""
    for key in ("content", "new_string", "new_source"):
        if isinstance(tool_input.get(key), str):
            yield tool_input[key]
    for edit in tool_input.get("edits") or ():
        yield edit["new_string"]


def main():
    try:
        call = json.loads(sys.stdin.buffer.read().decode("utf-8"))
        found = [secret for text in new_texts(call["tool_input"]) for secret in secrets(text)]
    except Exception as problem:
        return say(f"The hook could not look at the edit ({type(problem).__name__}), so it was not made.")
    if not found:
        return 0
    kinds = ", ".join(dict.fromkeys(f"{kind} (line {line} of the new text)" for kind, line in found[:5]))
    return say(
        f"The edit would write {kinds}. Read it from the environment or a secret store instead; for an example write "
        "a text that nobody takes for a real one."
    )


def say(text):
    sys.stderr.buffer.write(f"scan-edits: {text}\n".encode("utf-8", "backslashreplace"))
    return 2


if __name__ == "__main__":
    sys.exit(main())
