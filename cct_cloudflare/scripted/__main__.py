"""`python -m cct_cloudflare.scripted`: the scripted model by hand, until Ctrl-C."""

from __future__ import annotations

import threading

import click

from cct_cloudflare.errors import CctError
from cct_cloudflare.scripted import ScriptedModel, parse_fault, prompts


@click.command(help="Answer Anthropic's Messages API on this machine from scripted replies.")
@click.option("--port", default=0, show_default="any that is free", type=click.IntRange(0, 65535))
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="FAULT",
    help="What goes wrong with a call; the first is of the first call, and so on. "
    "429:retry-after=2, delay=0.5,cut, stall, ok …",
)
@click.option("--pace", default=0.008, show_default=True, type=click.FloatRange(min=0), help="Seconds between events.")
def main(port: int, faults: tuple[str, ...], pace: float) -> None:
    try:
        parsed = [None if text == "ok" else parse_fault(text) for text in faults]
    except CctError as error:
        raise click.UsageError(f"{error.message} {error.hint}") from error
    with ScriptedModel(faults=parsed, pace=pace, port=port) as model:
        click.echo(f"ANTHROPIC_BASE_URL={model.url}")
        for prompt in prompts():
            click.echo(f"  {prompt}", err=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            click.echo("", err=True)


if __name__ == "__main__":
    main()
