/** `process` as a program of Node expects it, with the run's own end behind `exit`. */
import { EventEmitter } from 'node:events';

import type { Lifecycle } from './lifecycle';
import { apply, define, defineProperty, bare } from './realm';
import type { Stdio } from './stdio';

const { emit, listenerCount } = EventEmitter.prototype;

/** Thrown by `process.exit` to stop the code that called it; once it is thrown the run is over whatever catches it. */
class Exit extends Error {
  constructor() {
    super('process.exit() was called');
    this.stack = undefined as never;
  }
}

export interface ProcessOptions {
  lifecycle: Lifecycle;
  stdio: Stdio;
  /** Absolute. */
  entrypoint: string;
  getBuiltin(name: string): unknown;
  warn(text: string): void;
}

export function installProcess({ lifecycle, stdio, entrypoint, getBuiltin, warn }: ProcessOptions): void {
  const exit = (code?: unknown): never => {
    if (!lifecycle.over) lifecycle.exit(status(code));
    throw new Exit();
  };
  const emitWarning = (warning: unknown, options?: unknown): void => {
    const type =
      typeof options === 'string' ? options : ((options as { type?: string } | undefined)?.type ?? undefined);
    const error = warning instanceof Error ? warning : Object.assign(new Error(String(warning)), { name: type });
    if (error.name === undefined) error.name = 'Warning';
    warn(`(node:1) ${error.name}: ${error.message}\n`);
    process.emit('warning', error);
  };
  const values = {
    argv: ['node', entrypoint],
    argv0: 'node',
    execArgv: [],
    execPath: '/usr/local/bin/node',
    title: 'node',
    stdin: stdio.stdin,
    stdout: stdio.stdout,
    stderr: stdio.stderr,
    exit,
    reallyExit: exit,
    abort: (): never => exit(134),
    kill: (_pid: unknown, signal?: unknown): never => exit(signal === 'SIGKILL' ? 137 : 143),
    emitWarning,
    getBuiltinModule: getBuiltin,
  };
  for (const [name, value] of Object.entries(values)) define(process, name, value);
  // The platform's own way to hear of rejections; ours is there already (see tellProcess).
  process.removeAllListeners('newListener');
  for (const name of ['_kill', '_fatalException', '_linkedBinding', 'binding', 'dlopen', 'execve', '_rawDebug']) {
    define(process, name, undefined, false);
  }
  defineProperty(
    process,
    'exitCode',
    bare({
      get: () => lifecycle.exitCode,
      set: (code: unknown) => {
        lifecycle.exitCode = status(code);
      },
      enumerable: true,
      configurable: true,
    }),
  );
}

/** Calls the program's listeners; false when there are none. */
export function tellProcess(event: string, args: unknown[]): boolean {
  if (apply(listenerCount, process as never, [event]) === 0) return false;
  apply(emit, process as never, [event, ...args]);
  return true;
}

function status(code: unknown): number | undefined {
  if (code === undefined || code === null) return undefined;
  const number = typeof code === 'string' && code.trim() !== '' ? Number(code) : code;
  if (typeof number !== 'number' || !Number.isInteger(number)) {
    throw Object.assign(new TypeError('The "code" argument must be an integer.'), { code: 'ERR_INVALID_ARG_TYPE' });
  }
  // What a parent process sees of it.
  return number & 255;
}
