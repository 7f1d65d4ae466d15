"""How far long work is, on a terminal; nothing elsewhere."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

from cct_cloudflare.streams import forgive, is_rich


@contextlib.contextmanager
def shown_progress(label: str, *, no_color: bool = False) -> Iterator[Callable[[int, int], None] | None]:
    """A line on stderr that moves while the block runs, and then goes. Yields what takes (done, of how many).

    Yields None where stderr is no terminal.
    """
    if not is_rich(sys.stderr, no_color=no_color):
        yield None
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

    from cct_cloudflare.displays import rich_console

    forgive(sys.stderr)
    texts = (TextColumn("{task.description}", markup=False), TextColumn("{task.fields[told]}", markup=False))
    columns = (SpinnerColumn(), texts[0], BarColumn(20), texts[1])
    with Progress(*columns, console=rich_console(sys.stderr), transient=True) as bars:
        task = bars.add_task(label, total=None, told="")
        yield lambda done, total: bars.update(task, completed=done, total=total, told=f"{done:,} of {total:,}")
