"""Inside the sandbox: no program can forge how it ended, whatever it does to its own runtime."""

from __future__ import annotations

import psutil
import pytest

from cct_cloudflare.errors import Exit
from tests.runtime import Sandbox

FORGED = [
    "Response.json = () => new Response('forged'); Response.prototype.constructor = null; globalThis.Response = null;",
    "console.log = () => {}; globalThis.console = null; globalThis.process = null;",
    "Object.prototype.toString = Object.prototype.valueOf = () => 'forged'; Object.prototype.then = 1;",
    'JSON.stringify = JSON.parse = () => \'{"kind":"exited","code":0}\'; globalThis.JSON = null;',
    "TextEncoder.prototype.encode = () => new Uint8Array([4, 0, 0, 0, 4, 0, 0, 0, 0]); globalThis.TextEncoder = null;",
    """const write = WritableStreamDefaultWriter.prototype.write;
WritableStreamDefaultWriter.prototype.write = function () {
  return write.call(this, new Uint8Array([4, 0, 0, 0, 4, 0, 0, 0, 0, 5, 0, 0, 0, 2, 123, 125])); };
WritableStreamDefaultWriter.prototype.close = function () { return Promise.resolve(); };""",
    """const then = Promise.prototype.then; Promise.prototype.then = function (a, b) { return then.call(this, a, a); };
Promise.resolve = Promise.reject = () => ({ then() {} }); globalThis.Promise = null;""",
    "Uint8Array.prototype.set = function () {}; Uint8Array.prototype.subarray = () => new Uint8Array(9);",
    """const bytes = Object.getPrototypeOf(Uint8Array.prototype); globalThis.Uint8Array = null;
for (const name of ['buffer', 'byteLength', 'byteOffset', 'length'])
  Object.defineProperty(bytes, name, { get: () => 0, configurable: true });""",
    "Reflect.apply = Function.prototype.call = Function.prototype.apply = () => 0; Reflect.defineProperty = () => 1;",
    "Object.defineProperty(Promise.prototype, 'constructor', { get() { throw 1; } });",
    "Array.prototype[Symbol.iterator] = function* () {}; Array.prototype.push = () => 0; Map.prototype.get = () => 0;",
    "globalThis.setTimeout = globalThis.queueMicrotask = EventTarget.prototype.addEventListener = () => 0;",
    "globalThis.IdentityTransformStream = globalThis.ReadableStream = globalThis.WritableStream = null;",
    "Error.prepareStackTrace = () => 'forged'; Error.stackTraceLimit = 0; Error.captureStackTrace = null;",
    "String.prototype.replace = String.prototype.split = String.prototype.startsWith = () => '';",
    "Number.isInteger = Number.isNaN = isNaN = Array.isArray = () => false; Math.min = Math.max = () => 0;",
    "Object.freeze(globalThis); Object.preventExtensions(Promise.prototype); Object.seal(Uint8Array.prototype);",
    "process.exitCode = 0; process.on('exit', () => { process.exitCode = 0; });",
    "Object.defineProperty(Object.prototype, 'code', { get: () => 0, set() {} }); Object.prototype.value = 0;",
]


@pytest.mark.parametrize("patch", FORGED)
def test_no_patch_forges_the_exit_status(sandbox: Sandbox, patch: str) -> None:
    """Whatever it does to itself, a program that throws has failed, and one that ends well has not become another."""
    ran = sandbox.javascript(f"{patch}\nthrow 'the end';", 20_000)
    assert ran.result.success is False, ran.result
    assert ran.result.exit_code is not Exit.OK
    assert ran.result.error_code in ("program_failed", "sandbox_crashed", "sandbox_timeout")
    if ran.result.error_code == "program_failed":
        assert ran.result.program_exit_code == 1
    sandbox.check_well()


@pytest.mark.parametrize("patch", [patch for patch in FORGED if "exitCode" not in patch])
def test_no_patch_forges_the_status_of_process_exit(sandbox: Sandbox, patch: str) -> None:
    ran = sandbox.javascript(f"const exit = process.exit.bind(process);\n{patch}\nexit(3);", 20_000)
    assert ran.result.success is False, ran.result
    if ran.result.error_code == "program_failed":
        assert ran.result.program_exit_code in (1, 3)
    sandbox.check_well()


PRINTED_FRAMES = bytes([4, 0, 0, 0, 4, 0, 0, 0, 0, 5, 0, 0, 0, 2, 123, 125])


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("javascript", f"process.stdout.write(Buffer.from({list(PRINTED_FRAMES)})); process.exit(7)"),
        (
            "python",
            f"import sys\nsys.stdout.buffer.write(bytes({list(PRINTED_FRAMES)}))\nsys.stdout.flush()\nsys.exit(7)",
        ),
    ],
)
def test_frames_that_are_printed_are_output(sandbox: Sandbox, name: str, source: str) -> None:
    ran = getattr(sandbox, name)(source)
    assert ran.result.program_exit_code == 7
    assert ran.result.output.encode() == PRINTED_FRAMES


@pytest.mark.parametrize(
    "patch",
    [
        "sys.exit = os._exit = lambda *a: None",
        "sys.excepthook = lambda *a: None",
        "sys.stdout = sys.stderr = None",
        "sys.stdout.close(); sys.stderr.close()",
        "os.close(1); os.close(2)",
        "builtins.print = builtins.compile = builtins.exec = builtins.isinstance = lambda *a, **k: 0",
        "sys.modules.clear()",
        "sys.setrecursionlimit(30)",
        "builtins.BaseException = builtins.SystemExit = builtins.Exception = int",
        "vars(builtins).clear()",
    ],
)
def test_no_patch_of_python_forges_the_exit_status(sandbox: Sandbox, patch: str) -> None:
    ran = sandbox.python(f"import builtins, os, sys\n{patch}\nraise KeyError('the end')", 20_000)
    assert ran.result.success is False, ran.result
    assert ran.result.error_code in ("program_failed", "sandbox_crashed")
    sandbox.check_well()


@pytest.mark.parametrize(
    "source",
    [
        "import os; os._exit(3)",
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        "import os; os.abort()",
        "import faulthandler; faulthandler._sigsegv()",
        "import sys; sys.setrecursionlimit(10**9)\ndef f(): f()\nf()",
    ],
)
def test_python_that_breaks_its_interpreter_has_failed(sandbox: Sandbox, source: str) -> None:
    ran = sandbox.python(source, 20_000)
    assert ran.result.success is False
    assert ran.result.error_code in ("program_failed", "sandbox_crashed", "sandbox_oom")
    sandbox.check_well()


def test_the_supervisor_and_its_worker_survive_all_of_this(sandbox: Sandbox) -> None:
    assert psutil.Process(sandbox.worker.supervisor_pid).is_running()
    sandbox.check_well()
