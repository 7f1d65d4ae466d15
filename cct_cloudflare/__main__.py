"""`cct` and `python -m cct_cloudflare`."""

from __future__ import annotations

import sys


def main() -> None:
    try:
        from cct_cloudflare.cli.main import run_cli
    except KeyboardInterrupt:
        # Nothing has begun yet. A person knows what they did; a program is told in any case.
        if "--json" in sys.argv[1:]:
            import json

            from cct_cloudflare.errors import CctError

            sys.stdout.write(json.dumps(CctError("Interrupted.", code="interrupted").to_json()) + "\n")
        sys.exit(130)

    sys.exit(run_cli(sys.argv[1:]))


if __name__ == "__main__":
    main()
