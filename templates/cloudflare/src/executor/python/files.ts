/** The program's working directory: what is put in before it runs, and what is new or changed in it afterwards. */
import { fileBytes, type ProgramFile } from '../../program';
import type { FileSystem } from './cpython';

const MOST_FILES = 1000;
const MOST_BYTES = 10 * 1024 * 1024;

export const WORKING_DIRECTORY = '/workspace';

/** @returns the bytes of each file by its path, to compare with later. */
export function writeFiles(fs: FileSystem, files: readonly ProgramFile[]): Map<string, Uint8Array> {
  const written = new Map<string, Uint8Array>();
  fs.mkdirTree(WORKING_DIRECTORY);
  for (const file of files) {
    const bytes = fileBytes(file);
    const path = `${WORKING_DIRECTORY}/${file.path}`;
    fs.mkdirTree(path.slice(0, path.lastIndexOf('/')));
    fs.writeFile(path, bytes);
    written.set(file.path, bytes);
  }
  fs.chdir(WORKING_DIRECTORY);
  return written;
}

/**
 * Calls `send` for every regular file that the program made or changed, in the order of their paths, and `omit` once
 * when files passed a limit and were left out. Links are not followed.
 */
export function collectFiles(
  fs: FileSystem,
  before: ReadonlyMap<string, Uint8Array>,
  send: (path: string, content: Uint8Array) => void,
  omit: () => void,
): void {
  let count = 0;
  let total = 0;
  let omitted = false;
  for (const { path, size } of regularFiles(fs)) {
    if (size > MOST_BYTES) {
      omitted = true;
      continue;
    }
    const content = fs.readFile(`${WORKING_DIRECTORY}/${path}`);
    const old = before.get(path);
    if (old !== undefined && equal(old, content)) continue;
    if (count === MOST_FILES || total + size > MOST_BYTES) {
      omitted = true;
      continue;
    }
    count++;
    total += size;
    send(path, content);
  }
  if (omitted) omit();
}

function regularFiles(fs: FileSystem): { path: string; size: number }[] {
  const found: { path: string; size: number }[] = [];
  // The program may have removed its own directory, or put a link in its place.
  const root = fs.analyzePath(WORKING_DIRECTORY, true);
  if (!root.exists || !fs.isDir(root.object.mode)) return found;
  const folders = [''];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const name of fs.readdir(`${WORKING_DIRECTORY}/${folder}`)) {
      if (name === '.' || name === '..') continue;
      const path = folder + name;
      const { mode, size } = fs.lstat(`${WORKING_DIRECTORY}/${path}`);
      if (fs.isDir(mode)) folders.push(`${path}/`);
      else if (fs.isFile(mode)) found.push({ path, size });
    }
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && a.every((byte, index) => byte === b[index]);
}
