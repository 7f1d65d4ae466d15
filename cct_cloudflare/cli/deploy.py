"""`cct deploy`: the Worker on Cloudflare, protected by a token, and proved to work."""

from __future__ import annotations

from pathlib import Path

import click

from cct_cloudflare.cli.options import deployment_options

_EPILOG = """\b
Examples:
  cct deploy --dry-run
  cct deploy
  cct deploy --yes --name my-sandbox --env staging
  cct deploy --url https://sandbox.example.com
  CLOUDFLARE_API_TOKEN=… ANTHROPIC_API_KEY=… CCT_TOKEN=… cct deploy --yes --json

\b
It prints the Worker's URL. Prompts of this project go there from then on; --local keeps one on this machine.
Run the same command again to deploy a change, or to go on after an interruption. cct destroy removes it.
"""


@click.command(epilog=_EPILOG)
@deployment_options
@click.option("--name", metavar="NAME", help="The Worker's name on Cloudflare; remembered in the project.")
@click.option(
    "--url",
    metavar="URL",
    help="Where it answers, with a domain of your own in wrangler.toml; remembered, and `default` forgets it.",
)
@click.option("--no-key", is_flag=True, help="Set no ANTHROPIC_API_KEY: the Worker then only runs given programs.")
@click.option("--replace", is_flag=True, help="Replace a Worker of this name that cct has not deployed.")
@click.option("--trust-project", is_flag=True, help="Deploy the project's own, changed Worker, which gets your key.")
@click.option("--dry-run", is_flag=True, help="Show the plan and check the build; no login, and nothing is deployed.")
@click.option("--yes", is_flag=True, help="Ask nothing.")
def deploy(
    directory: Path,
    environment: str,
    account: str | None,
    as_json: bool,
    no_color: bool,
    name: str | None,
    url: str | None,
    no_key: bool,
    replace: bool,
    trust_project: bool,
    dry_run: bool,
    yes: bool,
) -> None:
    """Deploy the Worker to your Cloudflare account.

    Shows what would happen and asks. Then it uploads the Worker, sets its secrets, waits until it answers and runs one
    program in its sandbox. Needs the Workers Paid plan.
    """
    from cct_cloudflare.cli.deploying import run_deploy, run_dry_run
    from cct_cloudflare.deploy.request import DeployRequest

    request = DeployRequest(
        project=directory.resolve(),
        directory=None if directory == Path() else directory,
        environment=environment,
        name=name,
        account=account,
        url=url,
        with_key=not no_key,
        replace=replace,
        trust_project=trust_project,
    )
    run = run_dry_run if dry_run else run_deploy
    run(request, yes=yes, as_json=as_json, no_color=no_color)
