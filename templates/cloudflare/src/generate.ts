/** Claude → Program: one question, at most three calls, and either a whole program or an error. */
import type Anthropic from '@anthropic-ai/sdk';

import { ApiError } from './errors';
import claude from './generate/claude.json';
import { type Failure, fromThrown } from './generate/failures';
import { systemPrompt, userPrompt } from './generate/prompt';
import { Reply, type Usage } from './generate/reply';
import { programTool, TOOL_NAME } from './generate/tool';
import { baseUrl, createClient, streamEvents, TIMING, type Timing } from './generate/upstream';
import { modelSpec, resolveModel } from './models';
import type { Language, Program } from './program';

export type GenerationEvent =
  /** As soon as it is known, once. */
  | { type: 'language'; language: Language }
  /** Decoded text of a file, as it is written. */
  | { type: 'delta'; path: string; delta: string }
  /** Last, exactly once. */
  | ({ type: 'program'; program: Program; usage: Usage; model: string } & GenerationTimes);

/** Milliseconds since the first call to Claude's API. */
export interface GenerationTimes {
  firstTokenMs: number;
  generationMs: number;
}

export interface GenerationRequest {
  question: string;
  /** The language that the program must be in; Claude chooses when there is none. */
  language?: Language | undefined;
  /** The caller's own instructions. */
  system?: string | undefined;
  /** A model's name or an alias. */
  model: string;
  maxTokens: number;
}

export interface GenerationEnv {
  ANTHROPIC_API_KEY?: string | undefined;
  ANTHROPIC_BASE_URL?: string | undefined;
}

const MAX_CALLS = claude.patience.calls;

export function messageParams(request: GenerationRequest): Anthropic.MessageCreateParamsStreaming {
  const model = resolveModel(request.model);
  const spec = modelSpec(model);
  return {
    model,
    max_tokens: request.maxTokens,
    stream: true,
    system: systemPrompt(request.system),
    messages: [{ role: 'user', content: userPrompt(request.question, request.language) }],
    tools: [programTool(spec, request.language)],
    // Where the call cannot be forced the prompt asks for it, and a reply without it is an error of its own.
    tool_choice: spec?.forcedToolUse
      ? { type: 'tool', name: TOOL_NAME, disable_parallel_tool_use: true }
      : { type: 'auto', disable_parallel_tool_use: true },
    ...(spec?.effort ? { output_config: { effort: spec.effort } } : {}),
  };
}

/**
 * Asks Claude for a program and tells what it writes while it writes it.
 *
 * A call that failed in passing is made again, unless something of its reply has been given out already.
 *
 * @param signal aborts the request to the API; the generator then throws the signal's reason
 * @throws ApiError with one of the codes `key_*` and `model_*`
 */
export async function* generate(
  env: GenerationEnv,
  request: GenerationRequest,
  signal: AbortSignal,
  timing: Timing = TIMING,
): AsyncGenerator<GenerationEvent, void, undefined> {
  const key = env.ANTHROPIC_API_KEY?.trim();
  if (!key) throw new ApiError('key_missing', 'This Worker has no Anthropic API key.');
  const client = createClient(key, baseUrl(env.ANTHROPIC_BASE_URL));
  const params = messageParams(request);
  const start = Date.now();
  const sinceStart = (): number => Date.now() - start;

  for (let call = 1; ; call += 1) {
    signal.throwIfAborted();
    const controller = new AbortController();
    const abort = (): void => controller.abort(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    let given = false;
    let firstTokenMs: number | undefined;
    let failed: Failure;
    try {
      const reply = new Reply(key);
      for await (const raw of streamEvents(client, params, controller, timing)) {
        for (const delta of reply.feed(raw)) {
          given = true;
          yield delta;
        }
        if (reply.hasBegun) firstTokenMs ??= sinceStart();
        if (reply.ended) break;
      }
      const { program, usage } = reply.result();
      const generationMs = sinceStart();
      const asked = request.language ?? reply.language ?? program.language;
      if (program.language !== asked) {
        throw new ApiError('model_invalid', `Claude's program is in ${program.language}, it must be in ${asked}.`);
      }
      if (reply.language === null) yield { type: 'language', language: program.language };
      const times = { firstTokenMs: firstTokenMs ?? generationMs, generationMs };
      yield { type: 'program', program, usage, model: params.model, ...times };
      return;
    } catch (thrown) {
      signal.throwIfAborted();
      failed = fromThrown(thrown, key);
    } finally {
      signal.removeEventListener('abort', abort);
      // Also when the consumer has had enough: nothing goes on upstream for nobody.
      controller.abort();
    }
    if (!failed.transient || given || call === MAX_CALLS) throw failed.error;
    await timing.wait(failed.retryAfterMs ?? timing.backoffMs * 2 ** (call - 1), signal);
  }
}
