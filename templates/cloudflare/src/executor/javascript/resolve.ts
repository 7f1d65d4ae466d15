/** Which file a specifier means: Node's rules, and those that people who write TypeScript rely on. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { isTypescript, ROOT } from './names';

const TYPESCRIPT_FIRST = ['.ts', '.tsx', '.mts', '.cts', '.js', '.jsx', '.mjs', '.cjs', '.json'];
const JAVASCRIPT_FIRST = ['.js', '.jsx', '.mjs', '.cjs', '.json', '.ts', '.tsx', '.mts', '.cts'];

/** A compiled name → the source that it is written as. */
const SOURCES: Record<string, readonly string[]> = {
  '.js': ['.ts', '.tsx'],
  '.jsx': ['.tsx'],
  '.mjs': ['.mts'],
  '.cjs': ['.cts'],
};

export interface Files {
  has(path: string): boolean;
  /** The `main` of the package.json in this folder. */
  main(folder: string): string | undefined;
}

export function isRelative(specifier: string): boolean {
  return /^(\.{0,2}\/|\.{1,2}$|file:)/.test(specifier);
}

/**
 * @param from the importing file, relative to the program's folder.
 * @returns the path of a file of the program, or null.
 */
export function resolveFile(specifier: string, from: string, files: Files): string | null {
  const target = specifier.startsWith('file:')
    ? fileURLToPath(specifier)
    : path.resolve(ROOT, path.dirname(from), specifier);
  const relative = path.relative(ROOT, target);
  if (relative.startsWith('..')) return null;
  const extensions = isTypescript(from) ? TYPESCRIPT_FIRST : JAVASCRIPT_FIRST;
  const isFolder = relative === '' || specifier.endsWith('/');
  return (isFolder ? null : asFile(relative, extensions, files)) ?? asFolder(relative, extensions, files);
}

function asFile(name: string, extensions: readonly string[], files: Files): string | null {
  const [extension = ''] = /\.\w+$/.exec(name) ?? [];
  const stem = name.slice(0, name.length - extension.length);
  const candidates = [
    name,
    ...(SOURCES[extension] ?? []).map((source) => stem + source),
    ...extensions.map((added) => name + added),
  ];
  return candidates.find((candidate) => files.has(candidate)) ?? null;
}

function asFolder(name: string, extensions: readonly string[], files: Files): string | null {
  const prefix = name === '' ? '' : `${name}/`;
  const main = files.main(name);
  const entry =
    main === undefined ? null : asFile(path.relative(ROOT, path.resolve(ROOT, name, main)), extensions, files);
  return entry ?? extensions.map((added) => `${prefix}index${added}`).find((candidate) => files.has(candidate)) ?? null;
}
