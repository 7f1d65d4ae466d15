/**
 * What an executor says to the outside, written so that the program beside it can neither read nor write it.
 *
 * A frame is `type: u8, length: u32 big-endian, payload`. Payloads:
 *   1 stdout, 2 stderr   the bytes as the program wrote them
 *   3 file               u16 big-endian length of the path, the path (UTF-8), the content
 *   4 exit               the exit status, one i32 big-endian
 *   7 omitted          nothing; files were left out because they passed a limit
 * (5 verdict and 6 booted are written by the runner outside and refused from inside.)
 *
 * The program shares this isolate's globals and may patch any prototype, so everything used after it has
 * loaded is captured here, at import, and called through `apply`.
 */

import { EXIT, FILE, OMITTED, STDERR, STDOUT } from './frame-types';

export { EXIT, FILE, OMITTED, STDERR, STDOUT };

const { apply, defineProperty } = Reflect;
const { min } = Math;
const Bytes = Uint8Array;
const Identity = IdentityTransformStream;
const setBytes = Uint8Array.prototype.set;
const ofTypedArray = Object.getPrototypeOf(Uint8Array.prototype);
const getter = <T>(name: string): (() => T) => Object.getOwnPropertyDescriptor(ofTypedArray, name)!.get!;
const bufferOf = getter<ArrayBuffer>('buffer');
const byteLengthOf = getter<number>('byteLength');
const byteOffsetOf = getter<number>('byteOffset');
const encoder = new TextEncoder();
const encode = TextEncoder.prototype.encode;
const writeChunk = WritableStreamDefaultWriter.prototype.write;
const closeWriter = WritableStreamDefaultWriter.prototype.close;
const then = Promise.prototype.then;
const ignore = (): void => {};

/** Bytes of output that are held back at most. */
const HELD_BYTES = 64 * 1024;

export interface FrameWriter {
  stdout(data: string | Uint8Array): void;
  stderr(data: string | Uint8Array): void;
  file(path: string, content: Uint8Array): void;
  /** Says that files were left out. */
  omitted(): void;
  /** Settles when the reader has taken, or will never take, all that was written so far. */
  drained(): Promise<void> | undefined;
  /** Writes the exit status and closes the stream; every later call does nothing. */
  exit(code: number): void;
}

/**
 * @param outputBytes stdout and stderr beyond this are dropped here already, so that a program that prints
 *   without end does not fill the isolate; the reader outside holds the real limit.
 */
export function createFrameWriter(outputBytes: number): { readable: ReadableStream<Uint8Array>; frames: FrameWriter } {
  const { readable, writable } = new Identity();
  const writer = writable.getWriter();
  let left = outputBytes + 1; // one byte too many tells the reader that there was more
  let ended = false;

  // Output that waits while an earlier write is under way, so that many small prints become few frames.
  const held = new Bytes(HELD_BYTES);
  let heldType = STDOUT;
  let heldSize = 0;
  let writing = 0;

  const length = (data: Uint8Array): number => apply(byteLengthOf, data, []);
  const settled = (): void => {
    writing -= 1;
    if (writing === 0) flush();
  };
  const handled = (promise: Promise<void>): Promise<void> => {
    // `then` asks a promise for its constructor, which the program may have made throw: an own one is in front of it.
    defineProperty(promise, 'constructor', { __proto__: null, value: undefined } as PropertyDescriptor);
    // A client that has gone makes the write fail: nobody is left to tell.
    return apply(then, promise, [settled, settled]);
  };
  let lastWrite: Promise<void> | undefined;
  const send = (frame: Uint8Array): void => {
    const written = apply(writeChunk, writer, [frame]);
    writing += 1;
    lastWrite = handled(written);
  };
  const flush = (): void => {
    if (heldSize === 0) return;
    const out = frame(heldType, heldSize);
    apply(setBytes, out, [new Bytes(apply(bufferOf, held, []), 0, heldSize), 5]);
    heldSize = 0;
    send(out);
  };
  const frame = (type: number, size: number): Uint8Array => {
    const bytes = new Bytes(5 + size);
    bytes[0] = type;
    bytes[1] = size >>> 24;
    bytes[2] = (size >>> 16) & 255;
    bytes[3] = (size >>> 8) & 255;
    bytes[4] = size & 255;
    return bytes;
  };
  const print = (type: number, data: string | Uint8Array): void => {
    if (ended || left <= 0) return;
    let bytes: Uint8Array = typeof data === 'string' ? apply(encode, encoder, [data]) : data;
    const size = min(length(bytes), left);
    if (size === 0) return;
    // Not `subarray`: it asks the data, which is the program's, for its constructor.
    if (size < length(bytes)) bytes = new Bytes(apply(bufferOf, bytes, []), apply(byteOffsetOf, bytes, []), size);
    if (writing === 0 || type !== heldType || heldSize + size > HELD_BYTES) flush();
    left -= size;
    if (writing > 0 && size <= HELD_BYTES) {
      apply(setBytes, held, [bytes, heldSize]);
      heldType = type;
      heldSize += size;
      return;
    }
    const out = frame(type, size);
    apply(setBytes, out, [bytes, 5]);
    send(out);
  };

  return {
    readable,
    frames: {
      stdout: (data) => print(STDOUT, data),
      stderr: (data) => print(STDERR, data),
      file(path, content) {
        if (ended) return;
        const name: Uint8Array = apply(encode, encoder, [path]);
        const nameSize = length(name);
        if (nameSize > 65535) return;
        flush();
        const out = frame(FILE, 2 + nameSize + length(content));
        out[5] = nameSize >>> 8;
        out[6] = nameSize & 255;
        apply(setBytes, out, [name, 7]);
        apply(setBytes, out, [content, 7 + nameSize]);
        send(out);
      },
      omitted() {
        if (ended) return;
        flush();
        send(frame(OMITTED, 0));
      },
      drained() {
        flush();
        return lastWrite;
      },
      exit(code) {
        if (ended) return;
        flush();
        const out = frame(EXIT, 4);
        out[5] = (code >> 24) & 255;
        out[6] = (code >> 16) & 255;
        out[7] = (code >> 8) & 255;
        out[8] = code & 255;
        // A program near the end of its stack can make any call here fail; the caller then tries again.
        const written = apply(writeChunk, writer, [out]);
        ended = true;
        handled(written);
        handled(apply(closeWriter, writer, []));
      },
    },
  };
}
