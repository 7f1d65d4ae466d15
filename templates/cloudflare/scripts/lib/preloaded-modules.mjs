// The standard library's modules that every Python run finds already imported: those that programs use most.
// One that is missing here is imported from the archive when a program asks for it, which takes 5 to 200 ms.
export const PRELOADED_MODULES = `
  abc argparse array ast asyncio base64 bisect calendar cmath cmd codeop collections collections.abc colorsys
  concurrent.futures configparser contextlib contextvars copy csv dataclasses datetime decimal difflib enum
  fractions functools getopt glob graphlib gzip hashlib heapq html html.parser inspect io ipaddress itertools
  json linecache locale logging math mimetypes numbers operator optparse os pathlib pickle platform pprint queue
  random re sched secrets shutil signal sqlite3 statistics string struct tempfile textwrap threading time timeit
  tomllib traceback types typing unicodedata unittest unittest.mock urllib.parse uuid warnings weakref
  xml.etree.ElementTree zipfile zlib zoneinfo
`
  .trim()
  .split(/\s+/);
