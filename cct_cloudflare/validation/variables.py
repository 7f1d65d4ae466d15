"""Environment variables: which ones change what runs, where requests go, or who is believed."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from cct_cloudflare.validation.facts import HARMLESS_VARIABLES


@dataclass(frozen=True, slots=True)
class Danger:
    """`what` follows the variable's name."""

    rule: str
    what: str


_LOADER = Danger("env-loader", "can change which programs run, or what is loaded into them")
_PROXY = Danger("env-proxy", "can lead traffic through another machine, or have that machine believed")
_ENDPOINT = Danger("env-base-url", "can send prompts, files and keys to another place")
_ACCOUNT = Danger("env-account", "has requests made in the name of another account")
_TELEMETRY = Danger("env-telemetry", "can send what is said and done in sessions elsewhere")
_CLIENT = Danger("env-client", "changes Claude Code in a way that is not known to be harmless")


def _names(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns))


# What the loaders of systems, shells and languages take code from.
_LOADERS = _names(
    r"PATH|PATHEXT|CDPATH|IFS|ENV|BASH_ENV|BASH_FUNC_.*|SHELL|SHELLOPTS|BASHOPTS|COMSPEC|ZDOTDIR|FPATH|PS4",
    r"PROMPT_COMMAND|LD_.*|DYLD_.*|_?LIBPATH|SHLIB_PATH|GCONV_PATH|GLIBC_TUNABLES|CLASSPATH|PHPRC|PHP_INI_SCAN_DIR",
    r"NODE_(?:OPTIONS|PATH|REPL.*)|ELECTRON_RUN_AS_NODE|BUN_OPTIONS|TS_NODE_.*|PYTHON(?!IO).*|PERL.*|RUBY(?:OPT|LIB)",
    r"(?:_?JAVA|JDK_JAVA)_(?:TOOL_)?OPTIONS|LUA_.*",
)
# The same for tools that Claude calls in a session: each can be told to start another program, or whose to fetch.
_TOOLS = _names(
    r"(?:NPM|YARN|PNPM|COREPACK|BUN|DENO|TSX|PIP|UV|POETRY|CONDA|GEM|BUNDLE|CARGO|RUSTUP|CGO|CMAKE|MAVEN|GRADLE)_.*",
    r"VIRTUAL_ENV|GO(?:FLAGS|PROXY|PRIVATE|NOSUMDB|SUMDB|INSECURE|TOOLCHAIN|ROOT|PATH|BIN|ENV)|CC|CXX|LD|AR",
    r"RUSTC.*|RUSTFLAGS|(?:GNU)?MAKEF(?:LAGS|ILES)|GIT_.*|SSH_.*|SUDO_.*|.*ASKPASS|EDITOR|VISUAL|.*_EDITOR|.*PAGER",
    r"BROWSER|LESS|LESSOPEN|LESSCLOSE|VIMINIT|EXINIT|INPUTRC|.*RC_FILE|HOME|USERPROFILE|HOMEDRIVE|HOMEPATH|XDG_.*",
    r"APPDATA|LOCALAPPDATA|TMPDIR|TEMP|TMP|CLAUDE_CONFIG_DIR|CLAUDE_ENV_FILE|DOCKER_.*|KUBECONFIG|HELM_.*|TF_.*",
    r"ANSIBLE_.*|AWS_(?:CONFIG|SHARED_CREDENTIALS)_FILE|AWS_PROFILE|GOOGLE_APPLICATION_CREDENTIALS",
    r"CLAUDE_CODE_(?:SHELL.*|.*_(?:COMMAND|HELPER|PREFIX|PATH|DIR|FILE))",
)
_PROXIES = _names(
    r".*PROXY(?:_.*)?|PROXY_.*|NODE_TLS_.*|NODE_EXTRA_CA_CERTS|NODE_USE_.*CA|SSL_.*|SSLKEYLOGFILE|.*_CERTS?",
    r".*(?:^|_)CA_?(?:BUNDLE|CERTS?|INFO|FILE|PATH)(?:_.*)?|CLAUDE_CODE_(?:CLIENT|CERT)_.*|.*INSECURE.*|.*NO_VERIFY.*",
    r".*(?:TLS|SSL)_?(?:REJECT|VERIFY|STORE|SKIP).*|HOSTALIASES|RES_OPTIONS|LOCALDOMAIN",
)
_ENDPOINTS = _names(
    r".*BASE_?URL|.*_API_(?:BASE|HOST|URL|ENDPOINT)|.*(?:^|_)ENDPOINT(?:_.*)?|.*_GATEWAY.*|.*_SOCKET",
    r"(?:ANTHROPIC|CLAUDE|OPENAI)_.*(?:URL|HOST|HEADERS)|(?:GCE_)?METADATA_.*|AWS_(?:CONTAINER|EC2|WEB_IDENTITY|ROLE).*",
    r"CLAUDE_CODE_USE_.*|ANTHROPIC_(?:VERTEX|BEDROCK|FOUNDRY|AWS|GOOGLE_CLOUD)_.*|CLOUDFLARE_WORKER_URL|CCT_.*",
)
_ACCOUNTS = _names(
    r"ANTHROPIC_(?:(?:.*_)?API_KEY|AUTH_TOKEN|PROFILE|FEDERATION.*)|CLAUDE_.*(?:TOKEN|AUTH|CREDS).*",
    r"AWS_(?:ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|BEARER_TOKEN.*)|CLOUDFLARE_API_(?:TOKEN|KEY)",
)
_TELEMETRIES = _names(
    r"(?:ANT_)?OTEL_(?:LOG|EXPORTER).*|BETA_TRACING.*|ENABLE_(?:BETA|ENHANCED).*|.*TELEMETRY_BETA",
    r"CLAUDE_CODE_ENABLE_TELEMETRY",
)
_CLIENTS = _names(r"(?:CLAUDE|ANTHROPIC|CLAUDECODE|ENABLE|IS_SANDBOX|IS_DEMO|USER_TYPE)(?:_.*)?")


def variable_name(name: str) -> str:
    """The name as the most careless reader takes it: upper case, plain letters, nothing invisible, no spaces."""
    plain = unicodedata.normalize("NFKC", name)
    return "".join(char for char in plain if char.isprintable() and not char.isspace()).upper()


def danger(name: str, *, of_server: bool = False) -> Danger | None:
    """What setting a variable could do. `of_server`: one process alone gets it, that of an MCP server."""
    key = variable_name(name)
    if key in HARMLESS_VARIABLES:
        return None
    if _LOADERS.fullmatch(key):
        return _LOADER
    if _PROXIES.fullmatch(key):
        return _PROXY
    if of_server and not key.startswith(("ANTHROPIC_", "CLAUDE_")):
        return None
    known = ((_TOOLS, _LOADER), (_ACCOUNTS, _ACCOUNT), (_ENDPOINTS, _ENDPOINT), (_TELEMETRIES, _TELEMETRY))
    for names, found in (*known, (_CLIENTS, _CLIENT)):
        if names.fullmatch(key):
            return found
    return None
