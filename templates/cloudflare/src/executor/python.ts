/**
 * The main module of a sandbox that runs one Python program: `POST /boot` answers when it is ready, `POST /run`
 * `{entrypoint, files, outputBytes}` answers with the run's frames.
 * The same code runs as a Dynamic Worker and in a bare `workerd`.
 */
import type { ProgramFile } from '../program';
import { createFrameWriter, type FrameWriter } from './frames';
import adapters from 'cct:adapters';
import { type Cpython, loadCpython } from './python/cpython';
import { collectFiles, writeFiles } from './python/files';
import { limitRecursion, patchExits, patchNetwork, restorePython, runProgram } from './python/interpreter';
import { Output } from './python/output';
import { Pausing } from './python/pausing';
import { readRuntimeFiles } from './python/runtime-files';
import { decodeSnapshot } from './python/snapshot';

interface RunRequest {
  entrypoint: string;
  files: ProgramFile[];
  outputBytes: number;
}

interface Booted {
  cpython: Cpython;
  roots: ReturnType<typeof restorePython>;
  pausing: Pausing;
}

let booted: Promise<Booted> | undefined;
let used = false;

/** What a workerd of its own binds; a Dynamic Worker has nothing. */
interface Env {
  /** The folder of the Python assets, as a disk service. */
  FILES?: Fetcher;
  /** The stack that V8 was told to give (see `v8Flags` in the manifest), in KiB; unset where it has its default. */
  STACK_KIB?: string;
}

async function boot({ FILES, STACK_KIB }: Env): Promise<Booted> {
  const pausing = new Pausing();
  const { snapshot, stdlib } = await readRuntimeFiles(FILES);
  let grow: (bytes: number) => void;
  const cpython = await loadCpython({
    stdlib,
    write: (fd, bytes) => pausing.output?.write(fd, bytes),
    compile: precompiled,
    patch(imports) {
      grow = imports.env!.emscripten_resize_heap!;
      patchExits(imports);
      patchNetwork(imports);
      pausing.patch(imports);
    },
  });
  const roots = restorePython(cpython, decodeSnapshot(snapshot), grow!);
  limitRecursion(cpython, STACK_KIB === undefined ? undefined : Number(STACK_KIB));
  return { cpython, pausing, roots };
}

function precompiled(bytes: Uint8Array): WebAssembly.Module {
  const module = adapters.get(bytes.toHex());
  if (!module) throw new WebAssembly.CompileError('workerd compiles no wasm at run time');
  return module;
}

async function run({ entrypoint, files }: RunRequest, frames: FrameWriter, env: Env): Promise<void> {
  const { cpython, roots, pausing } = await (booted ??= boot(env));
  const before = writeFiles(cpython.fs, files);
  const output = new Output(frames);
  pausing.output = output;
  let status: number;
  try {
    status = await runProgram(cpython, roots, entrypoint);
  } catch (error) {
    // The interpreter itself broke, in most cases because the program's recursion used up the stack of wasm.
    output.flush();
    frames.stderr(fatalMessage(error));
    status = 1;
  }
  output.flush();
  collectFiles(cpython.fs, before, frames.file, frames.omitted);
  frames.exit(status);
}

function fatalMessage(error: unknown): string {
  if (error instanceof RangeError) {
    return 'RecursionError: maximum recursion depth exceeded (the stack of the sandbox is full)\n';
  }
  return `Fatal Python error: ${error instanceof Error ? error.message : String(error)}\n`;
}

export default {
  async fetch(request: Request, env: Env, context: ExecutionContext): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === '/boot') {
      await (booted ??= boot(env));
      return new Response();
    }
    if (pathname !== '/run') return new Response('not found', { status: 404 });
    if (used) return new Response('this sandbox has run its program', { status: 409 });
    used = true;
    const body = await request.json<RunRequest>();
    const { readable, frames } = createFrameWriter(body.outputBytes);
    context.waitUntil(run(body, frames, env));
    return new Response(readable, { headers: { 'Content-Type': 'application/octet-stream' } });
  },
} satisfies ExportedHandler<Env>;
