"""What a component would do, what of that needs consent, and what is wrong with it.

model.py        Effects, Risk, Finding
reading.py      a package → what Claude Code would read of it, however it is written
effects.py      every command line, variable, permission, address and other setting that would take effect
risks.py        what of it needs an explicit yes; rules.py, variables.py and shells.py judge its parts
facts.py        what Claude Code 2.1.330 takes: keys, events, variables
check.py        `cct validate`: paths → findings; discovery.py finds the files, the modules in checks/ check the parts

Nothing here runs, fetches or writes anything.
"""

from cct_cloudflare.validation.effects import effects
from cct_cloudflare.validation.model import Command, Effects, Finding, Level, Permission, Risk, Setting, Url, Variable
from cct_cloudflare.validation.risks import risks

__all__ = [
    "Command",
    "Effects",
    "Finding",
    "Level",
    "Permission",
    "Risk",
    "Setting",
    "Url",
    "Variable",
    "effects",
    "risks",
]
