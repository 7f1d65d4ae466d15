"""What this side adds to a receipt: cost at Cloudflare, the run's name, files that could not be saved."""

from __future__ import annotations

from pathlib import Path

from cct_cloudflare.errors import ConfigError
from cct_cloudflare.pricing import RunCost
from cct_cloudflare.receipt import Closing, make_receipt
from cct_cloudflare.sandbox.events import RunResult
from cct_cloudflare.sandbox.outputs import SavedFile, SavedFiles

RESULT = RunResult(True, "", "id")
SAVED = SavedFiles(Path("/out"), (SavedFile("a", 1, "new"),), ())
NOTHING = SavedFiles(None, (), ())


def facts(closing: Closing | None, saved: SavedFiles = SAVED) -> dict[str, tuple[str, ...]]:
    return dict(make_receipt(RESULT, saved, closing=closing).facts)


def test_a_run_on_this_machine_costs_nothing_at_cloudflare() -> None:
    assert "Cost" not in facts(None)
    assert "Cost" not in facts(Closing(cost=RunCost(0.01)))


def test_a_run_on_cloudflare_tells_the_most_that_it_costs_there() -> None:
    [line] = facts(Closing(cost=RunCost(0.01, 0.00204)))["Cost"]
    assert line.startswith("at most $0.0020 at Cloudflare")


def test_a_kept_run_tells_how_to_see_it() -> None:
    assert facts(Closing(history_id="0tw4yrxep"))["History"] == ("cct history show 0tw4yrxep",)
    assert "History" not in facts(Closing())


def test_files_that_could_not_be_saved_make_no_good_run() -> None:
    closing = Closing(history_id="0tw4yrxep", error=ConfigError("Read-only."))
    receipt = make_receipt(RESULT, NOTHING, closing=closing)
    assert (receipt.ok, receipt.succeeded) == (False, True)
    assert "--save FOLDER" in dict(receipt.facts)["History"][0]
