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
type Dirent = { name: string; isDirectory(): boolean };
type Entry = string | Dirent | Uint8Array;

const { isView } = ArrayBuffer;
const { readdirSync } = fs;

const STREAMS: Record<string, 0 | 1 | 2> = {
  __proto__: null as never,
  '0': 0,
  '1': 1,
  '2': 2,
  '/dev/stdin': 0,
  '/dev/stdout': 1,
  '/dev/stderr': 2,
};

/** @returns the exports of `node:fs`, with `promises`. */
export function createFileSystem(frames: FrameWriter): Record<string, unknown> {
  const original = fs as unknown as Library;
  const library: Library = { ...original };
  const promises: Library = {
    ...(fs.promises as unknown as Library),
    readdir: (folder, options) => new NativePromise((resolve) => resolve(list(folder, options))),
  };
  connectStreams(library, frames);
  define(library, 'promises', promises);
  define(library, 'readdirSync', list);
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
  return library;
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
  const recursive = typeof options === 'object' && options !== null && 'recursive' in options && options.recursive;
  if (recursive) return walk(folder as string, options, '');
  const entries = readdirSync(folder as string, options as never) as unknown as Entry[];
  const decoded = entries.map((entry) => {
    if (typeof entry === 'string') return decodedName(entry);
    if (!isView(entry)) define(entry, 'name', decodedName(entry.name));
    return entry;
  });
  const nameOf = (entry: Entry): string => (typeof entry === 'string' ? entry : isView(entry) ? '' : entry.name);
  return decoded.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
}

/** Folders and what is in them, but not behind links. */
function walk(folder: string, options: object, prefix: string): unknown[] {
  const found: unknown[] = [];
  const entries = list(folder, { withFileTypes: true }) as Dirent[];
  const typed = 'withFileTypes' in options && options.withFileTypes;
  for (const entry of entries) found.push(typed ? entry : prefix + entry.name);
  for (const entry of entries) {
    if (entry.isDirectory()) found.push(...walk(path.join(folder, entry.name), options, `${prefix}${entry.name}/`));
  }
  return found;
}

/** workerd's own calls would write to the standard streams of the host. */
function connectStreams(library: Library, frames: FrameWriter): void {
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
