"""Finding runs again: the list, and one run with all that is kept of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cct_cloudflare.errors import UsageError
from cct_cloudflare.history import texts
from cct_cloudflare.history.identity import is_prefix, normalized
from cct_cloudflare.history.record import KeptFile, KeptText, RunRecord, RunSummary, UsedComponent

if TYPE_CHECKING:
    import sqlite3

#: What names the latest run wherever an id is asked for. Not all of its letters can be in an id.
LATEST = "last"
_MAX_LISTED = 10

#: The columns that a summary has under the same names.
_OTHERS = (
    "error_code",
    "exit_code",
    "model",
    "language",
    "elapsed_ms",
    "total_ms",
    "input_tokens",
    "output_tokens",
    "cost_usd",
    "cloudflare_usd",
)
_COLUMNS = ", ".join(("id", "started_ms", "kind", "place", "demo", "status", "title", *_OTHERS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which runs: `text` is looked for in prompts, names of components and files, models and error codes.

    `failed` leaves out what succeeded or is under way. `since_ms` is a time in milliseconds since 1970.
    """

    text: str | None = None
    failed: bool = False
    since_ms: int | None = None
    limit: int | None = None


def list_runs(connection: sqlite3.Connection, query: Query) -> list[RunSummary]:
    """The newest first."""
    where, values = _where(query)
    limit = -1 if query.limit is None else query.limit
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM runs{where} ORDER BY number DESC LIMIT ?",  # noqa: S608 - no text of a user
        (*values, limit),
    )
    return [_summary(row) for row in rows]


def count_runs(connection: sqlite3.Connection, query: Query) -> int:
    """How many there are, whatever the limit."""
    where, values = _where(query)
    return int(connection.execute(f"SELECT count(*) FROM runs{where}", values).fetchone()[0])  # noqa: S608 - as above


def find_run(connection: sqlite3.Connection | None, reference: str) -> RunRecord:
    """The run with this id, or whose id alone begins so; `last` is the latest.

    Raises UsageError: `run_not_found`, and `run_ambiguous` with those that it could be.
    """
    row = _latest(connection) if reference.strip().lower() == LATEST else _by_prefix(connection, reference)
    if row is None or connection is None:
        raise UsageError(f"There is no run {reference!r} in the history.", hint=_SEE_LIST, code="run_not_found")
    return _record(connection, row)


_SEE_LIST = "cct history lists them."


def _where(query: Query) -> tuple[str, Sequence[Any]]:
    conditions, values = [], list[Any]()
    if query.text is not None:
        conditions.append("number IN (SELECT run FROM words WHERE instr(body, ?))")
        values.append(texts.folded(query.text))
    if query.failed:
        conditions.append("status NOT IN ('succeeded', 'running')")
    if query.since_ms is not None:
        conditions.append("started_ms >= ?")
        values.append(query.since_ms)
    return (f" WHERE {' AND '.join(conditions)}" if conditions else ""), values


def _latest(connection: sqlite3.Connection | None) -> tuple[Any, ...] | None:
    if connection is None:
        return None
    query = f"SELECT number, {_COLUMNS} FROM runs ORDER BY number DESC LIMIT 1"  # noqa: S608 - as above
    row: tuple[Any, ...] | None = connection.execute(query).fetchone()
    return row


def _by_prefix(connection: sqlite3.Connection | None, reference: str) -> tuple[Any, ...] | None:
    prefix = normalized(reference)
    if connection is None or not is_prefix(prefix):
        return None
    # The character after the last of the alphabet bounds a range, which an index serves.
    rows = connection.execute(
        f"SELECT number, {_COLUMNS} FROM runs WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT ?",  # noqa: S608 - as above
        (prefix, prefix + "{", _MAX_LISTED + 1),
    ).fetchall()
    if len(rows) > 1:
        raise UsageError(
            f"Several runs begin with {reference!r}: {_listed([row[1] for row in rows])}.",
            hint="Type more of the id.",
            code="run_ambiguous",
        )
    return rows[0] if rows else None


def _listed(ids: Sequence[str]) -> str:
    return ", ".join(ids[:_MAX_LISTED]) + (", …" if len(ids) > _MAX_LISTED else "")


def _summary(row: Sequence[Any]) -> RunSummary:
    identity, started_ms, kind, place, demo, status, title, *others = row
    return RunSummary(
        id=identity,
        started=datetime.fromtimestamp(started_ms / 1000, UTC),
        kind=kind,
        place=place,
        demo=bool(demo),
        status=status,
        title=title,
        **dict(zip(_OTHERS, others, strict=True)),
    )


def _record(connection: sqlite3.Connection, row: Sequence[Any]) -> RunRecord:
    number, *columns = row
    details: dict[str, Any] = json.loads(
        connection.execute("SELECT body FROM details WHERE run = ?", (number,)).fetchone()[0]
    )
    parts = connection.execute(
        "SELECT role, path, bytes, encoding, cut, body FROM parts LEFT JOIN texts ON texts.number = parts.text"
        " WHERE run = ? ORDER BY role, position",
        (number,),
    ).fetchall()
    kept = {role: KeptText(text=texts.load(body), cut=bool(cut)) for role, path, _, _, cut, body in parts if not path}
    nothing = KeptText(text="")
    return RunRecord(
        summary=_summary(columns),
        prompt=_text(kept.get("prompt")),
        question=_text(kept.get("question")),
        system=_text(kept.get("system")),
        request=details.pop("request"),
        components=tuple(UsedComponent(**component) for component in details.pop("components")),
        entrypoint=details.pop("entrypoint"),
        program=_files(parts, "program"),
        written=_files(parts, "written"),
        output=kept.get("output", nothing),
        error=kept.get("error", nothing),
        details=details,
    )


def _text(kept: KeptText | None) -> str | None:
    return kept.text if kept else None


def _files(parts: Iterable[Sequence[Any]], role: str) -> tuple[KeptFile, ...]:
    return tuple(
        KeptFile(path=path, bytes=size, encoding=encoding, content=None if body is None else texts.load(body))
        for part, path, size, encoding, _, body in parts
        if part == role
    )


def start_of_days(days: int, now: datetime | None = None) -> int:
    """Milliseconds since 1970 at which the last `days` days began, today among them, where the user is."""
    today = (now or datetime.now().astimezone()).date()
    # Through the date, so that a day with 23 or 25 hours is one day.
    first = datetime.combine(today - timedelta(days=days - 1), datetime.min.time())
    return int(first.astimezone().timestamp() * 1000)
