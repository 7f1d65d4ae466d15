"""`cct` and `python -m cct_cloudflare`."""

from __future__ import annotations

import sys


def main() -> None:
    from cct_cloudflare.cli.main import run_cli

    sys.exit(run_cli(sys.argv[1:]))


if __name__ == "__main__":
    main()
