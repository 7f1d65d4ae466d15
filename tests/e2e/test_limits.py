"""Inside the sandbox: endless programs, memory bombs and floods of output. One Worker serves all of these runs."""

from __future__ import annotations

import pytest

from cct_cloudflare.errors import Exit
from tests.runtime import Ran, Sandbox

#: For programs that never end by themselves, in milliseconds.
SHORT = 1000


def stopped(ran: Ran, word: str) -> None:
    assert ran.result.error_code == word
    assert ran.result.success is False
    assert ran.result.program_exit_code is None
    assert ran.result.output_may_be_incomplete is True
    assert ran.result.exit_code is Exit.LIMIT


# Time


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("javascript", "console.log('first'); await null; await new Promise(r => setTimeout(r)); while (true) {}"),
        (
            "javascript",
            "console.log('first'); await new Promise(r => setTimeout(r)); /^(a+)+$/.test('a'.repeat(60) + '!')",
        ),
        ("javascript", "console.log('first'); setInterval(() => {}, 10); await new Promise(() => {})"),
        ("python", "import time\nprint('first')\ntime.sleep(0.01)\nwhile True: pass"),
        ("python", "import re, time\nprint('first')\ntime.sleep(0.01)\nre.match('^(a+)+$', 'a' * 60 + '!')"),
        ("python", "import asyncio\nprint('first')\nasyncio.run(asyncio.Event().wait())"),
        ("python", "import time\nprint('first')\ntime.sleep(10_000)"),
    ],
    ids=["loop", "redos", "never settles", "py loop", "py redos", "py never settles", "py sleeps"],
)
def test_a_program_without_end_is_stopped_and_what_it_printed_before_a_pause_is_there(
    sandbox: Sandbox, name: str, source: str
) -> None:
    ran = getattr(sandbox, name)(source, SHORT)
    stopped(ran, "sandbox_timeout")
    assert ran.result.output == "first\n"
    assert ran.seen == "first\n"
    sandbox.check_well()


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("javascript", "while (true) {}"),
        ("javascript", "console.log('lost'); while (true) console.log('x'.repeat(100))"),
        ("javascript", "process.on('exit', () => { while (true) {} })"),
        ("javascript", "throw { [Symbol.for('nodejs.util.inspect.custom')]() { while (true) {} } }"),
        ("python", "while True: pass"),
        ("python", "import atexit\n@atexit.register\ndef f():\n    while True: pass"),
        ("python", "class E(Exception):\n    def __str__(self):\n        while True: pass\nraise E"),
    ],
)
def test_a_loop_that_swallows_output_is_never_taken_for_a_whole_run(sandbox: Sandbox, name: str, source: str) -> None:
    stopped(getattr(sandbox, name)(source, SHORT), "sandbox_timeout")
    sandbox.check_well()


def test_a_promise_that_nothing_can_settle_is_the_programs_own_failure(sandbox: Sandbox) -> None:
    ran = sandbox.javascript("console.log('first'); await new Promise(() => {}); console.log('never')", 20_000)
    assert ran.result.output == "first\n"
    assert ran.result.success is False
    assert ran.result.program_exit_code == 13
    assert "never happen" in (ran.result.error or "")


# Memory


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("javascript", "const kept = []; while (true) kept.push(new Uint8Array(16 << 20).fill(1));"),
        ("javascript", "const kept = []; while (true) kept.push(new Array(1 << 20).fill(0).map(() => ({})));"),
        ("javascript", "let kept = 'x'; while (true) kept += kept + Math.random();"),
        ("javascript", "const kept = []; while (true) kept.push('x'.repeat(1 << 20) + Math.random());"),
        ("javascript", "const kept = []; while (true) kept.push(Buffer.alloc(8 << 20, 'x').toString('latin1'));"),
        ("javascript", "const kept = new Map(); for (let n = 0; ; n++) kept.set(n, { n });"),
    ],
    ids=["buffers", "objects", "doubling", "strings", "flat strings", "map"],
)
def test_a_javascript_memory_bomb_is_stopped_with_the_hosts_memory_bounded(
    sandbox: Sandbox, name: str, source: str
) -> None:
    ran = getattr(sandbox, name)(source, 60_000)
    if ran.result.error_code == "program_failed":
        # V8 has bounds of its own (the length of a string, of a map) and tells the program.
        assert "RangeError" in (ran.result.error or "")
    else:
        stopped(ran, "sandbox_oom")
    assert (ran.result.metrics.peak_memory_bytes or 0) < 1600 * 2**20
    sandbox.check_well()


@pytest.mark.parametrize(
    "source",
    [
        "kept = []\nwhile True: kept.append(bytearray(16 << 20))",
        "kept = []\nwhile True: kept.append('x' * (1 << 20))",
        "kept = {}\nn = 0\nwhile True:\n    kept[n] = bytes(4000)\n    n += 1",
        "x = 'a' * (1 << 40)",
        "x = 10 ** (10 ** 10)",
    ],
    ids=["bytes", "strings", "dict", "at once", "number"],
)
def test_a_python_memory_bomb_is_stopped_with_the_hosts_memory_bounded(sandbox: Sandbox, source: str) -> None:
    ran = sandbox.python(source, 60_000 if "10 **" not in source else 3000)
    if ran.result.error_code == "program_failed":
        assert "Error" in (ran.result.error or ""), "MemoryError or OverflowError, the program's own to catch"
    elif "10 **" in source and ran.result.error_code == "sandbox_timeout":
        pass  # slow before it is large
    else:
        stopped(ran, "sandbox_oom")
    assert (ran.result.metrics.peak_memory_bytes or 0) < 1600 * 2**20
    sandbox.check_well()


def test_a_memory_bomb_between_two_looks_is_still_bounded_by_the_kernel(sandbox: Sandbox) -> None:
    source = "const kept = []; for (let n = 0; n < 64; n++) kept.push(new ArrayBuffer(256 << 20));"
    source += "for (const b of kept) new Uint8Array(b).fill(1);"
    ran = sandbox.javascript(source, 60_000)
    assert ran.result.success is False
    assert ran.result.error_code in ("sandbox_oom", "program_failed")
    assert (ran.result.metrics.peak_memory_bytes or 0) < 2 * 2**30
    sandbox.check_well()


def test_deep_recursion_is_the_programs_error_with_its_file_and_line(sandbox: Sandbox) -> None:
    ran = sandbox.javascript("console.log('first');\nconst f = () => f() + 1;\nf();\n")
    assert ran.result.error_code == "program_failed"
    assert ran.result.program_exit_code == 1
    assert ran.result.output == "first\n"
    assert "RangeError" in (ran.result.error or "")
    assert "main.js:2" in (ran.result.error or "")
    ran = sandbox.python("print('first')\ndef f():\n    return f() + 1\nf()\n")
    assert ran.result.error_code == "program_failed"
    assert ran.result.program_exit_code == 1
    assert ran.result.output == "first\n"
    assert "RecursionError" in (ran.result.error or "")
    assert 'main.py", line 3' in (ran.result.error or "")


# Output


def test_half_a_gigabyte_of_output_is_truncated_and_flagged(sandbox: Sandbox) -> None:
    ran = sandbox.javascript(
        "const line = 'x'.repeat(1 << 20); for (let n = 0; n < 500; n++) console.log(line);", 60_000
    )
    assert ran.result.truncated is True
    assert len(ran.result.output) == 2**20
    assert ran.seen == ran.result.output
    ran = sandbox.python("line = 'x' * (1 << 20)\nfor n in range(500): print(line)", 60_000)
    assert ran.result.truncated is True
    assert len(ran.result.output) == 2**20
    sandbox.check_well()


def test_both_streams_share_one_limit(sandbox: Sandbox) -> None:
    source = "for (let n = 0; n < 1100; n++) { console.log('o'.repeat(1023)); console.error('e'.repeat(1023)); }"
    ran = sandbox.javascript(source)
    assert ran.result.truncated is True
    assert len(ran.result.output) + len(ran.result.error or "") <= 2**20


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("javascript", "process.stdout.write(Buffer.from([0x61, 0xff, 0xfe, 0x00, 0xc3]))"),
        ("python", "import sys\nsys.stdout.buffer.write(bytes([0x61, 0xff, 0xfe, 0, 0xc3]))"),
    ],
)
def test_output_that_is_no_utf8_is_flagged(sandbox: Sandbox, name: str, source: str) -> None:
    ran = getattr(sandbox, name)(source)
    assert ran.result.output_lossy is True
    assert ran.result.output == "a\ufffd\ufffd\0\ufffd"
    assert ran.result.success is True


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("javascript", "for (const b of Buffer.from('é🎉\\r\\n')) { process.stdout.write(Buffer.from([b])); }"),
        (
            "python",
            "import os\nfor b in 'é🎉\\r\\n'.encode():\n    os.write(1, bytes([b]))",
        ),
    ],
)
def test_a_character_that_is_written_byte_by_byte_stays_whole(sandbox: Sandbox, name: str, source: str) -> None:
    ran = getattr(sandbox, name)(source)
    assert (ran.result.output, ran.seen, ran.result.output_lossy) == ("é🎉\r\n", "é🎉\r\n", False)
