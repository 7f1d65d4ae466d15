/**
 * `node:fs` where workerd's differs from Node's in what programs rely on: the standard streams by number and by path,
 * and the names that a folder lists (workerd's are percent-encoded, unsorted and, listed recursively, absolute).
 */
import fs from 'node:fs';
import path from 'node:path';

import type { FrameWriter } from '../frames';
import { apply, define, NativePromise } from './realm';
import { bytesOf } from './stdio';

type Call = (...args: unknown[]) => unknown;
type Library = Record<string, Call>;

const { isView } = ArrayBuffer;
const { readdirSync } = fs;
const library = fs as unknown as Library;
const promises = fs.promises as unknown as Library;

const STREAMS: Record<string, 0 | 1 | 2> = {
  __proto__: null as never,
  '0': 0,
  '1': 1,
  '2': 2,
  '/dev/stdin': 0,
  '/dev/stdout': 1,
  '/dev/stderr': 2,
};

export function installFileSystem(frames: FrameWriter): void {
  connectStreams(frames);
  define(library, 'readdirSync', list);
  define(promises, 'readdir', (folder: unknown, options?: unknown) => {
    return new NativePromise((resolve) => resolve(list(folder, options)));
  });
  define(library, 'readdir', (folder: unknown, options: unknown, callback?: unknown): void => {
    const done = (typeof options === 'function' ? options : callback) as (error: unknown, names?: unknown) => void;
    let names: unknown;
    try {
      names = list(folder, typeof options === 'function' ? undefined : options);
    } catch (error) {
      process.nextTick(done, error);
      return;
    }
    process.nextTick(done, null, names);
  });
}

/** What the name was when the file was written; a per cent sign in it may have been one all along. */
export function decodedName(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

function list(folder: unknown, options?: unknown): unknown[] {
  const entries = readdirSync(folder as string, options as never) as unknown as (
    string | { name: string } | Uint8Array
  )[];
  const recursive = typeof options === 'object' && options !== null && 'recursive' in options && options.recursive;
  const root = recursive && typeof folder === 'string' ? `${path.resolve(folder).slice(1)}/` : '';
  const decoded = entries.map((entry) => {
    if (typeof entry === 'string') return withoutPrefix(decodedName(entry), root);
    if ('name' in entry) entry.name = decodedName(entry.name);
    return entry;
  });
  const nameOf = (entry: unknown): string => (typeof entry === 'string' ? entry : (entry as { name: string }).name);
  return decoded.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
}

function withoutPrefix(name: string, prefix: string): string {
  return name.startsWith(prefix) ? name.slice(prefix.length) : name;
}

/** workerd's own calls would write to the standard streams of the host. */
function connectStreams(frames: FrameWriter): void {
  const wrap = (name: string, handle: (stream: 0 | 1 | 2, args: unknown[]) => { result: unknown } | null): void => {
    const original = library[name]!;
    define(library, name, (...args: unknown[]): unknown => {
      const stream = typeof args[0] === 'number' || typeof args[0] === 'string' ? STREAMS[args[0]] : undefined;
      const answer = stream === undefined ? null : handle(stream, args);
      return answer ? answer.result : apply(original, library, args);
    });
  };
  const print = (stream: 1 | 2, data: unknown, encoding: unknown): number => {
    const name = typeof encoding === 'string' ? encoding : 'utf8';
    const bytes = typeof data === 'string' ? Buffer.from(data, name as 'utf8') : bytesOf(data);
    if (stream === 1) frames.stdout(bytes);
    else frames.stderr(bytes);
    return bytes.byteLength;
  };

  const whole = (stream: 0 | 1 | 2, args: unknown[]): { result: unknown } | null => {
    if (stream === 0) return null;
    print(stream, args[1], encodingOf(args[2]));
    return { result: undefined };
  };
  wrap('writeFileSync', whole);
  wrap('appendFileSync', whole);
  wrap('writeSync', (stream, args) => {
    if (stream === 0) return null;
    let data = args[1];
    const [, , offset, length] = args;
    if (isView(data) && typeof offset === 'number') {
      data = bytesOf(data).subarray(offset, typeof length === 'number' ? offset + length : undefined);
    }
    return { result: print(stream, data, length) };
  });
  wrap('readFileSync', (stream, args) => {
    if (stream !== 0) return null;
    return { result: typeof encodingOf(args[1]) === 'string' ? '' : Buffer.from('') };
  });
}

function encodingOf(options: unknown): unknown {
  return typeof options === 'object' && options !== null ? (options as { encoding?: unknown }).encoding : options;
}
