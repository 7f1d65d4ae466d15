"""A stand-in for Claude: a loopback server that speaks Anthropic's Messages API from scripted replies.

It serves `cct --demo` and the tests. It is no model: it knows the prompts of `prompts()` and answers every other
one with an error that lists them.
"""

from cct_cloudflare.scripted.catalog import AnyReply, Reply, ReplyFile, ToolReply, find, prompts, replies
from cct_cloudflare.scripted.faults import Fault, parse_fault
from cct_cloudflare.scripted.server import RecordedRequest, ScriptedModel

__all__ = [
    "AnyReply",
    "Fault",
    "RecordedRequest",
    "Reply",
    "ReplyFile",
    "ScriptedModel",
    "ToolReply",
    "find",
    "parse_fault",
    "prompts",
    "replies",
]
