"""Components installed into a project's `.claude`, or the user's, and taken out again.

lockfile.py     cct.lock: what is installed, and what of the files belongs to each component
site.py         the two places that are installed to; reading them, and refusing links that lead out of them
request.py      what is asked for
approving.py    which MCP servers start without a question
placing.py      a component → the files and merges that Claude Code reads it from
draft.py        the place as it will be, while changes are planned one after the other
plan.py         what comes out of planning
planning.py     components added; removing.py: taken out
describing.py   a plan, told to people and machines
journal.py      several files changed as one, whatever kills the process; state.py: where that is kept
applying.py     plans carried out under the place's lock
store.py        copies of what was installed, for updates and diffs without a network
oddities.py     what is not as it should be in a package that can be installed all the same
origins.py      where a component came from, as the lock file says it
present.py      what the sources of installed components have now
updating.py     components brought to that; three_way.py: texts that both sides have changed
diffing.py      what the user, and what the sources have changed since
"""
