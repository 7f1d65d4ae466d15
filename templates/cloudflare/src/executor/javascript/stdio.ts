/** The program's standard streams and its console: what it prints becomes frames, at once and byte for byte. */
import { Console } from 'node:console';
import fs from 'node:fs';
import { Readable, Writable } from 'node:stream';

import type { FrameWriter } from '../frames';
import { apply, define } from './realm';

const Bytes = Uint8Array;
const { isView } = ArrayBuffer;
const { nextTick } = process;

type Print = (data: string | Uint8Array) => void;

export interface Stdio {
  stdin: unknown;
  stdout: Writable;
  stderr: Writable;
  console: object;
}

export function createStdio(frames: FrameWriter): Stdio {
  const stdout = outputStream(frames.stdout, 1);
  const stderr = outputStream(frames.stderr, 2);
  const stdin = Object.assign(
    new Readable({
      read() {
        this.push(null);
      },
    }),
    { fd: 0, isTTY: false },
  );
  const console = new Console({ stdout, stderr });
  define(console, 'Console', Console, false);
  connectFiles(frames);
  return { stdin, stdout, stderr, console };
}

function outputStream(print: Print, fd: number): Writable {
  const put = (chunk: unknown, encoding?: unknown): void => {
    if (typeof chunk === 'string') {
      print(typeof encoding === 'string' && !/^utf-?8$/i.test(encoding) ? Buffer.from(chunk, encoding) : chunk);
    } else print(bytesOf(chunk));
  };
  const stream = new Writable({
    decodeStrings: false,
    write(chunk, encoding, callback) {
      put(chunk, encoding);
      callback();
    },
  });
  // A pipe that never blocks: what is written has been written when the call returns, as in Node.
  const write = (chunk: unknown, encoding?: unknown, callback?: unknown): boolean => {
    put(chunk, encoding);
    const done = typeof encoding === 'function' ? encoding : callback;
    if (typeof done === 'function') nextTick(done as () => void);
    return true;
  };
  define(stream, 'write', write, false);
  return Object.assign(stream, { fd, _isStdio: true, isTTY: false });
}

function bytesOf(chunk: unknown): Uint8Array {
  if (!isView(chunk)) {
    throw Object.assign(
      new TypeError('The "chunk" argument must be of type string or an instance of Buffer, TypedArray, or DataView.'),
      { code: 'ERR_INVALID_ARG_TYPE' },
    );
  }
  return chunk instanceof Bytes ? chunk : new Bytes(chunk.buffer as ArrayBuffer, chunk.byteOffset, chunk.byteLength);
}

const STANDARD = new Map<unknown, number>([
  [0, 0],
  [1, 1],
  [2, 2],
  ['/dev/stdin', 0],
  ['/dev/stdout', 1],
  ['/dev/stderr', 2],
]);

/** `fs` knows the standard streams by number and by path; workerd's would write to the host's own. */
function connectFiles(frames: FrameWriter): void {
  const library = fs as unknown as Record<string, (...args: unknown[]) => unknown>;
  const wrap = (name: string, handle: (target: number, args: unknown[]) => { result: unknown } | null): void => {
    const original = library[name]!;
    define(library, name, (...args: unknown[]): unknown => {
      const target = STANDARD.get(args[0]);
      const answer = target === undefined ? null : handle(target, args);
      return answer ? answer.result : apply(original, library, args);
    });
  };
  const print = (target: number, data: unknown, encoding: unknown): number | null => {
    if (target === 0) return null;
    const bytes =
      typeof data === 'string' ? Buffer.from(data, typeof encoding === 'string' ? encoding : 'utf8') : bytesOf(data);
    (target === 1 ? frames.stdout : frames.stderr)(bytes);
    return bytes.byteLength;
  };
  const whole = (target: number, [, data, options]: unknown[]): { result: unknown } | null => {
    const encoding = typeof options === 'object' && options ? (options as { encoding?: unknown }).encoding : options;
    return print(target, data, encoding) === null ? null : { result: undefined };
  };
  const part = (target: number, [, data, offset, lengthOrEncoding]: unknown[]): { result: unknown } | null => {
    let chunk = data;
    if (isView(data) && typeof offset === 'number') {
      const end = typeof lengthOrEncoding === 'number' ? offset + lengthOrEncoding : undefined;
      chunk = bytesOf(data).subarray(offset, end);
    }
    const written = print(target, chunk, lengthOrEncoding);
    return written === null ? null : { result: written };
  };
  const nothing = (target: number, [, options]: unknown[]): { result: unknown } | null => {
    if (target !== 0) return null;
    const encoding = typeof options === 'object' && options ? (options as { encoding?: unknown }).encoding : options;
    return { result: typeof encoding === 'string' ? '' : Buffer.from('') };
  };
  wrap('writeSync', part);
  wrap('writeFileSync', whole);
  wrap('appendFileSync', whole);
  wrap('readFileSync', nothing);
}
