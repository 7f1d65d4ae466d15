/** How a program's files are named inside its isolate; shared by the converter outside and the executor inside. */

/** The program's own folder and its working directory. */
export const ROOT = '/tmp/program';

const PREFIX = 'program/';

/** Files that are converted into modules; everything else is data. */
const CODE = /\.([mc]?[jt]s|[jt]sx)$/i;
const TYPESCRIPT = /\.([mc]?ts|tsx)$/i;

export function isCode(path: string): boolean {
  return CODE.test(path);
}

export function isTypescript(path: string): boolean {
  return TYPESCRIPT.test(path);
}

/** The name in the isolate's module table. It survives being resolved as a URL, whatever the path contains. */
export function moduleName(path: string): string {
  return PREFIX + path.replace(/[^\w./-]/gu, (char) => `~${char.codePointAt(0)!.toString(16)}~`);
}

/** The file that a module name stands for, or null for a module that is not the program's. */
export function pathOfModule(name: string): string | null {
  const start = name.indexOf(PREFIX);
  if (start < 0) return null;
  return name
    .slice(start + PREFIX.length)
    .replace(/~([0-9a-f]+)~/g, (_, hex: string) => String.fromCodePoint(parseInt(hex, 16)));
}
