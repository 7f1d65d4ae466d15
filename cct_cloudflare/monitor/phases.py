"""The phases of a run on one axis: those of a run that goes on, and those of one that has ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cct_cloudflare.charts import span
from cct_cloudflare.estimates import CHARACTERS_PER_TOKEN
from cct_cloudflare.monitor.lines import Line, fact
from cct_cloudflare.monitor.observe import Observation, Observer
from cct_cloudflare.wording import duration, size

#: The axis of a run that goes on ends at the first of these that is long enough, in milliseconds.
_AXES = (1_000, 2_000, 5_000, 10_000, 20_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000)

_NOTE_ROOM = 34


@dataclass(frozen=True, slots=True)
class Phase:
    """Milliseconds since the request was sent. `took` is what is told; `lead` passed before the first sign of life."""

    label: str
    start: float
    end: float
    took: float
    lead: float = 0
    note: str = ""
    is_running: bool = False


def phases_of(run: Observation) -> tuple[Phase, ...]:
    """Of a run that has ended: lengths as the Worker measured them, places as they were seen here."""
    metrics, timeline, result = run.result.metrics, run.timeline, run.result
    started = timeline.started or 0
    queue = metrics.queue_ms or 0
    generation = metrics.generation_ms or 0
    phases = [
        Phase("Queue", 0, queue, queue),
        Phase(
            "Generation",
            started,
            started + generation,
            generation,
            metrics.first_token_ms or 0,
            _generation_note(metrics.first_token_ms, metrics.tokens_per_second),
        ),
    ]
    if result.language != "web":
        boot, ready = metrics.boot_ms or 0, timeline.sandbox_ready or 0
        start = ready if metrics.spare else max(0.0, ready - boot)
        phases.append(Phase("Sandbox", start, ready, boot, note="was waiting" if metrics.spare else ""))
        begun, execution = timeline.program or 0, metrics.execution_ms or 0
        phases.append(Phase("Run", begun, begun + execution, execution))
    return tuple(phases)


def phases_so_far(observer: Observer) -> tuple[Phase, ...]:
    """Of a run that goes on. How many tokens were written is a guess by the length of the text, and told as one."""
    now, timeline = observer.elapsed_ms, observer.timeline
    started, first = timeline.started, timeline.first_text
    phases = [_phase("Queue", 0, started, now)]
    if started is not None:
        # Its end is not told: the program may have to wait for its sandbox. So it lasts as long as text comes.
        last = observer.last_text or now
        lead = (now if first is None else first) - started
        is_running = timeline.program is None
        phases.append(Phase("Generation", started, last, last - started, lead, _writing_note(observer), is_running))
    if timeline.sandbox_ready is not None and observer.boot is not None:
        boot, ready = observer.boot, timeline.sandbox_ready
        start = ready if boot.spare else max(0.0, ready - boot.ms)
        phases.append(Phase("Sandbox", start, ready, boot.ms, note="was waiting" if boot.spare else ""))
    elif first is not None and not observer.is_page:
        phases.append(_phase("Sandbox", first, None, now))
    if timeline.program is not None and not observer.is_page:
        printed = f"{size(observer.printed)} printed" if observer.printed else ""
        phases.append(_phase("Run", timeline.program, timeline.result, now, note=printed))
    return tuple(phases)


def axis_for(elapsed: float) -> float:
    """The length of the axis on which `elapsed` is shown; it grows in steps, so that bars seldom shrink."""
    return next((axis for axis in _AXES if elapsed <= axis), elapsed)


def chart_lines(phases: Iterable[Phase], largest: float, width: int) -> list[Line]:
    """One line for each phase: its bar on an axis that ends at `largest`, how long it took, and its note."""
    room = max(10, min(width - 24 - _NOTE_ROOM, 48))
    return [
        fact(
            phase.label,
            (f"{span(phase.start, phase.end, largest, room, lead=phase.lead):<{room}}", "name"),
            (f"  {duration(phase.took):>8}", "bold" if phase.is_running else ""),
            (f"  {phase.note}" if phase.note else "", "dim"),
        )
        for phase in phases
    ]


def _phase(label: str, start: float, end: float | None, now: float, lead: float = 0, note: str = "") -> Phase:
    until = now if end is None else end
    return Phase(label, start, until, until - start, lead, note, is_running=end is None)


def _generation_note(first_token: float | None, speed: float | None) -> str:
    notes = [] if first_token is None else [f"first token {duration(first_token)}"]
    notes += [] if speed is None else [f"{speed:,.0f} tokens/s"]
    return ", ".join(notes)


def _writing_note(observer: Observer) -> str:
    first, last = observer.timeline.first_text, observer.last_text
    if first is None or last is None:
        return ""
    tokens = observer.written / CHARACTERS_PER_TOKEN
    seconds = (last - first) / 1000
    speed = f", ~{tokens / seconds:,.0f} tokens/s" if seconds >= 0.1 else ""
    return f"~{tokens:,.0f} tokens{speed}"
