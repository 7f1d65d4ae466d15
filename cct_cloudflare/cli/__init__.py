"""The command line: one module per command; each parses flags, builds a request and renders a result."""
