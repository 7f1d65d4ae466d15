"""`cct mcp` with the official client, the real process and the real sandbox."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import Any

import anyio
import jsonschema  # type: ignore[import-untyped]  # the package has no types
import pytest

from cct_cloudflare.cli.main import run_cli
from cct_cloudflare.sandbox.local import local_worker
from cct_cloudflare.sandbox.toolchain import LocalRuntime
from cct_cloudflare.scripted import Fault, ScriptedModel
from tests.mcp_server.conftest import Connect, gateways, run, sandboxes
from tests.runtime import KEY, PATIENCE, PROMPT, TOKEN, Cct, access, family, reply, wait_until

FOREVER = "console.log('begun'); while (true) {}"


def test_what_it_offers(connect: Connect) -> None:
    async def test() -> None:
        async with connect() as server:
            tools = {tool.name: tool for tool in (await server.client.list_tools()).tools}
        assert set(tools) == {"run_program", "ask_and_run", "list_components"}
        for tool in tools.values():
            assert tool.description
            for schema in (tool.input_schema, tool.output_schema):
                assert schema is not None
                jsonschema.Draft202012Validator.check_schema(schema)
        assert tools["list_components"].annotations is not None
        assert tools["list_components"].annotations.read_only_hint is True
        assert set(tools["run_program"].input_schema["properties"]) == {"files", "entrypoint", "language", "timeout"}

    run(test)


def test_programs_run_on_one_warm_worker(connect: Connect, cct: Cct) -> None:
    async def test() -> None:
        async with connect() as server:
            assert gateways(cct) == [], "nothing is started before it is needed"
            first = await server.run("main.py", "print('\\x1b[31mred')\nopen('a.bin', 'wb').write(b'\\xff\\x00')")
            [warm] = gateways(cct)
            second = await server.call(
                "run_program",
                files=[
                    {"path": "data.txt", "content": "MTIz", "encoding": "base64"},
                    {"path": "main.ts", "content": "import fs from 'fs'; console.log(fs.readFileSync('data.txt') + 1)"},
                ],
                entrypoint="main.ts",
            )
            failed = await server.run("main.js", "console.error('why'); process.exit(3)")
            late = await server.run("main.js", FOREVER, timeout=0.5)
            assert gateways(cct) == [warm]

        assert not first.result.is_error
        assert first.body["success"] is True
        assert first.body["output"] == "red\n", "what reaches a terminal is plain"
        assert first.progress[0].startswith("Sandbox process")
        assert first.progress[-2:] == ["stdout: red", "Wrote a.bin (2 bytes)."]
        assert first.body["savedFiles"] == [{"path": "a.bin", "bytes": 2, "status": "new"}]
        [saved] = [data for path, data in cct.files().items() if path.endswith("/a.bin")]
        assert saved == b"\xff\x00"
        assert json.loads(first.text) == first.body

        assert second.body["output"] == "1231\n"
        assert (failed.result.is_error, failed.body["success"]) == (False, False)
        assert (failed.body["exitCode"], failed.body["errorCode"]) == (3, "program_failed")
        assert "why" in failed.body["error"]
        assert late.body["errorCode"] == "sandbox_timeout"

    run(test)


ONE = {"path": "a.py", "content": "1"}
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("run_program", {}, "invalid_request"),
    ("run_program", {"files": []}, "invalid_request"),
    ("run_program", {"files": [ONE], "surprise": 1}, "invalid_request"),
    ("run_program", {"files": [ONE], "timeout": 1e9}, "invalid_request"),
    ("run_program", {"files": [ONE], "entrypoint": "b.py"}, "usage"),
    ("run_program", {"files": [{**ONE, "path": "a.txt"}]}, "usage"),
    ("run_program", {"files": [ONE, ONE]}, "usage"),
    ("run_program", {"files": [{**ONE, "content": "x" * 12_000_000}]}, "payload_too_large"),
    ("run_program", {"files": [{**ONE, "content": "?", "encoding": "base64"}]}, "invalid_request"),
    ("ask_and_run", {"prompt": ""}, "invalid_request"),
    ("ask_and_run", {"prompt": "x"}, "key_missing"),
    ("ask_and_run", {"prompt": "x", "agents": ["../../etc"]}, "component_invalid"),
    ("ask_and_run", {"prompt": "x", "agents": ["nobody"]}, "component_not_found"),
    ("list_components", {"kind": "planet"}, "invalid_request"),
    ("teapot", {}, "usage"),
]


def test_what_is_refused(connect: Connect, cct: Cct) -> None:
    async def test() -> None:
        async with connect() as server:
            for tool, arguments, code in REFUSED:
                called = await server.call(tool, **arguments)
                assert called.result.is_error, (tool, code)
                assert called.body["errorCode"] == code, called.text
                assert called.body["hint"] or code == "component_not_found"
                assert code in called.text
            assert gateways(cct) == []
        assert cct.files() == {}

    run(test)


def test_what_the_worker_refuses(connect: Connect, cct: Cct) -> None:
    async def test() -> None:
        async with connect() as server:
            outside = await server.call(
                "run_program", files=[{"path": "a.py", "content": ""}, {"path": "../b.py", "content": ""}]
            )
        assert outside.result.is_error
        assert outside.body["errorCode"] == "unsafe_path"

    run(test)


def test_a_cancelled_call_ends_its_run_and_no_other(connect: Connect, cct: Cct) -> None:
    async def test() -> None:
        async with connect() as server:
            other: list[Any] = []

            async def another() -> None:
                other.append(await server.run("main.py", "import time; print('a'); time.sleep(1); print('b')"))

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(another)
                with anyio.CancelScope() as scope:

                    async def begun(progress: float, total: float | None, message: str | None) -> None:
                        if message == "stdout: begun":
                            scope.cancel()

                    files = [{"path": "main.js", "content": "console.log('begun'); setInterval(() => 0, 1000)"}]
                    arguments = {"files": files, "timeout": 300}
                    await server.client.call_tool("run_program", arguments, progress_callback=begun)
                assert scope.cancelled_caught
            assert other[0].body["output"] == "a\nb\n"
            assert await anyio.to_thread.run_sync(lambda: wait_until(lambda: sandboxes(cct) == []))
            assert (await server.run("main.js", "console.log('well')")).body["output"] == "well\n"
        runs = json.loads(cct("history", "--json").stdout)["runs"]
        assert sorted(run["status"] for run in runs) == ["interrupted", "succeeded", "succeeded"]

    run(test)


def test_a_worker_that_died_is_started_again(connect: Connect, cct: Cct) -> None:
    async def test() -> None:
        async with connect() as server:
            await server.run("main.js", "1")
            for process in gateways(cct):
                process.kill()
            lost = await server.run("main.js", "1")
            found = await server.run("main.js", "console.log('well')")
        assert lost.result.is_error
        assert lost.body["errorCode"] in ("worker_unreachable", "stream_ended")
        assert found.body["output"] == "well\n"

    run(test)


def test_a_prompt_is_asked_within_the_budget(connect: Connect, cct: Cct) -> None:
    async def test() -> None:
        replies = [reply({"main.py": "print(6 * 7)\n"}, language="python")]
        with ScriptedModel(replies, pace=0) as model:
            async with connect("--max-cost", "0.5", env=access(model)) as server:
                answer = await server.call("ask_and_run", prompt=PROMPT, agents=["python-developer"], model="haiku")
                own = await server.run("main.py", "print(1)")
                assert len(gateways(cct)) == 1, "the Worker that has the key runs given programs, too"
                asked = len(model.requests)
                dear = await server.call("ask_and_run", prompt=PROMPT, model="opus", maxTokens=64_000)
                dearer = await server.call("ask_and_run", prompt=PROMPT, maxCost=0.000001)
                unknown = await server.call("ask_and_run", prompt=PROMPT, model="claude-unheard-of")
                assert len(model.requests) == asked, "what is refused is not sent"
        assert answer.body["success"] is True, answer.text
        assert answer.body["output"] == "42\n"
        assert answer.body["model"] == "claude-haiku-5-5"
        assert answer.body["usage"]["outputTokens"] > 0
        assert any(line.startswith("Claude writes main.py") for line in answer.progress)
        assert "python" in json.dumps(model.requests[-1].body["system"] if model.requests[-1].body else "").lower()
        assert own.body["output"] == "1\n"
        assert [called.body["errorCode"] for called in (dear, dearer, unknown)] == ["cost_limit"] * 3
        assert "session" in dear.text
        assert "maxCost" in dearer.text

    run(test)


def test_a_deployed_worker(connect: Connect, cct: Cct, runtime: LocalRuntime) -> None:
    async def test() -> None:
        replies = [reply({"main.js": "console.log('there')\n"})]
        with (
            ScriptedModel(replies, pace=0) as model,
            local_worker(runtime, environment=access(model), token=TOKEN, listen="127.0.0.1:0") as worker,
        ):
            async with connect("--worker-url", worker.url, env={"CCT_TOKEN": TOKEN}) as server:
                ran = await server.run("main.py", "print('here')")
                answer = await server.call("ask_and_run", prompt=PROMPT)
                assert gateways(cct) == []
        assert ran.body["output"] == "here\n"
        assert answer.body["output"] == "there\n", answer.text

    run(test)


def test_components(connect: Connect, cct: Cct) -> None:
    agents = cct.project / ".claude" / "agents"
    agents.mkdir(parents=True)
    (agents / "own.md").write_text("---\ndescription: \x1b[31mreact\x1b[0m things of our own\n---\nBe kind.\n")

    async def test() -> None:
        async with connect() as server:
            found = await server.call("list_components", query="react", kind="agent")
            everything = await server.call("list_components")
            assert cct("add", "--agent", "debugger", "--yes").code == 0
            installed = await server.call("list_components", installed=True)
        names = {component["name"]: component for component in found.body["components"]}
        assert {"own", "development-team/react-developer"} <= set(names)
        assert names["own"]["source"] == "project"
        assert "\x1b" not in names["own"]["description"]
        assert {component["kind"] for component in found.body["components"]} == {"agent"}
        assert everything.body["total"] > 80
        assert {component["name"] for component in installed.body["components"]} == {"own", "quality/debugger"}

    run(test)


INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}


def call_line(source: str, number: int = 2) -> dict[str, Any]:
    arguments = {"files": [{"path": "main.js", "content": source}]}
    params = {"name": "run_program", "arguments": arguments, "_meta": {"progressToken": 7}}
    return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}


def lines(*messages: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(message).encode() + b"\n" for message in messages)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL, None], ids=str)
def test_stdout_is_the_protocols_and_the_worker_ends_with_the_server(cct: Cct, how: signal.Signals | None) -> None:
    process = cct.start("mcp")
    assert process.stdin is not None
    assert process.stdout is not None
    ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    forged = json.dumps({"jsonrpc": "2.0", "id": 2, "result": {"content": [], "isError": False}})
    process.stdin.write(
        lines(INITIALIZE, ready, call_line(f"console.log(`\\n{forged}\\n`); setInterval(() => 0, 1000)"))
    )
    process.stdin.flush()
    answers = []
    for line in process.stdout:
        answers.append(json.loads(line))
        if answers[-1].get("params", {}).get("message", "").startswith("stdout:"):
            break
    assert [answer["id"] for answer in answers if "id" in answer] == [1]
    assert {answer["jsonrpc"] for answer in answers} == {"2.0"}
    started = family(process)
    assert len(started) >= 3, "supervisor, Worker and sandbox"
    if how is None:
        process.stdin.close()
        process.stdin = None
    else:
        process.send_signal(how)
    out, err = process.communicate(timeout=PATIENCE)
    assert out == b"" or all(json.loads(line)["jsonrpc"] == "2.0" for line in out.splitlines())
    assert b"Traceback" not in err
    assert process.returncode == {signal.SIGINT: 130, None: 0}.get(how, -(how or 0))
    assert wait_until(lambda: not any(child.is_running() for child in started))
    assert wait_until(lambda: cct.left_behind() == [])


def test_without_the_package(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)
    assert run_cli(["mcp"]) == 3
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "pip install 'cct-cloudflare[mcp]'" in captured.err


@pytest.mark.parametrize("closed", ["<&-", ">&-"])
def test_a_closed_stream_is_told(cct: Cct, closed: str) -> None:
    shell = ["sh", "-c", f'exec "$0" mcp {closed}', cct.command()[0]]
    ended = subprocess.run(
        shell, cwd=cct.project, env=cct.environment, capture_output=True, text=True, timeout=PATIENCE
    )
    assert ended.returncode == 2
    assert "needs standard input and output" in ended.stderr


def test_contradictions_are_told_before_it_serves(cct: Cct) -> None:
    ended = cct("mcp", "--local", "--worker-url", "https://example.com")
    assert (ended.code, ended.stdout) == (2, "")
    assert cct("mcp", "--max-cost", "nan").code == 2


def test_files_that_cannot_be_saved_do_not_take_the_answer_with_them(connect: Connect, cct: Cct) -> None:
    async def test() -> None:
        async with connect() as server:
            cct.project.chmod(0o500)
            try:
                called = await server.run("main.js", "require('fs').writeFileSync('a.txt', '1'); console.log('done')")
            finally:
                cct.project.chmod(0o700)
        if called.result.is_error:  # who may write everywhere sees no error
            assert called.body["errorCode"] == "output_unwritable"
            assert "done" in called.text
        assert called.body["output"] == "done\n"

    run(test)


#: Enough for one run of the default model, not for two.
ONE_RUN = "0.25"


def test_a_call_that_nobody_is_paid_for_leaves_the_budget(connect: Connect) -> None:
    async def test() -> None:
        with ScriptedModel([], pace=0, key="sk-ant-another-one") as model:
            async with connect("--max-cost", ONE_RUN, env=access(model)) as server:
                refused = [await server.call("ask_and_run", prompt=PROMPT) for _ in range(3)]
        assert [called.body["errorCode"] for called in refused] == ["key_rejected"] * 3
        assert KEY not in refused[0].text

    run(test)


def test_a_call_that_may_have_been_paid_for_does_not(connect: Connect) -> None:
    async def test() -> None:
        fault = Fault(stream="max_tokens")
        with ScriptedModel([reply({"main.js": "1"})], faults=[fault], pace=0) as model:
            async with connect("--max-cost", ONE_RUN, env=access(model)) as server:
                codes = [(await server.call("ask_and_run", prompt=PROMPT)).body["errorCode"] for _ in range(2)]
        assert codes == ["model_truncated", "cost_limit"]

    run(test)
