import { expect } from 'vitest';

import { ApiError } from '../src/errors';
import { generate, type GenerationEvent, type GenerationRequest } from '../src/generate';
import { TIMING, type Timing } from '../src/generate/upstream';
import { ModelScript, programReply } from './answers';
import type { ScriptedAnswer } from './model-server';

export const KEY = 'sk-ant-key-for-tests';
export const PROGRAM = {
  language: 'python',
  entrypoint: 'main.py',
  files: [
    { path: 'main.py', content: 'from greet import hi\n\nprint(hi("😀"))\n' },
    { path: 'greet.py', content: 'def hi(name):\n    return f"hi \\"{name}\\""\n' },
  ],
};
export const REQUEST: GenerationRequest = { question: 'Say hi.', model: 'sonnet', maxTokens: 4000 };
export const GOOD: ScriptedAnswer = { chunks: programReply(PROGRAM) };

export interface Outcome {
  events: GenerationEvent[];
  error: unknown;
  /** Milliseconds of each wait between two calls. */
  waits: number[];
  asked: Awaited<ReturnType<ModelScript['asked']>>;
}

export async function run(
  answers: ScriptedAnswer[],
  request: Partial<GenerationRequest> = {},
  timing: Partial<Timing> = {},
): Promise<Outcome> {
  const script = await ModelScript.of(...answers);
  const outcome: Outcome = { events: [], error: null, waits: [], asked: [] };
  try {
    const generation = generate(
      { ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: script.url },
      { ...REQUEST, ...request },
      new AbortController().signal,
      {
        ...TIMING,
        wait: async (ms) => {
          outcome.waits.push(ms);
        },
        ...timing,
      },
    );
    for await (const made of generation) outcome.events.push(made);
  } catch (error) {
    outcome.error = error;
  }
  outcome.asked = await script.asked();
  return outcome;
}

export function codeOf(outcome: Outcome): string | undefined {
  expect(outcome.error).toBeInstanceOf(ApiError);
  expect(outcome.events.some((made) => made.type === 'program')).toBe(false);
  return (outcome.error as ApiError).code;
}

export function messageOf(outcome: Outcome): string {
  return (outcome.error as ApiError).message;
}
