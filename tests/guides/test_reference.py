"""README.md tells every field, limit, command and version as the code has it, and none that there is not."""

from __future__ import annotations

import functools
import json
import re
import subprocess
import tomllib
from typing import Any

import click
import httpx
import pytest

from cct_cloudflare import __version__
from cct_cloudflare.cli.main import cct
from cct_cloudflare.errors import Exit
from cct_cloudflare.sandbox.local import LocalWorker
from cct_cloudflare.sandbox.toolchain import find_node
from tests.guides.pages import Table, page_text, project_files, tables
from tests.runtime import ROOT

PAGE = "README.md"

#: Where each shape of the code is told.
SHAPES = {
    "Answer": ("src/api.ts", "The answer"),
    "Usage": ("src/api.ts", "Usage"),
    "Metrics": ("src/api.ts", "Metrics"),
    "ProgramFile": ("src/program.ts", "A file"),
    "RefusedFile": ("src/program.ts", "A refused file"),
    "Boot": ("src/sandbox/index.ts", "boot"),
    "ErrorBody": ("src/errors.ts", "Errors"),
    "Health": ("tools/wire.ts", "GET /health"),
}

#: What has a table of its own elsewhere.
NAMED_EVENTS = {"boot": "Boot", "result": "Answer", "error": "ErrorBody"}


def table_of(heading: str) -> Table:
    """The one table below a heading."""
    found = [table for table in tables(PAGE) if table.heading == heading]
    assert len(found) == 1, heading
    return found[0]


def rows_of(heading: str) -> dict[str, tuple[str, ...]]:
    """The rows of a heading's table by what their first cell names."""
    rows = table_of(heading).rows
    by_name = {row[0].replace("`", ""): row[1:] for row in rows}
    assert len(by_name) == len(rows), heading
    return by_name


def source(path: str) -> str:
    """A file of the project, without its comments."""
    return re.sub(r"/\*\*.*?\*/", "", project_files()[path].decode(), flags=re.DOTALL)


def fields_of(body: str) -> dict[str, str]:
    """The fields of an interface's body at its own level, with their types."""
    inner = re.sub(r"\{[^{}]*\}", "object", body)
    return {name: kind.strip() for name, kind in re.findall(r"(\w+)\??:\s*([^;]+);?", inner)}


def interface(path: str, name: str) -> dict[str, str]:
    found = re.search(rf"export interface {name} \{{\n(.*?)\n\}}", source(path), re.DOTALL)
    assert found is not None, name
    return fields_of(found[1])


def told_type(kind: str) -> str:
    """A type of TypeScript as the tables call it."""
    if kind.endswith(" | null"):
        return f"{told_type(kind.removesuffix(' | null'))} or null"
    if kind.endswith("[]"):
        return "array"
    if kind in ("string", "number", "boolean"):
        return kind
    if kind == "false":
        return "boolean"
    return "object" if kind in ("Usage", "Metrics") else "string"


@pytest.mark.parametrize("shape", SHAPES)
def test_every_field_of_a_shape_is_told_with_its_type(shape: str) -> None:
    path, heading = SHAPES[shape]
    fields = {name: told_type(kind) for name, kind in interface(path, shape).items()}
    assert {name: row[0] for name, row in rows_of(heading).items()} == fields


def events() -> dict[str, str]:
    found = re.search(r"export interface Events \{\n(.*?)\n\}", source("src/api.ts"), re.DOTALL)
    assert found is not None
    return dict(re.findall(r"^  (\w+): (.*?);(?=\n  \w|\Z)", found[1], re.DOTALL | re.MULTILINE))


@pytest.mark.parametrize("event", [name for name in events() if name not in NAMED_EVENTS])
def test_every_field_of_an_event_is_told_with_its_type(event: str) -> None:
    fields = {name: told_type(kind) for name, kind in fields_of(events()[event].strip("{}")).items()}
    assert fields
    assert {name: row[0] for name, row in rows_of(event).items()} == fields


def test_the_other_events_are_shapes_that_are_told() -> None:
    assert {name: events()[name] for name in NAMED_EVENTS} == NAMED_EVENTS
    assert set(NAMED_EVENTS.values()) <= set(SHAPES)


@pytest.fixture(scope="module")
def description(worker: LocalWorker) -> dict[str, Any]:
    """What the Worker says of itself."""
    answer = httpx.get(f"{worker.url}/", trust_env=False)
    assert answer.status_code == 200
    return dict(answer.json())


@pytest.mark.parametrize("route", ["POST /execute", "POST /run"])
def test_every_field_of_a_request_is_told_with_its_bounds(route: str, description: dict[str, Any]) -> None:
    schema = description["routes"][route]["request"]
    check_fields(rows_of(route), schema)


def test_the_fields_of_a_file_are_told_with_their_bounds(description: dict[str, Any]) -> None:
    files = description["routes"]["POST /run"]["request"]["properties"]["files"]
    check_fields(rows_of("A file"), files["items"])


def check_fields(rows: dict[str, tuple[str, ...]], schema: dict[str, Any]) -> None:
    assert set(rows) == set(schema["properties"])
    for name, (kind, meaning) in rows.items():
        field = schema["properties"][name]
        assert kind == field["type"].replace("integer", "number"), name
        assert ("required" in meaning) == (name in schema["required"]), name
        bounds = ("default", "minimum", "maximum", "minItems", "maxItems", "minLength", "maxLength")
        told = {int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", re.sub(r"`[^`]*`", "", meaning))}
        assert told == {field[bound] for bound in bounds if bound in field}, name
        if name != "sandbox":
            assert all(f"`{value}`" in meaning for value in field.get("enum", [])), name


def test_every_route_is_told_with_its_auth(description: dict[str, Any]) -> None:
    told = {name: row[0] == "bearer" for name, row in rows_of("Routes").items()}
    assert told == {name: route["auth"] for name, route in description["routes"].items()}


def test_server_timing_names_the_phases_that_are_told() -> None:
    code = project_files()["src/metrics.ts"].decode()
    assert set(rows_of("Server-Timing")) == set(re.findall(r"`(\w+);dur=", code))


@functools.cache
def limits() -> dict[str, int]:
    """`src/limits.ts`, read by the language that it is written in; what is inside has a dotted name."""
    module = (ROOT / "templates" / "cloudflare" / "src" / "limits.ts").as_uri()
    script = f"import {{LIMITS}} from {json.dumps(module)}; console.log(JSON.stringify(LIMITS))"
    argv = [str(find_node()), "--no-warnings", "--input-type=module", "-e", script]
    found = json.loads(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)
    flat: dict[str, int] = {}
    for name, value in found.items():
        flat.update(
            {f"{name}.{part}": number for part, number in value.items()} if isinstance(value, dict) else {name: value}
        )
    return flat


BYTES = ("executeBody", "runBody", "output", "memory", "savedBytes")


def amount(name: str, value: int) -> str:
    if name not in BYTES:
        return f"{value:,}"
    return f"{value >> 20} MiB" if value >= 1 << 20 else f"{value >> 10} KiB"


def test_every_limit_is_told() -> None:
    told = {name: row[0] for name, row in rows_of("Limits").items()}
    assert told == {name: amount(name, value) for name, value in limits().items()}


def test_the_concurrent_runs_are_those_of_wrangler_toml_and_of_the_gate() -> None:
    found = re.search(r"at once, (\d+) as rendered and when absent", page_text(PAGE))
    assert found is not None
    rendered = tomllib.loads(project_files()["wrangler.toml"].decode())["vars"]["MAX_CONCURRENT_RUNS"]
    absent = re.search(r"DEFAULT_LIMIT = (\d+)", project_files()["src/gate.ts"].decode())
    assert absent is not None
    assert found[1] == rendered == absent[1]


def test_the_environments_are_those_of_wrangler_toml() -> None:
    for name in tomllib.loads(project_files()["wrangler.toml"].decode())["env"]:
        assert f"`{name}`" in page_text(PAGE)


def test_every_command_is_told() -> None:
    told = set(rows_of("cct")) - {"cct"}
    assert told == {f"cct {name}" for name in leaves(cct)}


def leaves(group: click.Group) -> list[str]:
    """The commands that do something; `history` does so by itself, what is below it is told in its row."""
    context = click.Context(group)
    found = []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group) and not command.invoke_without_command:
            found += [f"{name} {inner}" for inner in leaves(command)]
        else:
            found.append(name)
    return found


def test_every_npm_script_is_told() -> None:
    scripts = json.loads(project_files()["package.json"])["scripts"]
    assert {name.removeprefix("npm ").removeprefix("run ") for name in rows_of("npm scripts")} == set(scripts)


def test_every_exit_status_is_told() -> None:
    statuses = [table for table in tables(PAGE) if table.head[0] == "exit status"]
    assert [int(row[0]) for row in statuses[0].rows] == sorted({code.value for code in Exit})


def test_versions_are_those_of_the_packages() -> None:
    package = json.loads(project_files()["package.json"])
    pinned = {**package["dependencies"], **package["devDependencies"]}
    assert pinned.items() >= {name: row[0] for name, row in rows_of("Versions").items()}.items()
    node = package["engines"]["node"].removeprefix(">=")
    python = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"].removeprefix(">=")
    for page in (PAGE, "QUICKSTART.md"):
        assert set(re.findall(r"\bNode (\d[\d.]*\d)", page_text(page))) == {node}
        assert set(re.findall(r"\bPython (\d[\d.]*\d)", page_text(page))) == {python}
    assert set(re.findall(r"`cct` (\d+\.\d+\.\d+)", page_text(PAGE))) == {__version__}
