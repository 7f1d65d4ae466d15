/** How many runs may be under way, and what is left behind when a client leaves: nothing. */
/// <reference types="@cloudflare/vitest-plugin/types" />
import { reset, runInDurableObject } from 'cloudflare:test';
import { exports } from 'cloudflare:workers';
import { beforeEach, describe, expect, inject, it, vi } from 'vitest';

import type { RunGate } from '../src/gate';
import { ModelScript, programReply } from './answers';
import type { AskedRequest, ScriptedAnswer } from './model-server';
import {
  answerOf,
  ENV,
  errorOf,
  eventually,
  eventsOf,
  HEADERS,
  open,
  post,
  programOf,
  readUntil,
  streamed,
  told,
} from './worker';

const HELLO = programOf('javascript', { 'main.js': 'console.log("hello")' });
const FAILING = programOf('javascript', { 'main.js': 'console.log("failing"); process.exit(3)' });
const WAITING = {
  JavaScript: programOf('javascript', {
    'main.mjs': 'console.log("on"); await new Promise((f) => setTimeout(f, 1e9))',
  }),
  Python: programOf('python', {
    'main.py':
      'import asyncio\nasync def main():\n  print("on", flush=True)\n  await asyncio.sleep(1e6)\nasyncio.run(main())',
  }),
};
/** Claude has begun and does not go on. */
const ENDLESS: ScriptedAnswer = { chunks: programReply(HELLO).slice(0, -1), end: 'hang' };

const gate = () => ENV.RUN_GATE!.get(ENV.RUN_GATE!.idFromName('runs'));

/** The leases that are held now: id and when it ends. */
function leases(): Promise<{ id: string; expires: number }[]> {
  return runInDurableObject(gate(), (_: RunGate, state) =>
    state.storage.sql.exec<{ id: string; expires: number }>('SELECT id, expires FROM lease').toArray(),
  );
}

const limitedTo = (runs: string | undefined) => ({ MAX_CONCURRENT_RUNS: runs as string });

beforeEach(reset);

describe('the gate', () => {
  it('lets as many in as it is told, and again when one has left', async () => {
    expect(await gate().enter('a', 2)).toBe(true);
    expect(await gate().enter('b', 2)).toBe(true);
    expect(await gate().enter('c', 2)).toBe(false);
    await gate().leave('b');
    expect(await gate().enter('c', 2)).toBe(true);
    expect((await leases()).map(({ id }) => id)).toEqual(['a', 'c']);
  });

  it('does not mind who leaves without having entered', async () => {
    await gate().leave('nobody');
    expect(await gate().enter('a', 1)).toBe(true);
  });

  it('lets nobody wait for a lease that was never returned', async () => {
    await gate().enter('lost', 1);
    const [lease] = await leases();
    // Generation, at most three calls of ten minutes, and the longest run fit in it.
    expect(lease!.expires - Date.now()).toBeGreaterThan((3 * 600 + 300) * 1000);
    await runInDurableObject(gate(), (_: RunGate, state) => {
      state.storage.sql.exec('UPDATE lease SET expires = ?', Date.now());
    });
    expect(await gate().enter('next', 1)).toBe(true);
    expect((await leases()).map(({ id }) => id)).toEqual(['next']);
  });

  it('holds a run while it is under way, and one too many gets a 429', async () => {
    const first = open('/run', WAITING.JavaScript, { accept: 'text/event-stream' });
    await readUntil(await first.response, 'event: stdout\n');
    expect(await leases()).toHaveLength(1);
    await errorOf(await post('/run', HELLO, { env: limitedTo('1') }), 'too_many_runs');
    await errorOf(await streamed('/run', HELLO, limitedTo('1')), 'too_many_runs');
    expect(await answerOf(await post('/run', HELLO, { env: limitedTo('2') }))).toMatchObject({ output: 'hello\n' });
    await first.leave();
    expect(await answerOf(await post('/run', HELLO, { env: limitedTo('1') }))).toMatchObject({ output: 'hello\n' });
  });

  it.each([
    ['0', 0],
    [undefined, 8],
    ['', 8],
    ['-1', 8],
    ['many', 8],
    ['3', 3],
  ])('MAX_CONCURRENT_RUNS=%j means %d', async (value, limit) => {
    for (let n = 0; n < limit; n++) await gate().enter(`${n}`, limit);
    await errorOf(await post('/run', HELLO, { env: limitedTo(value) }), 'too_many_runs');
    if (limit === 0) return;
    await gate().leave('0');
    await answerOf(await post('/run', HELLO, { env: limitedTo(value) }));
  });

  it('is not asked before a request is known to be good', async () => {
    await errorOf(await post('/run', {}, { env: limitedTo('0') }), 'invalid_request');
    await errorOf(await post('/run', HELLO, { env: limitedTo('0'), headers: { Authorization: '' } }), 'unauthorized');
  });

  it('that fails lets nobody in, and what it said stays in the log', async () => {
    const broken = { idFromName: () => 'id', get: () => ({ enter: () => Promise.reject(new Error('inside story')) }) };
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const { error } = await errorOf(await post('/run', HELLO, { env: { RUN_GATE: broken as never } }), 'internal');
    expect(error).not.toContain('story');
    expect(log).toHaveBeenCalledOnce();
    log.mockRestore();
  });

  it('is not there on a developer’s machine', async () => {
    await answerOf(await post('/run', HELLO, { env: { RUN_GATE: undefined as never, ...limitedTo('0') } }));
  });
});

describe('the lease comes back', () => {
  it.each([
    ['a run', HELLO],
    ['a program that failed', FAILING],
    ['a request that was refused', { ...HELLO, entrypoint: 'other.js' }],
    ['a run out of time', { ...WAITING.JavaScript, timeout: 100 }],
  ])('after %s', async (_, body) => {
    await post('/run', body);
    await streamed('/run', body);
    expect(await leases()).toEqual([]);
  });

  it('after generation has failed', async () => {
    const script = await ModelScript.of({ status: 401, chunks: ['no'] });
    await errorOf(
      await post('/execute', { question: 'Hi' }, { env: { ANTHROPIC_BASE_URL: script.url } }),
      'key_rejected',
    );
    expect(await leases()).toEqual([]);
  });

  it('and an answer is not lost when it cannot', async () => {
    const broken = {
      idFromName: () => 'id',
      get: () => ({ enter: async () => true, leave: () => Promise.reject(new Error('the object is gone')) }),
    };
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    await answerOf(await post('/run', HELLO, { env: { RUN_GATE: broken as never } }));
    expect(log).toHaveBeenCalledOnce();
    log.mockRestore();
  });
});

describe('a client that leaves', () => {
  it.each(['application/json', 'text/event-stream'])('while Claude writes ends that (%s)', async (accept) => {
    const script = await ModelScript.of(ENDLESS);
    const visit = open('/execute', { question: 'Hi' }, { accept, env: { ANTHROPIC_BASE_URL: script.url } });
    await eventually(async () => expect(await script.asked()).toHaveLength(1));
    await visit.leave();
    await eventually(async () => expect((await script.asked()).map(({ aborted }) => aborted)).toEqual([true]));
    expect(await leases()).toEqual([]);
  });

  it.each(Object.entries(WAITING))('while a %s program runs ends it', async (_, program) => {
    const visit = open('/run', program, { accept: 'text/event-stream' });
    await readUntil(await visit.response, 'event: stdout\n');
    await visit.leave();
    expect(await leases()).toEqual([]);
  });

  it('while Python starts ends that', async () => {
    const visit = open('/run', WAITING.Python, { accept: 'text/event-stream' });
    await readUntil(await visit.response, 'event: started\n');
    await visit.leave();
    expect(await leases()).toEqual([]);
  });

  // Through the runtime's own service: leaving is what a dropped connection makes of it.
  it.each(['application/json', 'text/event-stream'])('is noticed by the runtime (%s)', async (accept) => {
    // That service has the bindings of vitest.config.ts, whose base URL has no script's name: the path's first part is one.
    const control = `${inject('modelUrl')}/_scripts/v1`;
    await fetch(control, { method: 'PUT', body: JSON.stringify([ENDLESS]) });
    const asked = async () => (await (await fetch(control)).json()) as AskedRequest[];
    const client = new AbortController();
    const service = (exports as unknown as { default: Fetcher }).default;
    const response = service.fetch('https://worker.test/execute', {
      method: 'POST',
      headers: { ...HEADERS, Accept: accept },
      body: JSON.stringify({ question: 'Hi' }),
      signal: client.signal,
    });
    response.catch(() => undefined);
    await eventually(async () => expect(await asked()).toHaveLength(1));
    expect(await leases()).toHaveLength(1);
    client.abort();
    await eventually(async () => expect(await leases()).toEqual([]));
    await eventually(async () => expect((await asked()).map(({ aborted }) => aborted)).toEqual([true]));
  });

  it('after the end is no error', async () => {
    const visit = open('/run', HELLO, { accept: 'text/event-stream' });
    const events = await eventsOf(await visit.response);
    expect(told(events, 'result')[0]).toMatchObject({ success: true });
    await visit.leave();
  });
});
