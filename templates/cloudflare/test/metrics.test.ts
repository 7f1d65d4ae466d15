/** What a run cost, in the answer and in the header. */
import { describe, expect, it } from 'vitest';

import type { Origin, Run } from '../src/answer';
import { measure, serverTiming } from '../src/metrics';
import { NOTHING_TO_RUN, type Outcome } from '../src/observe';
import { ModelScript, programReply } from './answers';
import { answerOf, ENV, eventsOf, post, programOf, send, streamed, told } from './worker';

const HELLO = programOf('javascript', { 'main.js': 'console.log("é"); console.error("no")' });
const ASKED: Origin = {
  question: 'Q',
  model: 'claude-sonnet-5-5',
  usage: { inputTokens: 100, outputTokens: 300, costUsd: null },
  times: { firstTokenMs: 500, generationMs: 2000 },
};
const GIVEN: Origin = { question: null, model: null, usage: null, times: null };
const RUN = (gateMs = 0) => ({ start: Date.now(), gateMs }) as Run;
const OUTCOME: Outcome = {
  ...NOTHING_TO_RUN,
  stdout: { text: 'é', lossy: false, bytes: 2 },
  peakMemoryBytes: 1000,
  executionMs: 40,
};

/** The phases of a header, in their order. */
function phases(response: Response): Record<string, number> {
  const entries = response.headers.get('Server-Timing')!.split(', ');
  return Object.fromEntries(entries.map((entry) => [entry.split(';')[0], Number(/;dur=([\d.]+)/.exec(entry)![1])]));
}

describe('the metrics', () => {
  it('have the times of each phase and the sizes of what came out', () => {
    const files = [
      { path: 'a', content: 'é' },
      { path: 'b', content: '/w==', encoding: 'base64' as const },
    ];
    expect(measure(RUN(7), ASKED, OUTCOME, { ms: 180, spare: true, queueMs: 30 }, files)).toEqual({
      queueMs: 37,
      firstTokenMs: 500,
      generationMs: 2000,
      tokensPerSecond: 200,
      bootMs: 180,
      spare: true,
      executionMs: 40,
      totalMs: expect.any(Number),
      peakMemoryBytes: 1000,
      stdoutBytes: 2,
      stderrBytes: 0,
      fileBytes: 3,
    });
  });

  it('of a program that was given have no generation', () => {
    expect(measure(RUN(), GIVEN, NOTHING_TO_RUN, null, [])).toMatchObject({
      firstTokenMs: null,
      generationMs: 0,
      tokensPerSecond: null,
      bootMs: 0,
      spare: false,
    });
  });

  it.each([
    [2000, null],
    [1981, null],
    [1980, 15_000],
  ])('call it no speed when the reply came all at once (%d ms of 2000)', (firstTokenMs, speed) => {
    const origin = { ...ASKED, times: { firstTokenMs, generationMs: 2000 } };
    expect(measure(RUN(), origin, OUTCOME, null, []).tokensPerSecond).toBe(speed);
  });

  it('tell when Claude begins apart from when it has ended', async () => {
    const script = await ModelScript.of({ chunks: programReply(HELLO), pace: 3 });
    const env = { ANTHROPIC_BASE_URL: script.url };
    const { metrics } = await answerOf(await post('/execute', { question: 'Do it.' }, { env }));
    expect(metrics.firstTokenMs).toBeLessThan(metrics.generationMs);
    expect(metrics.tokensPerSecond).toBeGreaterThan(0);
    expect(metrics.generationMs).toBeLessThanOrEqual(metrics.totalMs);
  });

  it('count bytes as the program printed them', async () => {
    const { metrics } = await answerOf(await post('/run', HELLO));
    expect(metrics).toMatchObject({ stdoutBytes: 3, stderrBytes: 3, fileBytes: 0 });
  });
});

describe('Server-Timing', () => {
  it('names the phases that there were', () => {
    const metrics = measure(RUN(7), ASKED, OUTCOME, { ms: 180, spare: true, queueMs: 30 }, []);
    expect(serverTiming({ ...metrics, totalMs: 2100 })).toBe(
      'queue;dur=37, ttft;dur=500, generation;dur=2000, boot;dur=180;desc="spare", execution;dur=40, total;dur=2100',
    );
    const given = measure(RUN(), GIVEN, OUTCOME, { ms: 5, spare: false, queueMs: 0 }, []);
    expect(serverTiming({ ...given, totalMs: 50 })).toBe('queue;dur=0, boot;dur=5, execution;dur=40, total;dur=50');
  });

  it('says on a JSON answer what its metrics say', async () => {
    const response = await post('/run', HELLO);
    const { metrics } = await answerOf(response.clone());
    expect(phases(response)).toEqual({
      queue: metrics.queueMs,
      boot: metrics.bootMs,
      execution: metrics.executionMs,
      total: metrics.totalMs,
    });
  });

  it('says before a stream what is known then', async () => {
    const response = await streamed('/run', HELLO);
    expect(Object.keys(phases(response))).toEqual(['queue']);
    const [result] = told(await eventsOf(response), 'result');
    expect(result!.metrics.queueMs).toBe(phases(response)['queue']);
  });

  it.each(['/', '/health', '/nothing'])('has the total on %s', async (path) => {
    expect(Object.keys(phases(await send(path)))).toEqual(['total']);
  });

  it('may be read by a page that may call', async () => {
    const origin = 'https://app.example';
    const response = await send('/health', { headers: { Origin: origin } }, { ...ENV, ALLOWED_ORIGINS: origin });
    expect(response.headers.get('Access-Control-Expose-Headers')).toBe('Server-Timing');
  });
});
