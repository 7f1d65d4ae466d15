"""Judges the commit that is checked out, for `git bisect run`: exit status 0 good, 1 bad, 125 cannot be judged.

    git bisect run python3 verdict.py [--build COMMAND] [--bad-if TEXT] [--runs N] [--timeout SECONDS]
                                      [--hang bad|skip] -- COMMAND [ARGUMENT ...]

git takes any status from 1 to 127 but 125 as bad, and stops at one above. So a command that is missing in an old
commit (127) would be blamed for the bug, and a crash by a signal would end the search: both are translated here.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile

GOOD, BAD, SKIP = 0, 1, 125
TAIL = 1024 * 1024


def main(argv: list[str] | None = None) -> int:
    options = parse(argv)
    verdict, reason = judge(options)
    name = {GOOD: "good", BAD: "bad", SKIP: "skipped"}[verdict]
    print(f"verdict: {name}: {reason}", file=sys.stderr)
    return verdict


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Judges the commit that is checked out, for `git bisect run`.")
    parser.add_argument("--build", metavar="COMMAND", help="a shell command to run first; a failure skips the commit")
    parser.add_argument("--bad-if", metavar="TEXT", help="a failure without this text in its output skips the commit")
    parser.add_argument("--runs", type=int, default=1, metavar="N", help="bad when one of N runs fails (default: 1)")
    parser.add_argument("--timeout", type=float, default=600, metavar="SECONDS", help="for each command (default: 600)")
    parser.add_argument("--hang", choices=("bad", "skip"), default="skip", help="a command that takes longer is …")
    parser.add_argument("command", nargs="+", metavar="COMMAND", help="what passes on a good commit, after --")
    options = parser.parse_args(argv)
    if options.runs < 1 or not options.timeout > 0:
        parser.error("--runs and --timeout must be positive")
    return options


def judge(options: argparse.Namespace) -> tuple[int, str]:
    if options.build is not None:
        status, _ = run(options.build, options.timeout)
        if status is None:
            return SKIP, f"the build took longer than {options.timeout:g} s"
        if status != 0:
            return SKIP, f"the build ended with {status}"
    for number in range(1, options.runs + 1):
        status, output = run(options.command, options.timeout)
        of_runs = f" (run {number} of {options.runs})" if options.runs > 1 else ""
        if status == 0:
            continue
        if status is None:
            return (BAD if options.hang == "bad" else SKIP), f"it took longer than {options.timeout:g} s{of_runs}"
        if status in (125, 126, 127):
            return SKIP, f"the command could not be run: status {status}{of_runs}"
        if options.bad_if is not None and options.bad_if not in output:
            return SKIP, f"it failed with {status}, but for another reason{of_runs}"
        return BAD, f"it failed with {status}{of_runs}"
    return GOOD, f"it passed {options.runs} times" if options.runs > 1 else "it passed"


def run(command: str | list[str], timeout: float) -> tuple[int | None, str]:
    """Its status (negative: the signal that ended it; None: out of time) and the end of its output, which is shown."""
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(
                command,
                shell=isinstance(command, str),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            print(error, file=sys.stderr)
            return 127, ""
        status: int | None = None
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            pass
        finally:
            end_group(process)
        output.seek(max(0, output.seek(0, os.SEEK_END) - TAIL))
        data = output.read()
    sys.stdout.buffer.write(data)
    sys.stdout.flush()
    return status, data.decode(errors="replace")


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Servers that a test left behind would hold their port while the next commit is judged."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    elif process.poll() is None:
        process.kill()
    process.wait()


if __name__ == "__main__":
    sys.exit(main())
