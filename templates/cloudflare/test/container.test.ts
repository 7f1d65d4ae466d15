/** The container tier, up to the Sandbox SDK: what it is asked, what it answers, and that its containers always go. */
import { runInDurableObject } from 'cloudflare:test';
import type { ExecEvent } from '@cloudflare/sandbox';
import { beforeAll, describe, expect, it } from 'vitest';

import type { Env } from '../src/env';
import { STDERR, STDOUT } from '../src/executor/frames';
import type { Order } from '../src/executor/order';
import type { Program } from '../src/program';
import { ContainerSandbox, containerSandbox, Sandbox, type ContainerHandle } from '../src/sandbox/container';
import { offerContainer } from '../src/sandbox/select';
import { ModelScript, programReply } from './answers';
import {
  bytesOf,
  collect,
  exitFrame,
  fileFrame,
  frame,
  join,
  LIMITS,
  randomNumbers,
  readable,
  verdictFrame,
} from './framing';
import { answerOf, ENV, errorOf, eventsOf, filesOf, open, post, programOf, send, streamed, told } from './worker';

const PROGRAM: Program = { language: 'python', entrypoint: 'main.py', files: [{ path: 'main.py', content: 'pass' }] };
const DONE = verdictFrame({ kind: 'exited', code: 0, truncated: false, peakMemoryBytes: 5_000_000 });

/** How a container behaves: what its runner says and where it fails. */
interface Script {
  frames?: Uint8Array[];
  /** Events of the SDK in place of those that carry the frames. */
  events?: ExecEvent[];
  /** What follows the events: the stream ends, breaks or goes on for ever. */
  end?: 'broken' | 'hang';
  /** The first calls wait for this one: the container is starting. */
  starting?: Promise<void>;
  fails?: Partial<Record<keyof ContainerHandle, Error>>;
  /** How the bytes of the stream are cut. */
  chunk?: (bytes: Uint8Array) => Uint8Array[];
}

/** Stands in for the SDK's sandbox, by its own types. */
class Container implements ContainerHandle {
  readonly files = new Map<string, string>();
  readonly commands: string[] = [];
  destroyed = 0;
  readonly gone = Promise.withResolvers<void>();

  constructor(private readonly script: Script) {}

  async writeFile(path: string, content: string | ReadableStream<Uint8Array>) {
    await this.script.starting;
    this.fail('writeFile');
    this.files.set(path, content as string);
    return { success: true, path, timestamp: '' };
  }

  async execStream(command: string): Promise<ReadableStream<Uint8Array>> {
    this.fail('execStream');
    this.commands.push(command);
    const { events = eventsOfRunner(this.script.frames ?? [DONE]), end, chunk = (bytes) => [bytes] } = this.script;
    const chunks = events.flatMap((event) => chunk(bytesOf(`data: ${JSON.stringify(event)}\n\n`)));
    return new ReadableStream({
      start: (controller) => {
        chunks.forEach((bytes) => controller.enqueue(bytes));
        if (end === 'broken') controller.error(new Error('the connection broke'));
        else if (end !== 'hang') controller.close();
      },
    });
  }

  async destroy(): Promise<void> {
    this.destroyed += 1;
    this.gone.resolve();
    this.fail('destroy');
  }

  get order(): Order {
    return JSON.parse(this.files.get('/tmp/cct-order.json')!) as Order;
  }

  private fail(method: keyof ContainerHandle): void {
    const error = this.script.fails?.[method];
    if (error) throw error;
  }
}

function event(type: ExecEvent['type'], more: Partial<ExecEvent> = {}): ExecEvent {
  return { type, timestamp: '', ...more };
}

/** What the SDK makes of what the runner writes. */
function eventsOfRunner(frames: Uint8Array[]): ExecEvent[] {
  const lines = frames.map((bytes) => event('stdout', { data: `${bytes.toBase64()}\n` }));
  return [event('start'), ...lines, event('complete', { exitCode: 0 })];
}

function opened(script: Script = {}) {
  const container = new Container(script);
  const ids: string[] = [];
  const sandbox = new ContainerSandbox((id) => {
    ids.push(id);
    return container;
  });
  return { container, ids, session: sandbox.open('javascript', LIMITS) };
}

async function run(script: Script): Promise<object[]> {
  const { session } = opened(script);
  await session.ready;
  return readable(await collect(session.run(PROGRAM)));
}

/** The runner is ours, so its end may only come as a verdict. */
const crashed = (detail: unknown) => ({ type: 'exit', ending: { kind: 'crashed', detail } });

describe('a session', () => {
  it('uploads the runner, then the program, and runs it', async () => {
    const { container, ids, session } = opened({
      frames: [frame(STDOUT, 'out'), frame(STDERR, 'err'), fileFrame('made.txt', 'made'), DONE],
    });
    expect(await session.ready).toEqual({ ms: expect.any(Number), spare: false, queueMs: 0 });
    expect([...container.files.keys()]).toEqual(['/tmp/cct-runner.mjs']);
    expect(container.files.get('/tmp/cct-runner.mjs')).toContain('node:child_process');
    expect(readable(await collect(session.run(PROGRAM)))).toEqual([
      { type: 'stdout', bytes: 'out' },
      { type: 'stderr', bytes: 'err' },
      { type: 'file', path: 'made.txt', bytes: 'made' },
      { type: 'exit', ending: { kind: 'exited', code: 0 }, truncated: false, peakMemoryBytes: 5_000_000 },
    ]);
    expect(container.commands).toEqual(['exec node /tmp/cct-runner.mjs /tmp/cct-order.json']);
    expect(container.order).toEqual({
      program: PROGRAM,
      folder: '/workspace',
      user: 65534,
      timeoutMs: LIMITS.timeoutMs,
      outputBytes: LIMITS.outputBytes,
      savedFiles: 1000,
      savedBytes: 10 * 1024 * 1024,
    });
    expect(ids).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/)]);
  });

  it('reads the same whatever the chunks are', async () => {
    const frames = [frame(STDOUT, 'häppchen'), fileFrame('ä.bin', new Uint8Array([0, 255])), DONE];
    const line = `${join(...frames).toBase64()}\n`;
    const whole = await run({ frames });
    const random = randomNumbers(7);
    for (let turn = 0; turn < 30; turn++) {
      const cut = random(line.length);
      const lines = [line.slice(0, cut), line.slice(cut)].map((data) => event('stdout', { data }));
      const chunk = (bytes: Uint8Array) => {
        const at = random(bytes.length);
        return [bytes.subarray(0, at), bytes.subarray(at)];
      };
      expect(await run({ events: [...lines, event('complete', { exitCode: 0 })], chunk })).toEqual(whole);
    }
  });

  it('holds what comes to the limits of output, whatever the runner lets through', async () => {
    const { session } = opened({ frames: [frame(STDOUT, 'x'.repeat(LIMITS.outputBytes + 1)), DONE] });
    const events = await collect(session.run(PROGRAM));
    expect(events.map((each) => ('bytes' in each ? each.bytes.byteLength : each))).toEqual([
      LIMITS.outputBytes,
      expect.objectContaining({ ending: { kind: 'exited', code: 0 }, truncated: true }),
    ]);
  });

  it.each(['timeout', 'memory'])('says how the runner stopped the program: %s', async (kind) => {
    const events = await run({ frames: [frame(STDOUT, 'so far'), verdictFrame({ kind })] });
    expect(events.at(-1)).toMatchObject({ ending: { kind } });
  });

  it.each<[string, Script, unknown]>([
    ['fails', { events: [event('stderr', { data: 'no node\n' }), event('complete', { exitCode: 127 })] }, 'no node'],
    ['is killed', { events: [event('complete', { exitCode: 137 })] }, 'the runner ended with status 137'],
    ['cannot be started', { fails: { execStream: new Error('no such session') } }, 'no such session'],
    ['says nothing', { events: [event('complete', { exitCode: 0 })] }, 'the sandbox ended without an exit status'],
    ['is told of by an error', { events: [event('error', { error: 'lost' })] }, 'lost'],
    ['breaks off', { frames: [frame(STDOUT, 'hi')], end: 'broken' }, expect.any(String)],
    ['writes no base64', { events: [event('stdout', { data: 'Segmentation fault\n' })] }, expect.any(String)],
    ['writes a line without end', { events: [event('stdout', { data: 'A'.repeat(2 << 20) })] }, expect.any(String)],
    ['claims a status of its own', { frames: [exitFrame(0)] }, 'the sandbox spoke out of turn'],
  ])('has crashed when the runner %s', async (_, script, detail) => {
    expect((await run(script)).at(-1)).toMatchObject(crashed(detail));
  });

  it('is unavailable when the container does not start', async () => {
    const { session } = opened({ fails: { writeFile: new Error('no instance available.') } });
    await expect(session.ready).rejects.toMatchObject({
      code: 'sandbox_unavailable',
      message: 'The container did not start: no instance available.',
    });
  });
});

describe('the Worker with the container tier', () => {
  const HELLO = programOf('python', { 'main.py': 'print("hello")' }, { sandbox: 'container' });

  beforeAll(() => {
    offerContainer((env) => {
      const connect = env.SANDBOX as unknown as ((id: string) => ContainerHandle) | undefined;
      return connect && new ContainerSandbox(connect);
    });
  });

  /** Bindings that give each run a container of its own. */
  function containers(script: Script = {}): { env: Partial<Env>; made: Container[] } {
    const made: Container[] = [];
    const connect = (): Container => {
      made.push(new Container(script));
      return made.at(-1)!;
    };
    return { env: { SANDBOX: connect as unknown as NonNullable<Env['SANDBOX']> }, made };
  }

  it('offers containers beside its default, where it has the binding', async () => {
    const sandboxes = async (env: Partial<Env>) => (await (await send('/health', {}, env)).json<any>()).sandboxes;
    expect(await sandboxes(containers().env)).toEqual(['isolate', 'container']);
    expect(await sandboxes({})).toEqual(['isolate']);
    expect(await sandboxes({ ...containers().env, RUNNER: { fetch } as unknown as Fetcher })).toEqual(['process']);
  });

  it('refuses one where it has none', async () => {
    await errorOf(await post('/run', HELLO), 'sandbox_unsupported');
  });

  it('runs a program in one when asked to, and destroys it', async () => {
    const { env, made } = containers({ frames: [frame(STDOUT, 'hello\n'), fileFrame('a.txt', 'made'), DONE] });
    const answer = await answerOf(await post('/run', HELLO, { env }));
    expect(answer).toMatchObject({
      success: true,
      output: 'hello\n',
      sandbox: 'container',
      isolation: 'a fresh Linux container, no network',
      metrics: { peakMemoryBytes: 5_000_000 },
    });
    expect(filesOf(answer.files)).toEqual({ 'a.txt': 'made' });
    expect(made.map(({ destroyed }) => destroyed)).toEqual([1]);
    await answerOf(await post('/run', { ...HELLO, language: 'javascript', sandbox: undefined }, { env }));
    expect(made).toHaveLength(1);
  });

  it('refuses the paths that a program has no business with', async () => {
    const { env } = containers({ frames: [fileFrame('../up.txt'), fileFrame('.git/hooks/x'), DONE] });
    const answer = await answerOf(await post('/run', HELLO, { env }));
    expect(answer.files).toEqual([]);
    expect(answer.refusedFiles.map(({ path }) => path)).toEqual(['../up.txt', '.git/hooks/x']);
  });

  it.each<[string, Script]>([
    ['crashes', { end: 'broken' }],
    ['does not start', { fails: { writeFile: new Error('no instance') } }],
    ['cannot be destroyed', { fails: { destroy: new Error('no control plane') } }],
  ])('destroys one that %s', async (_, script) => {
    const { env, made } = containers(script);
    await post('/run', HELLO, { env });
    expect(made[0]!.destroyed).toBeGreaterThan(0);
  });

  it('destroys one whose client has gone, in the middle of a run', async () => {
    const { env, made } = containers({ frames: [frame(STDOUT, 'hi')], end: 'hang' });
    const { response, leave } = open('/run', HELLO, { accept: 'text/event-stream', env });
    const reader = (await response).body!.getReader();
    for (let text = ''; !text.includes('hi');) text += new TextDecoder().decode((await reader.read()).value);
    await leave();
    await made[0]!.gone.promise;
  });

  it('destroys one again that was only starting: a call under way may have started it after all', async () => {
    const starting = Promise.withResolvers<void>();
    const { env, made } = containers({ starting: starting.promise });
    const { response, leave } = open('/run', HELLO, { accept: 'text/event-stream', env });
    await response;
    const left = leave();
    await made[0]!.gone.promise;
    starting.resolve();
    await left;
    await expect.poll(() => made[0]!.destroyed).toBe(2);
  });

  it('starts one before Claude has chosen a language, and keeps it whichever that is', async () => {
    const script = await ModelScript.of({ chunks: programReply({ ...HELLO, sandbox: undefined }) });
    const { env, made } = containers({ frames: [frame(STDOUT, 'hello\n'), DONE] });
    const request = { question: 'Say hello.', sandbox: 'container' };
    const events = await eventsOf(await streamed('/execute', request, { ...env, ANTHROPIC_BASE_URL: script.url }));
    expect(told(events, 'result')[0]).toMatchObject({ output: 'hello\n', language: 'python', sandbox: 'container' });
    expect(made).toHaveLength(1);
  });
});

describe('with the Sandbox SDK itself', () => {
  /** Stands in for the server in the container, and says how it was started. */
  function server() {
    const asked: { path: string; body: any }[] = [];
    const started: unknown[] = [];
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const answer = async (url: string, request?: Request): Promise<Response> => {
      const path = new URL(url).pathname;
      if (!path.startsWith('/api/') || path === '/api/version') return Response.json({ version: '0' });
      const body = await request!.json<any>();
      asked.push({ path, body });
      if (path === '/api/write') return Response.json({ success: true, path: body.path, timestamp: '' });
      if (path !== '/api/execute/stream') return new Response('', { status: 404 });
      const events = eventsOfRunner([frame(STDOUT, 'hello'), DONE]);
      const text = events.map((each) => `data: ${JSON.stringify(each)}\n\n`).join('');
      return new Response(text, { headers: { 'Content-Type': 'text/event-stream' } });
    };
    const container = {
      running: false,
      start: (options: unknown) => {
        container.running = true;
        started.push(options);
      },
      monitor: () => ended,
      destroy: async () => {
        container.running = false;
        end();
      },
      signal: () => undefined,
      setInactivityTimeout: async () => undefined,
      getTcpPort: () => ({ fetch: (url: string, request?: Request) => answer(url, request) }),
    };
    return { container, asked, started };
  }

  it('starts a container without internet or environment, gives it two files and one command, and destroys it', async () => {
    const stub = ENV.RUN_GATE!.get(ENV.RUN_GATE!.newUniqueId());
    const { container, asked, started } = server();
    await runInDurableObject(stub, async (_, state) => {
      Object.defineProperty(state, 'container', { value: container });
      const instance = new Sandbox(state as DurableObjectState<{}>, ENV);
      const namespace = { idFromName: (name: string) => name, get: () => instance };
      const session = containerSandbox({ SANDBOX: namespace as unknown as DurableObjectNamespace })!.open(
        'python',
        LIMITS,
      );
      await session.ready;
      expect(readable(await collect(session.run(PROGRAM)))).toEqual([
        { type: 'stdout', bytes: 'hello' },
        { type: 'exit', ending: { kind: 'exited', code: 0 }, truncated: false, peakMemoryBytes: 5_000_000 },
      ]);
      session.close();
      await expect.poll(() => container.running).toBe(false);
    });
    expect(started).toEqual([{ enableInternet: false }]);
    expect(asked.map(({ path, body }) => [path, body.path ?? body.command])).toEqual([
      ['/api/write', '/tmp/cct-runner.mjs'],
      ['/api/write', '/tmp/cct-order.json'],
      ['/api/execute/stream', 'exec node /tmp/cct-runner.mjs /tmp/cct-order.json'],
    ]);
    expect(asked.every(({ body }) => body.env === undefined)).toBe(true);
  });
});
