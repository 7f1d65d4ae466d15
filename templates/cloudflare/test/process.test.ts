/** The sandbox on a developer's machine, as far as the Worker's side of it goes: a runner that says what a test tells it to. */
import { describe, expect, it } from 'vitest';

import { STDOUT } from '../src/executor/frames';
import type { Program } from '../src/program';
import type { Limits } from '../src/sandbox';
import { ProcessSandbox } from '../src/sandbox/process';
import { ModelScript, programReply } from './answers';
import { bootFrame, collect, exitFrame, frame, LIMITS, readable, verdictFrame } from './framing';
import { answerOf, errorOf, eventsOf, post, programOf, streamed, told } from './worker';

const PROGRAM: Program = { language: 'python', entrypoint: 'main.py', files: [{ path: 'main.py', content: 'pass' }] };
const DONE = verdictFrame({ kind: 'exited', code: 0, truncated: false, peakMemoryBytes: 5_000_000 });

interface Runner {
  binding: Fetcher;
  /** What it was asked, as it came. */
  asked: { url: string; program?: Program; limits?: Limits }[];
  /** Settles when its client has hung up. */
  left: Promise<void>;
}

/** @param script the frames before the program has come, and those after it; `broken` cuts the connection there. */
function runner(script: {
  before?: Uint8Array[];
  after?: Uint8Array[];
  status?: number;
  end?: 'broken' | 'hang';
}): Runner {
  const asked: Runner['asked'] = [];
  const left = Promise.withResolvers<void>();
  const answer = async (url: string, { body, signal }: RequestInit): Promise<Response> => {
    const request: Runner['asked'][number] = { url };
    asked.push(request);
    if (script.status) return new Response('no', { status: script.status });
    signal!.addEventListener('abort', () => left.resolve());
    const { readable: frames, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    const talk = async () => {
      for (const bytes of script.before ?? [bootFrame()]) await writer.write(bytes);
      if (script.after) {
        Object.assign(request, JSON.parse(await new Response(body).text()));
        for (const bytes of script.after) await writer.write(bytes);
      }
      if (script.end === 'broken') await writer.abort(new Error('the connection broke'));
      else if (script.end !== 'hang') await writer.close();
    };
    talk().catch(() => undefined);
    return new Response(frames);
  };
  return { binding: { fetch: answer } as unknown as Fetcher, asked, left: left.promise };
}

async function run(script: Parameters<typeof runner>[0]) {
  const session = new ProcessSandbox(runner(script).binding).open('python', LIMITS);
  await session.ready;
  return readable(await collect(session.run(PROGRAM)));
}

describe('a session', () => {
  it('is one request: it starts the process, brings the program and gets its frames', async () => {
    const { binding, asked } = runner({ after: [frame(STDOUT, 'hi'), DONE] });
    const session = new ProcessSandbox(binding).open('python', LIMITS);
    expect(await session.ready).toEqual({ ms: 5, spare: true, queueMs: 2 });
    expect(asked).toEqual([{ url: 'http://runner/run?language=python' }]);
    expect(readable(await collect(session.run(PROGRAM)))).toEqual([
      { type: 'stdout', bytes: 'hi' },
      { type: 'exit', ending: { kind: 'exited', code: 0 }, truncated: false, peakMemoryBytes: 5_000_000 },
    ]);
    expect(asked).toEqual([{ url: 'http://runner/run?language=python', program: PROGRAM, limits: LIMITS }]);
  });

  it.each([
    ['answers with an error', { status: 503 }],
    ['says nothing', { before: [] }],
    ['says something else first', { before: [frame(STDOUT, 'hi')] }],
    ['breaks off', { before: [], end: 'broken' as const }],
  ])('is unavailable when the runner %s', async (_, script) => {
    const session = new ProcessSandbox(runner(script).binding).open('javascript', LIMITS);
    await expect(session.ready).rejects.toMatchObject({ code: 'sandbox_unavailable' });
  });

  it('has crashed when the runner goes away in the middle', async () => {
    expect((await run({ after: [frame(STDOUT, 'hi')], end: 'broken' })).at(-1)).toMatchObject({
      ending: { kind: 'crashed' },
    });
    expect((await run({ after: [] })).at(-1)).toMatchObject({ ending: { kind: 'crashed' } });
    expect((await run({ end: 'broken' })).at(-1)).toMatchObject({ ending: { kind: 'crashed' } });
  });

  it('does not believe an exit status that the runner has let through', async () => {
    expect((await run({ after: [exitFrame(0)] })).at(-1)).toMatchObject({ ending: { kind: 'crashed' } });
  });

  it('hangs up when it is closed, at any time and more than once', async () => {
    for (const before of [[], [bootFrame()]]) {
      const { binding, left } = runner({ before, end: 'hang' });
      const session = new ProcessSandbox(binding).open('python', LIMITS);
      if (before.length > 0) await session.ready;
      session.close();
      session.close();
      await left;
    }
  });
});

describe('the Worker beside a runner', () => {
  const HELLO = programOf('python', { 'main.py': 'print("hello")' });
  const verdict = (kind: string, more: object = {}) =>
    verdictFrame({ kind, truncated: false, peakMemoryBytes: 600_000_000, ...more });

  it('answers with what it says', async () => {
    const { binding, left } = runner({ after: [frame(STDOUT, 'hello\n'), DONE] });
    expect(await answerOf(await post('/run', HELLO, { env: { RUNNER: binding } }))).toMatchObject({
      success: true,
      output: 'hello\n',
      exitCode: 0,
      sandbox: 'process',
      isolation: 'a workerd process of its own on this machine, no network',
      metrics: { bootMs: 5, peakMemoryBytes: 5_000_000 },
      outputMayBeIncomplete: false,
    });
    await left;
  });

  it.each([
    ['timeout', 'sandbox_timeout', 'The program was stopped after 2 s, its time limit.'],
    ['memory', 'sandbox_oom', 'The program was stopped because it used more memory than its limit.'],
    ['crashed', 'sandbox_crashed', 'The sandbox ended unexpectedly: it fell.'],
  ])('says how a program was stopped: %s', async (kind, errorCode, sentence) => {
    const after = [frame(STDOUT, 'so far'), verdict(kind, { detail: 'it fell' })];
    const body = { ...HELLO, timeout: 2000 };
    const stopped = { success: false, errorCode, exitCode: null, output: 'so far', outputMayBeIncomplete: true };
    expect(await answerOf(await post('/run', body, { env: { RUNNER: runner({ after }).binding } }))).toMatchObject({
      ...stopped,
      error: sentence,
    });
    const withStderr = [frame(2, 'a word\n'), ...after];
    const env = { RUNNER: runner({ after: withStderr }).binding };
    expect(await answerOf(await post('/run', body, { env }))).toMatchObject({
      ...stopped,
      error: `${sentence}\na word\n`,
    });
  });

  it('cuts no character into something that the program did not print', async () => {
    const half = new TextEncoder().encode('äö').slice(0, 3);
    const RUNNER = () => runner({ after: [frame(STDOUT, half), verdict('timeout')] }).binding;
    const answer = await answerOf(await post('/run', HELLO, { env: { RUNNER: RUNNER() } }));
    expect(answer).toMatchObject({ output: 'ä', outputLossy: false });
    const events = await eventsOf(await streamed('/run', HELLO, { RUNNER: RUNNER() }));
    expect(told(events, 'stdout')).toEqual([{ text: 'ä' }]);
    const ended = runner({ after: [frame(STDOUT, half), DONE] }).binding;
    const whole = await answerOf(await post('/run', HELLO, { env: { RUNNER: ended } }));
    expect(whole).toMatchObject({ output: 'ä\ufffd', outputLossy: true });
  });

  it('says that the sandbox did not start', async () => {
    const env = { RUNNER: runner({ status: 503 }).binding };
    await errorOf(await post('/run', HELLO, { env }), 'sandbox_unavailable');
    const events = await eventsOf(await streamed('/run', HELLO, { RUNNER: runner({ status: 503 }).binding }));
    expect(events.map(({ name }) => name)).toEqual(['started', 'error']);
  });

  it('starts a sandbox before Claude has chosen, and says nothing of one that was not needed', async () => {
    const script = await ModelScript.of({ chunks: programReply(HELLO) });
    const { binding, asked } = runner({ after: [frame(STDOUT, 'hello\n'), DONE] });
    const env = { RUNNER: binding, ANTHROPIC_BASE_URL: script.url };
    const events = await eventsOf(await streamed('/execute', { question: 'Say hello.' }, env));
    expect(asked.map(({ url }) => url.split('=')[1])).toEqual(['javascript', 'python']);
    expect(told(events, 'boot')).toHaveLength(1);
    expect(told(events, 'result')[0]).toMatchObject({ output: 'hello\n' });
  });
});
