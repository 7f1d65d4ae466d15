from __future__ import annotations

import json
import re
import subprocess

import pytest

from cct_cloudflare.errors import CODES, CctError, ConfigError, Exit, UnsafeError, UsageError, WorkerError, exit_for
from cct_cloudflare.resources import templates_dir
from cct_cloudflare.sandbox.events import parse_error
from cct_cloudflare.sandbox.hints import OWN_HINTS
from cct_cloudflare.sandbox.toolchain import find_node
from cct_cloudflare.sandbox.wire import Fields
from cct_cloudflare.terminal import render_error


@pytest.fixture(scope="module")
def worker_codes() -> dict[str, dict[str, object]]:
    """The Worker's own registry, read by the language that it is written in."""
    source = (templates_dir() / "cloudflare" / "src" / "errors.ts").as_uri()
    script = f"import {{ERRORS}} from {json.dumps(source)}; console.log(JSON.stringify(ERRORS))"
    node = find_node()
    answer = subprocess.run(
        [node, "--experimental-transform-types", "--no-warnings", "--input-type=module", "-e", script],
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(json.loads(answer.stdout))


def test_both_registries_hold_the_same(worker_codes: dict[str, dict[str, object]]) -> None:
    ours = {code: (spec.status, spec.retryable) for code, spec in CODES.items() if spec.status is not None}
    assert ours == {code: (spec["status"], spec["retryable"]) for code, spec in worker_codes.items()}


def test_every_code_of_the_worker_says_what_to_do_next(worker_codes: dict[str, dict[str, object]]) -> None:
    assert all(str(spec["hint"]).endswith((".", "CCT_TOKEN", "ANTHROPIC_API_KEY")) for spec in worker_codes.values())


def test_what_cct_says_of_a_worker_s_error_names_its_own_options(worker_codes: dict[str, dict[str, object]]) -> None:
    """The Worker's hints are for who speaks its API."""
    for code, spec in worker_codes.items():
        body = {"error": "No.", "errorCode": code, "hint": spec["hint"]}
        hint = parse_error(Fields.parse(json.dumps(body), "the error")).hint
        assert hint
        assert not re.search(r'GET /|wrangler secret|Bearer|"[a-zA-Z]+"|maxTokens', hint), code
    assert OWN_HINTS.keys() <= worker_codes.keys()


def test_a_hint_may_be_a_list_and_no_line_of_it_looks_like_another_error() -> None:
    error = UsageError("No.", hint="It knows:\nError: one\ntwo\x1b[31m")
    assert render_error(error) == "Error: No.\nHint:  It knows:\n       Error: one\n       two\n"


def test_generation_errors_are_exit_5() -> None:
    assert {exit_for(code) for code in CODES if code.startswith("model_")} == {Exit.GENERATION}


@pytest.mark.parametrize(
    ("error", "code"),
    [(UsageError, 2), (ConfigError, 3), (WorkerError, 4), (UnsafeError, 7)],
)
def test_each_class_has_its_exit_code(error: type[CctError], code: int) -> None:
    assert error("Something.").exit_code == code


def test_a_code_of_a_newer_worker_counts_as_the_workers_trouble() -> None:
    assert exit_for("invented_later") == Exit.WORKER


def test_the_json_form_is_the_workers() -> None:
    error = WorkerError("It broke.", hint="Try again.", code="model_failed", retryable=True)
    assert error.to_json() == {
        "success": False,
        "error": "It broke.",
        "errorCode": "model_failed",
        "hint": "Try again.",
        "retryable": True,
    }


@pytest.mark.parametrize(("given", "told"), [(None, True), (False, False)])
def test_what_a_code_says_of_trying_again_holds_unless_somebody_knows_better(given: bool | None, told: bool) -> None:
    assert WorkerError("It broke.", code="model_failed", retryable=given).retryable is told


def test_nobody_knows_whether_a_code_of_a_newer_worker_is_worth_another_try() -> None:
    assert not WorkerError("It broke.", code="invented_later").retryable
