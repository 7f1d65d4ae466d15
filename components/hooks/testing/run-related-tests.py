"""Runs the tests that belong to the changed files when Claude wants to stop, and sends it back while they fail.

A Stop hook. Changed files are those that git names; to each belong the tests with its name (`test_x.py`, `x_test.py`,
`x.test.ts`, `x.spec.ts`), and a changed test to itself. They run with the project's own pytest, Vitest or Jest; nothing
is downloaded. What passed once is not run again until a file changes. It fails open, and sends Claude back once only.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys

SECONDS = 150
MOST_TESTS = 20
MOST_LINES = 40
SCRIPT = r"\.(?:[cm]?[jt]s|[jt]sx)"
PYTHON_TEST = re.compile(r"(?:test_(?P<a>.+)|(?P<b>.+)_test)\.py")
SCRIPT_TEST = re.compile(rf"(?P<a>.+)\.(?:test|spec){SCRIPT}")


def git(project, *arguments):
    """The names that git lists; none where there is no repository, or no commit yet."""
    done = subprocess.run(
        ["git", "-C", project, *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False
    )
    return (
        [] if done.returncode else [name for name in done.stdout.decode("utf-8", "surrogateescape").split("\0") if name]
    )


def changed_files(project):
    """Changed, staged and new files, as paths in the project."""
    names = git(project, "diff", "--name-only", "--relative", "--diff-filter=d", "-z", "HEAD", "--")
    names += git(project, "ls-files", "--others", "--exclude-standard", "-z")
    return sorted({name for name in names if os.path.isfile(os.path.join(project, name))})


def tested(name):
    """The name that a test file tests: `src/x.test.ts` → `x`; None when it is no test."""
    found = PYTHON_TEST.fullmatch(os.path.basename(name)) or SCRIPT_TEST.fullmatch(os.path.basename(name))
    return next((value for value in found.groups() if value), None) if found else None


def related(changed, every):
    """The tests among `every` that belong to the `changed` files, those that changed themselves first."""
    stems = {(os.path.splitext(os.path.basename(name))[0], name.endswith(".py")) for name in changed}
    own = [name for name in changed if tested(name)]
    others = [name for name in every if (tested(name), name.endswith(".py")) in stems and name not in own]
    return (own + others)[:MOST_TESTS]


def runners(project, tests):
    """(name, command line) for the tests of each language that the project can run."""
    python = [name for name in tests if name.endswith(".py")]
    scripts = [name for name in tests if not name.endswith(".py")]
    places = [os.path.join(project, place) for place in (".venv/bin", "venv/bin", ".venv/Scripts", "node_modules/.bin")]
    own = os.pathsep.join(places)
    pytest = shutil.which("pytest", path=own) or shutil.which("pytest")
    if python and pytest:
        yield "pytest", [pytest, "-q", "-x", "--no-header", "-p", "no:cacheprovider", "--", *python]
    if scripts and shutil.which("vitest", path=own):
        yield "Vitest", [shutil.which("vitest", path=own), "run", "--passWithNoTests", *scripts]
    elif scripts and shutil.which("jest", path=own):
        yield "Jest", [shutil.which("jest", path=own), "--ci", "--passWithNoTests", "--runTestsByPath", "--", *scripts]


def fingerprint(project, names):
    """Changes when a file does."""
    states = [(name, *os.stat(os.path.join(project, name))[6:9:2]) for name in names]
    return hashlib.sha256(repr(states).encode("utf-8", "surrogateescape")).hexdigest()


def memory(project):
    state = os.environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
    name = hashlib.sha256(project.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return os.path.join(state, "claude-code", f"related-tests-{name}")


def remembered(note):
    try:
        with open(note, encoding="ascii") as file:
            return file.read()
    except OSError:
        return ""


def run(command, project):
    """(status, output); the whole process group ends with its time."""
    process = subprocess.Popen(
        command,
        cwd=project,
        env={**os.environ, "CI": "1", "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    with process:
        try:
            output, _ = process.communicate(timeout=SECONDS)
        except BaseException:
            if hasattr(os, "killpg"):
                os.killpg(process.pid, 9)
            process.kill()
            raise
    return process.returncode, output


def plain(output):
    lines = [line for line in output.decode("utf-8", "replace").splitlines() if line.strip()][-MOST_LINES:]
    return "\n".join("".join(char if char.isprintable() else "?" for char in line)[:300] for line in lines)


def check(call):
    """What failed, as text for Claude, or ""."""
    project = os.path.realpath(os.environ.get("CLAUDE_PROJECT_DIR") or call["cwd"])
    changed = changed_files(project)
    if not changed:
        return ""
    tests = related(changed, git(project, "ls-files", "--cached", "--others", "--exclude-standard", "-z"))
    tests = [name for name in tests if os.path.isfile(os.path.join(project, name))]
    state, note = fingerprint(project, changed), memory(project)
    if not tests or remembered(note) == state:
        return ""
    for name, command in runners(project, tests):
        status, output = run(command, project)
        if status in (1, 2):  # tests failed, or could not be collected; more is a fault of the runner
            return f"{name} fails on what belongs to the changed files ({', '.join(tests)}):\n{plain(output)}"
        if status not in (0, 5):
            raise OSError(f"{name} ended with {status}")
    os.makedirs(os.path.dirname(note), mode=0o700, exist_ok=True)
    with open(note, "w", encoding="ascii") as file:
        file.write(state)
    return ""


def main():
    try:
        call = json.loads(sys.stdin.buffer.read().decode("utf-8"))
        # Claude goes on because of a hook already: a second time would make a circle.
        failed = "" if call.get("stop_hook_active") else check(call)
    except Exception as problem:
        sys.stderr.write(f"run-related-tests: not run ({type(problem).__name__}).\n")
        return 1  # shown to the person; Claude may stop
    if failed:
        reason = f"{failed}\nMend it, or say why it is right that it fails."
        json.dump({"decision": "block", "reason": reason}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
