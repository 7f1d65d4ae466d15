"""launcher.ts as a command: what it sends, what it prints where, and how it ends."""

from __future__ import annotations

import signal
import socket
from pathlib import Path
from typing import Any

import pytest

from cct_cloudflare.components.model import Kind
from cct_cloudflare.components.prompt import merge
from cct_cloudflare.components.sources import ProjectSource, resolve
from tests.sandbox.loopback import Request, answer, sse, until_gone
from tests.worker_tools.worker import (
    BEFORE_OUTPUT,
    HEALTH,
    TOKEN,
    Project,
    Ran,
    answered,
    events,
    refusal,
    sent,
    stream,
    tree,
    worker,
)


def launch(project: Project, reply: bytes, *arguments: str) -> Ran:
    with worker(reply) as server:
        return project.run("launcher.ts", "PROMPT", "--url", server.url, *arguments)


def test_a_run_that_succeeds(project: Project) -> None:
    ran = launch(project, stream(events(stderr="a warning\n")))
    assert ran.code == 0
    assert ran.stdout == "55\n"
    assert tree(project.root) == {"cloudflare-run-1/main.py": b"print(55)\n"}
    for told in ("  │ print(55)", "a warning", "The program succeeded.", "isolate", "1,200 tokens in", "$0.0081"):
        assert told in ran.stderr
    assert f"cloudflare-run-1/\n{' ' * 11}main.py, 10 B" in ran.stderr
    assert TOKEN not in ran.stdout + ran.stderr


def test_the_url_comes_from_the_environment_unless_the_flag_names_one(project: Project) -> None:
    with worker(stream(events())) as named, worker(stream(events())) as other:
        assert project.run("launcher.ts", "Q", CLOUDFLARE_WORKER_URL=named.url).code == 0
        assert project.run("launcher.ts", "Q", "--url", named.url, CLOUDFLARE_WORKER_URL=other.url).code == 0
    assert len(named.requests) == 4
    assert other.requests == []


def test_what_is_sent(project: Project) -> None:
    with worker(stream(events())) as server:
        project.run("launcher.ts", "PROMPT", "--url", server.url, "--language", "python", "--timeout", "2.5")
    assert sent(server) == {"question": "PROMPT", "language": "python", "timeout": 2500}


def test_the_prompt_from_standard_input(project: Project) -> None:
    with worker(stream(events())) as server:
        project.run("launcher.ts", "-", "--url", server.url, stdin="long é\n")
    assert sent(server) == {"question": "long é\n"}


@pytest.mark.parametrize(
    ("result", "code"),
    [
        (answered(success=False, errorCode="program_failed", exitCode=3, error="boom"), 1),
        (answered(success=False, errorCode="sandbox_crashed", exitCode=None, error="It crashed."), 1),
        (answered(success=False, errorCode="sandbox_timeout", exitCode=None, error="Stopped."), 6),
        (answered(success=False, errorCode="sandbox_oom", exitCode=None, error="Too much."), 6),
        (answered(refusedFiles=[{"path": "../x", "reason": "leaves its folder"}]), 7),
        (answered(success=False, errorCode="sandbox_oom", refusedFiles=[{"path": "../x", "reason": "is"}]), 7),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_how_a_run_ended_is_the_exit_code(project: Project, result: dict[str, Any], code: int, as_json: bool) -> None:
    ran = launch(project, stream(events(result)), *["--json"] * as_json)
    assert ran.code == code
    assert tree(project.root) == {"cloudflare-run-1/main.py": b"print(55)\n"}


@pytest.mark.parametrize(
    ("reply", "code", "error"),
    [
        (refusal(401, "unauthorized"), 3, "unauthorized"),
        (refusal(503, "not_configured"), 3, "not_configured"),
        (refusal(502, "key_rejected"), 3, "key_rejected"),
        (refusal(400, "invalid_request"), 2, "invalid_request"),
        (refusal(429, "too_many_runs"), 4, "too_many_runs"),
        (refusal(418, "invented_later"), 4, "invented_later"),
        (refusal(502, "model_refused"), 5, "model_refused"),
        (stream(BEFORE_OUTPUT), 4, "stream_ended"),
        (answer(200, b"hello", "text/html"), 4, "worker_invalid"),
    ],
)
def test_errors_have_their_exit_code_and_one_json_object(project: Project, reply: bytes, code: int, error: str) -> None:
    ran = launch(project, reply, "--json")
    assert (ran.code, ran.stderr) == (code, "")
    assert ran.json["success"] is False
    assert ran.json["errorCode"] == error
    assert ran.json.keys() == {"success", "error", "errorCode", "hint", "retryable"}
    assert tree(project.root) == {}
    plain = launch(project, reply)
    assert (plain.code, plain.stdout) == (code, "")
    assert "Error: " in plain.stderr
    assert f"Hint:  {ran.json['hint']}\n" in plain.stderr


def test_json_is_the_answer_and_what_was_saved(project: Project) -> None:
    result = answered(
        output="\x1b]52;c;x\x07\x9b2Jé\u202e", refusedFiles=[{"path": "../x", "reason": "leaves its folder"}]
    )
    ran = launch(project, stream(events(result, stdout=result["output"])), "--json")
    assert (ran.code, ran.stderr) == (7, "")
    assert ran.stdout.count("\n") == 1
    assert ran.stdout.isascii()
    assert "\x1b" not in ran.stdout
    assert ran.json == {
        **result,
        "savedFiles": [{"path": "main.py", "bytes": 10, "status": "new"}],
        "outputDirectory": str(project.root / "cloudflare-run-1"),
    }


def test_nothing_that_arrives_steers_the_terminal(project: Project) -> None:
    evil = "\x1b]0;title\x07\x1b[2J\x9b1m\u202e"
    result = answered(
        success=False,
        errorCode="sandbox_timeout",
        error=f"Stopped{evil}.",
        isolation=f"iso{evil}",
        model=f"model{evil}",
        refusedFiles=[{"path": f"../{evil}", "reason": f"is{evil}"}],
    )
    told = [
        ("started", {**BEFORE_OUTPUT[0][1], "isolation": f"iso{evil}"}),
        ("generation", {"path": f"p{evil}", "delta": f"code{evil}\x1b]0;"}),
        ("generation", {"path": f"p{evil}", "delta": "swallowed\x07rest\n"}),
        ("stdout", {"text": f"out{evil}\r\x1b]0;never ended"}),
        ("stderr", {"text": f"err{evil}"}),
        ("result", result),
    ]
    ran = launch(project, stream(told))
    assert ran.code == 7
    assert ran.stdout == "out\n"
    for character in "\x1b\x07\x9b\u202e\r":
        assert character not in ran.stderr
    assert "title" not in ran.stderr
    assert "  │ code" in ran.stderr
    assert "rest" in ran.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        [""],
        [" \n"],
        ["two", "prompts"],
        ["Q", "--unknown"],
        ["Q", "--language", "cobol"],
        ["Q", "--timeout", "0"],
        ["Q", "--timeout", "301"],
        ["Q", "--timeout", "soon"],
        ["Q", "--timeout", ""],
        ["Q", "--timeout=-1"],
        ["x" * 100_001],
        ["Q", "--agent", "nobody"],
        ["Q", "--agent", "../../etc/passwd"],
        ["Q", "--output", ".claude/sandbox/cloudflare/package.json"],
    ],
)
def test_a_wrong_command_line_sends_nothing(project: Project, arguments: list[str]) -> None:
    with worker(stream(events())) as server:
        ran = project.run("launcher.ts", *arguments, "--json", CLOUDFLARE_WORKER_URL=server.url)
    assert ran.code == 2
    assert ran.json["errorCode"] in {"usage", "component_invalid", "component_not_found"}
    assert server.requests == []


def test_standard_input_that_is_no_text_sends_nothing(project: Project) -> None:
    with worker(stream(events())) as server:
        assert project.run("launcher.ts", "-", "--url", server.url, stdin="x" * 400_001).code == 2
    assert server.requests == []


@pytest.mark.parametrize("tool", ["launcher.ts", "monitor.ts"])
def test_help_needs_nothing(project: Project, tool: str) -> None:
    ran = project.run(tool, "--help", CCT_TOKEN="")
    assert (ran.code, ran.stderr) == (0, "")
    assert "--url" in ran.stdout


@pytest.mark.parametrize("tool", ["launcher.ts", "monitor.ts"])
def test_no_worker_says_what_to_do(project: Project, tool: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    ran = project.run(tool, "Q", CLOUDFLARE_WORKER_URL=url)
    assert (ran.code, ran.stdout) == (4, "")
    assert "npm run dev" in ran.stderr
    assert "CLOUDFLARE_WORKER_URL" in ran.stderr
    assert tree(project.root) == {}


def test_plain_http_to_another_machine_is_refused(project: Project) -> None:
    ran = project.run("launcher.ts", "Q", "--url", "http://192.0.2.1:8787")
    assert ran.code == 3
    assert "https" in ran.stderr


@pytest.mark.parametrize("tool", ["launcher.ts", "monitor.ts"])
def test_no_token_is_said_before_anything_is_asked(project: Project, tool: str) -> None:
    with worker(stream(events())) as server:
        ran = project.run(tool, "Q", "--url", server.url, CCT_TOKEN="")
    assert ran.code == 3
    assert "CCT_TOKEN" in ran.stderr
    assert [request.line for request in server.requests] == ["GET /health HTTP/1.1"]


def test_the_token_goes_to_no_server_that_is_not_a_worker_of_ours(project: Project) -> None:
    with worker(stream(events()), health=answer(200, b"<html>hello</html>", "text/html")) as server:
        ran = project.run("launcher.ts", "Q", "--url", server.url)
    assert ran.code == 4
    assert [request.line for request in server.requests] == ["GET /health HTTP/1.1"]
    assert "authorization" not in server.requests[0].headers


def test_ctrl_c_ends_the_run_at_the_worker(project: Project) -> None:
    closed = []

    def handler(connection: socket.socket, _: Request) -> None:
        connection.sendall(stream([*BEFORE_OUTPUT, ("stdout", {"text": "begun\n"})]))
        until_gone(connection)
        closed.append(True)

    with worker(handler) as server:
        process = project.start("launcher.ts", "Q", "--url", server.url)
        with process:
            assert process.stdout
            assert process.stdout.readline() == b"begun\n"
            process.send_signal(signal.SIGINT)
            stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert closed == [True]
    assert stdout == b""
    assert b"Interrupted" in stderr
    assert tree(project.root) == {}


def test_a_reader_that_has_enough_is_no_error(project: Project) -> None:
    def handler(connection: socket.socket, _: Request) -> None:
        connection.sendall(stream([*BEFORE_OUTPUT, ("stdout", {"text": "first\n"})]))
        while True:
            connection.sendall(sse("stdout", {"text": "more\n" * 1000}))

    with worker(handler) as server:
        process = project.start("launcher.ts", "Q", "--url", server.url)
        with process:
            assert process.stdout
            assert process.stderr
            assert process.stdout.readline() == b"first\n"
            process.stdout.close()
            assert b"Error" not in process.stderr.read()
    assert process.returncode == 0


AGENTS = {
    "python-developer.md": "---\nname: python-developer\nmodel: opus\n---\n\n\n  You write Python.\n\n",
    "team/reviewer.md": '\ufeff---\r\ndescription: a: b: c\r\nmodel: "inherit"\r\n---\r\nYou review.\r\n</agent>\r\n',
    "team/prose.md": "---\nNo metadata here, only a rule.\n---\nText.\n",
    "bare.md": "Just text, --- no frontmatter.\n",
    "open.md": "---\nname: open\nNever closed.\n",
}


def write_agents(project: Project, agents: dict[str, str]) -> None:
    for name, content in agents.items():
        file = project.root / ".claude" / "agents" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode())


@pytest.mark.parametrize(
    "names",
    [
        ["python-developer"],
        ["team/reviewer"],
        ["prose"],
        ["bare"],
        ["open"],
        ["reviewer", "python-developer"],
        ["REVIEWER", "bare.md", "open", "reviewer"],
    ],
)
def test_agents_are_sent_as_cct_sends_them(project: Project, names: list[str]) -> None:
    write_agents(project, AGENTS)
    with worker(stream(events())) as server:
        ran = project.run("launcher.ts", "Q", "--url", server.url, "--agent", ",".join(names))
    assert ran.code == 0
    agents = resolve(names, Kind.AGENT, [ProjectSource(project.root)])
    merged = merge(agents, [], "Q", project.root)
    body = sent(server)
    assert body["system"] == merged.system
    assert ("model" in body) == (merged.model is not None)
    assert body.get("model") in (None, "opus")


def test_agents_of_the_nearest_project_above(project: Project) -> None:
    write_agents(project, AGENTS)
    below = project.root / "packages" / "a"
    below.mkdir(parents=True)
    with worker(stream(events())) as server:
        assert project.run("launcher.ts", "Q", "--url", server.url, "--agent", "bare", cwd=below).code == 0
    assert "Just text" in sent(server)["system"]
    assert tree(project.root) == {"packages/a/cloudflare-run-1/main.py": b"print(55)\n"}


def test_the_home_folder_is_no_project_of_what_lies_below_it(project: Project) -> None:
    write_agents(project, AGENTS)
    below = project.root / "work"
    below.mkdir()
    with worker(stream(events())) as server:
        arguments = ("launcher.ts", "Q", "--url", server.url, "--agent", "bare")
        assert project.run(*arguments, cwd=below, HOME=str(project.root)).code == 2
        assert project.run(*arguments, cwd=project.root, HOME=str(project.root)).code == 0


def test_npm_run_launch_works_for_the_folder_where_the_user_stands(project: Project) -> None:
    """npm changes into the Worker's folder and keeps the user's in INIT_CWD; files do not go below .claude."""
    write_agents(project, AGENTS)
    npm = {"npm_lifecycle_event": "launch"}
    below = project.root / "src"
    below.mkdir()
    with worker(stream(events())) as server:
        arguments = ("launcher.ts", "Q", "--url", server.url, "--agent", "bare")
        assert project.run(*arguments, cwd=project.folder, INIT_CWD=str(below), **npm).code == 0
        assert project.run(*arguments, cwd=project.folder, INIT_CWD=str(project.folder), **npm).code == 0
    assert tree(project.root).keys() == {"src/cloudflare-run-1/main.py", "cloudflare-run-1/main.py"}
    assert not [path for path in project.folder.iterdir() if path.name.startswith("cloudflare-")]


def test_one_bare_name_for_two_agents_is_an_error(project: Project) -> None:
    write_agents(project, {"a/dev.md": "A", "b/dev.md": "B"})
    ran = project.run("launcher.ts", "Q", "--agent", "dev", "--json")
    assert (ran.code, ran.json["errorCode"]) == (2, "component_ambiguous")
    assert "a/dev, b/dev" in ran.json["error"]


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a\0b", b"x" * (256 * 1024 + 1)])
def test_an_agent_that_is_no_text_is_an_error(project: Project, content: bytes) -> None:
    write_agents(project, {"odd.md": ""})
    (project.root / ".claude" / "agents" / "odd.md").write_bytes(content)
    ran = project.run("launcher.ts", "Q", "--agent", "odd", "--json")
    assert (ran.code, ran.json["errorCode"]) == (2, "component_invalid")


def test_links_that_leave_the_project_are_not_read(project: Project, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.md").write_text("SECRET")
    write_agents(project, {"inside.md": "INSIDE"})
    agents = project.root / ".claude" / "agents"
    (agents / "secret.md").symlink_to(outside / "secret.md")
    (agents / "folder").symlink_to(outside)
    (agents / "circle").symlink_to(agents)
    (agents / "alias.md").symlink_to(agents / "inside.md")
    for name in ("secret", "folder/secret"):
        ran = project.run("launcher.ts", "Q", "--agent", name, "--json")
        assert (ran.code, ran.json["errorCode"]) == (2, "component_not_found")
    with worker(stream(events())) as server:
        assert project.run("launcher.ts", "Q", "--url", server.url, "--agent", "alias").code == 0
    assert "INSIDE" in sent(server)["system"]


def test_the_health_of_the_test_server_is_what_the_worker_answers() -> None:
    """The fields that the tools rely on, held against the Worker's own source."""
    source = (Path(__file__).parents[2] / "templates/cloudflare/src/index.ts").read_text()
    health = source.partition("app.get('/health'")[2].partition("app.post")[0]
    assert all(f"{name}:" in health or f"{name}," in health for name in HEALTH)
