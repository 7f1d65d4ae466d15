from __future__ import annotations

from pathlib import Path

import pytest

from cct_cloudflare import scaffold
from cct_cloudflare.pricing import default_model, resolve_model
from cct_cloudflare.scaffold.layout import target_of
from cct_cloudflare.scaffold.variables import project_model, worker_variables


def _write(project: Path, text: str) -> Path:
    target = target_of(project)
    target.mkdir(parents=True, exist_ok=True)
    (target / "wrangler.toml").write_text(text, encoding="utf-8")
    return target


def test_a_rendered_project_tells_its_variables(tmp_path: Path) -> None:
    scaffold.apply(scaffold.plan(tmp_path, model="opus", allowed_origins=("https://a.example",)))
    found = worker_variables(target_of(tmp_path))
    assert found["ALLOWED_ORIGINS"] == "https://a.example"
    assert project_model(tmp_path) == resolve_model("opus") != default_model()


def test_a_project_that_leaves_the_model_open_has_none(tmp_path: Path) -> None:
    assert project_model(tmp_path) is None
    scaffold.apply(scaffold.plan(tmp_path))
    assert project_model(tmp_path) is None


@pytest.mark.parametrize(
    "text",
    [
        "not = [toml",
        f"x = {'[' * 5000}",
        "vars = 7\n",
        "[vars]\nDEFAULT_MODEL = 7\n",
        '[vars]\nDEFAULT_MODEL = ""\n',
        '[vars]\nDEFAULT_MODEL = "opus\\u001b[31m"\n',
        '[vars]\nDEFAULT_MODEL = "../opus x"\n',
        f'[vars]\nDEFAULT_MODEL = "{"m" * 3000}"\n',
    ],
)
def test_what_is_no_model_is_none(tmp_path: Path, text: str) -> None:
    _write(tmp_path, text)
    assert project_model(tmp_path) is None
