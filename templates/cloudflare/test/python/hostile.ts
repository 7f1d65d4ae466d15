import type { Case } from '../javascript/case';

const attempts = (...lines: string[]): string =>
  lines
    .map((line) => `try:\n    ${line}\n    print('REACHED')\nexcept Exception as error: print(type(error).__name__)\n`)
    .join('');

export const NETWORK: Case[] = [
  {
    name: 'nothing resolves and nothing connects, with an error that says why',
    files: `import socket, urllib.request, asyncio
${attempts(
  "urllib.request.urlopen('http://example.com')",
  "urllib.request.urlopen('https://169.254.169.254')",
  "socket.create_connection(('127.0.0.1', 80))",
  "socket.socket().connect(('1.1.1.1', 53))",
  "__import__('_socket').socket()",
  "asyncio.run(asyncio.open_connection('1.1.1.1', 80))",
)}
urllib.request.urlopen('http://example.com')`,
    stdout: 'URLError\nURLError\ngaierror\nOSError\nOSError\nOSError\n',
    stderr: ['this sandbox has no network'],
    exit: 1,
  },
  {
    name: 'no processes and no threads',
    files: `import os, subprocess, threading
${attempts("subprocess.run(['ls'])", 'threading.Thread(target=print).start()', 'os.fork()', "assert os.system('ls') == 0")}`,
    stdout: 'OSError\nRuntimeError\nOSError\nAssertionError\n',
  },
];

export const UNREACHABLE: Case[] = [
  {
    name: 'no way to JavaScript',
    files: attempts(
      'import js',
      'import pyodide',
      'import pyodide_js',
      'import _pyodide_core',
      'from pyodide.code import run_js',
    ),
    stdout: 'ModuleNotFoundError\n'.repeat(5),
  },
  {
    name: 'none of its objects among those of the interpreter',
    files: `import gc, sys
gc.unfreeze()
kinds = {f'{type(each).__module__}.{type(each).__qualname__}' for each in gc.get_objects()}
print([kind for kind in kinds if 'Js' in kind or 'pyodide' in kind])
print([kind for kind in type.__subclasses__(object) if kind.__module__.startswith('pyodide')])`,
    stdout: '[]\n[]\n',
  },
  {
    name: 'a script that C is asked to run in JavaScript does not run',
    files: `import ctypes
ctypes.CDLL(None).emscripten_run_script(b'globalThis.x = 1')
print('REACHED')`,
    absent: ['REACHED'],
    stderr: ['Fatal Python error'],
    exit: 1,
  },
  {
    name: 'what it writes to every descriptor is output, not a frame',
    files: `import os
for fd in range(20):
    try: os.write(fd, bytes([4, 0, 0, 0, 4, 0, 0, 0, 0]))
    except OSError: pass
raise SystemExit(9)`,
    exit: 9,
  },
];
