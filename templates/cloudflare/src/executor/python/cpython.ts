/**
 * CPython as Pyodide compiles it, without Pyodide: no `js` module, no proxies, no way from Python to a JavaScript
 * object. Only Emscripten's loader runs; the interpreter is started and called through CPython's own C API, so what
 * a program can reach of JavaScript is what a system call can reach.
 */
import createModule from './pyodide.asm.mjs';
import wasm from './pyodide.asm.wasm';

const STDLIB_PATH = '/lib/python314.zip';
/** CPython looks for this folder when it works out where it is installed. */
const PLATFORM_LIBRARY = '/lib/python3.14/lib-dynload';

/** What a program finds in os.environ; undefined takes away what Emscripten would put there. */
const ENVIRONMENT = {
  HOME: '/workspace',
  LANG: 'C.UTF-8',
  LOGNAME: undefined,
  PATH: '/usr/bin',
  PWD: '/workspace',
  TMPDIR: '/tmp',
  USER: undefined,
  _: undefined,
};

/** Addresses in the interpreter's memory and C integers: both are plain numbers. */
type CFunction = (...args: number[]) => number;

export type Exports = Readonly<Record<string, CFunction>>;

export interface FsStats {
  mode: number;
  size: number;
}

/** The part of Emscripten's file system that is used here. */
export interface FileSystem {
  mkdirTree(path: string): void;
  writeFile(path: string, data: Uint8Array, options?: { canOwn?: boolean }): void;
  readFile(path: string): Uint8Array;
  readdir(path: string): string[];
  lstat(path: string): FsStats;
  analyzePath(
    path: string,
    keepLastLink: boolean,
  ): { exists: true; object: { mode: number } } | { exists: false; object: null };
  isDir(mode: number): boolean;
  isFile(mode: number): boolean;
  chdir(path: string): void;
  makedev(major: number, minor: number): number;
  registerDevice(device: number, operations: DeviceOperations): void;
  mkdev(path: string, mode: number, device: number): void;
  open(path: string, flags: number): { fd: number };
  close(stream: unknown): void;
  getStream(fd: number): unknown;
}

export interface DeviceOperations {
  read?(stream: unknown, buffer: Uint8Array, offset: number, length: number): number;
  write?(stream: unknown, buffer: Uint8Array, offset: number, length: number): number;
}

interface EmscriptenModule {
  FS: FileSystem;
  ENV: Record<string, string | undefined>;
  HEAPU8: Uint8Array;
}

/** Functions that C code imports, by module and name. */
export type Imports = Record<string, Record<string, CFunction>>;

export interface Cpython {
  readonly exports: Exports;
  readonly fs: FileSystem;
  /** The interpreter's memory as it is now; a call that grows it makes an older view useless. */
  memory(): Uint8Array;
  /** Where the C variable `name` lies. */
  address(name: string): number;
  /** Copies a string into the interpreter's memory; the caller frees it, or lets it go with the interpreter. */
  cString(text: string): number;
  textAt(address: number): string;
}

export interface Hooks {
  /** The archive of the standard library; it becomes part of the file system, uncopied. */
  stdlib: Uint8Array;
  /** Bytes that the program writes to its standard output (1) or standard error (2). */
  write(fd: 1 | 2, bytes: Uint8Array): void;
  /** Replaces what C code imports, before it is linked. */
  patch(imports: Imports): void;
  /** Compiles the modules that Emscripten assembles; a Worker may not, so that they are made when the assets are. */
  compile(bytes: Uint8Array): WebAssembly.Module;
}

/**
 * What Emscripten's loader itself calls. It would enter every other of the 7,400 exported functions into its
 * tables as well, for libraries that are loaded later: half of the start, and no library can be loaded here.
 */
const LOADER_CALLS = new Set([
  '__cxa_atexit',
  '__cxa_finalize',
  '__dl_seterr',
  '__errno_location',
  '__funcs_on_exit',
  '__trap',
  '__wasm_call_ctors',
  '_emscripten_find_dylib',
  '_emscripten_stack_alloc',
  '_emscripten_stack_restore',
  '_emscripten_tempret_get',
  '_emscripten_tempret_set',
  '_emscripten_timeout',
  'calloc',
  'emscripten_builtin_calloc',
  'emscripten_builtin_malloc',
  'emscripten_builtin_memalign',
  'emscripten_get_sbrk_ptr',
  'emscripten_main_runtime_thread_id',
  'emscripten_stack_get_base',
  'emscripten_stack_get_current',
  'emscripten_stack_get_end',
  'fflush',
  'fileno',
  'free',
  'htonl',
  'htons',
  'malloc',
  'memalign',
  'memcpy',
  'ntohs',
  'pthread_self',
  'realloc',
  'sbrk',
  'strerror',
]);

/** The functions whose addresses C code takes. */
const addressTaken = new Set(
  WebAssembly.Module.imports(wasm)
    .filter(({ module }) => module === 'GOT.func')
    .map(({ name }) => name),
);

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Loads the interpreter's code and links it; nothing of Python has run when this returns. */
export async function loadCpython(hooks: Hooks): Promise<Cpython> {
  let instance: WebAssembly.Instance | undefined;
  const module = (await withLoaderGlobals(hooks.compile, () =>
    createModule({
      noInitialRun: true,
      arguments: [],
      preRun: [({ ENV }: EmscriptenModule) => void Object.assign(ENV, ENVIRONMENT)],
      API: { config: { jsglobals: {}, env: {} }, runtimeEnv: {} },
      locateFile: (file: string) => file,
      print: (line: string) => console.log(line),
      printErr: (line: string) => console.error(line),
      instantiateWasm(imports: Imports, receive: (linked: { exports: unknown }, module: unknown) => void) {
        hooks.patch(imports);
        instance = new WebAssembly.Instance(wasm, imports as unknown as WebAssembly.Imports);
        receive({ exports: exportsForLoader(instance.exports) }, wasm);
        return {};
      },
    }),
  )) as EmscriptenModule;

  const exports = instance!.exports as Exports & WebAssembly.Exports;
  const memory = (): Uint8Array => module.HEAPU8;
  module.FS.mkdirTree(PLATFORM_LIBRARY);
  module.FS.writeFile(STDLIB_PATH, hooks.stdlib, { canOwn: true });
  openStandardStreams(module.FS, hooks.write);

  return {
    exports,
    fs: module.FS,
    memory,
    address: (name) => (exports[name] as unknown as WebAssembly.Global).value as number,
    cString(text) {
      const bytes = encoder.encode(`${text}\0`);
      const address = exports.malloc!(bytes.length) >>> 0;
      memory().set(bytes, address);
      return address;
    },
    textAt(address) {
      const start = address >>> 0;
      return decoder.decode(memory().subarray(start, memory().indexOf(0, start)));
    },
  };
}

function exportsForLoader(all: WebAssembly.Exports): WebAssembly.Exports {
  return Object.fromEntries(
    Object.entries(all).filter(
      ([name, value]) => typeof value !== 'function' || addressTaken.has(name) || LOADER_CALLS.has(name),
    ),
  );
}

/** The loader registers an event listener that workerd does not know, and assembles modules, which it forbids. */
async function withLoaderGlobals<T>(compile: Hooks['compile'], load: () => Promise<T>): Promise<T> {
  const { Module } = WebAssembly;
  const { addEventListener } = globalThis;
  const assemble = function (bytes: Uint8Array): WebAssembly.Module {
    return compile(bytes);
  };
  Object.assign(assemble, { prototype: Module.prototype, customSections: Module.customSections });
  try {
    WebAssembly.Module = assemble as unknown as typeof WebAssembly.Module;
    globalThis.addEventListener = () => undefined;
    return await load();
  } finally {
    WebAssembly.Module = Module;
    globalThis.addEventListener = addEventListener;
  }
}

/** Replaces Emscripten's terminal: input is at its end, output goes out as bytes, none of them is a terminal. */
function openStandardStreams(fs: FileSystem, write: Hooks['write']): void {
  const READ = 0;
  const WRITE = 1;
  const streams: [path: string, flags: number, operations: DeviceOperations][] = [
    ['/dev/sandbox-stdin', READ, { read: () => 0 }],
    ['/dev/sandbox-stdout', WRITE, output(1)],
    ['/dev/sandbox-stderr', WRITE, output(2)],
  ];
  function output(fd: 1 | 2): DeviceOperations {
    return {
      read: () => 0,
      write(_stream, buffer, offset, length) {
        write(fd, buffer.slice(offset, offset + length));
        return length;
      },
    };
  }
  for (let fd = 0; fd < streams.length; fd++) fs.close(fs.getStream(fd));
  streams.forEach(([path, flags, operations], index) => {
    const device = fs.makedev(64, index);
    fs.registerDevice(device, operations);
    fs.mkdev(path, 0o666, device);
    const { fd } = fs.open(path, flags);
    if (fd !== index) throw new Error(`standard stream ${index} opened as ${fd}`);
  });
}
