"""The history of runs: what was asked, what came of it, what it took and cost. One SQLite file of this user.

`recorder.recording` keeps a run, of which `asking` tells what is asked; `reading` finds runs again; `statistics` sums
them up. A history that cannot be written never fails a run. Nothing here prints, and what only writing needs is not
imported to read.
"""
