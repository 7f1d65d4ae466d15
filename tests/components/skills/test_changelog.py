"""The form of a changelog, rule by rule."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.components.skills.script import SKILLS, load, run

CHECK = "writing/changelog/check"
check = load(CHECK)

GOOD = """\
# Changelog

Text for readers.

## [Unreleased]

## [1.10.0] - 2026-03-02

### Added

- One (#1).

```markdown
## [9.9.9] - 1999-01-01
### Nonsense
```

### Security

- Two.

## [1.9.1] - 2026-02-28 [YANKED]

### Fixed

- Three.

## 1.0.0-rc.1 — 2026-01-01

First.

[unreleased]: https://example.com/compare/v1.10.0...HEAD
[1.10.0]: https://example.com/1.10.0
[1.9.1]: https://example.com/1.9.1
"""


def problems(text: str) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = check.check(text, *check.parse(text))
    return found


def changed(old: str, new: str) -> list[str]:
    assert GOOD.count(old) == 1
    return [message for _, message in problems(GOOD.replace(old, new))]


def test_a_good_one_and_the_one_that_the_skill_shows() -> None:
    assert problems(GOOD) == []
    skill = (SKILLS / "writing" / "changelog" / "SKILL.md").read_text(encoding="utf-8")
    assert problems(re.findall(r"^```markdown\n(.*?)^```$", skill, re.MULTILINE | re.DOTALL)[0]) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("# Changelog\n", "Changelog\n", "does not begin with a title"),
        ("## [Unreleased]\n", "", None),
        ("## [1.9.1] - 2026-02-28", "## [1.11.0] - 2026-02-28", "1.11.0 is newer than 1.10.0"),
        ("## [1.9.1] - 2026-02-28", "## [1.10.0] - 2026-02-28", "1.10.0 stands in line 7 already"),
        ("## [1.9.1] - 2026-02-28", "## [1.9] - 2026-02-28", "'1.9' is not a semantic version"),
        ("## [1.9.1] - 2026-02-28", "## [1.9.1] - 2026-02-30", "1.9.1 has no date"),
        ("## [1.9.1] - 2026-02-28", "## [1.9.1] - 28.2.2026", "1.9.1 has no date"),
        ("## [1.9.1] - 2026-02-28", "## [1.9.1]", "1.9.1 has no date"),
        ("## [1.9.1] - 2026-02-28", "## [1.10.0-rc.1] - 2026-04-01", "1.10.0-rc.1 is dated after 1.10.0"),
        ("## [1.9.1] - 2026-02-28", "## [1.9.1] - 2026-04-01", None),  # an old branch is still maintained
        ("[1.9.1]: https", "[1.9.2]: https", "[1.9.1] has no link"),
        ("### Fixed", "### Bugs", "'Bugs' is none of"),
        ("### Security", "### Added", "Added comes twice"),
        ("- Three.\n", "", "Fixed has no entry"),
        ("### Fixed\n", "", "an entry stands outside of a section"),
        ("## 1.0.0-rc.1 — 2026-01-01", "## [Unreleased]", "Unreleased is not the first"),
    ],
)
def test_each_rule(old: str, new: str, message: str | None) -> None:
    found = changed(old, new)
    assert found == [] if message is None else any(message in line for line in found), found


def test_versions_are_ordered_as_semver_says() -> None:
    order = (
        "1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0 1.0.1 1.10.0"
    )
    keys = [check.version_key(name) for name in order.split()]
    assert keys == sorted(keys) and len(set(keys)) == len(keys)
    assert check.version_key("1.0.0+a") == check.version_key("v1.0.0+b")
    assert [check.version_key(name) for name in ("1.0", "01.0.0", "1.0.0-", "x", "")] == [None] * 5


@given(st.text(alphabet=st.sampled_from("#[]-. \n`~1029abAddedUnreleased:ftp"), max_size=300) | st.text(max_size=200))
def test_no_text_makes_it_fail(text: str) -> None:
    lines = text.count("\n") + len(text) + 1
    assert all(1 <= line <= lines and message for line, message in problems(text))


def test_the_command_names_the_place_and_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "CHANGELOG.md"
    file.write_bytes(GOOD.replace("### Fixed", "### Bugs").replace("\n", "\r\n").encode("utf-8-sig"))
    before = file.read_bytes()
    result = run(CHECK, "CHANGELOG.md", cwd=tmp_path)
    assert result.returncode == 1
    assert result.stdout.startswith("CHANGELOG.md:24: 'Bugs' is none of ") and result.stdout.count("\n") == 1
    assert file.read_bytes() == before


def test_one_version_is_printed_with_its_code(tmp_path: Path) -> None:
    (tmp_path / "c.md").write_text(GOOD, encoding="utf-8")
    result = run(CHECK, "c.md", "--print", "v1.10.0", cwd=tmp_path)
    assert result.returncode == 0
    assert result.stdout.startswith("### Added\n\n- One (#1).\n\n```markdown\n## [9.9.9]")
    assert result.stdout.endswith("- Two.\n")
    assert run(CHECK, "c.md", "--print", "unreleased", cwd=tmp_path).stdout == "\n"


def test_what_cannot_be_read_or_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "c.md").write_text(GOOD, encoding="utf-8")
    (tmp_path / "latin.md").write_bytes(b"# \xff")
    for arguments in (("missing.md",), ("latin.md",), ("c.md", "--print", "3.0.0")):
        result = run(CHECK, *arguments, cwd=tmp_path)
        assert (result.returncode, result.stdout) == (2, "")
        assert "Traceback" not in result.stderr and arguments[0] in result.stderr
