"""Inside the sandbox: what a hostile program can find out, and what an earlier run leaves for it."""

from __future__ import annotations

import re

import pytest

from tests.runtime import KEY, Sandbox

HUNT_JAVASCRIPT = """\
const found = [];
const look = (what, get) => {
  try { found.push(what + ' ' + get()); } catch (error) { found.push(what + ' ! ' + error); }
};
const fs = require('node:fs');
look('env', () => JSON.stringify(process.env));
look('argv', () => JSON.stringify(process.argv));
for (const path of ['/proc/self/environ', '/proc/1/environ', '/proc/self/cmdline', '/etc/passwd', '/etc/hostname']) {
  look(path, () => fs.readFileSync(path, 'utf8'));
}
look('root', () => fs.readdirSync('/'));
look('tmp', () => fs.readdirSync('/tmp'));
for (const name of ['executor.js', './executor.js', '/executor.js', '../executor.js', 'host.js', 'worker.js',
  'cloudflare:workers', 'workerd:unsafe', 'cloudflare-internal:env', 'node-internal:internal_process']) {
  look('require ' + name, () => JSON.stringify(Object.entries(require(name)).map(String)));
  try { const it = await import(name); look('import ' + name, () => JSON.stringify(Object.entries(it).map(String))); }
  catch (error) { look('import ' + name, () => error); }
}
look('globals', () => Object.getOwnPropertyNames(globalThis).map((name) => {
  try { return name + String(globalThis[name]); } catch { return name; }
}));
look('bindings', () => typeof LOADER + typeof RUNNER + typeof env);
for (const name of ['child_process', 'cluster', 'worker_threads', 'inspector', 'vm', 'v8']) {
  look(name, () => JSON.stringify(Object.entries(require(name)).map(String)));
}
look('exec', () => require('child_process').execSync('env'));
console.log(found.join('\\n'));
"""

HUNT_PYTHON = """\
import os, sys, builtins
found = []
def look(what, get):
    try:
        found.append(f"{what} {get()}")
    except BaseException as error:
        found.append(f"{what} ! {error!r}")
look("env", lambda: dict(os.environ))
look("argv", lambda: (sys.argv, getattr(sys, "orig_argv", None)))
for path in ("/proc/self/environ", "/proc/1/environ", "/etc/passwd", "/proc/self/cmdline"):
    look(path, lambda: open(path).read())
look("root", lambda: os.listdir("/"))
for folder, _, names in os.walk("/"):
    if not folder.startswith("/lib/"):
        for name in names:
            look(folder + "/" + name, lambda: open(os.path.join(folder, name), "rb").read(100_000))
for name in "js pyodide pyodide_js _pyodide _pyodide_core _js subprocess ctypes socket multiprocessing".split():
    look("import " + name, lambda: sorted((k, str(v)) for k, v in vars(__import__(name)).items()))
look("js env", lambda: __import__("js").process.env)
look("run js", lambda: __import__("pyodide.code").code.run_js("JSON.stringify(globalThis)"))
look("popen", lambda: os.popen("env").read())
look("fork", lambda: os.fork())
look("modules", lambda: sorted(sys.modules))
look("main", lambda: vars(sys.modules["__main__"]))
import gc
look("gc", lambda: [repr(o)[:200] for o in gc.get_objects() if isinstance(o, (dict, str))])
print("\\n".join(found))
"""


@pytest.mark.parametrize(("name", "source"), [("javascript", HUNT_JAVASCRIPT), ("python", HUNT_PYTHON)])
def test_a_program_finds_no_secret_and_nothing_of_the_host(sandbox: Sandbox, name: str, source: str) -> None:
    ran = getattr(sandbox, name)(source, 60_000)
    assert ran.result.success, ran.result.error
    everything = ran.result.output + (ran.result.error or "")
    for secret in (KEY, sandbox.worker.token, str(sandbox.worker.socket), "CCT_TOKEN", "root:x:0"):
        assert secret not in everything
    lines = dict(line.split(" ", 1) for line in ran.result.output.splitlines() if line.startswith(("env ", "root ")))
    assert "ANTHROPIC" not in lines["env"]
    assert set(re.findall(r"\w+", lines["root"])) <= {"tmp", "dev", "bundle", "home", "proc", "lib", "workspace"}


@pytest.mark.parametrize("name", ["javascript", "python"])
def test_nothing_of_an_earlier_run_is_there(sandbox: Sandbox, name: str) -> None:
    if name == "javascript":
        leave = "globalThis.left = 1; Object.prototype.left = 1; const fs = require('fs');"
        leave += "for (const p of ['left.txt', '/tmp/left.txt']) fs.writeFileSync(p, 'left');"
        look = "const fs = require('fs');"
        look += "console.log(globalThis.left, ({}).left, fs.readdirSync('.'), fs.readdirSync('/tmp'))"
        expected = "undefined undefined [ 'main.js' ] [ 'program' ]\n"
    else:
        leave = "import os, builtins, random\nbuiltins.left = 1\nos.environ['LEFT'] = '1'\nrandom.seed(1)\n"
        leave += "for p in ('left.txt', '/tmp/left.txt'): open(p, 'w').write('left')"
        look = "import os, builtins\n"
        look += "print(hasattr(builtins, 'left'), 'LEFT' in os.environ, os.listdir('.'), os.listdir('/tmp'))"
        expected = "False False ['main.py'] []\n"
    run = getattr(sandbox, name)
    assert run(leave).result.success
    assert run(look).result.output == expected


def test_random_numbers_differ_between_runs(sandbox: Sandbox) -> None:
    seen = {sandbox.python("import random, uuid\nprint(random.random(), uuid.uuid4())").result.output for _ in range(3)}
    seen |= {sandbox.javascript("console.log(Math.random(), crypto.randomUUID())").result.output for _ in range(3)}
    assert len(seen) == 6
