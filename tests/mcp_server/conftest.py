"""`cct mcp` as a process of its own, and the official client library at the other end of its pipes."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import mcp.types as types
import psutil
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from tests import canary
from tests.runtime import PATIENCE, Cct, wait_until
from tests.runtime import cct as cct
from tests.runtime import runtime as runtime


@dataclass
class Called:
    """How a call ended, and the lines of progress that came before."""

    result: types.CallToolResult
    progress: list[str] = field(default_factory=list)

    @property
    def body(self) -> dict[str, Any]:
        body = self.result.structured_content
        assert isinstance(body, dict)
        return body

    @property
    def text(self) -> str:
        [block] = self.result.content
        assert isinstance(block, types.TextContent)
        return block.text


@dataclass
class Connection:
    """One client and its server."""

    client: Client

    async def call(self, tool: str, **arguments: Any) -> Called:
        lines: list[str] = []

        async def told(progress: float, total: float | None, message: str | None) -> None:
            assert (progress, total) == (len(lines) + 1, None)
            lines.append(message or "")

        result = await self.client.call_tool(tool, arguments, progress_callback=told)
        called = Called(result, lines)
        canary.check("what a client was told", called.text, *lines)
        return called

    async def run(self, path: str, source: str, **arguments: Any) -> Called:
        return await self.call("run_program", files=[{"path": path, "content": source}], **arguments)


Connect = Callable[..., AbstractAsyncContextManager[Connection]]


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Runs an asynchronous test to its end, which comes."""

    async def bounded() -> None:
        with anyio.fail_after(PATIENCE):
            await test()

    try:
        anyio.run(bounded)
    except BaseExceptionGroup as group:
        # What went wrong, and not how many task groups it went through.
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from None


@pytest.fixture
def connect(cct: Cct, tmp_path: Path) -> Connect:
    """Opens a session with `cct mcp …`; when it is closed nothing of it is left, and it has logged nothing."""

    @contextlib.asynccontextmanager
    async def connect(*argv: str, env: Mapping[str, str] | None = None) -> AsyncIterator[Connection]:
        command, *words = cct.command("mcp", *argv)
        server = StdioServerParameters(
            command=command, args=words, env={**cct.environment, **(env or {})}, cwd=cct.project
        )
        log = tmp_path / "log.txt"
        with log.open("w+", encoding="utf-8") as file:
            async with Client(stdio_client(server, errlog=file)) as client:
                yield Connection(client)
        canary.check("the server's log", log.read_text(encoding="utf-8"))
        assert log.read_text(encoding="utf-8") == ""
        assert wait_until(lambda: cct.left_behind() == [])

    return connect


def gateways(cct: Cct) -> list[psutil.Process]:
    """The processes of local Workers that were started for this test."""
    return [process for process in _workerds(cct) if any("external-addr" in word for word in process.cmdline())]


def sandboxes(cct: Cct) -> list[psutil.Process]:
    """The processes of programs that run."""
    return [process for process in _workerds(cct) if process not in gateways(cct)]


def _workerds(cct: Cct) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            words = process.cmdline()
            if words and "workerd" in Path(words[0]).name and any(str(cct.temporary) in word for word in words):
                found.append(process)
    return found
