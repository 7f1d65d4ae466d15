"""What components there are for a project and which are installed: catalogs and the lock file, joined.

taking.py    the project's own, the registries' and the bundled components, as one list
telling.py   that list, or one component, in words
"""

from cct_cloudflare.inventory.taking import Inventory, Listed, catalog_named, read_locks, search_listed, select, take

__all__ = ["Inventory", "Listed", "catalog_named", "read_locks", "search_listed", "select", "take"]
