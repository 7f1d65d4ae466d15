"""What Claude Code 2.1.330 takes, read from that client and from code.claude.com/docs on 2026-11-23.

One place for each fact: what a newer client adds is added here.
"""

from __future__ import annotations

CLIENT = "Claude Code 2.1.330"

#: Settings whose value is a program, or says which one to run.
COMMAND_SETTINGS = frozenset(
    {
        "apiKeyHelper",
        "awsAuthRefresh",
        "awsCredentialExport",
        "fileSuggestion",
        "gcpAuthRefresh",
        "otelHeadersHelper",
        "policyHelper",
        "policyHelpers",
        "processWrapper",
        "proxyAuthHelper",
        "sshHostCommands",
        "statusLine",
        "subagentStatusLine",
    }
)

#: Settings that say what Claude may do, and what of others is trusted.
GRANTS = frozenset(
    {
        "additionalDirectoryConfigRoots",
        "additionalMarketplaces",
        "allowedHttpHookUrls",
        "appendPlugins",
        "autoMode",
        "crossSessionInbound",
        "disableAllHooks",
        "disableAutoMode",
        "disableSkillShellExecution",
        "disabledMcpjsonServers",
        "enableAllProjectMcpServers",
        "enabledMcpjsonServers",
        "enabledPlugins",
        "extraKnownMarketplaces",
        "httpHookAllowedEnvVars",
        "permissions",
        "prependPlugins",
        "remoteControl",
        "remoteControlAtStartup",
        "remoteTools",
        "sandbox",
        "skipDangerousModePermissionPrompt",
        "skipWebFetchPreflight",
        "sshConfigs",
    }
)
