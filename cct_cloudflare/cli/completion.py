"""`cct completion`: the script that lets a shell complete `cct`'s commands, options and their values."""

from __future__ import annotations

import click

SHELLS = ("bash", "zsh", "fish")

#: What the script sets when it asks cct for words; click derives it from the name of the command.
VARIABLE = "_CCT_COMPLETE"


@click.command(
    epilog="""\b
Install it for good:
  bash   cct completion bash > ~/.local/share/bash-completion/completions/cct
         (make that folder first; it needs the package bash-completion)
  zsh    cct completion zsh > ~/.zfunc/_cct
         (with fpath+=(~/.zfunc) before compinit in ~/.zshrc)
  fish   cct completion fish > ~/.config/fish/completions/cct.fish

\b
Or for the shell that you are in:
  eval "$(cct completion bash)"
""",
)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that completes cct's words in SHELL: commands, options, agents, commands, models, files."""
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - click has these three
    script = kind(context.find_root().command, {}, "cct", VARIABLE).source()
    # click's script for fish cuts a value, such as a list of agents, at its first comma.
    click.echo(script.replace('string split ","', 'string split --max 1 ","'))
