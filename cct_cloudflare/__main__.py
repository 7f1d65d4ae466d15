"""`cct` and `python -m cct_cloudflare`."""

from __future__ import annotations

import sys


def main() -> None:
    try:
        from cct_cloudflare.cli.main import run_cli
    except KeyboardInterrupt:
        sys.exit(130)  # nothing has begun yet, nor is there anything that could tell it

    sys.exit(run_cli(sys.argv[1:]))


if __name__ == "__main__":
    main()
