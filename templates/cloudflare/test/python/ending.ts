import type { Case } from '../javascript/case';

const RECURSION = 'RecursionError: maximum recursion depth exceeded';

export const ENDING: Case[] = [
  {
    name: 'an uncaught error has the frames of the program, and no other',
    files: {
      'main.py': 'import helper\ndef go():\n    helper.fail()\ngo()\n',
      'helper.py': "def fail():\n    raise ValueError('no')\n",
    },
    stderr: [
      `Traceback (most recent call last):
  File "/workspace/main.py", line 4, in <module>
    go()
    ~~^^
  File "/workspace/main.py", line 3, in go
    helper.fail()
    ~~~~~~~~~~~^^
  File "/workspace/helper.py", line 2, in fail
    raise ValueError('no')
ValueError: no
`,
    ],
    exit: 1,
  },
  {
    name: 'a syntax error',
    files: 'x = 1\nif x\n    pass\n',
    stderr: ['  File "/workspace/main.py", line 2\n    if x\n        ^\nSyntaxError: expected \':\'\n'],
    absent: ['Traceback', '<sandbox>'],
    exit: 1,
  },
  { name: 'sys.exit(3)', files: 'import sys\nprint("x")\nsys.exit(3)', stdout: 'x\n', exit: 3 },
  { name: 'sys.exit(None) and exit()', files: 'import sys\ntry: exit()\nexcept SystemExit: sys.exit(None)' },
  { name: 'sys.exit(-1)', files: 'raise SystemExit(-1)', exit: 255 },
  { name: 'sys.exit with a message', files: 'import sys\nsys.exit("bad")', stderr: ['bad\n'], exit: 1 },
  { name: 'os._exit', files: 'import os\nprint("x")\nos._exit(7)', stdout: 'x\n', exit: 7 },
  { name: 'os.abort', files: 'import os\nprint("x")\nos.abort()', stdout: 'x\n', exit: 134 },
  { name: 'an interrupt', files: 'raise KeyboardInterrupt', stderr: ['KeyboardInterrupt\n'], exit: 130 },
  {
    name: 'exit handlers and finalizers run',
    files: `import atexit
atexit.register(print, 'handler')
class Kept:
    def __del__(self): print('finalizer')
kept = Kept()
raise SystemExit(4)`,
    stdout: 'handler\nfinalizer\n',
    exit: 4,
  },
  {
    name: 'a hook of the program sees its error',
    files: `import sys
sys.excepthook = lambda kind, error, trace: print('hook', kind.__name__, trace.tb_lineno)
1 / 0`,
    stdout: 'hook ZeroDivisionError 3\n',
    exit: 1,
  },
  {
    name: 'a failed test run',
    files: `import unittest
class T(unittest.TestCase):
    def test(self): self.assertEqual(1, 2)
unittest.main()`,
    stderr: ['FAILED (failures=1)'],
    exit: 1,
  },
  { name: 'endless recursion', files: 'def f(): f()\nf()', stderr: [RECURSION], exit: 1 },
  {
    name: 'recursion that C takes part in',
    files: `import functools
@functools.lru_cache
def f(n): return f(n + 1)
try:
    f(0)
except RecursionError as error:
    print('caught')`,
    stdout: 'caught\n',
  },
  {
    name: 'data nested deeper than the stack is the error of the program',
    files: 'x = []\nfor i in range(100_000): x = [x]\nprint("before")\nrepr(x)',
    stdout: 'before\n',
    stderr: ['RecursionError: '],
    exit: 1,
  },
  {
    name: 'letting go of a long chain at the end is no failure',
    files: `class Node: pass
head = None
for i in range(100_000):
    node = Node()
    node.next = head
    head = node
print('done')`,
    stdout: 'done\n',
  },
  {
    name: 'memory that is broken on purpose',
    files: `import ctypes
print('before')
ctypes.memset(0xFFFFFFF0, 1, 100)`,
    stdout: 'before\n',
    stderr: ['Fatal Python error: memory access out of bounds'],
    exit: 1,
  },
];
