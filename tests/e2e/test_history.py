"""Runs as the real `cct` keeps them, sends them again, and loses nothing of them."""

from __future__ import annotations

import json
import re
import signal
import sqlite3
import zlib
from pathlib import Path

import pytest

from cct_cloudflare.estimates import estimate
from cct_cloudflare.scripted import ScriptedModel
from cct_cloudflare.scripted.faults import Fault
from tests.runtime import PROMPT, Cct, Finished, access, ask, end, reply, wait_until

SAID = 'console.log("said");'
#: Not the canary: this one is printed on purpose.
OTHER_KEY = "sk-ant-api03-that-a-program-prints"


def last(cct: Cct) -> dict[str, object]:
    return cct("history", "show", "last", "--json").json


def file_of(cct: Cct) -> Path:
    return cct.home / ".local" / "share" / "cct-cloudflare" / "history.db"


def test_a_prompt_is_kept_and_its_answer_names_it(cct: Cct) -> None:
    with ScriptedModel([reply({"main.js": SAID})], pace=0) as model:
        done = ask(cct, model, "--json", "--agent", "python-developer", "--max-tokens", "2000", "--timeout", "5")
    assert done.code == 0
    kept = last(cct)
    assert kept["id"] == done.json["historyId"]
    assert (kept["kind"], kept["place"], kept["demo"], kept["status"]) == (
        "execute",
        "this machine",
        False,
        "succeeded",
    )
    assert (kept["prompt"], kept["output"]) == (PROMPT, "said\n")
    assert kept["request"] == {"maxTokens": 2000, "timeout": 5000}
    [component] = json.loads(json.dumps(kept["components"]))
    assert component["name"] == "development-team/python-developer"
    assert re.fullmatch(r"[0-9a-f]{64}", component["sha256"])
    assert kept["files"] == [{"path": "main.js", "bytes": len(SAID), "content": SAID}]
    assert kept["cost"] == done.json["cost"]
    assert done.json["cost"]["claudeUsd"] == done.json["usage"]["costUsd"]
    assert str(kept["outputDirectory"]).endswith(f"cloudflare-{done.json['sandboxId']}")


def test_the_receipt_tells_how_to_see_a_run_again(cct: Cct) -> None:
    (cct.project / "main.js").write_text(SAID)
    done = cct("run", "main.js")
    found = re.search(r"cct history show (\w{9})", done.stderr)
    assert found is not None
    shown = cct("history", "show", found[1])
    assert shown.code == 0
    assert "│ " + SAID in shown.stdout


def test_neither_key_nor_token_is_kept(cct: Cct) -> None:
    with ScriptedModel([reply({"main.js": f"console.log('{OTHER_KEY}')"})], pace=0) as model:
        done = cct(
            "--prompt", f"{PROMPT}", "--anthropic-api-key", OTHER_KEY, "--json", env={"ANTHROPIC_BASE_URL": model.url}
        )
    assert OTHER_KEY in done.json["output"], "the program does know it, so this test can fail"
    kept = json.dumps(last(cct))
    assert OTHER_KEY not in kept
    assert "[redacted]" in kept
    connection = sqlite3.connect(file_of(cct))
    stored = [zlib.decompress(body) for (body,) in connection.execute("SELECT body FROM texts")]
    stored += [str(row).encode() for row in connection.execute("SELECT * FROM runs")]
    stored += [
        str(row).encode() for table in ("details", "words") for row in connection.execute(f"SELECT * FROM {table}")
    ]
    connection.close()
    assert len(stored) >= 6
    assert not any(OTHER_KEY.encode() in data for data in stored)


def test_ctrl_c_keeps_what_had_been_written(cct: Cct) -> None:
    long = "// a line of the program\n" * 2000
    with ScriptedModel([reply({"main.js": long})], pace=0.02) as model:
        process = cct.start("--prompt", PROMPT, "--yes", env=access(model))
        assert process.stderr is not None
        shown = b""
        while b"a line of the program" not in shown:
            shown += process.stderr.read1(65536)  # type: ignore[attr-defined]
        done = end(process, signal.SIGINT)
    assert done.code == 130
    kept = last(cct)
    assert (kept["status"], kept["exitCode"], kept["errorCode"]) == ("interrupted", 130, "interrupted")
    [file] = json.loads(json.dumps(kept["files"]))
    assert file["content"].startswith("// a line of the program")
    assert len(file["content"]) < len(long)


def test_a_killed_cct_leaves_its_run_unfinished(cct: Cct) -> None:
    with ScriptedModel([reply({"main.js": "//\n" * 2000})], pace=0.02) as model:
        process = cct.start("--prompt", PROMPT, "--yes", env=access(model))
        assert wait_until(lambda: _has_runs(file_of(cct)))
        end(process, signal.SIGKILL)
        assert wait_until(lambda: cct.left_behind() == [])
    assert "unfinished" in cct("history").stdout
    (cct.project / "main.js").write_text(SAID)
    assert cct("run", "main.js", "--json").json["historyId"]


def _has_runs(file: Path) -> bool:
    if not file.exists():
        return False
    connection = sqlite3.connect(file)
    try:
        return bool(connection.execute("SELECT count(*) FROM runs").fetchone()[0])
    except sqlite3.OperationalError:  # its tables are not made yet
        return False
    finally:
        connection.close()


def test_a_generation_that_fails_is_kept(cct: Cct) -> None:
    overloaded = Fault(status=529)
    with ScriptedModel([reply({"main.js": SAID})], pace=0, faults=[overloaded] * 3) as model:
        done = ask(cct, model, "--json")
    assert done.json["errorCode"] == "model_overloaded"
    kept = last(cct)
    assert (kept["status"], kept["errorCode"], kept["exitCode"]) == ("error", "model_overloaded", 5)


def test_a_worker_that_is_not_there_is_kept(cct: Cct) -> None:
    argv = ["--prompt", PROMPT, "--yes", "--json", "--worker-url", "http://127.0.0.1:9"]
    done = cct(*argv, env={"CCT_TOKEN": "token-of-nobody"})
    assert done.json["errorCode"] == "worker_unreachable"
    kept = last(cct)
    assert (kept["status"], kept["errorCode"], kept["exitCode"]) == ("error", "worker_unreachable", 4)
    assert (kept["place"], kept["workerUrl"]) == ("http://127.0.0.1:9", "http://127.0.0.1:9")
    again = cct("history", "rerun", "last", "--json", "--yes", env={"CCT_TOKEN": "token-of-nobody"})
    assert again.json["errorCode"] == "worker_unreachable", "it runs where it ran"


def unsaved(cct: Cct, *argv: str) -> Finished:
    """A run whose folder for files cannot be made."""
    (cct.project / "taken").write_text("a file")
    with ScriptedModel([reply({"main.js": SAID, "notes.md": "of the program"})], pace=0) as model:
        return ask(cct, model, "--output", "taken/out", *argv)


def test_an_answer_is_not_lost_with_its_files(cct: Cct) -> None:
    done = unsaved(cct, "--json")
    assert done.code == 3
    answer = done.json
    assert (answer["success"], answer["errorCode"], answer["programError"]) == (False, "output_unwritable", None)
    assert (answer["output"], answer["code"], answer["exitCode"]) == ("said\n", SAID, 0)
    assert {file["path"] for file in answer["files"]} == {"main.js", "notes.md"}
    assert done.raw.count(b"\n") == 1
    shown = cct("history", "show", answer["historyId"], "--save", "rescued")
    assert shown.code == 0
    assert cct.files()["rescued/notes.md"] == b"of the program"


def test_on_a_screen_the_files_that_could_not_be_saved_are_not_lost_either(cct: Cct) -> None:
    done = unsaved(cct)
    assert (done.code, done.stdout) == (3, "said\n")
    assert "--save FOLDER" in done.stderr
    assert "Error: The files could not be saved" in done.stderr
    assert "✓" not in done.stderr


def test_a_history_that_cannot_be_written_fails_no_run(cct: Cct) -> None:
    file_of(cct).parent.parent.mkdir(parents=True)
    file_of(cct).parent.write_text("in the way")
    (cct.project / "main.js").write_text(SAID)
    done = cct("run", "main.js", "--json")
    assert (done.code, done.json["output"], done.json["historyId"]) == (0, "said\n", None)
    assert done.stderr.count("This run is not kept") == 1
    assert cct("run", "main.js", "--quiet", "--no-history").stderr == ""
    assert cct("run", "main.js", "--quiet", env={"CCT_NO_HISTORY": "1"}).stderr == ""


# Once more


def test_a_prompt_is_sent_again_word_for_word(cct: Cct) -> None:
    agent = cct.project / ".claude" / "agents" / "mine.md"
    agent.parent.mkdir(parents=True)
    agent.write_text("---\nname: mine\n---\nBe brief.\n")
    (cct.project / "notes.txt").write_text("as it was then\n")
    prompt = f"{PROMPT} @notes.txt"
    with ScriptedModel([reply({"main.js": SAID})], pace=0) as model:
        first = ask(cct, model, "--json", "--agent", "mine", "--max-tokens", "3000", prompt=prompt)
        assert first.code == 0, first.stderr
        agent.write_text("---\nname: mine\n---\nBe long.\n")
        (cct.project / "notes.txt").unlink()
        again = cct("history", "rerun", "last", "--json", "--yes", env=access(model))
        other = cct("history", "rerun", "last", "--json", "--yes", "--model", "opus", env=access(model))
    assert (again.code, again.json["output"]) == (0, "said\n"), again.stderr
    assert "agent mine has changed since" in again.stderr
    bodies = [request.body or {} for request in model.requests]
    assert bodies[0] == bodies[1]
    assert {**bodies[2], "model": bodies[0]["model"]} | {"output_config": 0, "tools": 0} == {**bodies[0]} | {
        "output_config": 0,
        "tools": 0,
    }
    assert bodies[2]["model"].startswith("claude-opus")
    assert bodies[0]["max_tokens"] == 3000
    kept = last(cct)
    assert kept["prompt"] == prompt
    assert [component["name"] for component in kept["components"]] == ["mine"]  # type: ignore[attr-defined]
    assert other.json["historyId"] == kept["id"]


def test_a_program_of_ones_own_runs_again_though_its_file_has_gone(cct: Cct) -> None:
    (cct.project / "main.js").write_text(SAID)
    assert cct("run", "main.js", "--timeout", "7").code == 0
    (cct.project / "main.js").unlink()
    again = cct("history", "rerun", "last", "--json")
    assert (again.code, again.json["output"]) == (0, "said\n")
    assert last(cct)["request"] == {"language": "javascript", "timeout": 7000}


def test_a_demo_is_a_demo_again_and_needs_no_key(cct: Cct) -> None:
    prompt = "What is the 10th Fibonacci number?"
    assert cct("--demo", "--yes", "--prompt", prompt).code == 0
    again = cct("history", "rerun", "last", "--yes", "--json")
    assert again.code == 0, again.stderr
    assert "55" in again.json["output"]
    assert last(cct)["demo"] is True
    stats = cct("stats", "--json").json
    assert (stats["runs"], stats["demoRuns"]) == (0, 2)


def test_a_program_that_was_only_written_is_kept_and_only_written_again(cct: Cct) -> None:
    with ScriptedModel([reply({"main.js": SAID})], pace=0) as model:
        assert ask(cct, model, "--direct").code == 0
        again = cct("history", "rerun", "last", "--json", env=access(model))
    assert again.code == 0, again.stderr
    kept = last(cct)
    assert (kept["kind"], kept["output"]) == ("direct", "")
    assert len(model.requests) == 2


# What it may cost


@pytest.mark.parametrize("argv", [[], ["--language", "python"], ["--agent", "frontend-developer"]])
def test_the_bound_on_what_is_sent_holds(cct: Cct, argv: list[str]) -> None:
    with ScriptedModel([reply({"main.py": "print(1)"}, language="python")], pace=0) as model:
        assert ask(cct, model, "--max-cost", "1", *argv).code == 0
    body = model.requests[0].body or {}
    sent = len(json.dumps([body["system"], body["messages"], body["tools"]], ensure_ascii=False).encode())
    kept = last(cct)
    expected = estimate(str(kept["question"]), kept["system"])  # type: ignore[arg-type]
    assert sent < expected.input_tokens_at_most
    assert expected.input_tokens > sent / 6, "the guess is of the right size"


def test_what_can_cost_more_than_it_may_is_not_sent(cct: Cct) -> None:
    with ScriptedModel([reply({"main.js": SAID})], pace=0) as model:
        for extra in ([], ["--direct"], ["--dry-run"]):
            done = ask(cct, model, "--max-cost", "0.05", "--json", *extra)
            assert (done.code, done.json["errorCode"]) == (2, "cost_limit")
        suggested = re.search(r"--max-tokens \d+", done.json["hint"])
        assert suggested is not None
        assert model.requests == []
        assert ask(cct, model, "--max-cost", "0.05", *suggested[0].split()).code == 0
