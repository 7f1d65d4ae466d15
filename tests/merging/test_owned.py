"""The record of what is owned comes from a lock file, which is anybody's text."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cct_cloudflare.merging.merge import unmerge
from cct_cloudflare.merging.model import MergeRefusedError, Owned
from tests.merging.strategies import anything, laws, odd_files, setting_files

VALUE = {"form": "value", "at": ["model"], "value": "x", "replaced": [None]}
DEEP: Any = []
for _ in range(5000):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {"pieces": {}},
        {"pieces": [1]},
        {"pieces": [{}]},
        {"pieces": [VALUE] * 10_001},
        {"pieces": [{**VALUE, "form": "other"}]},
        {"pieces": [{**VALUE, "form": ["value"]}]},
        {"pieces": [{**VALUE, "at": []}]},
        {"pieces": [{**VALUE, "at": ["a", 1]}]},
        {"pieces": [{**VALUE, "at": "model"}]},
        {"pieces": [{**VALUE, "group": {}}]},
        {"pieces": [{"form": "hook", "at": ["hooks", "Stop"], "value": {}}]},
        {"pieces": [{"form": "value", "at": ["model"], "replaced": [None]}]},
        {"pieces": [{**VALUE, "value": DEEP}]},
        {"pieces": [{**VALUE, "replaced": []}]},
        {"pieces": [{**VALUE, "replaced": None}]},
        {"pieces": [{**VALUE, "replaced": [None, "1"]}]},
        {"pieces": [{**VALUE, "replaced": [1]}]},
        {"pieces": [{**VALUE, "replaced": ['1, "hooks": {}']}]},
        {"pieces": [{**VALUE, "replaced": ["1 //"]}]},
        {"pieces": [{**VALUE, "replaced": [""]}]},
        {"pieces": [{**VALUE, "at": ["a"] * 101}]},
        {"pieces": [{**VALUE, "wantedAt": []}]},
        {"pieces": [{**VALUE, "wantedAt": ["other"]}]},
        {"pieces": [{**VALUE, "renamable": True, "wantedAt": ["env", "A"]}]},
        {"containers": [{"at": [1], "was": None}]},
        {"containers": [{"at": ["env"], "was": ""}]},
        {"containers": [{"at": ["env"], "was": "1"}]},
        {"containers": [{"at": ["env"], "was": '{"A": "1"}'}]},
        {"containers": [{"at": ["env"], "was": '{}, "hooks": {}'}]},
        {"containers": [{"at": [], "was": "// x"}]},
        {"containers": [{"at": [], "was": 1}]},
        {"declined": [{"form": "value"}]},
    ],
)
def test_what_cannot_be_a_record_is_refused(data: Any) -> None:
    with pytest.raises(ValueError):
        Owned.from_json(data)


_paths = st.lists(st.sampled_from(("permissions", "allow", "env", "hooks", "Stop", "model", "DEBUG")), max_size=3)
_raw = st.one_of(st.none(), st.sampled_from(("{}", "[ ]", "{/* x */}", "", " ", '"x"', "1")))
_records = st.fixed_dictionaries(
    {
        "pieces": st.lists(
            st.fixed_dictionaries(
                {"form": st.sampled_from(("value", "entry", "hook")), "at": _paths, "value": anything},
                optional={"group": st.just({"matcher": "Bash"}), "replaced": st.lists(_raw, min_size=1, max_size=2)},
            ),
            max_size=4,
        ),
        "containers": st.lists(st.fixed_dictionaries({"at": _paths, "was": _raw}), max_size=3),
    }
)


@laws
@given(st.one_of(setting_files, odd_files), _records)
def test_a_record_that_fits_nothing_harms_nothing(text: bytes | None, data: Any) -> None:
    try:
        owned = Owned.from_json(data)
    except ValueError:
        return
    try:
        left = unmerge(text, owned)
    except MergeRefusedError:
        return
    assert left.text is None or unmerge(left.text, Owned()).text == left.text
