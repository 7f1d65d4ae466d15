"""A headless Chromium, driven over a pipe in its DevTools protocol: no port, no package.

A machine without one skips what needs it: `apt install chromium`, or name it in CHROMIUM.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from tests.runtime import PATIENCE, wait_until

#: The bit of a modifier key, for `Page.press`.
CONTROL = 2

_FLAGS = (
    "--headless",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
)


def find_chromium() -> str | None:
    names = (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if name and (found := shutil.which(name))), None)


@dataclass
class Page:
    """One page. What goes wrong in it (`errors`) and what it asks for (`requests`) is gathered as it happens."""

    to_browser: BinaryIO
    from_browser: BinaryIO
    session: str | None = None
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    _sent: int = 0

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        self._sent += 1
        message = {"id": self._sent, "method": method, "params": params}
        if self.session is not None:
            message["sessionId"] = self.session
        self.to_browser.write(json.dumps(message).encode() + b"\0")
        self.to_browser.flush()
        while True:
            answer = self._next()
            if answer.get("id") == self._sent:
                assert "error" not in answer, answer["error"]
                return dict(answer["result"])
            self._gather(answer)

    def evaluate(self, expression: str) -> Any:
        """The value of an expression in the page, as JSON."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def wait_for(self, expression: str) -> None:
        assert wait_until(lambda: bool(self.evaluate(expression))), expression

    def press(self, key: str, modifiers: int = 0) -> None:
        """A key that types nothing."""
        code = {"Enter": 13, "Tab": 9}[key]
        for kind in ("rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, modifiers=modifiers)

    def type(self, text: str) -> None:
        self.call("Input.insertText", text=text)

    def _next(self) -> dict[str, Any]:
        message = b""
        while not message.endswith(b"\0"):
            byte = self.from_browser.read(1)
            assert byte, "Chromium has ended"
            message += byte
        return dict(json.loads(message[:-1]))

    def _gather(self, event: dict[str, Any]) -> None:
        params = event.get("params", {})
        if event.get("method") == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(params["exceptionDetails"]))
        elif event.get("method") == "Log.entryAdded" and params["entry"]["source"] in ("security", "javascript"):
            self.errors.append(params["entry"]["text"])
        elif event.get("method") == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])


@contextlib.contextmanager
def open_page(chromium: str) -> Iterator[Page]:
    """A fresh profile and one empty page."""
    with contextlib.ExitStack() as stack:
        profile = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        read_commands, write_commands = os.pipe()
        read_answers, write_answers = os.pipe()
        # Chromium takes commands from descriptor 3 and answers on 4, wherever ours are.
        script = f'exec 3<&{read_commands} 4>&{write_answers}; exec "$@"'
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        process = subprocess.Popen(
            [
                "bash",
                "-c",
                script,
                "bash",
                chromium,
                *_FLAGS,
                *sandbox,
                f"--user-data-dir={profile}",
                "--no-startup-window",
            ],
            pass_fds=(read_commands, write_answers),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(read_commands)
        os.close(write_answers)
        stack.callback(process.wait)
        stack.callback(process.kill)
        to_browser = stack.enter_context(os.fdopen(write_commands, "wb"))
        from_browser = stack.enter_context(os.fdopen(read_answers, "rb"))
        page = Page(to_browser, from_browser)
        target = page.call("Target.createTarget", url="about:blank")["targetId"]
        page.session = page.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.call(f"{domain}.enable")
        yield page
        page.session = None
        page.call("Browser.close")
        process.wait(PATIENCE)
