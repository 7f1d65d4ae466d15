"""What a project chooses about its Worker."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cct_cloudflare.errors import UsageError
from cct_cloudflare.scaffold.origins import MAX_ORIGINS, normalise_origin

# Workers run with the behaviour of this date; it must not be later than the pinned workerd's own date.
COMPATIBILITY_DATE = "2026-11-01"

#: What `--model` and `--allowed-origin` take to go back to nothing chosen.
DEFAULT_MODEL_WORD = "default"
NO_ORIGIN_WORD = "none"

# A name becomes a DNS label of at most 63 characters, and environments append up to "-development".
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])?")

#: What the Worker's API takes as the name of a model (`src/api.ts`).
MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/-]{0,127}")

# Each switch is a step that Cloudflare has to be told for ever after; nobody needs many.
_MOST_SWITCHES = 40


@dataclass(frozen=True)
class ScaffoldSettings:
    """
    name                the Worker's name on Cloudflare: 1 to 50 lowercase letters, digits and inner dashes
    model               an alias or a full name; None follows cct's own default
    allowed_origins     of browser pages that may call the Worker, as browsers send them
    container_switches  how often the container tier was switched on or off. Cloudflare applies migrations in their
                        order and never forgets one, so each switch stays a step of wrangler.toml

    Raises UsageError for what Cloudflare or the Worker would not take.
    """

    name: str = "cct-sandbox"
    model: str | None = None
    allowed_origins: tuple[str, ...] = ()
    container_switches: int = 0

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise UsageError(
                f"{self.name[:80]!r} cannot be the name of a Worker.",
                hint="Use 1 to 50 lowercase letters, digits and dashes; a dash neither first nor last.",
            )
        if self.model is not None and not MODEL_NAME.fullmatch(self.model):
            raise UsageError(
                f"{self.model[:80]!r} cannot be the name of a model.",
                hint="Use sonnet, opus, haiku or a full name, such as claude-sonnet-5-5.",
            )
        if len(self.allowed_origins) > MAX_ORIGINS:
            raise UsageError(f"A Worker takes at most {MAX_ORIGINS} allowed origins.", hint="Name fewer of them.")
        origins = tuple(dict.fromkeys(normalise_origin(origin) for origin in self.allowed_origins))
        object.__setattr__(self, "allowed_origins", origins)
        if not 0 <= self.container_switches <= _MOST_SWITCHES:
            raise UsageError(
                f"The container tier was switched on and off more than {_MOST_SWITCHES} times.",
                hint="Leave it as it is, or write the migrations of wrangler.toml by hand.",
            )

    @property
    def container(self) -> bool:
        """Whether the Worker offers the container tier."""
        return self.container_switches % 2 == 1

    def changed(
        self,
        *,
        name: str | None = None,
        model: str | None = None,
        allowed_origins: Sequence[str] | None = None,
        container: bool | None = None,
    ) -> ScaffoldSettings:
        """With what the user says now; None leaves a setting as it is.

        `model` may be `default`, which forgets the one chosen before. `allowed_origins` replaces the list; a sequence
        that is empty, or `none` alone, empties it. Raises UsageError.
        """
        settings = self
        if name is not None:
            settings = replace(settings, name=name)
        if model is not None:
            settings = replace(settings, model=None if model == DEFAULT_MODEL_WORD else model.strip())
        if allowed_origins is not None:
            settings = replace(settings, allowed_origins=_origins(allowed_origins))
        if container is not None and container != settings.container:
            settings = replace(settings, container_switches=settings.container_switches + 1)
        return settings


def _origins(given: Sequence[str]) -> tuple[str, ...]:
    if NO_ORIGIN_WORD not in given:
        return tuple(given)
    if len(given) > 1:
        raise UsageError(
            f"--allowed-origin {NO_ORIGIN_WORD} empties the list, and others are named beside it.",
            hint=f"Give either {NO_ORIGIN_WORD} or the origins.",
        )
    return ()
