"""`cct mcp`: the sandbox as tools of the Model Context Protocol, on standard input and output.

server.py     the protocol: tools listed and called, progress told, calls cancelled
shapes.py     arguments and answers: the one place where their schemas are written
session.py    what a tool does, in a thread of its own and without the protocol
workers.py    the local Worker, started by the first call and kept until the session ends
budget.py     what the session may still cost
telling.py    events of a run → lines of progress
watching.py   how a call in a thread tells how far it is, and is ended from outside
stdio.py      standard input as lines, so that Ctrl-C ends the server at once

Needs the extra `mcp`; nothing else of cct imports this package.
"""
