/** The program's working directory: its files before the run, and what is new or changed after it. */
import fs from 'node:fs';
import { dirname } from 'node:path';

import { fileBytes, type ProgramFile } from '../../program';
import { decodedName } from './filesystem';
import { ROOT } from './names';

const { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } = fs;

const MOST_FILES = 1000;
/** workerd's `readdirSync` gives no more entries of one folder, and does not say so. */
const MOST_LISTED = 1000;
const MOST_BYTES = 10 * 1024 * 1024;

export interface Folder {
  /**
   * Calls `send` for every file that the program wrote or changed, in the order of their paths, and `omit` at most
   * once, when files passed a limit and were left out.
   */
  collect(send: (path: string, content: Uint8Array) => void, omit: () => void): void;
}

export function createFolder(files: readonly ProgramFile[]): Folder {
  const before: Record<string, Uint8Array> = { __proto__: null } as never;
  mkdirSync(ROOT, { recursive: true });
  for (const file of files) {
    const bytes = fileBytes(file);
    before[file.path] = bytes;
    mkdirSync(dirname(`${ROOT}/${file.path}`), { recursive: true });
    writeFileSync(`${ROOT}/${file.path}`, bytes);
  }

  return {
    collect(send, omit) {
      let count = 0;
      let total = 0;
      const found = list('');
      let { omitted } = found;
      const names = found.names.sort((a, b) => (decodedName(a) < decodedName(b) ? -1 : 1));
      for (const name of names) {
        const size = lstatSync(`${ROOT}/${name}`).size;
        if (size > MOST_BYTES) {
          omitted = true;
          continue;
        }
        const content: Uint8Array = readFileSync(`${ROOT}/${name}`);
        const path = decodedName(name);
        const old = before[path];
        if (old && same(old, content)) continue;
        if (count === MOST_FILES || total + size > MOST_BYTES) {
          omitted = true;
          continue;
        }
        count += 1;
        total += size;
        send(path, content);
      }
      if (omitted) omit();
    },
  };
}

/**
 * Regular files, relative to the root, by the names that workerd has for them; links are not followed.
 * `omitted` when a folder may hold more than workerd lists of it.
 */
function list(prefix: string): { names: string[]; omitted: boolean } {
  const names: string[] = [];
  const entries = readdirSync(`${ROOT}/${prefix}`);
  let omitted = entries.length >= MOST_LISTED;
  for (const name of entries) {
    const stat = lstatSync(`${ROOT}/${prefix}${name}`);
    if (stat.isFile()) names.push(prefix + name);
    else if (stat.isDirectory()) {
      const inner = list(`${prefix}${name}/`);
      names.push(...inner.names);
      omitted ||= inner.omitted;
    }
  }
  return { names, omitted };
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
