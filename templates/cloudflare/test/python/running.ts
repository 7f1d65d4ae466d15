import type { Case } from '../javascript/case';

export const STARTING: Case[] = [
  {
    name: 'is started as `python main.py` would',
    files: {
      'main.py': `import os, sys, helper
from pkg import sub
print(__name__, __file__, sys.argv, os.getcwd(), sys.path[0], helper.name, sub.name)
print(sorted(globals()))
print(sorted(os.environ))`,
      'helper.py': 'name = __name__',
      'pkg/__init__.py': '',
      'pkg/sub.py': 'from . import other\nname = other.name',
      'pkg/other.py': 'name = __name__',
    },
    stdout: `__main__ /workspace/main.py ['main.py'] /workspace /workspace helper pkg.other
['__builtins__', '__cached__', '__doc__', '__file__', '__loader__', '__name__', '__package__', '__spec__', 'helper', 'os', 'sub', 'sys']
['HOME', 'LANG', 'PATH', 'PWD', 'TMPDIR']
`,
  },
  {
    name: 'an entrypoint in a folder imports from its own folder',
    files: { 'app/main.py': 'import util, sys\nprint(util.x, sys.argv)', 'app/util.py': 'x = 1' },
    stdout: "1 ['app/main.py']\n",
  },
  {
    name: 'data files, and names that are no ASCII',
    files: { 'mä in.py': 'print(open("dàta.csv").read())', 'dàta.csv': 'é,1' },
    stdout: 'é,1\n',
  },
  {
    name: 'the standard library, preloaded or not',
    files: `import csv, dataclasses, datetime, decimal, hashlib, io, json, re, sqlite3, statistics, zlib
import fileinput, ftplib, http.cookies, tarfile, wave
print(json.dumps([1]), re.sub('a', 'b', 'a'), decimal.Decimal('0.1') + 1, hashlib.sha256(b'').hexdigest()[:8])
print(sqlite3.connect(':memory:').execute('select 1 + 1').fetchall(), zlib.decompress(zlib.compress(b'x')))`,
    stdout: `[1] b 1.1 e3b0c442\n[(2,)] b'x'\n`,
  },
  {
    name: 'classes of the program pickle, and its source can be inspected',
    files: `import inspect, pickle
class P: pass
print(type(pickle.loads(pickle.dumps(P()))), inspect.getsource(P))`,
    stdout: "<class '__main__.P'> class P: pass\n\n",
  },
  {
    name: 'asyncio',
    files: `import asyncio
async def wait(n):
    await asyncio.sleep(n / 100)
    print(n)
    return n
async def main():
    print(await asyncio.gather(*(wait(n) for n in (3, 1, 2))))
    try:
        await asyncio.wait_for(asyncio.Event().wait(), 0.01)
    except TimeoutError:
        print('timeout')
    async with asyncio.TaskGroup() as group:
        group.create_task(wait(4))
    print(await asyncio.to_thread(lambda: 5))
asyncio.run(main())
loop = asyncio.new_event_loop()
loop.run_until_complete(wait(6))
loop.close()`,
    stdout: '1\n2\n3\n[3, 1, 2]\ntimeout\n4\n5\n6\n',
  },
  {
    name: 'time.sleep waits, and takes what the built-in one takes',
    files: `import time
start = time.monotonic()
time.sleep(0.05)
print(time.monotonic() - start >= 0.045, time.process_time() >= 0)
for bad in (-1, 'a', None, 1e20, float('nan')):
    try:
        time.sleep(bad)
    except Exception as error:
        print(type(error).__name__)`,
    stdout: 'True True\nValueError\nTypeError\nTypeError\nOverflowError\nValueError\n',
  },
];

export const OUTPUT: Case[] = [
  {
    name: 'both streams, in pieces, up to the last byte',
    files: `import sys
print('a', end='', flush=True)
print('warned', file=sys.stderr)
sys.stdout.buffer.write('é'.encode())
sys.stdout.write('last')`,
    stdout: 'aélast',
    stderr: ['warned\n'],
  },
  {
    name: 'input is at its end',
    files: `import sys
print(repr(sys.stdin.read()), sys.stdin.isatty(), sys.stdout.isatty())
input('name? ')`,
    stdout: "'' False False\nname? ",
    stderr: ['EOFError: EOF when reading a line'],
    exit: 1,
  },
];

export const FILES: Case[] = [
  {
    name: 'new and changed files come back, sorted; unchanged ones, links and what lies elsewhere do not',
    files: {
      'main.py': `import os
os.makedirs('b/c')
open('b/c/deep.txt', 'w').write('deep')
open('data.csv', 'a').write('2')
open('a.bin', 'wb').write(bytes([0, 255]))
os.symlink('/lib/python314.zip', 'link')
os.symlink('/', 'root')
open('/tmp/elsewhere', 'w').write('x')
left_open = open('open.txt', 'w')
left_open.write('flushed at the end')`,
      'data.csv': '1,',
      'same.txt': 'same',
    },
    written: { 'a.bin': 'AP8=', 'b/c/deep.txt': 'deep', 'data.csv': '1,2', 'open.txt': 'flushed at the end' },
  },
  {
    name: 'files of a program that failed',
    files: 'open("log.txt", "w").write("log")\n1 / 0',
    stderr: ['ZeroDivisionError'],
    exit: 1,
    written: { 'log.txt': 'log' },
  },
];
