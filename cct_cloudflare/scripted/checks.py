"""What Claude's API refuses, checked as it does before it asks any model.

Sources: the API reference, the migration guides of Sonnet 5.5 and Haiku 5.5, and the guide to API version
2026-10-21, all on platform.claude.com, read 2026-11-23.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cct_cloudflare.resources import worker_json

MAX_BODY_BYTES = 32 * 1024 * 1024
API_VERSIONS = ("2023-06-01", "2026-10-21")

_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_SAMPLING = ("temperature", "top_p", "top_k")
_EFFORTS = ("low", "medium", "high", "xhigh", "max")


class Refusal(Exception):  # noqa: N818 — it is the API's answer, not a failure of this program
    """An error answer: its HTTP status, and `type` and `message` of the error object."""

    def __init__(self, status: int, error_type: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.error_type = error_type
        self.message = message


def _invalid(message: str) -> Refusal:
    return Refusal(400, "invalid_request_error", message)


@dataclass(frozen=True)
class Traits:
    """What a model accepts; from `models.json`, which the Worker reads too."""

    forced_tool_use: bool
    strict_tools: bool
    effort: bool
    thinking: tuple[str, ...]


@lru_cache(maxsize=1)
def models() -> dict[str, Traits]:
    return {
        name: Traits(
            forced_tool_use=entry["forcedToolUse"],
            strict_tools=entry["strictTools"],
            effort=entry["effort"] is not None,
            thinking=tuple(entry["thinking"]),
        )
        for name, entry in worker_json("src/models.json")["models"].items()
    }


def check_headers(headers: Mapping[str, str], key: str | None = None) -> None:
    """`headers` has lower-case names. There must be a key; with `key` None any is as good as another."""
    bearer = re.fullmatch(r"(?i)bearer\s+(\S+)", headers.get("authorization", "").strip())
    given = headers.get("x-api-key", "").strip() or (bearer[1] if bearer else "")
    if not given:
        raise Refusal(401, "authentication_error", "x-api-key header is required")
    if key is not None and given != key:
        raise Refusal(401, "authentication_error", "invalid x-api-key")
    version = headers.get("anthropic-version")
    if version is None:
        raise _invalid("anthropic-version: header is required")
    if version not in API_VERSIONS:
        raise _invalid(f'anthropic-version: "{version}" is not a valid version')


def parse_body(raw: bytes) -> dict[str, Any]:
    if len(raw) > MAX_BODY_BYTES:
        raise Refusal(413, "request_too_large", "Request exceeds the maximum size")
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise _invalid("The request body is not valid JSON") from error
    if not isinstance(body, dict):
        raise _invalid("Input should be a valid dictionary")
    return body


def check_count_tokens(body: dict[str, Any]) -> None:
    """A request to count tokens: one for a message, without the fields that only a reply needs."""
    traits = _check_model(body)
    _check_messages(body)
    _check_tools(body, traits)


def check_message(body: dict[str, Any], version: str) -> None:
    """A request for a message; raises the Refusal that the API would answer with."""
    traits = _check_model(body)
    limit = body.get("max_tokens")
    if "max_tokens" not in body:
        raise _invalid("max_tokens: Field required")
    if not isinstance(limit, int) or isinstance(limit, bool):
        raise _invalid("max_tokens: Input should be a valid integer")
    if not 1 <= limit <= 128_000:
        raise _invalid(f"max_tokens: {limit} is not between 1 and 128000")
    if not isinstance(body.get("stream", False), bool):
        raise _invalid("stream: Input should be a valid boolean")
    _check_messages(body)
    _check_tools(body, traits)
    _check_settings(body, traits, version)


def _check_model(body: dict[str, Any]) -> Traits:
    if "model" not in body:
        raise _invalid("model: Field required")
    model = body["model"]
    if not isinstance(model, str) or not model:
        raise _invalid("model: Input should be a valid string")
    traits = models().get(model) or models().get(re.sub(r"-\d{8}$", "", model))
    if traits is None:
        raise Refusal(404, "not_found_error", f"model: {model}")
    return traits


def _check_messages(body: dict[str, Any]) -> None:
    if "messages" not in body:
        raise _invalid("messages: Field required")
    messages = body["messages"]
    if not isinstance(messages, list):
        raise _invalid("messages: Input should be a valid list")
    if not messages:
        raise _invalid("messages: at least one message is required")
    for at, message in enumerate(messages):
        if not isinstance(message, dict) or message.get("role") not in ("user", "assistant"):
            raise _invalid(f"messages.{at}.role: Input should be 'user' or 'assistant'")
        _check_text(message.get("content"), f"messages.{at}.content")
    _check_tool_results(messages)
    if messages[0]["role"] != "user":
        raise _invalid('messages: first message must use the "user" role')
    if messages[-1]["role"] == "assistant":
        raise _invalid(
            "This model does not support assistant message prefill. The conversation must end with a user message."
        )
    if "system" in body:
        _check_text(body["system"], "system")


def _check_text(content: object, where: str) -> None:
    """A string, or a list of blocks; empty text is refused."""
    if isinstance(content, str):
        if not content.strip():
            raise _invalid(f"{where}: text content blocks must be non-empty")
        return
    if not isinstance(content, list) or not content:
        raise _invalid(f"{where}: Input should be a valid string or a list of content blocks")
    for at, block in enumerate(content):
        if not isinstance(block, dict) or not isinstance(block.get("type"), str):
            raise _invalid(f"{where}.{at}.type: Field required")
        if block["type"] == "text" and not (isinstance(block.get("text"), str) and block["text"].strip()):
            raise _invalid(f"{where}.{at}.text: text content blocks must be non-empty")


def _check_tool_results(messages: list[dict[str, Any]]) -> None:
    """Each call of a tool is answered in the very next message, and nothing else is."""
    called: list[str] = []
    for at, message in enumerate(messages):
        blocks = [] if isinstance(message["content"], str) else message["content"]
        answered = [block.get("tool_use_id") for block in blocks if block["type"] == "tool_result"]
        for name in answered:
            if name not in called or message["role"] != "user":
                raise _invalid(
                    f"messages.{at}.content: unexpected `tool_use_id` found in `tool_result` blocks: {name}. Each "
                    "`tool_result` block must have a corresponding `tool_use` block in the previous message."
                )
        if missing := [name for name in called if name not in answered]:
            raise _invalid(
                f"messages.{at - 1}: `tool_use` ids were found without `tool_result` blocks immediately after: "
                f"{', '.join(missing)}. Each `tool_use` block must have a corresponding `tool_result` block in the "
                "next message."
            )
        called = [_tool_use_id(block, at) for block in blocks if block["type"] == "tool_use"]


def _tool_use_id(block: dict[str, Any], at: int) -> str:
    name = block.get("id")
    if not isinstance(name, str) or not _TOOL_NAME.fullmatch(name):
        raise _invalid(f"messages.{at}.content.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'")
    return name


def _check_tools(body: dict[str, Any], traits: Traits) -> None:
    tools = body.get("tools", [])
    if not isinstance(tools, list):
        raise _invalid("tools: Input should be a valid list")
    names: list[str] = []
    for at, tool in enumerate(tools):
        names.append(_check_tool(tool, f"tools.{at}", traits))
    if len(set(names)) != len(names):
        raise _invalid("tools: Tool names must be unique.")
    _check_tool_choice(body, names, traits)


def _check_tool(tool: object, where: str, traits: Traits) -> str:
    if not isinstance(tool, dict):
        raise _invalid(f"{where}: Input should be a valid dictionary")
    name = tool.get("name")
    if not isinstance(name, str) or not _TOOL_NAME.fullmatch(name):
        raise _invalid(f"{where}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
    if "input_schema" not in tool:
        raise _invalid(f"{where}.custom.input_schema: Field required")
    schema = tool["input_schema"]
    if not isinstance(schema, dict) or schema.get("type") != "object":
        raise _invalid(f"{where}.custom.input_schema.type: Input should be 'object'")
    if not isinstance(tool.get("description", ""), str):
        raise _invalid(f"{where}.custom.description: Input should be a valid string")
    for flag in ("strict", "eager_input_streaming"):
        if not isinstance(tool.get(flag, False), bool):
            raise _invalid(f"{where}.custom.{flag}: Input should be a valid boolean")
    if tool.get("strict"):
        if not traits.strict_tools:
            raise _invalid(f"{where}.custom.strict: strict tools are not supported for this model.")
        _check_strict_schema(schema, f"{where}.custom.input_schema")
    return name


def _check_strict_schema(schema: object, where: str) -> None:
    """The subset of JSON Schema that strict tools know: closed objects, no bounds of length or number."""
    if not isinstance(schema, dict):
        return
    if schema.get("type") == "object":
        if schema.get("additionalProperties") is not False:
            raise _invalid(f"{where}: For 'object' type, 'additionalProperties' must be explicitly set to false")
        missing = set(schema.get("required", [])) - set(schema.get("properties", {}))
        if missing:
            raise _invalid(f"{where}.required: unknown properties {sorted(missing)}")
    for word in ("minLength", "maxLength", "minimum", "maximum", "multipleOf", "maxItems"):
        if word in schema:
            raise _invalid(f"{where}: For '{schema.get('type')}' type, property '{word}' is not supported")
    for name, child in (schema.get("properties") or {}).items():
        _check_strict_schema(child, f"{where}.properties.{name}")
    _check_strict_schema(schema.get("items"), f"{where}.items")


def _check_tool_choice(body: dict[str, Any], names: list[str], traits: Traits) -> None:
    choice = body.get("tool_choice")
    if choice is None:
        return
    if not isinstance(choice, dict) or choice.get("type") not in ("auto", "any", "tool", "none"):
        raise _invalid("tool_choice.type: Input should be 'auto', 'any', 'tool' or 'none'")
    if not names:
        raise _invalid("tool_choice: tools are required")
    if choice["type"] in ("any", "tool") and not traits.forced_tool_use:
        raise _invalid('tool_choice: type "tool" and "any" are not supported for this model.')
    if choice["type"] == "tool" and choice.get("name") not in names:
        raise _invalid(f"Tool '{choice.get('name')}' not found in provided tools")


def _check_settings(body: dict[str, Any], traits: Traits, version: str) -> None:
    for name in _SAMPLING:
        if name in body and (version >= "2026-10-21" or traits.effort):
            raise _invalid(f"`{name}` is not supported.")
    thinking = body.get("thinking")
    if thinking is not None:
        kind = thinking.get("type") if isinstance(thinking, dict) else None
        if kind not in ("adaptive", "between_tools", "enabled", "disabled"):
            raise _invalid("thinking.type: Input should be 'adaptive', 'between_tools', 'enabled' or 'disabled'")
        if kind not in traits.thinking:
            others = " or ".join(f'"thinking.type.{other}"' for other in traits.thinking)
            raise _invalid(f'"thinking.type.{kind}" is not supported for this model. Use {others}.')
    config = body.get("output_config")
    if config is not None:
        effort = config.get("effort", "high") if isinstance(config, dict) else None
        if effort not in _EFFORTS:
            raise _invalid("output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'")
        if not traits.effort and "effort" in config:
            raise _invalid("output_config.effort: This model does not support the effort parameter.")
