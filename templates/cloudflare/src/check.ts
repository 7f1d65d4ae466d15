/** Which programs may run: judged once, before anything is laid out anywhere. */
import { ApiError } from './errors';
import { unsafePath } from './paths';
import type { Program, RefusedFile } from './program';

/** For a program that a caller brings: one bad path refuses all of it. Throws ApiError. */
export function checkGivenProgram(program: Program): void {
  for (const path of [program.entrypoint, ...program.files.map((file) => file.path)]) {
    const reason = unsafePath(path);
    if (reason !== null) throw new ApiError('unsafe_path', `The path ${JSON.stringify(path)} ${reason}.`);
  }
  checkLayout(program);
}

/** For a program that Claude wrote: files that must not be written anywhere are left out and listed. Throws ApiError. */
export function withoutUnsafeFiles(program: Program): { program: Program; refusedFiles: RefusedFile[] } {
  const entrypointReason = unsafePath(program.entrypoint);
  if (entrypointReason !== null) {
    throw new ApiError('unsafe_path', `The program's entrypoint ${entrypointReason}, so nothing ran.`);
  }
  const refusedFiles: RefusedFile[] = [];
  const files = program.files.filter(({ path }) => {
    const reason = unsafePath(path);
    if (reason !== null) refusedFiles.push({ path, reason });
    return reason === null;
  });
  const kept = { ...program, files };
  try {
    checkLayout(kept);
  } catch (error) {
    throw new ApiError('model_invalid', (error as ApiError).message);
  }
  return { program: kept, refusedFiles };
}

/** What no sandbox could lay out on a disk: two files of one name, a file where a folder is, no content, no entrypoint. */
function checkLayout({ entrypoint, files }: Program): void {
  const fold = (path: string) => path.normalize('NFKC').toLowerCase();
  const taken = new Set<string>();
  for (const { path, content, encoding } of files) {
    if (taken.has(fold(path))) throw new ApiError('invalid_request', `Two files are named ${JSON.stringify(path)}.`);
    taken.add(fold(path));
    const [valid, form] =
      encoding === 'base64' ? [isBase64(content), 'base64'] : [content.isWellFormed(), 'valid Unicode'];
    if (!valid) throw new ApiError('invalid_request', `The content of ${JSON.stringify(path)} is not ${form}.`);
  }
  for (const { path } of files) {
    for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
      if (taken.has(fold(path.slice(0, at)))) {
        throw new ApiError('invalid_request', `${JSON.stringify(path)} needs a folder where a file is.`);
      }
    }
  }
  if (!files.some(({ path }) => path === entrypoint)) {
    throw new ApiError('invalid_request', `The entrypoint ${JSON.stringify(entrypoint)} is not among the files.`);
  }
}

function isBase64(content: string): boolean {
  try {
    Uint8Array.fromBase64(content);
    return true;
  } catch {
    return false;
  }
}
