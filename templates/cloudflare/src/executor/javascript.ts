/// <reference types="node" />
/**
 * Runs the one JavaScript or TypeScript program that is loaded beside it: a Worker of its own, used once.
 *
 *   POST /boot   200 at once
 *   POST /run    JSON {entrypoint, files, outputBytes} → frames (frames.ts), ending with the exit status
 *
 * The program's code is in the module table, as `convert` made it; `files` is what it finds in its folder.
 * Nothing of what is imported here can be reached from the program: it gets functions, never their modules.
 */
import type { ProgramFile } from '../program';
import { createFrameWriter, type FrameWriter } from './frames';
import { createBuiltins } from './javascript/builtins';
import { createFileSystem } from './javascript/filesystem';
import { createFolder } from './javascript/folder';
import { installGlobals } from './javascript/globals';
import { Lifecycle } from './javascript/lifecycle';
import { createLoader, type Loader } from './javascript/modules';
import { ROOT } from './javascript/names';
import { installProcess, tellProcess } from './javascript/process';
import { apply } from './javascript/realm';
import { describeUncaught, installStackFormat } from './javascript/stack';
import { createStdio } from './javascript/stdio';
import { createTimers } from './javascript/timers';

const later = globalThis.setTimeout;
const { preventDefault } = Event.prototype;
const errorOf = Object.getOwnPropertyDescriptor(ErrorEvent.prototype, 'error')!.get!;

interface Run {
  entrypoint: string;
  files: ProgramFile[];
  outputBytes: number;
}

let used = false;

export default {
  async fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === '/boot') return new Response('ready');
    if (pathname !== '/run' || used) return new Response('This sandbox has been used.', { status: 409 });
    used = true;
    const run = await request.json<Run>();
    const { readable, frames } = createFrameWriter(run.outputBytes);
    // Only when the answer is on its way does the program get to see the objects that it is made of.
    later(() => {
      try {
        start(run, frames);
      } catch (error) {
        // Before the program began: a fault of this sandbox, which must not look like an endless run.
        frames.stderr(`The sandbox did not start: ${String(error)}\n`);
        frames.exit(1);
      }
    }, 0);
    return new Response(readable);
  },
} satisfies ExportedHandler;

function start({ entrypoint, files }: Run, frames: FrameWriter): void {
  const lifecycle = new Lifecycle(frames);
  const folder = createFolder(files);
  process.chdir(ROOT);
  const timers = createTimers(lifecycle);
  const stdio = createStdio(frames);
  const builtins = createBuiltins({
    timers,
    console: stdio.console,
    fs: createFileSystem(frames),
    module: () => moduleLibrary(loader, builtins.names),
  });

  lifecycle.attach({
    entrypoint,
    uncaught: (error, origin, promise) =>
      (origin === 'unhandledRejection' && tellProcess('unhandledRejection', [error, promise])) ||
      tellProcess('uncaughtException', [error, origin]),
    announce: (event, code) => void tellProcess(event, [code]),
    describe: (error, origin) => describeUncaught(error, origin === 'unhandledRejection', files),
    sendFiles: () => folder.collect(frames.file, frames.omitted),
  });
  // First in line: whatever the program listens to, this has been told before.
  addEventListener('unhandledrejection', (event) => {
    apply(preventDefault, event, []);
    lifecycle.fail(event.reason, 'unhandledRejection', event.promise);
  });
  const onError = (event: Event): void => {
    apply(preventDefault, event, []);
    lifecycle.fail(apply(errorOf, event, []));
  };
  addEventListener('error' as never, onError as never);
  installGlobals({ timers, console: stdio.console });
  installProcess({
    lifecycle,
    stdio,
    entrypoint: `${ROOT}/${entrypoint}`,
    getBuiltin: (name) => {
      const known = builtins.nameOf(String(name));
      return known === null ? undefined : builtins.load(known);
    },
    warn: frames.stderr,
  });
  installStackFormat();

  // From here on text of the program is loaded: everything that it must not come between is in place.
  const loader = createLoader(entrypoint, files, builtins);
  loader.start((failure) => {
    if (failure) lifecycle.fail(failure.error);
    lifecycle.mainSettled();
  });
  lifecycle.watch();
}

/** `node:module`, as far as a program can use it here. */
function moduleLibrary(loader: Loader, names: string[]): unknown {
  const isBuiltin = (name: unknown): boolean => names.includes(String(name).replace(/^node:/, ''));
  function Module(): void {}
  return Object.assign(Module, {
    Module,
    createRequire: (from: unknown) => loader.createRequire(from),
    builtinModules: names,
    isBuiltin,
    syncBuiltinESMExports: () => undefined,
  });
}
