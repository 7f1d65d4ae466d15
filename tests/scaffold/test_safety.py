"""Links, things in the way, refused writes, killed and simultaneous runs."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cct_cloudflare.errors import CctError, ConfigError, Exit, UnsafeError
from cct_cloudflare.folder_lock import folder_lock
from cct_cloudflare.scaffold import apply, plan
from tests.scaffold.trees import TEMPLATE, read_tree, scaffold, stamps, target, write_tree

NEWER = {**{path: content + b"newer\n" for path, content in TEMPLATE.items() if path != "README.md"}, "new.md": b"n"}


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    write_tree(folder, {"wrangler.toml": b"precious", "src/index.ts": b"precious"})
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("link", [".claude", ".claude/sandbox", ".claude/sandbox/cloudflare"])
def test_a_linked_folder_above_is_refused(project: Path, outside: Path, link: str) -> None:
    (project / link).parent.mkdir(parents=True, exist_ok=True)
    (project / link).symlink_to(outside, target_is_directory=True)
    _refused_untouched(project, outside)


@pytest.mark.parametrize(
    ("link", "to"),
    [
        ("src", "src"),
        ("wrangler.toml", "wrangler.toml"),
        ("src/index.ts", "src/index.ts"),
        ("src/index.ts", "nowhere"),
        (".cct-manifest.json", "wrangler.toml"),
        (".cct-staging", "src"),
        (".cct-backup", "src"),
    ],
)
@pytest.mark.parametrize("force", [False, True])
def test_a_link_inside_is_refused(project: Path, outside: Path, link: str, to: str, force: bool) -> None:
    place = target(project) / link
    place.parent.mkdir(parents=True)
    place.symlink_to(outside / to)
    _refused_untouched(project, outside, force=force)


def test_a_link_that_stays_in_the_project_may_lead_to_the_sandbox_folder(project: Path) -> None:
    (project / "real").mkdir()
    (project / ".claude").symlink_to("real", target_is_directory=True)
    scaffold(project)
    assert read_tree(project / "real/sandbox/cloudflare") == TEMPLATE


def test_a_linked_project_is_followed_because_the_user_named_it(project: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(project, target_is_directory=True)
    scaffold(tmp_path / "alias")
    assert read_tree(target(project)) == TEMPLATE


@pytest.mark.parametrize("where", ["wrangler.toml", "src/index.ts", ".cct-manifest.json"])
def test_a_folder_where_a_file_belongs_is_refused(project: Path, where: str) -> None:
    (target(project) / where).mkdir(parents=True)
    _in_the_way(project)


@pytest.mark.parametrize("where", [".claude", ".claude/sandbox", ".claude/sandbox/cloudflare", "src"])
def test_a_file_where_a_folder_belongs_is_refused(project: Path, where: str) -> None:
    file = project / where if where.startswith(".claude") else target(project) / where
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"mine")
    _in_the_way(project)


def test_a_pipe_where_a_file_belongs_is_refused_and_not_read(project: Path) -> None:
    target(project).mkdir(parents=True)
    os.mkfifo(target(project) / "wrangler.toml")
    _in_the_way(project)


def test_a_refused_write_leaves_no_litter_and_one_clear_error(exposed: Path) -> None:
    decided = plan(exposed, rendered=TEMPLATE)
    exposed.chmod(0o555)
    with _unprivileged(), pytest.raises(ConfigError) as caught:
        apply(decided)
    assert caught.value.code == "output_unwritable"
    assert "Permission denied" in caught.value.message
    assert list(exposed.iterdir()) == []


def test_a_refused_update_leaves_the_old_bytes_and_the_next_run_heals(exposed: Path) -> None:
    scaffold(exposed)
    before = read_tree(target(exposed), manifest=True)
    decided = plan(exposed, rendered=NEWER)
    target(exposed).chmod(0o555)
    with _unprivileged(), pytest.raises(ConfigError):
        apply(decided)
    assert read_tree(target(exposed), manifest=True) == before
    target(exposed).chmod(0o755)
    scaffold(exposed, NEWER)
    assert read_tree(target(exposed)) == NEWER


def test_a_read_only_project_that_is_up_to_date_needs_no_write(exposed: Path) -> None:
    scaffold(exposed)
    for folder in (target(exposed), exposed):
        folder.chmod(0o555)
    with _unprivileged():
        assert apply(plan(exposed, rendered=TEMPLATE)).is_done


@pytest.mark.parametrize("old", [{}, TEMPLATE])
def test_a_full_disk_leaves_the_old_tree(project: Path, old: dict[str, bytes]) -> None:
    """The limit on a file's size stands in for the disk: the same error at the same call."""
    if old:
        scaffold(project, old)
    before = stamps(project) if old else None
    code = f"""
import resource, signal, sys
from pathlib import Path
from cct_cloudflare.errors import CctError
from cct_cloudflare.scaffold import apply, plan
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
decided = plan(Path(sys.argv[1]), rendered={ {**TEMPLATE, "README.md": b"n", "src/zz.ts": b"x" * 5000}!r})
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    apply(decided)
except CctError as error:
    sys.exit(f"{{error.code}}")
"""
    ended = subprocess.run([sys.executable, "-c", code, str(project)], capture_output=True, text=True, check=False)
    assert ended.stderr == "output_unwritable\n"
    assert read_tree(target(project)) == old
    if before is None:
        assert list(project.iterdir()) == []
    else:
        # Only the folder in which the attempt was staged knows about it.
        changed = {path for path, stamp in stamps(project).items() if before[path] != stamp}
        assert changed <= {str(target(project))}


KILLED_AT_EVERY_STEP = """
import os, signal, sys
from pathlib import Path
from cct_cloudflare.scaffold import apply, plan
from cct_cloudflare.scaffold.manifest import MANIFEST_NAME
from tests.scaffold.test_safety import NEWER
from tests.scaffold.trees import TEMPLATE, read_tree, scaffold, target

STEPS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "shutil.rmtree", "os.chmod"}
root = Path(sys.argv[1])

def attempt(project, step):
    "Applies in a child that kills itself at its `step`th look at the disk; whether it was killed."
    decided = plan(project, rendered=NEWER, force=True)
    child = os.fork()
    if child == 0:
        seen = 0
        def watch(event, _):
            nonlocal seen
            seen += event in STEPS
            if seen == step and event in STEPS:
                os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(watch)
        apply(decided)
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])

for fresh in (True, False):
    step = 1
    while True:
        project = root / f"{fresh}-{step}"
        project.mkdir()
        if not fresh:
            scaffold(project)
            (target(project) / "wrangler.toml").write_bytes(b"mine")
        killed = attempt(project, step)
        place = target(project)
        for path, content in read_tree(place).items():
            if not path.startswith(".cct-"):
                assert content in (TEMPLATE.get(path), NEWER.get(path), b"mine"), (step, path, content)
        scaffold(project, NEWER, force=True)
        assert {p: c for p, c in read_tree(place).items() if not p.startswith(".cct-")} == NEWER, step
        assert not (place / ".cct-staging").exists(), step
        if not fresh:
            saved = [c for p, c in read_tree(place).items() if p.startswith(".cct-backup")]
            assert b"mine" in saved, step
        assert plan(project, rendered=NEWER).is_done, step
        if not killed:
            break
        step += 1
    assert step > 20, step
"""


def test_kill_at_every_step_leaves_whole_files_and_the_next_run_heals(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED_AT_EVERY_STEP, str(tmp_path)], check=True, cwd=_checkout())


def test_runs_at_once_do_not_mix(project: Path) -> None:
    """Each names the Worker differently: the last one's name must be in all files and in the manifest."""
    code = """
import sys
from pathlib import Path
from cct_cloudflare.scaffold import apply, plan
rendered = {f"f{n}.txt": sys.argv[2].encode() for n in range(40)}
decided = plan(Path(sys.argv[1]), name=sys.argv[2], rendered=rendered)
print("ready", flush=True)
sys.stdin.readline()
apply(decided)
"""
    names = [f"worker-{number}" for number in range(4)]
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(project), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    for run in runs:
        assert run.stdout is not None
        assert run.stdout.readline() == "ready\n"
    for run in runs:
        run.communicate("go\n")
        assert run.returncode == 0
    contents = set(read_tree(target(project)).values())
    name = plan(project, rendered={}).settings.name
    assert name in names
    assert contents == {name.encode()}


def test_a_project_that_is_held_too_long_is_an_error(project: Path) -> None:
    with (
        folder_lock(project),
        pytest.raises(ConfigError, match="Another cct"),
        folder_lock(project, patience=0),
    ):
        pass
    with folder_lock(project, patience=0):
        pass


def _refused_untouched(project: Path, outside: Path, *, force: bool = False) -> None:
    before = stamps(project), stamps(outside)
    with pytest.raises(UnsafeError) as caught:
        plan(project, rendered=TEMPLATE, force=force)
    assert caught.value.exit_code is Exit.UNSAFE
    assert (stamps(project), stamps(outside)) == before


def _in_the_way(project: Path) -> None:
    before = stamps(project)
    with pytest.raises(CctError) as caught:
        plan(project, rendered=TEMPLATE, force=True)
    assert caught.value.code == "output_unwritable"
    assert stamps(project) == before


@pytest.fixture
def exposed() -> Iterator[Path]:
    """A project that another user can reach and write to: pytest's own folders are private."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        project = Path(folder) / "project"
        project.mkdir()
        if os.geteuid() == 0:
            os.chown(project, 65534, 65534)
        yield project
        for path in [project, *project.rglob("*")]:
            if path.is_dir():
                path.chmod(0o755)


@contextlib.contextmanager
def _unprivileged() -> Iterator[None]:
    """Permissions mean nothing to root, which is who tests run as in many containers."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def _checkout() -> Path:
    return Path(__file__).resolve().parents[2]
