"""A report that Playwright 1.65.1 wrote for four tests (its machine's folder was replaced), and broken ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.components.skills.script import run

FAILURES = "testing/playwright/failures"
REPORT = Path(__file__).with_name("playwright-report.json")


def real() -> dict[str, Any]:
    report: dict[str, Any] = json.loads(REPORT.read_text(encoding="utf-8"))
    return report


def failures(report: object, cwd: Path, *arguments: str) -> tuple[int, str]:
    (cwd / "report.json").write_text(json.dumps(report))
    result = run(FAILURES, "report.json", *arguments, cwd=cwd)
    assert "Traceback" not in result.stderr
    return result.returncode, result.stdout


def test_what_failed_and_what_is_flaky_with_error_place_and_files(tmp_path: Path) -> None:
    status, text = failures(real(), tmp_path)
    assert status == 1
    lines = text.splitlines()
    assert lines[0] == "4 passed, 1 failed, 1 flaky, 1 skipped"
    head = (
        "failed, 2 tries: shop.spec.ts:11 › shop › removes a pear [chromium], at /home/ann/shop/tests/shop.spec.ts:14"
    )
    assert lines[2] == head
    assert lines[3] == "    Error: expect(locator).toBeVisible() failed"
    assert "    Expected: visible" in lines
    assert sum(line.endswith("error-context.md") for line in lines) == 3
    assert sum(line.endswith("trace.zip") for line in lines) == 1
    assert "flaky, 2 tries: shop.spec.ts:16 › shop › comes and goes [chromium]" in text
    assert "greets" not in text and "later" not in text
    assert "\x1b" not in text


def test_flaky_tests_alone_are_no_failure(tmp_path: Path) -> None:
    report = real()
    specs = report["suites"][0]["suites"][0]["specs"]
    specs[:] = [spec for spec in specs if spec["title"] != "removes a pear"]
    status, text = failures(report, tmp_path)
    assert status == 0 and "comes and goes" in text


def test_tests_with_one_error_stand_together(tmp_path: Path) -> None:
    report = real()
    specs = report["suites"][0]["suites"][0]["specs"]
    broken = next(spec for spec in specs if spec["title"] == "removes a pear")
    specs += [{**broken, "title": f"copy {number}", "line": 20 + number} for number in range(5)]
    _, text = failures(report, tmp_path)
    assert text.count("toBeVisible() failed") == 1
    assert all(f"copy {number}" in text for number in range(5))
    _, short = failures(report, tmp_path, "--limit", "1")
    assert "… and 5 more with this error" in short and short.endswith("1 more errors were left out\n")


def test_an_error_outside_of_tests_and_a_test_that_should_have_failed(tmp_path: Path) -> None:
    report = real()
    report["errors"] = [{"message": "Error: \x1b[31mNo tests\x1b[39m found\x07"}, {"value": "thrown"}]
    test = report["suites"][0]["suites"][0]["specs"][0]["tests"][0]
    test["status"] = "unexpected"
    status, text = failures(report, tmp_path)
    assert status == 1
    assert "outside of a test:\n    Error: No tests found\\x07" in text and "    thrown" in text
    assert "it passed, and should have failed" in text


def test_paths_below_the_working_directory_are_short(tmp_path: Path) -> None:
    text = json.dumps(real()).replace("/home/ann/shop", str(tmp_path))
    _, out = failures(json.loads(text), tmp_path)
    assert "at tests/shop.spec.ts:14" in out and "\n    test-results/" in out


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b"null", b'{"stats": {}, "suites": [3]}', b"\xff", b"[" * 100_000]
)
def test_what_is_no_report_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(content)
    result = run(FAILURES, "x.json", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert "it is no JSON report of Playwright" in result.stderr and "Traceback" not in result.stderr
    assert run(FAILURES, "missing.json", cwd=tmp_path).returncode == 2
