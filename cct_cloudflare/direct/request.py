"""What Claude is asked: the same body that the Worker sends for the same request (a test compares the two)."""

from __future__ import annotations

from typing import Any

from cct_cloudflare.generation import words
from cct_cloudflare.limits import DEFAULT_MAX_TOKENS
from cct_cloudflare.pricing import default_model, without_date
from cct_cloudflare.resources import worker_json
from cct_cloudflare.sandbox.client import ExecuteRequest


def _spec(model: str) -> dict[str, Any] | None:
    """What a request to this model may ask for; None for a model that the table does not have."""
    models = worker_json("src/models.json")["models"]
    spec: dict[str, Any] | None = models.get(model) or models.get(without_date(model))
    return spec


def tool_name() -> str:
    """The name of the tool through which Claude hands over a program."""
    return str(words()["tool"]["name"])


def languages() -> tuple[str, ...]:
    """The languages that a program may be in."""
    return tuple(words()["tool"]["input_schema"]["properties"]["language"]["enum"])


def message_params(request: ExecuteRequest) -> dict[str, Any]:
    """The body of `POST /v1/messages`; `timeout_ms` and `sandbox` are no business of Claude's."""
    model = request.model or default_model()
    spec = _spec(model)
    params: dict[str, Any] = {
        "model": model,
        "max_tokens": request.max_tokens or DEFAULT_MAX_TOKENS,
        "stream": True,
        "system": _system(request.system),
        "messages": [{"role": "user", "content": _question(request.question, request.language)}],
        "tools": [_tool(spec, request.language)],
        "tool_choice": {
            # Where the call cannot be forced the prompt asks for it, and a reply without it is an error of its own.
            **({"type": "tool", "name": tool_name()} if spec and spec["forcedToolUse"] else {"type": "auto"}),
            "disable_parallel_tool_use": True,
        },
    }
    if spec and spec["effort"]:
        params["output_config"] = {"effort": spec["effort"]}
    return params


def _system(system: str | None) -> str:
    rules = "\n".join(words()["rules"])
    if system is None or not system.strip():
        return rules
    return f"{rules}\n\n{words()['instructions']}\n\n{_section('instructions', system)}"


def _question(question: str, language: str | None) -> str:
    answer = words()["answerIn"].replace("{language}", language) if language else words()["answer"]
    return f"{_section('question', question)}\n\n{answer}"


def _section(name: str, text: str) -> str:
    """`text` between tags that do not occur in it, so that no text can end the section that it stands in."""
    tag = name
    while tag in text.lower():
        tag += "_"
    return f"<{tag}>\n{text}\n</{tag}>"


def _tool(spec: dict[str, Any] | None, language: str | None) -> dict[str, Any]:
    tool = words()["tool"]
    schema = tool["input_schema"]
    properties = schema["properties"]
    if language:
        properties = {**properties, "language": {**properties["language"], "enum": [language]}}
    return {
        **tool,
        "input_schema": {**schema, "properties": properties},
        # Without it the API holds back each property until it is complete.
        **({"eager_input_streaming": True} if spec else {}),
        **({"strict": True} if spec and spec["strictTools"] else {}),
    }
