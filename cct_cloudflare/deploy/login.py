"""Who is logged in to Cloudflare, and in which account a Worker goes."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cct_cloudflare.deploy.refusals import refusal
from cct_cloudflare.deploy.wrangler import Wrangler
from cct_cloudflare.errors import ConfigError
from cct_cloudflare.plain import plain_line

ACCOUNT_VARIABLE = "CLOUDFLARE_ACCOUNT_ID"

#: Where wrangler keeps its files when these are set, and below which folder there.
_CONFIG_HOMES = {"XDG_CONFIG_HOME": ".", "APPDATA": "xdg.config"}

_LOGIN_VARIABLES = ("CLOUDFLARE_API_TOKEN", "CLOUDFLARE_API_KEY", "CLOUDFLARE_API_USER_SERVICE_KEY")


@dataclass(frozen=True)
class Account:
    """One of Cloudflare's accounts; `name` is empty where only its ID is known."""

    id: str
    name: str = ""

    @property
    def label(self) -> str:
        return f"{self.name} ({self.id})" if self.name else self.id


@dataclass(frozen=True)
class Login:
    """`by` says how: an API token, OAuth. `accounts` are those that the login reaches and tells."""

    by: str
    email: str | None
    accounts: tuple[Account, ...]


class SeveralAccountsError(ConfigError):
    """Nobody has said which of several accounts is meant."""

    code = "deploy_account"


def whoami(wrangler: Wrangler) -> Login | None:
    """Asks Cloudflare; None where nobody is logged in. Raises CctError for a login that Cloudflare refuses."""
    outcome = wrangler.run("whoami", "--json")
    try:
        login = read_login(outcome.stdout)
    except ValueError:
        raise refusal(outcome, "asking Cloudflare who is logged in") from None
    if login is not None and outcome.code != 0:
        raise refusal(outcome, "asking Cloudflare who is logged in")
    return login


def read_login(stdout: str) -> Login | None:
    """What `wrangler whoami --json` prints: one object, perhaps behind lines of a warning. None: nobody is logged in.

    Raises ValueError for anything else.
    """
    try:
        answer: Any = json.loads(stdout[stdout.index("{") :])
    except RecursionError as error:
        raise ValueError("too deep") from error
    if answer.get("loggedIn") is False:
        return None
    if answer.get("loggedIn") is not True:
        raise ValueError("no loggedIn")
    accounts = answer.get("accounts")
    return Login(
        by=plain_line(str(answer.get("authType") or "unknown")),
        email=plain_line(answer["email"]) if isinstance(answer.get("email"), str) else None,
        accounts=tuple(
            Account(account["id"], plain_line(str(account.get("name") or "")))
            for account in (accounts if isinstance(accounts, list) else [])
            if isinstance(account, dict) and isinstance(account.get("id"), str)
        ),
    )


def may_be_logged_in() -> bool:
    """Whether there is anything that wrangler could log in with; asks nobody and starts nothing.

    It keeps a login in a file of `.wrangler/config`, also where the key to that is in the system's keyring.
    """
    if any(os.environ.get(name) for name in _LOGIN_VARIABLES):
        return True
    home = Path.home()
    places = [home, home / ".config", home / "Library" / "Preferences"]
    places += [Path(os.environ[name]) / below for name, below in _CONFIG_HOMES.items() if os.environ.get(name)]
    return any(any((place / ".wrangler" / "config").glob("*")) for place in places)


def not_logged_in() -> ConfigError:
    return ConfigError(
        "You are not logged in to Cloudflare.",
        hint=(
            "Run cct deploy in a terminal, which offers to log in with the browser; or set CLOUDFLARE_API_TOKEN to a "
            'token made with the template "Edit Cloudflare Workers" at https://dash.cloudflare.com/profile/api-tokens'
        ),
        code="deploy_login",
    )


def choose_account(login: Login, *, flag: str | None, settled: str | None, remembered: str | None) -> Account:
    """The account: of wrangler.toml (`settled`), `--account`, the environment, an earlier deploy, or the only one.

    Raises ConfigError (`deploy_account`), which lists them, where several are possible, and for one that the login does
    not reach.
    """
    wanted = settled or flag or os.environ.get(ACCOUNT_VARIABLE) or remembered
    if settled and flag and settled != flag:
        raise ConfigError(
            f"wrangler.toml names the account {settled}, and --account another one.",
            hint="Change account_id there, or leave --account away.",
            code="deploy_account",
        )
    if wanted:
        for account in login.accounts:
            if wanted == account.id:
                return account
        if login.accounts:
            raise ConfigError(
                f"The account {plain_line(wanted)} is not one of those that your login reaches.",
                hint=_listed(login.accounts),
                code="deploy_account",
            )
        return Account(wanted)  # a token that may not list accounts may still deploy
    if len(login.accounts) == 1:
        return login.accounts[0]
    if not login.accounts:
        raise ConfigError(
            "Your login does not tell which Cloudflare account it belongs to.",
            hint=f"Name it with --account ID or {ACCOUNT_VARIABLE}; the dashboard shows the ID in its address.",
            code="deploy_account",
        )
    raise SeveralAccountsError(
        f"Your login reaches {len(login.accounts)} Cloudflare accounts.",
        hint=_listed(login.accounts),
    )


def _listed(accounts: tuple[Account, ...]) -> str:
    return f"Name one with --account ID: {'; '.join(account.label for account in accounts)}"
