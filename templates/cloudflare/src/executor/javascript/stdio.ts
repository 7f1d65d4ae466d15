/** The program's standard streams and its console: what it prints becomes frames, at once and byte for byte. */
import { Readable, Writable } from 'node:stream';

import type { FrameWriter } from '../frames';
import { Console } from './console';
import { define } from './realm';

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

/** The bytes of what a stream accepts, not copied. */
export function bytesOf(chunk: unknown): Uint8Array {
  if (!isView(chunk)) {
    throw Object.assign(
      new TypeError('The "chunk" argument must be of type string or an instance of Buffer, TypedArray, or DataView.'),
      { code: 'ERR_INVALID_ARG_TYPE' },
    );
  }
  return chunk instanceof Bytes ? chunk : new Bytes(chunk.buffer as ArrayBuffer, chunk.byteOffset, chunk.byteLength);
}
