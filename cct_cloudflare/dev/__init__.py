"""`cct dev`: the Worker of a project on a port of this machine, exchanged whenever its source changes.

    ports      the address: IPv4 and IPv6 loopback, one port
    front      takes the connections and hands each to the Worker of the moment
    changes    when the project's files may have changed, and what they say now
    builds     a folder for what is built by the minute
    access     its token, and the key
    howto      the lines that a user can copy
    session    all of it together, from the first Worker to Ctrl-C

Nothing here prints: what happens is told to a function, as one of `session`'s events.
"""

from cct_cloudflare.dev.access import Token, find_access, find_token
from cct_cloudflare.dev.front import Served
from cct_cloudflare.dev.ports import DEFAULT_PORT, Listening, listen
from cct_cloudflare.dev.session import DevEvent, DevRequest, Failed, Loaded, Logged, Note, Ready, develop

__all__ = [
    "DEFAULT_PORT",
    "DevEvent",
    "DevRequest",
    "Failed",
    "Listening",
    "Loaded",
    "Logged",
    "Note",
    "Ready",
    "Served",
    "Token",
    "develop",
    "find_access",
    "find_token",
    "listen",
]
