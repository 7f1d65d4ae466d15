"""The history of runs: what was asked, what came of it, what it took and cost. One SQLite file of this user.

`recording` keeps a run; `reading` finds runs again; `statistics` sums them up. A history that cannot be written
never fails a run. Nothing here prints.
"""

from __future__ import annotations

from cct_cloudflare.history.asking import asked_by_plan, asked_by_program
from cct_cloudflare.history.record import Asked, Kind, Status, UsedComponent
from cct_cloudflare.history.recorder import Recorder, recording

__all__ = ["Asked", "Kind", "Recorder", "Status", "UsedComponent", "asked_by_plan", "asked_by_program", "recording"]
