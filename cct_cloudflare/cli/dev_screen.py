"""What `cct dev` shows: lines of text on stderr, or one JSON object per line on stdout."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import click

from cct_cloudflare.dev import DEFAULT_PORT, DevEvent, Failed, Listening, Loaded, Logged, Note, Ready, Served, Token
from cct_cloudflare.dev.howto import cct_line, curl_line
from cct_cloudflare.plain import plain, plain_line
from cct_cloudflare.sandbox.session import AskConsent
from cct_cloudflare.streams import is_rich, is_unread
from cct_cloudflare.wording import duration, shown_path

#: Below the time that starts a line.
_INDENT = " " * 10
_KEPT = "What was served before goes on."


class Screen(Protocol):
    """May be called from several threads."""

    def show(self, event: DevEvent) -> None: ...

    def is_over(self) -> bool:
        """Whether whoever looked has gone."""

    def asking(self, ask: AskConsent) -> AskConsent:
        """The same question, during which nothing else is shown; one that is broken off is a KeyboardInterrupt."""


@dataclass
class _Base:
    listening: Listening
    token: Token
    demo: bool
    has_key: bool
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def has_model(self) -> bool:
        return self.demo or self.has_key

    @property
    def curl(self) -> str:
        told = None if self.token.from_environment else self.token.value
        return curl_line(self.listening.url, told, has_model=self.has_model)

    def is_over(self) -> bool:
        return False  # a terminal that goes sends a signal

    def asking(self, ask: AskConsent) -> AskConsent:
        def asked(target: Path) -> bool:
            with self._lock:
                try:
                    return ask(target)
                except click.Abort:
                    raise KeyboardInterrupt from None

        return asked


class JsonScreen(_Base):
    """`{"event": …}` per line; whoever reads them is given the token, too, unless it is in the environment anyway."""

    _is_unread = False

    def show(self, event: DevEvent) -> None:
        with self._lock:
            if self.is_over():
                return
            try:
                click.echo(json.dumps(self._object(event)))
            except BrokenPipeError:
                self._is_unread = True
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is still to be flushed

    def is_over(self) -> bool:
        return self._is_unread or is_unread(sys.stdout)

    def _object(self, event: DevEvent) -> dict[str, Any]:
        match event:
            case Ready(url, target):
                return {
                    "event": "ready",
                    "url": url,
                    "port": self.listening.port,
                    "token": None if self.token.from_environment else self.token.value,
                    "model": "scripted" if self.demo else "claude" if self.has_key else None,
                    "source": str(target),
                    "pid": os.getpid(),
                    "curl": self.curl,
                }
            case Served(method, path, status, seconds):
                return {"event": "request", "method": method, "path": path, "status": status, "ms": _ms(seconds)}
            case Loaded(seconds):
                return {"event": "loaded", "ms": _ms(seconds)}
            case Failed(error):
                return {"event": "failed", **error.to_json()}
            case Logged(text):
                return {"event": "log", "text": text}
            case Note(text):
                return {"event": "note", "text": text}


class TextScreen(_Base):
    color = False

    def show(self, event: DevEvent) -> None:
        lines = self._ready(event) if isinstance(event, Ready) else self._line(event)
        with self._lock:
            click.echo("\n".join(lines), err=True, color=self.color)

    def _ready(self, event: Ready) -> list[str]:
        return [
            "",
            _fact("Worker", click.style(event.url, fg="cyan", bold=True) + self._about_port()),
            _fact("Source", f"{plain_line(shown_path(event.target))}: what is saved there is loaded at once"),
            _fact("Model", self._model()),
            _fact("Token", self._token()),
            "",
            "Open that address in a browser, or from another terminal:",
            "",
            self.curl,
            "",
            cct_line(event.url, has_model=self.has_model),
            "",
            click.style("Ctrl-C ends it.", dim=True),
        ]

    def _about_port(self) -> str:
        return "" if self.listening.asked or self.listening.port == DEFAULT_PORT else f"  ({DEFAULT_PORT} is taken)"

    def _model(self) -> str:
        if self.demo:
            return click.style("SCRIPTED MODEL", fg="yellow") + " (demo): its answers are written in advance"
        if self.has_key:
            return "Claude, with your key"
        return click.style("none", fg="yellow") + ": there is no key, so only POST /run works; set ANTHROPIC_API_KEY"

    def _token(self) -> str:
        if self.token.from_environment:
            return "the one in CCT_TOKEN"
        return f"{self.token.value}\n{' ' * 11}for this session; cct on this machine knows it by itself"

    def _line(self, event: DevEvent) -> list[str]:
        match event:
            case Served(method, path, status, seconds):
                said = click.style("left", fg="yellow") if status is None else _status(status)
                took = click.style(duration(seconds * 1000), dim=True)
                text = f"{plain_line(method):<4} {plain_line(path)}  {said}  {took}"
            case Loaded(seconds):
                text = click.style("Loaded the change", fg="green") + f" in {duration(seconds * 1000)}"
            case Failed(error):
                said, *more = plain(error.message).rstrip("\n").split("\n")
                hint = [plain_line(error.hint)] if error.hint else []
                text = f"\n{_INDENT}".join([click.style(said, fg="red"), *more, *hint, _KEPT])
            case Logged(line):
                text = click.style("log ", dim=True) + f" {plain(line)}"
            case Note(said):
                text = click.style(plain_line(said), dim=True)
            case _:
                text = ""
        return [f"{click.style(time.strftime('%H:%M:%S'), dim=True)}  {text}"]


def make_screen(
    listening: Listening, token: Token, *, demo: bool, has_key: bool, as_json: bool, no_color: bool
) -> Screen:
    if as_json:
        return JsonScreen(listening, token, demo, has_key)
    screen = TextScreen(listening, token, demo, has_key)
    screen.color = is_rich(sys.stderr, no_color=no_color)
    return screen


def _fact(label: str, value: str) -> str:
    return f"  {click.style(f'{label:<8}', dim=True)} {value}"


def _status(status: int) -> str:
    return click.style(str(status), fg="green" if status < 400 else "yellow" if status < 500 else "red")


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
