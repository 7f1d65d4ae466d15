// The standard library's modules that every Python run finds already imported: those that programs use most.
// One that is missing here is imported from the archive when a program asks for it, which takes 5 to 200 ms.
export const PRELOADED_MODULES = `
  abc argparse array ast asyncio base64 bisect calendar cmath collections collections.abc concurrent.futures
  contextlib contextvars copy csv dataclasses datetime decimal difflib enum fractions functools glob hashlib
  heapq html inspect io itertools json linecache logging math numbers operator os pathlib pickle platform pprint
  queue random re secrets shutil signal sqlite3 statistics string struct tempfile textwrap threading time timeit
  traceback types typing unicodedata unittest urllib.parse uuid warnings weakref zlib zoneinfo
`
  .trim()
  .split(/\s+/);
