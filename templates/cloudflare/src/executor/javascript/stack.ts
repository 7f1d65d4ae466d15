/** Stacks and reports of errors: the program's own frames, files and lines, and nothing of what runs it. */
import { inspect } from 'node:util';

import type { ProgramFile } from '../../program';
import { pathOfModule } from './names';
import { apply, define, Notes } from './realm';

const describeError = Error.prototype.toString;

export interface Position {
  path: string;
  line: number;
}

/** Errors that happened at a place that no stack shows: in an import, or while a file was parsed. */
const positions = new Notes<Position>();

export function at<T extends object>(error: T, position: Position): T {
  positions.set(error, position);
  return error;
}

/** Makes `error.stack` readable for the program too; it may set its own `prepareStackTrace` after. */
export function installStackFormat(): void {
  define(Error, 'prepareStackTrace', formatStack, false);
}

function formatStack(error: unknown, sites: NodeJS.CallSite[]): string {
  let text = 'Error';
  try {
    text = apply(describeError, error as Error, []);
    let pending = '';
    for (let index = 0; index < sites.length; index++) {
      const site = sites[index]!;
      const frame = `\n    at ${shortened(String(site))}`;
      const file = site.getFileName();
      if (typeof file === 'string' && pathOfModule(file) !== null) {
        text += pending + frame;
        pending = '';
      } else if (!file && text.includes('\n    at ')) {
        // The language's own functions, when the program called them and they called it.
        pending += frame;
      }
    }
  } catch {
    // A program that patches what this needs gets a shorter stack.
  }
  return text;
}

/** Columns are those of the converted text, so only lines are shown. */
function shortened(frame: string): string {
  // A call through a namespace: Node shows the function alone.
  return frame.replace(/^Module\./, '').replace(/(program\/[^\s():]+):(\d+):\d+/g, (_, name: string, line: string) => {
    return `${pathOfModule(name)}:${line}`;
  });
}

/** What is printed when nothing caught an error. */
export function describeUncaught(error: unknown, rejected: boolean, files: readonly ProgramFile[]): string {
  if (!(error instanceof Error)) {
    const value = inspect(error);
    return rejected
      ? `Uncaught (in promise) ${value}\n    A promise was rejected with this value, and nothing handled it.\n`
      : `Uncaught ${value}\n`;
  }
  // An error without frames is shown in brackets, which say nothing here.
  const text = inspect(error).replace(/^\[([^\n]*)\](?= \{|$)/, '$1');
  const place = positions.get(error) ?? placeInStack(error, files);
  return `${place ? `${excerpt(place, files)}\n` : ''}${text}\n`;
}

function placeInStack(error: Error, files: readonly ProgramFile[]): Position | null {
  const { stack } = error;
  if (typeof stack !== 'string') return null;
  for (const [, path, line] of stack.matchAll(/^ {4}at (?:.*\()?([^()\n]+):(\d+)\)?$/gm)) {
    if (files.some((file) => file.path === path)) return { path: path!, line: Number(line) };
  }
  return null;
}

function excerpt({ path, line }: Position, files: readonly ProgramFile[]): string {
  const file = files.find((candidate) => candidate.path === path);
  const source = file && file.encoding !== 'base64' ? file.content.split('\n')[line - 1]?.trimEnd() : undefined;
  // Minified programs have lines that nobody wants to see again.
  return source ? `${path}:${line}\n${source.slice(0, 200)}\n` : `${path}:${line}\n`;
}
