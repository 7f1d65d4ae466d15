/** What a sandbox says, read: the same however it was chunked, and nothing of it believed. */
import { describe, expect, it, vi } from 'vitest';

import { createFrameWriter, EXIT, FILE, OMITTED, STDERR, STDOUT } from '../src/executor/frames';
import { LIMITS as BOUNDS } from '../src/limits';
import { DeadlineError, withDeadline } from '../src/sandbox/deadline';
import { BOOTED, type Frame, FrameError, parseBoot, readFrames, readRun, VERDICT } from '../src/sandbox/frames';
import {
  bootFrame,
  bytesOf,
  collect,
  exitFrame,
  fileFrame,
  frame,
  hangingStream,
  join,
  randomNumbers,
  readable,
  streamOf,
  verdictFrame,
} from './framing';

const crashed = (detail: string) => ({ kind: 'crashed', detail });

async function run(chunks: Uint8Array[], from: 'executor' | 'runner' = 'executor', outputBytes = 1000) {
  return readable(await collect(readRun(readFrames(streamOf(...chunks)), outputBytes, from)));
}

const exited = (code: number, more: object = {}) => ({
  type: 'exit',
  ending: { kind: 'exited', code },
  truncated: false,
  peakMemoryBytes: null,
  ...more,
});

describe('frames', () => {
  it('are the same however their bytes were cut', async () => {
    const random = randomNumbers(1);
    for (let round = 0; round < 200; round++) {
      const frames: Frame[] = Array.from({ length: random(6) }, () => ({
        type: random(256),
        payload: Uint8Array.from({ length: random(3) === 0 ? 0 : random(40) }, () => random(256)),
      }));
      const bytes = join(...frames.map(({ type, payload }) => frame(type, payload)));
      const chunks: Uint8Array[] = [];
      for (let at = 0; at < bytes.length;) {
        const size = random(4) === 0 ? 0 : 1 + random(random(2) === 0 ? 3 : 60);
        chunks.push(bytes.slice(at, at + size));
        at += size;
      }
      expect(await collect(readFrames(streamOf(...chunks)))).toEqual(frames);
    }
  });

  it.each([1, 2, 3, 4, 5, 7])('that the executor writes are read back from a stream in pieces of %d', async (size) => {
    const { readable: stream, frames } = createFrameWriter(1000);
    frames.stdout('wörd');
    frames.stderr(Uint8Array.of(0, 255));
    frames.file('a/😀.txt', bytesOf('content'));
    frames.exit(-7);
    const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) =>
      bytes.slice(n * size, (n + 1) * size),
    );
    expect(await run(chunks)).toEqual([
      { type: 'stdout', bytes: 'wörd' },
      { type: 'stderr', bytes: '\0\ufffd' },
      { type: 'file', path: 'a/😀.txt', bytes: 'content' },
      exited(-7),
    ]);
  });

  it('that were cut are an error, after those that were whole', async () => {
    const bytes = join(frame(STDOUT, 'whole'), frame(STDOUT, 'cut'));
    for (let end = 11; end < bytes.length; end++) {
      const seen: Frame[] = [];
      const read = async () => {
        for await (const item of readFrames(streamOf(bytes.slice(0, end)))) seen.push(item);
      };
      await expect(read()).rejects.toThrow(FrameError);
      expect(seen).toHaveLength(1);
    }
  });

  it('that claim to be endless are refused before they are held', async () => {
    const { stream, cancelled } = hangingStream(frame(STDOUT, 'x', 0xffffffff));
    await expect(collect(readFrames(stream))).rejects.toThrow('a frame is too long');
    await cancelled;
  });

  it('of the largest file that is saved are read', async () => {
    const content = new Uint8Array(BOUNDS.savedBytes).fill(7);
    const whole = fileFrame('big.bin', content);
    const [file] = await collect(readRun(readFrames(streamOf(whole.slice(0, 1e6), whole.slice(1e6))), 0, 'executor'));
    expect(file).toMatchObject({ type: 'file', path: 'big.bin' });
    expect((file as { bytes: Uint8Array }).bytes.byteLength).toBe(BOUNDS.savedBytes);
  });

  it('are given up while waiting for more', async () => {
    for (const chunks of [[], [bytesOf('x')], [frame(STDOUT, 'all')]]) {
      const gone = new AbortController();
      const { stream, cancelled } = hangingStream(...chunks);
      const read = collect(readFrames(stream, gone.signal)).catch((error: unknown) => error);
      gone.abort();
      await cancelled;
      await read;
    }
    const { stream, cancelled } = hangingStream();
    expect(await collect(readFrames(stream, AbortSignal.abort()))).toEqual([]);
    await cancelled;
  });
});

describe('a run', () => {
  it('ends with its exit status, and what comes after it is not read', async () => {
    expect(await run([frame(STDOUT, 'a'), exitFrame(3), frame(STDOUT, 'b'), exitFrame(0)])).toEqual([
      { type: 'stdout', bytes: 'a' },
      exited(3),
    ]);
  });

  it.each([0, 1, 255, 256, -1, 2 ** 31 - 1, -(2 ** 31)])('may end with status %d', async (code) => {
    expect(await run([exitFrame(code)])).toEqual([exited(code)]);
  });

  const TURN = 'the sandbox spoke out of turn';
  const HOSTILE: [string, Uint8Array[], string][] = [
    ['nothing', [], 'the sandbox ended without an exit status'],
    ['output and no end', [frame(STDOUT, 'a')], 'the sandbox ended without an exit status'],
    ['a verdict, which is not its to give', [verdictFrame({ kind: 'exited', code: 0 })], TURN],
    ['that it has booted', [bootFrame()], TURN],
    ['a kind of frame that there is not', [frame(9, 'x')], TURN],
    ['a kind 0', [frame(0)], TURN],
    ['an exit status of three bytes', [frame(EXIT, new Uint8Array(3))], TURN],
    ['an exit status of five bytes', [frame(EXIT, new Uint8Array(5))], TURN],
    ['an exit status of none', [frame(EXIT)], TURN],
    ['half a frame', [exitFrame(0).slice(0, 7)], 'the last frame was cut'],
    ['half a header', [Uint8Array.of(EXIT, 0)], 'the last frame was cut'],
    ['a frame that is too long', [frame(EXIT, 'x', 1 << 30)], 'a frame is too long'],
    ['a file without a path', [frame(FILE)], 'a file frame is too short'],
    ['a file whose path is longer than all', [frame(FILE, Uint8Array.of(0, 9, 97))], 'a file frame is too short'],
  ];

  it.each(HOSTILE)('in which the sandbox says %s has crashed', async (_, chunks, detail) => {
    const events = await run(chunks);
    expect(events.at(-1)).toEqual({ type: 'exit', ending: crashed(detail), truncated: false, peakMemoryBytes: null });
    expect(events.filter((event) => (event as { type: string }).type === 'exit')).toHaveLength(1);
  });

  it('in which a path is not UTF-8 has crashed', async () => {
    const [exit] = await run([fileFrame(Uint8Array.of(0xff)), exitFrame(0)]);
    expect(exit).toMatchObject({ type: 'exit', ending: { kind: 'crashed' } });
  });

  it('whose stream breaks has crashed, with its words', async () => {
    const broken = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.error(new Error('Worker exceeded CPU time limit.')),
    });
    expect(await collect(readRun(readFrames(broken), 10, 'executor'))).toMatchObject([
      { type: 'exit', ending: crashed('Worker exceeded CPU time limit.') },
    ]);
  });

  it('by the runner ends with its verdict alone', async () => {
    const memory = { truncated: false, peakMemoryBytes: 1234 };
    const VERDICTS: [object, object][] = [
      [{ kind: 'exited', code: 3, ...memory }, exited(3, memory)],
      [
        { kind: 'timeout', ...memory },
        { type: 'exit', ending: { kind: 'timeout' }, ...memory },
      ],
      [
        { kind: 'memory', ...memory },
        { type: 'exit', ending: { kind: 'memory' }, ...memory },
      ],
      [{ kind: 'exited', code: 0, truncated: true }, exited(0, { truncated: true })],
      [
        { kind: 'crashed', detail: 'it fell', ...memory },
        { type: 'exit', ending: crashed('it fell'), ...memory },
      ],
      [
        { kind: 'exited', code: 1.5 },
        { type: 'exit', ending: crashed(''), truncated: false, peakMemoryBytes: null },
      ],
      [{}, { type: 'exit', ending: crashed(''), truncated: false, peakMemoryBytes: null }],
    ];
    for (const [verdict, event] of VERDICTS) {
      expect(await run([frame(STDERR, 'a'), verdictFrame(verdict)], 'runner')).toEqual([
        { type: 'stderr', bytes: 'a' },
        event,
      ]);
    }
    expect(await run([exitFrame(0)], 'runner')).toMatchObject([{ ending: crashed(TURN) }]);
    expect(await run([frame(VERDICT, 'no JSON')], 'runner')).toMatchObject([{ ending: { kind: 'crashed' } }]);
  });

  it('is booted as the runner says', async () => {
    const [first] = await collect(readFrames(streamOf(bootFrame({ ms: 12.5, spare: true }))));
    expect(first!.type).toBe(BOOTED);
    expect(parseBoot(first!.payload)).toEqual({ ms: 12.5, spare: true, queueMs: 0 });
    expect(parseBoot(bytesOf('{"ms":"x","spare":1}'))).toEqual({ ms: 0, spare: false, queueMs: 0 });
    expect(parseBoot(bytesOf('{"ms":1,"queueMs":700}'))).toEqual({ ms: 1, spare: false, queueMs: 700 });
  });
});

describe('what a run may say', () => {
  it('of its output is the first bytes, stdout and stderr together', async () => {
    const events = await run(
      [frame(STDOUT, '12345'), frame(STDERR, '678'), frame(STDOUT, '9'), exitFrame(0)],
      'executor',
      7,
    );
    expect(events).toEqual([
      { type: 'stdout', bytes: '12345' },
      { type: 'stderr', bytes: '67' },
      exited(0, { truncated: true }),
    ]);
    expect(await run([frame(STDOUT, '1234567'), exitFrame(0)], 'executor', 7)).toEqual([
      { type: 'stdout', bytes: '1234567' },
      exited(0),
    ]);
  });

  it('of files is the first thousand', async () => {
    const files = Array.from({ length: BOUNDS.savedFiles + 5 }, (_, n) => fileFrame(`${n}.txt`));
    const events = await run([join(...files), exitFrame(0)]);
    expect(events).toHaveLength(BOUNDS.savedFiles + 1);
    expect(events.at(-1)).toEqual(exited(0, { truncated: true }));
  });

  it('of files is ten mebibytes; one that does not fit is left out, a later one that does is not', async () => {
    const big = new Uint8Array(BOUNDS.savedBytes - 10);
    const events = await run([
      fileFrame('a', big),
      fileFrame('b', 'x'.repeat(11)),
      fileFrame('c', 'x'.repeat(10)),
      exitFrame(0),
    ]);
    expect(events.map((event) => (event as { path?: string }).path)).toEqual(['a', 'c', undefined]);
    expect(events.at(-1)).toEqual(exited(0, { truncated: true }));
  });

  it.each(['executor', 'runner'] as const)('is less than there was, and the %s says so', async (from) => {
    const end = from === 'executor' ? exitFrame(0) : verdictFrame({ kind: 'exited', code: 0 });
    expect(await run([fileFrame('a'), frame(OMITTED), end], from)).toMatchObject([
      { path: 'a' },
      exited(0, { truncated: true }),
    ]);
  });

  it('of paths is nothing longer than a path', async () => {
    const events = await run([fileFrame('x'.repeat(1025)), fileFrame('y'.repeat(1024)), exitFrame(0)]);
    expect(events).toMatchObject([{ type: 'file', path: 'y'.repeat(1024) }, exited(0, { truncated: true })]);
  });
});

describe('a deadline', () => {
  async function* items(...list: string[]): AsyncGenerator<string> {
    yield* list;
  }

  it('lets pass what comes in time', async () => {
    expect(await collect(withDeadline(items('a', 'b'), 60_000))).toEqual(['a', 'b']);
  });

  it('lets errors pass', async () => {
    const failing = (async function* () {
      yield 'a';
      throw new Error('no');
    })();
    await expect(collect(withDeadline(failing, 60_000))).rejects.toThrow('no');
  });

  it.each(['before it waits', 'while it waits'])('ends a wait that has no end, %s', async (when) => {
    vi.useFakeTimers();
    const held = withDeadline(readFrames(hangingStream(frame(STDOUT, 'a')).stream), 1000);
    expect(await held.next()).toMatchObject({ value: { type: STDOUT } });
    if (when === 'before it waits') vi.advanceTimersByTime(1000);
    const next = held.next();
    vi.advanceTimersByTime(1000);
    await expect(next).rejects.toThrow(DeadlineError);
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });

  it('is the end of a run that goes on, and what was truncated stays so', async () => {
    vi.useFakeTimers();
    const frames = withDeadline(readFrames(hangingStream(frame(STDOUT, 'abc')).stream), 1000);
    const events = readRun(frames, 2, 'executor');
    expect((await events.next()).value).toMatchObject({ type: 'stdout' });
    const end = events.next();
    vi.advanceTimersByTime(1000);
    expect((await end).value).toEqual({
      type: 'exit',
      ending: { kind: 'timeout' },
      truncated: true,
      peakMemoryBytes: null,
    });
    vi.useRealTimers();
  });

  it('stops its timer when nobody listens any more', async () => {
    vi.useFakeTimers();
    const held = withDeadline(items('a', 'b'), 1000);
    await held.next();
    await held.return(undefined);
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });
});
