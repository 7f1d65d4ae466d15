"""`--isolation`: which of the Worker's sandboxes."""

from __future__ import annotations

import pytest

from tests.runtime import Cct, cct, runtime

__all__ = ["cct", "runtime"]

FIBONACCI = "What is the 10th Fibonacci number?"


def test_the_sandbox_that_was_asked_for_runs_the_program(cct: Cct) -> None:
    (cct.project / "main.js").write_text("console.log('hello')")
    ran = cct("run", "main.js", "--isolation", "process", "--json")
    assert (ran.code, ran.json["sandbox"], ran.json["output"]) == (0, "process", "hello\n")


@pytest.mark.parametrize("isolation", ["isolate", "container"])
@pytest.mark.parametrize("container", [False, True])
def test_this_machine_has_only_its_own(cct: Cct, isolation: str, container: bool) -> None:
    """Also for a project with the container tier, which is one of the deployed Worker."""
    cct("init", "--with-container" if container else "--without-container")
    asked = ("--sandbox", "cloudflare", "--demo", "--yes", "--prompt", FIBONACCI, "--json")
    ran = cct(*asked, "--isolation", isolation)
    assert (ran.code, ran.json["errorCode"]) == (2, "sandbox_unsupported")
    assert isolation in ran.json["error"]


def test_a_program_that_is_run_again_asks_for_the_same_sandbox(cct: Cct) -> None:
    (cct.project / "main.js").write_text("console.log('hello')")
    cct("run", "main.js", "--isolation", "isolate", "--json")
    again = cct("history", "rerun", "last", "--json")
    assert (again.code, again.json["errorCode"]) == (2, "sandbox_unsupported")


def test_a_worker_that_is_not_there_is_no_end_of_the_way(cct: Cct) -> None:
    (cct.project / "main.js").write_text("console.log('hello')")
    unreachable = {"CCT_TOKEN": "token-of-nobody", "CLOUDFLARE_WORKER_URL": "http://127.0.0.1:9"}
    ran = cct("run", "main.js", "--json", env=unreachable)
    assert ran.json["errorCode"] == "worker_unreachable"
    assert "--local" in ran.json["hint"]
    assert cct("run", "main.js", "--local", env=unreachable).stdout == "hello\n"


def test_a_sandbox_that_no_worker_has_is_a_usage_error(cct: Cct) -> None:
    ran = cct("run", "main.js", "--isolation", "none", "--json")
    assert (ran.code, ran.json["errorCode"]) == (2, "usage")
