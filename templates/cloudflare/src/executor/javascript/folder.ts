/** The program's working directory: its files before the run, and what is new or changed after it. */
import fs from 'node:fs';
import path from 'node:path';

import { fileBytes, type ProgramFile } from '../../program';
import { decodedName } from './filesystem';
import { ROOT } from './names';

const { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } = fs;

const MOST_FILES = 1000;
const MOST_BYTES = 10 * 1024 * 1024;

export interface Folder {
  /** Calls `send` for every file that the program wrote or changed, in the order of their paths. */
  collect(send: (path: string, content: Uint8Array) => void): void;
}

export function createFolder(files: readonly ProgramFile[]): Folder {
  const before: Record<string, Uint8Array> = { __proto__: null } as never;
  mkdirSync(ROOT, { recursive: true });
  for (const file of files) {
    const bytes = fileBytes(file);
    before[file.path] = bytes;
    mkdirSync(path.dirname(`${ROOT}/${file.path}`), { recursive: true });
    writeFileSync(`${ROOT}/${file.path}`, bytes);
  }

  return {
    collect(send) {
      let count = 0;
      let total = 0;
      for (const name of list('')) {
        const size = lstatSync(`${ROOT}/${name}`).size;
        if (total + size > MOST_BYTES) continue;
        const content: Uint8Array = readFileSync(`${ROOT}/${name}`);
        const old = before[decodedName(name)];
        if (old && same(old, content)) continue;
        if (++count > MOST_FILES) return;
        total += size;
        send(decodedName(name), content);
      }
    },
  };
}

/** Paths of regular files, relative to the root; links lead elsewhere and are not followed. */
function list(prefix: string): string[] {
  const found: string[] = [];
  for (const name of readdirSync(`${ROOT}/${prefix}`)) {
    const stat = lstatSync(`${ROOT}/${prefix}${name}`);
    if (stat.isFile()) found.push(prefix + name);
    else if (stat.isDirectory()) found.push(...list(`${prefix}${name}/`));
  }
  return found.sort((a, b) => (a < b ? -1 : 1));
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
