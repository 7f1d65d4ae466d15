"""Which components there are: listed, found by a name, searched, and loaded with all of their files.

local.py      a folder as a `Catalog`: the bundled one, a project's `.claude/`, any directory
reading.py    a main file → the line that a catalog lists of it
packing.py    a component that was found → its files, exactly as they are
finding.py    a name → the one component that it means, over several catalogs
search.py     words → ranked components, forgiving mistypes
index.py      `components/index.json`, from which the bundled catalog is listed
cache.py      what was read of a folder's files, kept until they change
"""

from cct_cloudflare.catalog.finding import find
from cct_cloudflare.catalog.local import DirectoryCatalog, bundled_catalog, project_catalog

__all__ = ["DirectoryCatalog", "bundled_catalog", "find", "project_catalog"]
