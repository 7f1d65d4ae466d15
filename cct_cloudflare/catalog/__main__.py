"""`python -m cct_cloudflare.catalog FOLDER` writes the index of a catalog; `--check` says whether it is stale."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from cct_cloudflare.catalog.index import FILE, index_of
from cct_cloudflare.catalog.local import DirectoryCatalog


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m cct_cloudflare.catalog", description=__doc__)
    parser.add_argument("folder", type=Path, help="has agents/, commands/, settings/, hooks/, mcps/ or skills/")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 when the index is stale")
    given = parser.parse_args()
    if not given.folder.is_dir():
        parser.error(f"{given.folder} is not a folder")
    file: Path = given.folder / FILE
    text = index_of(DirectoryCatalog("folder", given.folder, given.folder))
    if file.is_file() and file.read_text(encoding="utf-8") == text:
        return 0
    if given.check:
        sys.stderr.write(f"{file} is stale: python -m cct_cloudflare.catalog {given.folder}\n")
        return 1
    file.write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
