"""Components from elsewhere: a folder, a git repository, GitHub, a web site; each as a `Catalog`.

book.py        which registries the user has added, and what each is pinned to
address.py     where one lies, judged by its text
opening.py     an address → a catalog at one revision; `changing.py`: added, pinned anew
tree.py        a source as files by their paths: a folder; `git.py`, `github.py`, `site.py`: the others
fetching.py    files over HTTP, many at once, bounded; `kept.py`: the cache of them
arranging.py   files → components, in either layout: `repository.py`, `plugins.py`; `indexes.py`: what an index says
listing.py     what a registry has, in the cache
catalog.py     all of that as a `Catalog`; `load_all` loads many components at once
telling.py     how somebody who waits is told

Nothing is contacted that the user has not added or named.
"""

from cct_cloudflare.registries.catalog import RegistryCatalog, check_digest, load_all
from cct_cloudflare.registries.opening import catalog_of, opened_catalogs

__all__ = ["RegistryCatalog", "catalog_of", "check_digest", "load_all", "opened_catalogs"]
