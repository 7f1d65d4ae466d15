"""Wheel, sdist and editable install are tried as a whole in tests/packaging; here are the rules of the locator."""

from __future__ import annotations

from pathlib import Path

import pytest

from cct_cloudflare import resources
from cct_cloudflare.errors import ConfigError, Exit


def test_this_checkout_has_both() -> None:
    assert (resources.templates_dir() / "cloudflare" / "package.json").is_file()
    assert (resources.components_dir() / "agents").is_dir()


def test_an_installed_package_uses_its_own(tmp_path: Path) -> None:
    package = tmp_path / "cct_cloudflare"
    (package / "_resources" / "components").mkdir(parents=True)
    (tmp_path / "components").mkdir()
    (tmp_path / "pyproject.toml").touch()
    assert resources._locate("components", package) == package / "_resources" / "components"


def test_a_checkout_uses_its_top_level(tmp_path: Path) -> None:
    (tmp_path / "components").mkdir()
    (tmp_path / "pyproject.toml").touch()
    assert resources._locate("components", tmp_path / "cct_cloudflare") == tmp_path / "components"


def test_a_folder_of_that_name_in_site_packages_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "components").mkdir()
    with pytest.raises(ConfigError) as caught:
        resources._locate("components", tmp_path / "cct_cloudflare")
    assert caught.value.exit_code == Exit.CONFIG
    assert "pip install" in caught.value.hint
