"""Agents and commands: found, read, and merged with a prompt into what Claude is asked.

names.py        a reference is judged before any file is touched
sources.py      the project's own `.claude/`, then the bundled catalog
frontmatter.py  a Markdown file → metadata and a body, however broken the metadata is
plain_lines.py  the simplest YAML, which nearly all of that is, read fast
arguments.py    `$ARGUMENTS`, `$0`, `$name`
mentions.py     `@path`
prompt.py       all of it → one system text and one question
"""
