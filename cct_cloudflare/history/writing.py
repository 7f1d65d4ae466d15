"""What is written of a run: its row when it begins, everything else when it ends."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from cct_cloudflare.history import texts
from cct_cloudflare.history.database import transaction
from cct_cloudflare.history.identity import new_id
from cct_cloudflare.history.record import Asked, Outcome
from cct_cloudflare.history.redaction import Redactor
from cct_cloudflare.plain import plain_line

if TYPE_CHECKING:
    import sqlite3

    from cct_cloudflare.sandbox.program import ProgramFile

TITLE_CHARACTERS = 200
#: Of what a search looks at, for each run.
WORDS_CHARACTERS = 8_000
#: Bytes that are kept of what a program printed, and of an error.
OUTPUT_BYTES = 256 * 1024
#: Bytes of files that are kept for each run, the program's first.
FILES_BYTES = 4 * 1024 * 1024


def begin(connection: sqlite3.Connection, asked: Asked, started_ms: int, redact: Redactor) -> tuple[int, str]:
    """Writes what is known before the run; returns its number in the file and its id."""
    import sqlite3

    request, program = asked.request, asked.program
    names = [file.path for file in program.files] if program else []
    title = plain_line(redact(asked.prompt if asked.prompt is not None else " ".join(names)))[:TITLE_CHARACTERS]
    language = program.language if program else request.language if request else None
    values = (
        started_ms,
        asked.kind,
        plain_line(redact(asked.place)),
        asked.demo,
        "running",
        title,
        _line(request.model if request else None, redact),
        language,
    )
    with transaction(connection):
        for attempt in range(10):
            identity = new_id(started_ms)
            try:
                cursor = connection.execute(
                    "INSERT INTO runs (id, started_ms, kind, place, demo, status, title, model, language)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (identity, *values),
                )
                break
            except sqlite3.IntegrityError:  # another run of this second drew the same
                if attempt == 9:
                    raise
        number = int(cursor.lastrowid or 0)
        _write_json(connection, "details", number, _details(asked, None, redact))
        _write_words(connection, number, _words(asked, None), redact)
        for role, text in (
            ("prompt", asked.prompt),
            ("question", request.question if request else None),
            ("system", request.system if request else None),
        ):
            if text is not None:
                _write_text(connection, number, role, redact(text))
        if program:
            _write_files(connection, number, "program", program.files, FILES_BYTES, redact)
    return number, identity


def finish(connection: sqlite3.Connection, number: int, asked: Asked, outcome: Outcome, redact: Redactor) -> None:
    """Writes how the run ended; a second time replaces what the first wrote."""
    result = outcome.result
    usage = result.usage if result else None
    metrics = result.metrics if result else None
    error_code = outcome.error.code if outcome.error else result.error_code if result else None
    ran = result is not None and result.language != "web"
    written_in = outcome.program.language if outcome.program else None
    row = {
        "status": outcome.status,
        "error_code": _line(error_code, redact),
        "exit_code": outcome.exit_code,
        "model": _line((result and result.model) or outcome.model, redact),
        "language": _line((result and result.language) or written_in or None, redact),
        "elapsed_ms": outcome.elapsed_ms,
        "total_ms": metrics and metrics.total_ms,
        # The Worker answers 0 for a phase that there was not; in a median that would count.
        "generation_ms": metrics and metrics.generation_ms if result and result.model else None,
        "boot_ms": metrics and metrics.boot_ms if ran else None,
        "execution_ms": metrics and metrics.execution_ms if ran else None,
        "input_tokens": usage and usage.input_tokens,
        "output_tokens": usage and usage.output_tokens,
        "cost_usd": outcome.cost and outcome.cost.claude,
        "cloudflare_usd": outcome.cost and outcome.cost.cloudflare_at_most,
    }
    known = {name: value for name, value in row.items() if value is not None}
    with transaction(connection):
        assignments = ", ".join(f"{name} = ?" for name in known)
        connection.execute(f"UPDATE runs SET {assignments} WHERE number = ?", (*known.values(), number))  # noqa: S608 - the names are those above
        _write_json(connection, "details", number, _details(asked, outcome, redact))
        _write_words(connection, number, _words(asked, outcome), redact)
        connection.execute(
            "DELETE FROM parts WHERE run = ? AND (role IN ('output', 'error', 'written') OR role = ?)",
            (number, "" if asked.program else "program"),
        )
        left = FILES_BYTES
        if outcome.program and not asked.program:
            left = _write_files(connection, number, "program", outcome.program.files, left, redact)
        if outcome.error and result and outcome.saved is None:
            # What could not be saved would be lost otherwise.
            known_paths = {file.path for file in outcome.program.files} if outcome.program else set()
            written = [file for file in result.files if file.path not in known_paths]
            _write_files(connection, number, "written", written, left, redact)
        output = result.output if result else outcome.output
        _write_bounded(connection, number, "output", output, redact)
        _write_bounded(connection, number, "error", _error_text(outcome), redact)


def _error_text(outcome: Outcome) -> str:
    told = [outcome.error.message] if outcome.error else []
    if outcome.result and outcome.result.error:
        told.append(outcome.result.error)
    return "\n".join(told)


def _details(asked: Asked, outcome: Outcome | None, redact: Redactor) -> dict[str, Any]:
    """The facts that are neither listed nor large, under the names that JSON shows."""
    request = asked.request
    sent: dict[str, Any] = {} if request is None else request.to_json()
    for large in ("question", "system"):
        sent.pop(large, None)
    if asked.program:
        sent = {"language": asked.program.language, "timeout": asked.timeout_ms, "sandbox": asked.sandbox}
    body: dict[str, Any] = {
        "project": str(asked.project),
        "workerUrl": asked.worker_url,
        "request": {name: value for name, value in sent.items() if value is not None},
        "components": [component.to_json() for component in asked.components],
        "apiUrl": asked.api_url,
        "entrypoint": asked.program.entrypoint if asked.program else None,
    }
    if outcome is not None:
        result, saved = outcome.result, outcome.saved
        answer = result.to_json() if result else {}
        if not asked.program and outcome.program:
            body["entrypoint"] = outcome.program.entrypoint or None
        body |= {
            "sandbox": (result and result.sandbox) or outcome.sandbox,
            "sandboxId": (result and result.sandbox_id) or outcome.sandbox_id,
            "isolation": answer.get("isolation"),
            "programExitCode": answer.get("exitCode"),
            "attempts": answer.get("attempts"),
            "metrics": answer.get("metrics"),
            "truncated": answer.get("truncated", False),
            "outputLossy": answer.get("outputLossy", False),
            "outputMayBeIncomplete": answer.get("outputMayBeIncomplete", False),
            "refusedFiles": [file.to_json() for file in result.refused_files] if result else [],
            "outputDirectory": str(saved.directory) if saved and saved.directory else None,
            "savedFiles": [file.to_json() for file in saved.saved] if saved else [],
        }
    # Each text by itself: in JSON a secret could stand escaped.
    redacted: dict[str, Any] = _each_text(body, redact)
    return {**redacted, "redacted": redact.found}


def _each_text(value: Any, redact: Redactor) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {name: _each_text(item, redact) for name, item in value.items()}
    if isinstance(value, list):
        return [_each_text(item, redact) for item in value]
    return value


def _words(asked: Asked, outcome: Outcome | None) -> Iterable[str | None]:
    """What a search looks at."""
    yield asked.prompt
    for component in asked.components:
        yield component.name
    program = asked.program or (outcome.program if outcome else None)
    for file in program.files if program else ():
        yield file.path
    if outcome:
        result = outcome.result
        yield (result and result.model) or outcome.model
        yield outcome.error.code if outcome.error else result.error_code if result else None
        yield (result and result.sandbox_id) or outcome.sandbox_id


def _write_words(connection: sqlite3.Connection, number: int, words: Iterable[str | None], redact: Redactor) -> None:
    body = "\n".join(texts.folded(redact(word)) for word in words if word)[:WORDS_CHARACTERS]
    connection.execute("INSERT OR REPLACE INTO words (run, body) VALUES (?, ?)", (number, body))


def _write_json(connection: sqlite3.Connection, table: str, number: int, body: dict[str, Any]) -> None:
    connection.execute(f"INSERT OR REPLACE INTO {table} (run, body) VALUES (?, ?)", (number, json.dumps(body)))  # noqa: S608 - a name of ours


def _write_text(connection: sqlite3.Connection, number: int, role: str, text: str, *, cut: bool = False) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO parts (run, role, position, text, cut) VALUES (?, ?, 0, ?, ?)",
        (number, role, texts.store(connection, text), cut),
    )


def _write_bounded(connection: sqlite3.Connection, number: int, role: str, text: str, redact: Redactor) -> None:
    kept, cut = texts.beginning(redact(text), OUTPUT_BYTES)
    if kept:
        _write_text(connection, number, role, kept, cut=cut)


def _write_files(
    connection: sqlite3.Connection, number: int, role: str, files: Sequence[ProgramFile], limit: int, redact: Redactor
) -> int:
    """Writes files until `limit` bytes are full, then their names and sizes alone; returns how many bytes are left."""
    for position, file in enumerate(files):
        size = _size(file)
        keep = size <= limit and not (file.encoding == "base64" and redact.hides(file.data))
        text = None
        if keep:
            limit -= size
            text = texts.store(connection, redact(file.content))
        connection.execute(
            "INSERT OR REPLACE INTO parts (run, role, position, text, path, bytes, encoding, cut)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (number, role, position, text, _stored_name(redact(file.path)), size, file.encoding, not keep),
        )
    return limit


def _size(file: ProgramFile) -> int:
    if file.encoding == "base64":
        return len(file.content) * 3 // 4 - file.content[-2:].count("=")
    return len(file.content.encode("utf-8", "surrogatepass"))


def _stored_name(path: str) -> str:
    """SQLite's text is UTF-8, which a lone surrogate is not."""
    return path.encode("utf-8", "replace").decode()


def _line(text: str | None, redact: Redactor) -> str | None:
    return None if text is None else plain_line(redact(text))
