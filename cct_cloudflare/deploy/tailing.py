"""The live log of a deployed Worker."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from cct_cloudflare.deploy.refusals import is_not_there, refusal
from cct_cloudflare.deploy.wrangler import Wrangler
from cct_cloudflare.deployments import Deployment
from cct_cloudflare.errors import ConfigError
from cct_cloudflare.plain import PlainStream

Sink = Callable[[str], None]


def tail(
    deployment: Deployment, wrangler: Wrangler, filters: Sequence[str], *, as_json: bool, out: Sink, err: Sink
) -> None:
    """Hands the log on, line by line, until Ctrl-C (KeyboardInterrupt) or until Cloudflare ends it.

    With `as_json` each request is one line with one JSON object, in which every character that is not ASCII is escaped;
    else it is text, made harmless. Raises CctError.
    """
    sink = JsonLines(out).feed if as_json else _harmless(out)
    kind = "json" if as_json else "pretty"
    outcome = wrangler.follow(
        "tail",
        f"--format={kind}",
        *filters,
        environment=deployment.environment,
        on_stdout=sink,
        on_stderr=Warnings(err).feed,
    )
    if outcome.code != 0:
        raise not_deployed(deployment) if is_not_there(outcome) else refusal(outcome, "reading the Worker's log")


def not_deployed(deployment: Deployment) -> ConfigError:
    return ConfigError(
        f"There is no Worker {deployment.name!r} in this account.",
        hint="Deploy it with cct deploy, or name another account with --account.",
        code="deploy_missing",
    )


class JsonLines:
    """wrangler prints each object over several lines; the one that closes it has nothing but a brace."""

    def __init__(self, out: Sink) -> None:
        self._out = out
        self._lines: list[str] = []

    def feed(self, line: str) -> None:
        if not self._lines and not line.startswith("{"):
            return  # a sentence of wrangler's own
        self._lines.append(line)
        if line.rstrip() not in ("}", "{}"):
            return
        text, self._lines = "".join(self._lines), []
        try:
            self._out(json.dumps(json.loads(text)) + "\n")
        except (ValueError, RecursionError):
            return


class Warnings:
    """Lets what wrangler says aside through, but for the error that it ends with: that is told as cct's own."""

    def __init__(self, out: Sink) -> None:
        self._out = out
        self._ends = False

    def feed(self, line: str) -> None:
        self._ends = self._ends or "[ERROR]" in line
        if not self._ends and line.strip():
            self._out(line)


def _harmless(out: Sink) -> Sink:
    stream = PlainStream()
    return lambda line: out(stream.feed(line))
