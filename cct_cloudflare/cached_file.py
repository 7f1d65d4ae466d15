"""Files of a cache: replaced as a whole, and never missed."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def write_cached(path: Path, data: bytes) -> bool:
    """Replaces a file of a cache; where that cannot be done the cache stays as it was, and the answer is False."""
    # Random, since another process may be writing the same one; the module for secrets takes longer to load.
    temporary = path.with_name(f".{path.name}.{os.urandom(8).hex()}.tmp")
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            temporary.write_bytes(data)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        return True
    return False
