"""`cct run`: a program of your own in the same sandbox. No model is asked and no key is needed."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from cct_cloudflare.cli.options import local_option, milliseconds, output_options, run_options, worker_url_option


@click.command(
    epilog="""\b
Examples:
  cct run main.py
  cct run report.py data.csv --output results
  echo 'console.log(1 + 1)' | cct run - --language javascript
""",
)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, allow_dash=True))
@worker_url_option
@local_option
@run_options
@output_options
def run(
    files: tuple[Path, ...],
    worker_url: str | None,
    local: bool,
    language: str | None,
    isolation: str | None,
    timeout: float | None,
    output: Path | None,
    no_history: bool,
    as_json: bool,
    quiet: bool,
    no_color: bool,
) -> int:
    """Run FILES in the sandbox: the first one starts, the others lie beside it.

    Files that the program writes are saved; - reads the program from standard input.
    """
    from cct_cloudflare.cli.show import run_program
    from cct_cloudflare.errors import UsageError
    from cct_cloudflare.place import chosen_worker
    from cct_cloudflare.sandbox.given import MAX_BYTES, program_from_files, program_from_stdin
    from cct_cloudflare.terminal import make_display

    if any(str(file) == "-" for file in files):
        if len(files) > 1:
            raise UsageError(
                "- reads the whole program from standard input, so no other file can be given.",
                hint="Name all files, or none but -.",
            )
        program = program_from_stdin(sys.stdin.buffer.read(MAX_BYTES + 1), language)
    else:
        program = program_from_files(files, language)
    target = chosen_worker(worker_url, local=local)
    with make_display(as_json=as_json, quiet=quiet, no_color=no_color) as display:
        return run_program(
            program,
            target,
            display,
            timeout_ms=milliseconds(timeout),
            sandbox=isolation,
            output=output,
            keep=not no_history,
        )
