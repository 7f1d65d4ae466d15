/** The program's working directory: what is put in before it runs, and what is new or changed in it afterwards. */
import { fileBytes, type ProgramFile } from '../../program';
import type { FileSystem } from './cpython';

const MAX_FILES = 1000;
const MAX_BYTES = 10 * 1024 * 1024;

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
 * Regular files that the program made or changed, sorted by path, up to 1,000 files and 10 MiB: a file that would
 * pass either bound is left out. Links are not followed.
 */
export function* changedFiles(
  fs: FileSystem,
  before: ReadonlyMap<string, Uint8Array>,
): Generator<{ path: string; bytes: Uint8Array }> {
  let count = 0;
  let total = 0;
  for (const { path, size } of regularFiles(fs)) {
    if (count === MAX_FILES) return;
    if (total + size > MAX_BYTES) continue;
    const bytes = fs.readFile(`${WORKING_DIRECTORY}/${path}`);
    const old = before.get(path);
    if (old !== undefined && equal(old, bytes)) continue;
    count++;
    total += bytes.byteLength;
    yield { path, bytes };
  }
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
