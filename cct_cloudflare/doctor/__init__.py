"""`cct doctor`: looks at everything that a run, a deployment or the project depends on, and says how to mend it.

check      what a look comes to: a status, a sentence, a fix
context    what is looked at, and what several looks share
probes     every look there is, in the order in which they are shown
examine    makes them all at once, each with a deadline
mending    what `--fix` does
report     the findings as text and as JSON
"""

from cct_cloudflare.doctor.check import Check, Finding, Status
from cct_cloudflare.doctor.context import Context
from cct_cloudflare.doctor.examine import examine
from cct_cloudflare.doctor.mending import Mended, mend

__all__ = ["Check", "Context", "Finding", "Mended", "Status", "examine", "mend"]
