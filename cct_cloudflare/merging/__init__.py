"""Components' settings, hooks and MCP servers, merged into JSON files that belong to somebody else.

jsonc.py      text → a tree that gives back every byte; comments and trailing commas are JSON here
editing.py    members and entries put into such a tree and taken out, in the style of the file
model.py      what a component wants in a file, what of it is its own afterwards, conflicts, refusals
settings.py   a setting or hook component → pieces; mcp.py: the same for MCP servers
merge.py      pieces put into a file, and taken out again
update.py     an installed component's pieces replaced by those of its next version, three-way

Bytes in, bytes out: nothing here touches a disk. Three promises carry the rest, each one a law in the tests:
merging twice is merging once; taking out what was merged gives the original bytes, in whatever order several
components leave; and what the user wrote or changed since stays.
"""
