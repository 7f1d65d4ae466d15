/** A program and what running it yields: the values that every stage after generation shares. */

export type Language = 'python' | 'javascript' | 'typescript' | 'web';

export interface ProgramFile {
  path: string;
  content: string;
  /** How `content` is written; `utf8` when absent. */
  encoding?: 'utf8' | 'base64';
}

export interface Program {
  language: Language;
  /** The path of the file that starts; for `web` the page to open. */
  entrypoint: string;
  files: ProgramFile[];
}

export interface RefusedFile {
  path: string;
  reason: string;
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function fileBytes(file: ProgramFile): Uint8Array {
  return file.encoding === 'base64' ? Uint8Array.fromBase64(file.content) : new TextEncoder().encode(file.content);
}

/** Text where the bytes are UTF-8, base64 where they are not: nothing is lost either way. */
export function fileFromBytes(path: string, bytes: Uint8Array): ProgramFile {
  try {
    return { path, content: decoder.decode(bytes) };
  } catch {
    return { path, content: bytes.toBase64(), encoding: 'base64' };
  }
}
