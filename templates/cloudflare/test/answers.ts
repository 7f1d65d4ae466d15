/** Builds what Claude's API would send: server-sent events, as text, and the scripts that the tests give to the server. */
import { inject } from 'vitest';

import type { AskedRequest, ScriptedAnswer } from './model-server';

export function event(type: string, data: object = {}): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;
}

export const PING = event('ping');

export function messageStart(inputTokens = 100): string {
  return event('message_start', {
    message: {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      content: [],
      model: 'claude-sonnet-5-5',
      stop_reason: null,
      usage: { input_tokens: inputTokens, output_tokens: 1 },
    },
  });
}

export function blockStart(index: number, block: object): string {
  return event('content_block_start', { index, content_block: block });
}

export function blockDelta(index: number, delta: object): string {
  return event('content_block_delta', { index, delta });
}

export function blockStop(index: number): string {
  return event('content_block_stop', { index });
}

export function messageEnd(stopReason: string | null, outputTokens = 50, delta: object = {}): string {
  return (
    event('message_delta', { delta: { stop_reason: stopReason, ...delta }, usage: { output_tokens: outputTokens } }) +
    event('message_stop')
  );
}

/** The tool call alone: its start, its input in pieces of `size` characters, its end. */
export function toolCall(json: string, { index = 0, size = 7, name = 'write_program' } = {}): string[] {
  const chunks = [blockStart(index, { type: 'tool_use', id: `toolu_${index}`, name, input: {} })];
  for (let at = 0; at < json.length; at += size) {
    chunks.push(blockDelta(index, { type: 'input_json_delta', partial_json: json.slice(at, at + size) }));
  }
  return [...chunks, blockStop(index)];
}

/** A whole reply that hands over `program`; a string stands for itself. */
export function programReply(program: unknown, size = 7): string[] {
  const json = typeof program === 'string' ? program : JSON.stringify(program);
  return [messageStart(), PING, ...toolCall(json, { size }), messageEnd('tool_use')];
}

export function apiError(type: string, message: string, details?: object): string {
  return JSON.stringify({ type: 'error', error: { type, message, details: details ?? null }, request_id: 'req_1' });
}

/** An answer with an error status. */
export function refusal(
  status: number,
  type: string,
  message: string,
  { headers = {}, details }: { headers?: Record<string, string>; details?: object } = {},
): ScriptedAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json', ...headers },
    chunks: [apiError(type, message, details)],
  };
}

/** A place of its own on the server for what one test has it answer. */
export class ModelScript {
  private constructor(private readonly name: string) {}

  static async of(...answers: ScriptedAnswer[]): Promise<ModelScript> {
    const script = new ModelScript(crypto.randomUUID());
    await fetch(script.control, { method: 'PUT', body: JSON.stringify(answers) });
    return script;
  }

  /** What `ANTHROPIC_BASE_URL` must be. */
  get url(): string {
    return `${inject('modelUrl')}/${this.name}`;
  }

  async asked(): Promise<AskedRequest[]> {
    return (await fetch(this.control)).json();
  }

  private get control(): string {
    return `${inject('modelUrl')}/_scripts/${this.name}`;
  }
}
