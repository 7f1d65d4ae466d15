"""What components are made of, as Claude Code 2.1.330 reads them: keys, types of values, names.

Read from that client and from code.claude.com/docs (settings, hooks, sub-agents, skills, mcp) on 2026-11-23. A key that
is not here is a warning, since a newer client may know it.
"""

from __future__ import annotations

from collections.abc import Mapping

from cct_cloudflare.validation.facts import words

AGENT_KEYS = words(
    """
    autoCompactWindow background color description disallowedTools effort experimental hooks initialPrompt isolation
    maxTurns mcpServers memory model name observeSubagents observeToolResults observer observerMessage omitClaudeMd
    permissionMode skills tools
    """
)
#: Commands are skills of one file to Claude Code, and have the same keys.
SKILL_KEYS = words(
    """
    agent allowed-tools argument-hint arguments author background compatibility context dependencies description
    disable-model-invocation disallowed-tools disallowedTools displayName effort fallback homepage hooks keywords
    license metadata model name paths repository shell user-invocable version when_to_use
    """
)
#: What authors say of their files, in the public catalogs; Claude Code takes no notice.
ABOUT_KEYS = words("author category created homepage id keywords license source tags title updated url version")

COLORS = words("blue cyan green orange pink purple red yellow")
EFFORTS = words("high low max medium xhigh")
PERMISSION_MODES = words("acceptEdits auto bypassPermissions default dontAsk manual plan")

#: Keys of frontmatter with the values that they may have.
FRONTMATTER_VALUES: Mapping[str, frozenset[str]] = {
    "color": COLORS,
    "context": words("fork inline"),
    "isolation": words("remote worktree"),
    "memory": words("local project user"),
    "permissionMode": PERMISSION_MODES,
    "shell": words("bash powershell"),
}
FRONTMATTER_SWITCHES = words(
    """
    background disable-model-invocation fallback observeSubagents observeToolResults omitClaudeMd user-invocable
    """
)

#: Tools that a session may have, older names included: `Task` is called Agent now, and is still taken.
TOOLS = words(
    """
    Agent Artifact AskUserQuestion Bash BashOutput CronCreate CronDelete CronList Edit EnterPlanMode EnterWorktree
    ExitPlanMode ExitWorktree Glob Grep KillBash KillShell LS LSP ListAgents ListMcpResourcesTool Monitor MultiEdit
    NotebookEdit NotebookRead PowerShell PushNotification Read ReadMcpResourceTool RemoteTrigger ReportFindings
    ScheduleWakeup SendMessage Skill SlashCommand Task TaskCreate TaskGet TaskList TaskOutput TaskStop TaskUpdate
    TeamCreate TeamDelete TodoWrite ToolSearch WebFetch WebSearch Workflow Write
    """
)

HOOK_EVENTS = words(
    """
    ConfigChange CwdChanged DirectoryAdded Elicitation ElicitationResult FileChanged InstructionsLoaded MessageDisplay
    Notification PermissionDenied PermissionRequest PostCompact PostModelSwitch PostToolBatch PostToolUse
    PostToolUseFailure PreCompact PreModelSwitch PreToolUse SessionEnd SessionStart Setup Stop StopFailure SubagentStart
    SubagentStop TaskCompleted TaskCreated TeammateIdle UserPromptExpansion UserPromptSubmit WorktreeCreate
    WorktreeRemove
    """
)
#: These happen whatever a matcher says.
EVENTS_WITHOUT_MATCHER = words(
    """
    CwdChanged MessageDisplay PostToolBatch Stop TaskCompleted TaskCreated TeammateIdle UserPromptSubmit WorktreeCreate
    WorktreeRemove
    """
)
#: Their matcher is the name of a tool.
TOOL_EVENTS = words("PermissionDenied PermissionRequest PostToolUse PostToolUseFailure PreToolUse")

_EVERY_HOOK = words("if once statusMessage timeout type")
#: For each type of hook the keys that it must have, and those that it may have.
HOOK_TYPES: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "agent": (words("prompt"), _EVERY_HOOK | words("model")),
    "command": (
        words("command"),
        _EVERY_HOOK | words("args async asyncRewake cloud onFailure rewakeMessage rewakeSummary shell"),
    ),
    "http": (words("url"), _EVERY_HOOK | words("allowedEnvVars cloud headers onFailure")),
    "mcp_tool": (words("server tool"), _EVERY_HOOK | words("input onFailure")),
    "prompt": (words("prompt"), _EVERY_HOOK | words("continueOnBlock model")),
}

_EVERY_SERVER = words("alwaysLoad description timeout type")
_REMOTE_SERVER = _EVERY_SERVER | words("displayName headers headersHelper oauth toolPermissions tools url")
SERVER_TYPES: Mapping[str, frozenset[str]] = {
    "stdio": _EVERY_SERVER | words("args command env"),
    "http": _REMOTE_SERVER,
    "streamable-http": _REMOTE_SERVER,
    "sse": _REMOTE_SERVER,
    "ws": _EVERY_SERVER | words("headers headersHelper url"),
}

PERMISSION_KEYS = words(
    """
    additionalDirectories allow ask blockFileToolReadsOutsideWorkingDirectories blockReadsExemptPaths
    blockReadsOutsideWorkingDirectories blockWritesOutsideWorkingDirectories defaultMode deny denyInsteadOfPrompting
    disableAutoMode disableBypassPermissionsMode workingDirectoriesAsGiven workingDirectoriesExclude
    """
)

#: The settings by the type of their value; ANY stands for several types.
SETTING_TYPES: Mapping[str, frozenset[str]] = {
    "true or false": words(
        """
        agentPushNotifEnabled allowAllClaudeAiMcps allowClaudeInChromeWithManagedMcp allowManagedHooksOnly
        allowManagedMcpServersOnly allowManagedPermissionRulesOnly allowNestedModelAccessUnderForceLogin
        alwaysThinkingEnabled autoCompactEnabled autoCompactRaisedForLoad autoContinueAtUsageLimit autoDreamEnabled
        autoMemoryEnabled autoScrollEnabled autoUploadSessions awaySummaryEnabled bashEditDiffEnabled
        channelsEnabled clawdFileProgressEnabled disableAgentView disableAllHooks disableArtifact
        disableBundledSkills disableBundledSkills disableClaudeAiConnectors disableCommandPluginSources
        disableDirectMcpSkills disableDirectMcpSkills disableRemoteControl disableReplyCheck disableSideloadFlags
        disableSkillShellExecution disableWindowsBashCommandSplit disableWorkflows doneMeansMerged
        emojiCompletionEnabled enableAllProjectMcpServers enableArtifact enableWorkflows enforceAvailableModels
        fastMode fastModePerSessionOptIn fileCheckpointingEnabled forceRemoteSettingsRefresh idleCompaction
        includeCoAuthoredBy includeGitInstructions inputNeededNotifEnabled isolatePeerMachines
        precomputeCompactionEnabled prefersReducedMotion promptSuggestionEnabled remoteControlAtStartup
        respectGitignore respondToBashCommands responseComparisonEnabled showClearContextOnPlanAccept
        showMessageTimestamps showThinkingSummaries showTurnDuration skipDangerousModePermissionPrompt
        skipWebFetchPreflight skipWorkflowUsageWarning spinnerTipsEnabled switchModelsOnFlag syncClaudeAiPlugins
        syncClaudeAiSkills syntaxHighlightingDisabled terminalProgressBarEnabled terminalTitleFromRename
        todoFeatureEnabled totalTokensReminderAfterUserTurn ultracode verbose wheelScrollAccelerationEnabled
        workflowKeywordTriggerEnabled wslInheritsWindowsSettings
        """
    ),
    "a text": words(
        """
        $schema advisorModel agent apiKeyHelper attributionProject autoMemoryDirectory awsAuthRefresh
        awsCredentialExport claudeMd desktopMcpServersListScope forceLoginGatewayUrl gcpAuthRefresh language
        minimumVersion model otelHeadersHelper outputStyle plansDirectory pluginTrustMessage prUrlTemplate
        processWrapper proxyAuthHelper requiredMaximumVersion requiredMinimumVersion timeZone
        """
    ),
    "a number": words(
        """
        bashOutputMaxChars cleanupPeriodDays desktopSessionCleanupPeriodDays feedbackSurveyRate maxProseWidth
        precomputeArmTokens skillListingBudgetFraction skillListingMaxDescChars taskOutputMaxChars
        totalTokensReminderBudget
        """
    ),
    "a list of texts": words(
        """
        allowedHttpHookUrls appendPlugins availableModels claudeMdExcludes companyAnnouncements deniedModels
        disabledMcpjsonServers enabledMcpjsonServers fallbackModel gatewayInternalNetworks httpHookAllowedEnvVars
        pluginSuggestionMarketplaces prependPlugins
        """
    ),
    "a list": words(
        """
        allowedChannelPlugins allowedMarketplaces allowedMcpServers allowedProviders blockedMarketplaces
        deniedMcpServers footerLinksRegexes sshConfigs sshHostCommands strictKnownMarketplaces
        """
    ),
    "an object": words(
        """
        additionalDirectoryConfigRoots additionalMarketplaces attributionProjectPolicy autoMode breakReminder
        enabledPlugins env extraKnownMarketplaces fileSuggestion hooks managedMcpServers modelOverrides modelPicker
        modelPricing modelSettings permissions pluginConfigs policyHelper policyHelpers quietHours remote
        remoteControl remoteTools sandbox skillOverrides spellcheck spinnerTipsOverride spinnerVerbs statusLine
        subagentStatusLine vimInsertModeRemaps voice worktree
        """
    ),
}
SETTINGS_OF_ANY_TYPE = words(
    """
    attribution autoCompactWindow crossSessionInbound editorMode forceLoginOrgUUID maxEffortLevel
    modelProposedGoals preferredNotifChannel promptCacheTtl strictPluginOnlyCustomization subagentPromptCacheTtl
    teammateMode theme timeFormat
    """
)
#: Settings with the values that they may have.
SETTING_VALUES: Mapping[str, frozenset[str]] = {
    "askUserQuestionTimeout": words("60s 5m 10m never"),
    "autoUpdatesChannel": words("latest stable rc"),
    "availableModelsMatch": words("prefix exact"),
    "daemonColdStart": words("transient ask"),
    "defaultShell": words("bash powershell"),
    "dialogExpiry": words("60s 5m 10m never"),
    "disableAutoMode": words("disable"),
    "effortLevel": words("low medium high xhigh"),
    "feedbackDrafts": words("notify quiet off"),
    "forceLoginMethod": words("claudeai console gateway"),
    "keybindingFlavor": words("classic readline"),
    "managedSourcesBehavior": words("first-wins merge"),
    "parentSettingsBehavior": words("first-wins merge"),
    "remoteMessageReceipts": words("on always off"),
    "totalTokensReminder": words("off infinite fixed countdown padded-countdown"),
    "tui": words("default fullscreen"),
    "viewMode": words("default verbose focus"),
    "workflowSizeGuideline": words("unrestricted small medium large"),
}
SETTINGS = frozenset().union(*SETTING_TYPES.values(), SETTINGS_OF_ANY_TYPE, SETTING_VALUES)
