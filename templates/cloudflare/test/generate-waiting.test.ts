import { describe, expect, it } from 'vitest';

import { generate } from '../src/generate';
import { TIMING } from '../src/generate/upstream';
import { messageStart, ModelScript, PING, programReply, refusal } from './answers';
import { codeOf, GOOD, KEY, PROGRAM, REQUEST, run } from './generations';
import type { ScriptedAnswer } from './model-server';

describe('silence', () => {
  it('before the answer', async () => {
    // The server answers nothing before its first chunk is due: headers only, then silence.
    const outcome = await run([{ chunks: [], end: 'hang' }], {}, { stallMs: 50 });
    expect(codeOf(outcome)).toBe('model_timeout');
    expect(outcome.asked).toHaveLength(1);
  });

  it('in the middle of the answer', async () => {
    const outcome = await run([{ chunks: [messageStart()], end: 'hang' }], {}, { stallMs: 50 });
    expect(codeOf(outcome)).toBe('model_timeout');
  });

  it('pings keep the call alive, but not for ever', async () => {
    const pings: ScriptedAnswer = { chunks: Array.from({ length: 10_000 }, () => PING), pace: 5 };
    const outcome = await run([pings], {}, { stallMs: 10_000, callMs: 120 });
    expect(codeOf(outcome)).toBe('model_timeout');
  });
});

describe('a client that leaves', () => {
  const slow: ScriptedAnswer = { chunks: programReply(PROGRAM).slice(0, 30), end: 'hang' };

  async function abortedUpstream(script: ModelScript): Promise<boolean> {
    for (;;) {
      const [request] = await script.asked();
      if (request?.aborted) return true;
    }
  }

  it('ends the request to the API', async () => {
    const script = await ModelScript.of(slow);
    const controller = new AbortController();
    const env = { ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: script.url };
    const reason = new Error('gone');
    const consume = async (): Promise<void> => {
      for await (const made of generate(env, REQUEST, controller.signal)) {
        if (made.type === 'delta') controller.abort(reason);
      }
    };
    await expect(consume()).rejects.toBe(reason);
    expect(await abortedUpstream(script)).toBe(true);
  });

  it('who stops reading ends it as well', async () => {
    const script = await ModelScript.of(slow);
    const env = { ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: script.url };
    for await (const made of generate(env, REQUEST, new AbortController().signal)) {
      if (made.type === 'delta') break;
    }
    expect(await abortedUpstream(script)).toBe(true);
  });

  it('who has left already makes no call', async () => {
    const script = await ModelScript.of(GOOD);
    const env = { ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: script.url };
    await expect(generate(env, REQUEST, AbortSignal.abort()).next()).rejects.toThrow();
    expect(await script.asked()).toHaveLength(0);
  });

  it('who leaves between two calls makes no more', async () => {
    const script = await ModelScript.of(refusal(500, 'api_error', 'oops'), GOOD);
    const controller = new AbortController();
    const env = { ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: script.url };
    const wait = async (ms: number, signal: AbortSignal): Promise<void> => {
      queueMicrotask(() => controller.abort());
      await TIMING.wait(ms, signal);
    };
    await expect(generate(env, REQUEST, controller.signal, { ...TIMING, wait }).next()).rejects.toThrow();
    expect(await script.asked()).toHaveLength(1);
  });
});
