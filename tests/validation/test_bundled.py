"""The bundled catalog as `cct validate` and the installer see it: CI's own use of them."""

from __future__ import annotations

from cct_cloudflare.catalog import bundled_catalog
from cct_cloudflare.cli.main import run_cli
from cct_cloudflare.components.model import Kind
from cct_cloudflare.resources import components_dir
from cct_cloudflare.validation import effects, risks
from cct_cloudflare.validation.check import validate

CATALOG = bundled_catalog()


def test_nothing_is_wrong_with_the_bundled_catalog() -> None:
    report = validate([components_dir()])
    assert [finding.to_json() for finding in report.findings] == []
    assert report.checked == len(CATALOG.items())


def test_the_command_says_so_too() -> None:
    assert run_cli(["validate", str(components_dir()), "--strict"]) == 0


def test_only_its_hooks_and_its_status_line_need_a_yes_of_their_own() -> None:
    """Whatever else is bundled goes in with --yes; a change of this is a change of what people are promised."""
    risky = {(item.ref, risk.rule) for item in CATALOG.items() for risk in risks(CATALOG.load(item))}
    expected = {(item.ref, "hook-command") for item in CATALOG.items(Kind.HOOK)}
    assert risky == expected | {("setting/statusline/project-line", "setting-command")}


def test_each_hook_server_and_setting_shows_what_it_does() -> None:
    for kind in (Kind.HOOK, Kind.MCP):
        for item in CATALOG.items(kind):
            shown = effects(CATALOG.load(item))
            assert shown.commands or shown.urls, item.ref
    shown = effects(CATALOG.load(next(item for item in CATALOG.items(Kind.SETTING) if item.leaf == "deny-secrets")))
    assert {permission.key for permission in shown.permissions} == {"deny"}
