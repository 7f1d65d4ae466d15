"""`--direct`: Claude is asked from this machine, and the program that comes back is saved but never run.

request.py   a request → the body of one call to Anthropic's Messages API, as the Worker would send it
reply.py     one streamed message → a whole program, read strictly, or an error
failures.py  what can go wrong with a call → the error codes of the Worker
asking.py    one question, at most three calls, events for the display

Twin of `src/generate.ts` and `src/generate/` of the Worker; the words and the patience of both stand in `claude.json`.
"""

from cct_cloudflare.direct.asking import ask

__all__ = ["ask"]
