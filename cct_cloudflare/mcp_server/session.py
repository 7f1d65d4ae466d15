"""What the tools do. Each call is made in a thread of its own; nothing here knows of the protocol."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path

from cct_cloudflare.components.names import parse_refs
from cct_cloudflare.errors import CctError, ConfigError, UsageError, WorkerError
from cct_cloudflare.estimates import estimate_plan
from cct_cloudflare.history.asking import asked_by_plan, asked_by_program
from cct_cloudflare.history.record import Asked
from cct_cloudflare.history.recorder import recording
from cct_cloudflare.mcp_server.budget import Budget, Expense
from cct_cloudflare.mcp_server.shapes import (
    AskAndRunArguments,
    RefusedFileAnswer,
    RunAnswer,
    RunProgramArguments,
    SavedFileAnswer,
    UsageAnswer,
)
from cct_cloudflare.mcp_server.telling import Teller
from cct_cloudflare.mcp_server.watching import Watch
from cct_cloudflare.mcp_server.workers import Workers
from cct_cloudflare.place import Place, choose_place, chosen_worker
from cct_cloudflare.plain import plain, plain_line
from cct_cloudflare.run import RunPlan, RunRequest, plan_run
from cct_cloudflare.sandbox.client import WorkerClient
from cct_cloudflare.sandbox.events import Event, RunResult
from cct_cloudflare.sandbox.given import program_from_contents
from cct_cloudflare.sandbox.outputs import SavedFiles, fresh_directory, plan_outputs, save
from cct_cloudflare.sandbox.program import ProgramFile
from cct_cloudflare.sandbox.session import remote_session
from cct_cloudflare.scaffold.variables import project_model

#: Characters of stdout and of stderr in an answer: what a client's model can still take in.
MAX_TEXT = 30_000


@dataclass(frozen=True)
class Settings:
    """What the command line says. `max_cost_usd` bounds all that the session asks of Claude."""

    project: Path
    worker_url: str | None
    local: bool
    max_cost_usd: float
    keep_history: bool


class UnsavedError(CctError):
    """The run has an answer, but its files could not be saved; code and hint are those of the reason."""

    def __init__(self, reason: CctError, answer: RunAnswer) -> None:
        super().__init__(reason.message, hint=reason.hint, code=reason.code, retryable=reason.retryable)
        self.answer = answer


class Session:
    """One client's calls, which may come at the same time. Closing it ends the local Worker and all runs on it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._workers = Workers(settings.project)
        self._budget = Budget(settings.max_cost_usd)

    def close(self) -> None:
        self._workers.close()

    def run_program(self, arguments: RunProgramArguments, watch: Watch) -> RunAnswer:
        """Runs a program that the client wrote. No model is asked. Raises CctError, UnsavedError among them."""
        settings = self._settings
        files = [ProgramFile(file.path, file.content, file.encoding) for file in arguments.files]
        program = program_from_contents(files, arguments.entrypoint, arguments.language)
        timeout_ms = _milliseconds(arguments.timeout)
        target = chosen_worker(settings.worker_url, local=settings.local)
        asked = asked_by_program(program, target, settings.project, timeout_ms=timeout_ms)
        place = Place(target=target)
        return self._run(asked, place, watch, lambda client: client.run(program, timeout_ms))

    def ask_and_run(self, arguments: AskAndRunArguments, watch: Watch) -> RunAnswer:
        """Asks Claude for a program and runs it. Raises CctError, UnsavedError among them."""
        settings = self._settings
        plan = plan_run(
            RunRequest(
                prompt=arguments.prompt,
                project=settings.project,
                agents=tuple(parse_refs(arguments.agents)),
                commands=tuple(parse_refs(arguments.commands)),
                model=arguments.model,
                language=arguments.language,
                timeout_ms=_milliseconds(arguments.timeout),
                max_tokens=arguments.max_tokens,
            )
        )
        place = _place(plan, settings)
        plan = plan.with_model(_model(place, plan, settings.project))
        for warning in plan.merged.warnings:
            watch.tell(plain_line(warning))
        asked = asked_by_plan(plan, place, settings.project)
        with self._budget.expense(_at_most_usd(place, plan), arguments.max_cost) as expense:
            return self._run(asked, place, watch, lambda client: client.execute(plan.execute), expense)

    def _run(
        self,
        asked: Asked,
        place: Place,
        watch: Watch,
        start: Callable[[WorkerClient], Iterator[Event]],
        expense: Expense | None = None,
    ) -> RunAnswer:
        settings = self._settings
        watch.check()
        with recording(asked, warn=watch.tell, enabled=settings.keep_history) as record:
            with _settled(expense), self._client(place, watch) as client:
                result = _last(record.watch(watch.follow(client, start(client))), watch)
            saved, error = _saved(result, settings.project)
            result = result.with_refused(saved.refused)
            record.finished(result, None if error else saved, error)
            if expense is not None and record.cost is not None:
                expense.settle(record.cost)
        answer = _answer(result, saved, record.id)
        if error is not None:
            raise UnsavedError(error, answer)
        return answer

    def _client(self, place: Place, watch: Watch) -> AbstractContextManager[WorkerClient]:
        if place.target is not None:
            return remote_session(place.target)
        return self._workers.client(access=place.access, tell=watch.tell)


#: Answers after which it is certain that nothing is paid: the model was not asked, or gave nothing.
_UNPAID = frozenset(
    {
        "key_missing",
        "key_rejected",
        "model_bad_request",
        "model_not_found",
        "model_overloaded",
        "model_rate_limited",
        "model_spend_limit",
        "model_unreachable",
        "not_configured",
        "sandbox_unsupported",
        "too_many_runs",
        "unauthorized",
        "worker_unreachable",
    }
)


@contextlib.contextmanager
def _settled(expense: Expense | None) -> Iterator[None]:
    """A run that fails before it costs something gives back what was set aside for it."""
    try:
        yield
    except CctError as error:
        if expense is not None and (isinstance(error, (UsageError, ConfigError)) or error.code in _UNPAID):
            expense.usd = 0.0
        raise


def _place(plan: RunPlan, settings: Settings) -> Place:
    try:
        return choose_place(
            plan, settings.project, worker_url=settings.worker_url, local=settings.local, key=None, demo=False
        )
    except ConfigError as error:
        if error.code == "key_missing":
            error.hint = "Set ANTHROPIC_API_KEY in the environment of this MCP server. run_program needs no key."
        raise


def _model(place: Place, plan: RunPlan, project: Path) -> str | None:
    """Which model will be asked where none was chosen: what it costs depends on it."""
    if place.target is None:
        return project_model(project)
    if plan.model is not None:
        return None
    with remote_session(place.target) as client:
        return client.health().model


def _at_most_usd(place: Place, plan: RunPlan) -> float | None:
    if place.target is not None and plan.model is None:
        return None
    return estimate_plan(plan, remote=place.target is not None).at_most_usd


def _last(events: Iterator[Event], watch: Watch) -> RunResult:
    """Tells what is worth telling; gives the result."""
    teller = Teller()
    for event in events:
        if isinstance(event, RunResult):
            return event
        if (line := teller.line(event)) is not None:
            watch.tell(line)
    raise WorkerError("The stream ended before the result.", code="stream_ended")


def _saved(result: RunResult, project: Path) -> tuple[SavedFiles, CctError | None]:
    directory = fresh_directory(project, result.sandbox_id)
    try:
        return save(plan_outputs(result.files, result.refused_files, directory)), None
    except CctError as error:
        return SavedFiles(None, (), ()), error


def _answer(result: RunResult, saved: SavedFiles, history_id: str | None) -> RunAnswer:
    output, cut_output = shortened(plain(result.output))
    error, cut_error = (None, False) if not result.error else shortened(plain(result.error))
    usage = result.usage
    return RunAnswer(
        success=result.success,
        output=output,
        error=error,
        error_code=result.error_code,
        exit_code=result.program_exit_code,
        truncated=result.truncated or cut_output or cut_error,
        output_directory=None if saved.directory is None else plain_line(str(saved.directory)),
        saved_files=[
            SavedFileAnswer(path=plain_line(file.path), bytes=file.bytes, status=file.status) for file in saved.saved
        ],
        refused_files=[
            RefusedFileAnswer(path=plain_line(file.path), reason=plain_line(file.reason))
            for file in result.refused_files
        ],
        language=result.language and plain_line(result.language),
        sandbox=result.sandbox and plain_line(result.sandbox),
        model=result.model and plain_line(result.model),
        usage=None if usage is None else UsageAnswer.model_validate(asdict(usage)),
        execution_ms=result.execution_time,
        history_id=history_id,
    )


def shortened(text: str) -> tuple[str, bool]:
    """Beginning and end of a text that is too long, and whether it was."""
    if len(text) <= MAX_TEXT:
        return text, False
    half = MAX_TEXT // 2
    return f"{text[:half]}\n… {len(text) - 2 * half:,} characters are left out here …\n{text[-half:]}", True


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)
