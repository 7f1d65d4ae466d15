"""The parts of `cct validate`: each takes text or data and gives problems, and reads nothing by itself.

problem.py      a problem, and where in a JSON text a value stands
texts.py        characters, secrets and sizes, whatever the kind
markdown.py     frontmatter of agents, commands and skills
settings.py     settings files and components
hooks.py        hooks, wherever they stand
servers.py      MCP servers
references.py   files that a component names and does not have
"""
