"""Where a program runs: the Worker's client, its events, and the files that come back."""
