"""Claude: the endpoint, the key, the models."""

from __future__ import annotations

import datetime
import os
import tomllib
from collections.abc import Iterator
from urllib.parse import urlsplit

from cct_cloudflare import config, pricing, scaffold
from cct_cloudflare.claude_api import OFFICIAL, KnownModel, base_url
from cct_cloudflare.doctor.check import Finding, fail, ok, skip, warn
from cct_cloudflare.doctor.context import Context
from cct_cloudflare.errors import CctError
from cct_cloudflare.plain import plain_line
from cct_cloudflare.wording import counted

#: Days before its end from which on a model is near it: the notice that Anthropic promises.
NEAR_DAYS = 60


def look_at_endpoint(_: Context) -> Finding:
    """`ANTHROPIC_BASE_URL`, by its host; raises ConfigError for one to which no request would go."""
    base = base_url(os.environ.get("ANTHROPIC_BASE_URL"))
    if base == OFFICIAL:
        return ok("Anthropic's own API.")
    parts = urlsplit(base)
    host = parts.hostname or ""
    if parts.scheme == "http" and not config.is_loopback(host):
        return warn(f"ANTHROPIC_BASE_URL ({host}) is http: the key travels in the clear.", "Use https.")
    return ok(f"ANTHROPIC_BASE_URL names {host}.")


def look_at_key(context: Context) -> Finding:
    """Where the key comes from, and whether it can be one; raises ConfigError."""
    if context.target.get() is not None:
        return skip("Not needed on this machine: the deployed Worker has its own.")
    return ok(f"A key comes from {config.KEY_SOURCES[context.key.get().source]}.")


def look_at_key_validity(context: Context) -> Finding:
    """Asks Claude's API; raises ConfigError for a key that it refuses."""
    if context.target.get() is not None:
        return skip("Not needed on this machine: the deployed Worker has its own.")
    if context.offline:
        return skip("Not asked: --offline.")
    try:
        context.key.get()
    except CctError:
        return skip("There is no key to ask with.")
    try:
        models = context.catalog.get().answer.models
    except CctError as error:
        if error.code == "key_rejected":
            raise
        return warn(error.message, error.hint)
    return ok(f"Claude's API accepts the key{f', for {len(models)} models' if models else ''}.")


def look_at_models(context: Context) -> Finding:
    """The end of life of every model that would be used, as the API tells it, else as cct knows it."""
    today = context.clock().date()
    findings = [_model(context, name, where, today) for where, name in _models_in_use(context)]
    findings.sort(key=lambda finding: _ORDER.index(finding.status))
    return findings[0]


def _model(context: Context, name: str, where: str, today: datetime.date) -> Finding:
    shown = f"{plain_line(name)}, {where},"
    fix = f"Use {pricing.default_model()}, cct's default."
    told = _told(context, name)
    end = (told.retires if told else None) or pricing.end_of_life(name)
    # A day that the API tells may pass: the model's state says whether it has ended.
    has_ended = told.lifecycle == "retired" if told else end is not None and end <= today
    if has_ended:
        return fail(f"{shown} has reached its end of life{f' on {end}' if end else ''}.", fix)
    if end is not None and (end - today).days <= NEAR_DAYS:
        days = (end - today).days
        when = f"in {counted(days, 'day')}" if days > 0 else "any day now"
        return warn(f"{shown} ends on {end}, {when}.", fix)
    if told is not None and told.lifecycle == "deprecated":
        return warn(f"{shown} is deprecated{f'; it ends on {end}' if end else ''}.", fix)
    return ok(f"{shown} has no end of life {f'before {end}' if end else 'that is known'}.")


_ORDER = ("fail", "warn", "ok")


def _models_in_use(context: Context) -> Iterator[tuple[str, str]]:
    """Where a model is named, and its full name."""
    try:
        if context.target.get() is not None and not context.offline:
            model = context.health.get().answer.model
            if model is not None:
                yield "the deployed Worker's model", model
    except CctError:
        pass  # the Worker's own check says so
    named = dict.fromkeys(_project_models(context))
    for model in named:
        yield "the model in wrangler.toml", model
    if pricing.default_model() not in named:
        yield "the default model", pricing.default_model()


def _project_models(context: Context) -> Iterator[str]:
    """`DEFAULT_MODEL` of every environment of the project's wrangler.toml; none of one that cannot be read."""
    try:
        text = (scaffold.target_of(context.project) / "wrangler.toml").read_text(encoding="utf-8")
        settings = tomllib.loads(text)
    except (OSError, ValueError, RecursionError):
        return
    environments = settings.get("env")
    for section in (settings, *(environments.values() if isinstance(environments, dict) else ())):
        variables = section.get("vars") if isinstance(section, dict) else None
        model = variables.get("DEFAULT_MODEL") if isinstance(variables, dict) else None
        if isinstance(model, str) and model:
            yield pricing.resolve_model(model)


def _told(context: Context, name: str) -> KnownModel | None:
    """What Claude's API says of a model; None where it cannot be asked, or does not know it."""
    if context.offline:
        return None
    try:
        context.key.get()
        models = context.catalog.get().answer.models
    except CctError:
        return None
    return models.get(name) or models.get(pricing.without_date(name))
