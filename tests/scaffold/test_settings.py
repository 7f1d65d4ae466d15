"""What a project may choose, how it is remembered, and that it stays a value in wrangler.toml."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cct_cloudflare.errors import UsageError
from cct_cloudflare.pricing import CONTAINER_TYPE, default_model, model_table
from cct_cloudflare.scaffold import ScaffoldSettings, apply, plan
from cct_cloudflare.scaffold.manifest import MANIFEST_NAME, DamagedManifestError, Manifest, parse_manifest
from cct_cloudflare.scaffold.origins import normalise_origin
from cct_cloudflare.scaffold.render import render, sandbox_image, template_dir
from cct_cloudflare.scaffold.toml import toml_string
from tests.scaffold.trees import read_tree, target, words

ENVIRONMENTS = ("development", "staging", "production")


def config_of(settings: ScaffoldSettings) -> dict[str, Any]:
    return tomllib.loads(render(settings)["wrangler.toml"].decode())


@given(st.text())
def test_any_text_stays_one_value_of_a_toml_file(text: str) -> None:
    assert tomllib.loads(f"before = 1\nvalue = {toml_string(text)}\nafter = 2\n") == {
        "before": 1,
        "value": text,
        "after": 2,
    }


def test_what_no_toml_file_can_hold_is_an_error() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        toml_string("\ud800")


@pytest.mark.parametrize(
    ("given_as", "origin"),
    [
        ("https://example.com", "https://example.com"),
        ("HTTPS://Example.COM:443/", "https://example.com"),
        ("https://example.com:8443", "https://example.com:8443"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://app.localhost:80", "http://app.localhost"),
        ("http://127.0.0.1:5173/", "http://127.0.0.1:5173"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("https://[2001:DB8:0:0:0:0:0:1]", "https://[2001:db8::1]"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
    ],
)
def test_an_origin_is_kept_as_browsers_send_it(given_as: str, origin: str) -> None:
    assert normalise_origin(given_as) == origin
    assert normalise_origin(origin) == origin


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*",
        "null",
        "none",
        "example.com",
        "//example.com",
        "https://",
        "https://*.example.com",
        "https://example.com/path",
        "https://example.com?",
        "https://example.com#",
        "https://user@example.com",
        "https://@example.com",
        "https://example.com:99999",
        "https://example.com:x",
        "https://example.com,https://evil.example",
        "https://example.com\nhttps://evil.example",
        "https://exa mple.com",
        'https://example.com"',
        "https://example..com",
        "https://-example.com",
        "https://" + "a" * 254,
        "https://[::1",
        "https://[v1.x]",
        "https://[fe80::1%eth0]",
        "http://example.com",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "ftp://localhost",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "\ud800",
        "https://\ud800.example",
    ],
)
def test_what_is_no_origin_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        normalise_origin(text)


@given(st.text(max_size=60).map("https://".__add__))
def test_an_origin_that_passes_is_its_own_normal_form(text: str) -> None:
    try:
        origin = normalise_origin(text)
    except UsageError:
        return
    assert normalise_origin(origin) == origin
    assert origin.isascii()
    assert "," not in origin


def test_every_environment_carries_what_was_chosen() -> None:
    origins = ("https://example.com", "http://localhost:3000")
    config = config_of(ScaffoldSettings("mine", "opus", origins))
    for environment in (config, *config["env"].values()):
        assert environment["vars"]["DEFAULT_MODEL"] == model_table().aliases["opus"]
        assert environment["vars"]["ALLOWED_ORIGINS"] == ",".join(origins)


def test_without_a_choice_the_model_is_ccts_own() -> None:
    assert config_of(ScaffoldSettings())["vars"]["DEFAULT_MODEL"] == default_model()


@pytest.mark.parametrize("model", ["", " ", "a b", 'x"\ny = "', "-x", "a" * 129, "ä"])
def test_what_cannot_name_a_model_is_refused(model: str) -> None:
    with pytest.raises(UsageError):
        ScaffoldSettings(model=model)


def test_choices_are_remembered_changed_one_by_one_and_taken_back(tmp_path: Path) -> None:
    apply(plan(tmp_path, name="mine", model="opus", allowed_origins=["https://a.example", "HTTPS://A.example"]))
    assert plan(tmp_path).settings == ScaffoldSettings("mine", "opus", ("https://a.example",))
    assert plan(tmp_path).is_done
    apply(plan(tmp_path, allowed_origins=["http://localhost:1", "https://b.example"]))
    assert plan(tmp_path).settings == ScaffoldSettings("mine", "opus", ("http://localhost:1", "https://b.example"))
    apply(plan(tmp_path, model="default", allowed_origins=["none"]))
    assert plan(tmp_path).settings == ScaffoldSettings("mine")


def test_none_beside_an_origin_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="empties"):
        plan(tmp_path, allowed_origins=["none", "https://a.example"])
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_model_is_taken_with_a_note(tmp_path: Path) -> None:
    made = apply(plan(tmp_path, model="my-gateway/model-1"))
    assert "my-gateway/model-1" in made.notes[0]
    assert 'DEFAULT_MODEL = "my-gateway/model-1"' in (target(tmp_path) / "wrangler.toml").read_text()
    assert plan(tmp_path, model="sonnet").notes == ()


def test_a_manifest_without_choices_is_one_that_older_ones_wrote() -> None:
    manifest = Manifest("1", ScaffoldSettings("mine"), {})
    assert json.loads(manifest.to_bytes())["settings"] == {"name": "mine"}
    assert parse_manifest(manifest.to_bytes()) == manifest


def test_a_manifest_of_the_future_keeps_what_is_understood() -> None:
    content = b'{"format": 1, "cct": "9", "settings": {"name": "mine", "colour": "red"}, "files": {}, "more": 1}'
    assert parse_manifest(content).settings == ScaffoldSettings("mine")


settings_of_all_kinds = st.builds(
    ScaffoldSettings,
    st.from_regex(r"\A[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?\Z"),
    st.none() | st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._:@/-]{0,30}\Z"),
    st.lists(st.sampled_from(["https://a.example", "http://localhost:1", "https://b.example:8443"])).map(tuple),
    st.integers(0, 40),
)


@given(settings_of_all_kinds)
def test_a_manifest_is_read_as_it_was_written(chosen: ScaffoldSettings) -> None:
    assert parse_manifest(Manifest("1", chosen, {}).to_bytes()).settings == chosen


HOSTILE: list[dict[str, object]] = [
    {"model": 1},
    {"model": 'x"\n[vars]'},
    {"allowedOrigins": "https://a.example"},
    {"allowedOrigins": [1]},
    {"allowedOrigins": ["*"]},
    {"allowedOrigins": ["https://a.example"] * 51},
    {"allowedOrigins": {"0": "https://a.example"}},
    {"containerSwitches": -1},
    {"containerSwitches": 1e9},
    {"containerSwitches": True},
    {"containerSwitches": 10**9},
    {"name": 'x"\nmain = "evil.ts'},
]


@pytest.mark.parametrize("settings", HOSTILE)
def test_a_hostile_manifest_chooses_nothing(tmp_path: Path, settings: dict[str, object]) -> None:
    content = json.dumps({"format": 1, "cct": "1", "settings": {"name": "mine", **settings}, "files": {}}).encode()
    with pytest.raises(DamagedManifestError):
        parse_manifest(content)
    target(tmp_path).mkdir(parents=True)
    (target(tmp_path) / MANIFEST_NAME).write_bytes(content)
    assert plan(tmp_path).settings == ScaffoldSettings()


def test_the_container_tier_is_a_part_of_every_environment() -> None:
    config = config_of(ScaffoldSettings().changed(container=True))
    assert config["main"] == "src/container.ts"
    assert config["dev"] == {"enable_containers": False}
    for environment in (config, *(config["env"][name] for name in ENVIRONMENTS)):
        [container] = environment["containers"]
        assert container["class_name"] == "Sandbox"
        assert container["instance_type"] == CONTAINER_TYPE  # whose prices cct reckons with
        assert container["max_instances"] > int(environment["vars"]["MAX_CONCURRENT_RUNS"])
        assert {"name": "SANDBOX", "class_name": "Sandbox"} in environment["durable_objects"]["bindings"]


def test_without_the_container_tier_nothing_speaks_of_it() -> None:
    rendered = render(ScaffoldSettings())
    assert "Dockerfile" not in rendered
    assert b"ontainer" not in rendered["wrangler.toml"]
    assert b"SANDBOX" not in rendered["wrangler.toml"]
    assert config_of(ScaffoldSettings())["main"] == "src/index.ts"


def test_the_image_is_the_release_that_package_json_pins() -> None:
    version = json.loads((template_dir() / "package.json").read_bytes())["devDependencies"]["@cloudflare/sandbox"]
    assert version[0].isdigit(), "a range would let the package and the image drift apart"
    rendered = render(ScaffoldSettings(container_switches=1))
    image = f"docker.io/cloudflare/sandbox:{version}-python"
    assert sandbox_image() == image
    assert f"\nFROM {image}\n" in rendered["Dockerfile"].decode()
    config = tomllib.loads(rendered["wrangler.toml"].decode())
    assert {environment["containers"][0]["image"] for environment in (config, *config["env"].values())} == {image}


def test_every_switch_stays_a_migration_that_cloudflare_can_follow(tmp_path: Path) -> None:
    """What was deployed in between has to be undone, and a migration that was applied may not go."""
    seen = []
    for container in (True, True, False, None, True):
        settings = apply(plan(tmp_path, container=container)).settings
        config = tomllib.loads((target(tmp_path) / "wrangler.toml").read_text())
        seen.append((settings.container, config["migrations"]))
    new, gone = {"new_sqlite_classes": ["Sandbox"]}, {"deleted_classes": ["Sandbox"]}
    steps = [
        {"tag": "v1", "new_sqlite_classes": ["RunGate"]},
        {"tag": "v2", **new},
        {"tag": "v3", **gone},
        {"tag": "v4", **new},
    ]
    on, off = (True, steps[:2]), (False, steps[:3])
    assert seen == [on, on, off, off, (True, steps)]


def test_switching_the_container_off_takes_its_dockerfile_away_unless_it_was_edited(tmp_path: Path) -> None:
    apply(plan(tmp_path, container=True))
    dockerfile = target(tmp_path) / "Dockerfile"
    assert dockerfile.is_file()
    assert words(apply(plan(tmp_path, container=False)))["Dockerfile"] == "remove"
    assert not dockerfile.exists()
    apply(plan(tmp_path, container=True))
    dockerfile.write_text("FROM mine\n")
    assert words(apply(plan(tmp_path, container=False)))["Dockerfile"] == "released"
    assert read_tree(target(tmp_path))["Dockerfile"] == b"FROM mine\n"


def test_there_is_an_end_to_switching() -> None:
    with pytest.raises(UsageError, match="switched"):
        ScaffoldSettings(container_switches=40).changed(container=True)
