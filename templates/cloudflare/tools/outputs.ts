/**
 * Saving the files that came back: everything is judged again here, because the Worker may be anybody's.
 *
 * All or nothing. A new folder appears by one rename; into a folder that is there, files are staged first, put in place
 * one by one, and taken back when one fails. No link inside the folder is followed and no file is ever executable.
 */
import { randomBytes } from 'node:crypto';
import {
  constants,
  copyFile,
  link,
  lstat,
  mkdir,
  readFile,
  realpath,
  rename,
  rm,
  rmdir,
  stat,
  unlink,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';

import { LIMITS } from '../src/limits.ts';
import { unsafePath } from '../src/paths.ts';
import type { ProgramFile, RefusedFile } from '../src/program.ts';
import { ToolError } from './errors.ts';
import { invalid } from './wire.ts';

export interface SavedFile {
  /** Relative to the folder, with `/` between its segments. */
  path: string;
  bytes: number;
  status: 'new' | 'replaced' | 'unchanged';
}

export interface SavedFiles {
  /** Null when there was nothing to save: no folder is made then. */
  directory: string | null;
  saved: SavedFile[];
  /** Those that the Worker refused, then those that were refused here. */
  refused: RefusedFile[];
}

interface PlannedFile {
  path: string;
  data: Buffer;
}

/** The Worker's own bounds together: the program's files, and those that it wrote. */
const MAX_FILES = LIMITS.programFiles + LIMITS.savedFiles;
const MAX_BYTES = 100 * 1000 * 1000;
const FEWER = 'Ask for a program that writes less, or puts its files into one archive.';
const RENAME = 'Run it again, and ask for other file names.';

/** `cloudflare-<run id>` in `parent`, under a name that is not taken. Nothing is made. */
export async function freshDirectory(parent: string, runId: string): Promise<string> {
  // The id comes from the Worker: what is not plain is replaced, not cleaned.
  const id = /^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/.test(runId) ? runId : randomBytes(8).toString('hex');
  for (let number = 1; ; number++) {
    const directory = path.join(parent, `cloudflare-${id}${number === 1 ? '' : `-${number}`}`);
    if (!(await kindOf(directory))) return directory;
  }
}

/**
 * Writes `files` below `directory`; those with an unsafe name join `refused` instead.
 *
 * Throws ToolError, and the folder is as it was: `unsafe_file` for the same path twice (also by case or Unicode form),
 * a file where another needs a folder, too many files or bytes, a link in the way; `output_unwritable` where the
 * system does not let it write; `worker_invalid` for bad base64. A file that is there with other content is replaced.
 */
export async function saveFiles(
  files: readonly ProgramFile[],
  refused: readonly RefusedFile[],
  directory: string,
): Promise<SavedFiles> {
  const plan = planFiles(files, refused);
  if (plan.files.length === 0) return { directory: null, saved: [], refused: plan.refused };
  try {
    // The folder itself is the user's word, links included; below it nothing is followed.
    const root = await realpath(directory).catch(() => path.resolve(directory));
    const saved = (await kindOf(root)) ? await saveInto(root, plan.files) : await saveNew(root, plan.files);
    return { directory: root, saved, refused: plan.refused };
  } catch (error) {
    if (error instanceof ToolError || typeof (error as NodeJS.ErrnoException).code !== 'string') throw error;
    throw new ToolError(
      'output_unwritable',
      `The files could not be saved in ${directory}: ${(error as NodeJS.ErrnoException).code}.`,
      "Check the folder's permissions and the free space, or choose another with --output.",
    );
  }
}

function planFiles(
  files: readonly ProgramFile[],
  refused: readonly RefusedFile[],
): { files: PlannedFile[]; refused: RefusedFile[] } {
  if (files.length > MAX_FILES) {
    throw new ToolError(
      'unsafe_file',
      `The run produced ${files.length} files; at most ${MAX_FILES} are saved.`,
      FEWER,
    );
  }
  const dropped = new Map(refused.map((file) => [file.path, file]));
  const planned: PlannedFile[] = [];
  let size = 0;
  for (const file of files) {
    const reason = unsafePath(file.path);
    if (reason) {
      if (!dropped.has(file.path)) dropped.set(file.path, { path: file.path, reason });
      continue;
    }
    const data = dataOf(file);
    size += data.length;
    if (size > MAX_BYTES) {
      throw new ToolError('unsafe_file', `The run produced more than ${MAX_BYTES / 1e6} MB of files.`, FEWER);
    }
    planned.push({ path: file.path, data });
  }
  refuseCollisions(planned.map((file) => file.path));
  return { files: planned, refused: [...dropped.values()] };
}

function dataOf({ path, content, encoding }: ProgramFile): Buffer {
  if (encoding !== 'base64') return Buffer.from(content, 'utf8');
  const data = Buffer.from(content, 'base64');
  // Node reads over what is no base64.
  if (data.toString('base64') !== content) throw invalid(`the base64 of "${path}" is not valid`);
  return data;
}

function refuseCollisions(paths: readonly string[]): void {
  const taken = new Map<string, string>();
  for (const path of paths) {
    const other = taken.get(collisionKey(path));
    if (other !== undefined) {
      const same = other === path ? 'twice' : `and "${other}", which are one file on some systems`;
      throw new ToolError('unsafe_file', `The run produced "${path}" ${same}; nothing was saved.`, RENAME);
    }
    taken.set(collisionKey(path), path);
  }
  for (const path of paths) {
    for (const folder of foldersOf(path)) {
      const file = taken.get(collisionKey(folder));
      if (file === undefined) continue;
      throw new ToolError('unsafe_file', `"${file}" is a file and the folder of "${path}"; nothing was saved.`, RENAME);
    }
  }
}

/** Equal for paths that some file system takes for one. */
function collisionKey(path: string): string {
  return path.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC');
}

/** The folders above a path, the outermost first. */
function foldersOf(path: string): string[] {
  const parts = path.split('/');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'));
}

async function saveNew(directory: string, files: readonly PlannedFile[]): Promise<SavedFile[]> {
  const above = path.dirname(directory);
  const firstMade = await mkdir(above, { recursive: true });
  const staging = path.join(above, `.${path.basename(directory)}.${randomBytes(8).toString('hex')}.tmp`);
  try {
    await mkdir(staging);
    for (const file of files) {
      await makeFolders(staging, file.path);
      await writeNew(path.join(staging, file.path), file.data);
    }
    await rename(staging, directory);
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    if (firstMade) await removeEmpty(above, firstMade);
    throw error;
  }
  return files.map((file) => ({ path: file.path, bytes: file.data.length, status: 'new' }));
}

async function saveInto(directory: string, files: readonly PlannedFile[]): Promise<SavedFile[]> {
  // All is looked at before anything is written.
  const saved: SavedFile[] = [];
  for (const file of files) {
    saved.push({ path: file.path, bytes: file.data.length, status: await statusOf(directory, file) });
  }
  // Inside the folder: only there a rename is sure to stay within one file system.
  const staging = path.join(directory, `.cct-${randomBytes(8).toString('hex')}.tmp`);
  const undo: Undo = [];
  try {
    await mkdir(staging);
    for (const [index, { data }] of files.entries()) await writeNew(path.join(staging, `new-${index}`), data);
    for (const [index, file] of saved.entries()) {
      const [fresh, old] = [path.join(staging, `new-${index}`), path.join(staging, `old-${index}`)];
      if (file.status !== 'unchanged') await put(directory, file, fresh, old, undo);
    }
  } catch (error) {
    for (const step of undo.reverse()) await step().catch(() => undefined);
    throw error;
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  return saved;
}

/** A way back for each step, noted before the next. */
type Undo = (() => Promise<void>)[];

/** Moves the staged `fresh` to its place; what is there is kept as `old` until all are in theirs. */
async function put(root: string, { path: name, status }: SavedFile, fresh: string, old: string, undo: Undo) {
  await makeFolders(root, name, undo);
  const at = path.join(root, name);
  if (status === 'replaced') {
    // A copy where the file system has no second names.
    await link(at, old).catch(() => copyFile(at, old, constants.COPYFILE_EXCL));
    undo.push(() => rename(old, at));
  } else undo.push(() => unlink(at));
  await rename(fresh, at);
}

async function makeFolders(root: string, name: string, undo: Undo = []): Promise<void> {
  for (const folder of foldersOf(name)) {
    const at = path.join(root, folder);
    if ((await plainKind(root, folder)) === 'folder') continue;
    await mkdir(at);
    undo.push(() => rmdir(at));
  }
}

/** `wx`: fails on anything that is there, a link too, whatever it points to. */
function writeNew(at: string, data: Buffer): Promise<void> {
  return writeFile(at, data, { flag: 'wx', mode: 0o666 });
}

/** What saving this file will do. Throws for what is no file in its place. */
async function statusOf(root: string, file: PlannedFile): Promise<SavedFile['status']> {
  for (const folder of foldersOf(file.path)) {
    const kind = await plainKind(root, folder);
    if (kind === null) return 'new';
    if (kind !== 'folder') throw inTheWay(root, folder, 'is not a folder');
  }
  const kind = await plainKind(root, file.path);
  if (kind === null) return 'new';
  if (kind === 'folder') throw inTheWay(root, file.path, 'is a folder');
  const at = path.join(root, file.path);
  const same = (await stat(at)).size === file.data.length && file.data.equals(await readFile(at));
  return same ? 'unchanged' : 'replaced';
}

async function plainKind(root: string, name: string): Promise<'file' | 'folder' | null> {
  const kind = await kindOf(path.join(root, name));
  if (kind === 'link') throw inTheWay(root, name, 'is a link');
  if (kind === 'other') throw inTheWay(root, name, 'is neither a file nor a folder');
  return kind;
}

async function kindOf(at: string): Promise<'file' | 'folder' | 'link' | 'other' | null> {
  try {
    const info = await lstat(at);
    return info.isSymbolicLink() ? 'link' : info.isDirectory() ? 'folder' : info.isFile() ? 'file' : 'other';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function inTheWay(root: string, name: string, what: string): ToolError {
  return new ToolError(
    'unsafe_file',
    `Nothing was saved: ${path.join(root, name)} ${what}.`,
    'Move it away, or choose another folder with --output.',
  );
}

/** Removes the folders from `last` up to `first`, as far as they are empty. */
async function removeEmpty(last: string, first: string): Promise<void> {
  for (let folder = last; ; folder = path.dirname(folder)) {
    const removed = await rmdir(folder).then(
      () => true,
      () => false,
    );
    if (!removed || folder === first || folder === path.dirname(folder)) return;
  }
}
