/** Frames as bytes, written independently of the code that is tested, and streams of them. */
import { EXIT, FILE } from '../src/executor/frames';
import type { Limits, SandboxEvent } from '../src/sandbox';
import { BOOTED, VERDICT } from '../src/sandbox/frames';

export const LIMITS: Limits = { timeoutMs: 30_000, memoryBytes: 1 << 29, outputBytes: 1 << 20 };

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function join(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** @param size the length that the header claims */
export function frame(type: number, payload: Uint8Array | string = '', size?: number): Uint8Array {
  const bytes = typeof payload === 'string' ? bytesOf(payload) : payload;
  const whole = new Uint8Array(5 + bytes.length);
  whole[0] = type;
  new DataView(whole.buffer).setUint32(1, size ?? bytes.length);
  whole.set(bytes, 5);
  return whole;
}

export function fileFrame(path: string | Uint8Array, content: Uint8Array | string = ''): Uint8Array {
  const name = typeof path === 'string' ? bytesOf(path) : path;
  const bytes = typeof content === 'string' ? bytesOf(content) : content;
  const payload = new Uint8Array(2 + name.length + bytes.length);
  new DataView(payload.buffer).setUint16(0, name.length);
  payload.set(name, 2);
  payload.set(bytes, 2 + name.length);
  return frame(FILE, payload);
}

export function exitFrame(code: number): Uint8Array {
  const payload = new Uint8Array(4);
  new DataView(payload.buffer).setInt32(0, code);
  return frame(EXIT, payload);
}

export function bootFrame(boot: unknown = { ms: 5, spare: true, queueMs: 2 }): Uint8Array {
  return frame(BOOTED, JSON.stringify(boot));
}

export function verdictFrame(verdict: unknown): Uint8Array {
  return frame(VERDICT, JSON.stringify(verdict));
}

/** A stream of exactly these chunks. */
export function streamOf(...chunks: Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
}

/** A stream that gives these chunks and then nothing, for ever. */
export function hangingStream(...chunks: Uint8Array[]): {
  stream: ReadableStream<Uint8Array>;
  cancelled: Promise<void>;
} {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
    },
    cancel: () => resolve(),
  });
  return { stream, cancelled: promise };
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** Events with text in place of bytes. */
export function readable(events: readonly SandboxEvent[]): object[] {
  return events.map((event) => ('bytes' in event ? { ...event, bytes: new TextDecoder().decode(event.bytes) } : event));
}

/** Numbers below a bound, the same ones in every run. */
export function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
