/** What scripts/python-assets.mjs puts beside the executor, under the names that the module table of the sandbox uses. */

declare module '*/pyodide.asm.mjs' {
  const createModule: (settings: Record<string, unknown>) => Promise<unknown>;
  export default createModule;
}

declare module '*/pyodide.asm.wasm' {
  const module: WebAssembly.Module;
  export default module;
}

declare module '*/python_stdlib.zip' {
  const bytes: ArrayBuffer;
  export default bytes;
}

declare module '*/snapshot.bin' {
  const bytes: ArrayBuffer;
  export default bytes;
}

/** Wasm modules that Emscripten would assemble at run time, by their bytes in hexadecimal. */
declare module 'cct:adapters' {
  const adapters: ReadonlyMap<string, WebAssembly.Module>;
  export default adapters;
}

/** Python source as text. */
declare module '*.py' {
  const source: string;
  export default source;
}

/** JavaScript Promise Integration, which TypeScript's library does not have yet. */
declare namespace WebAssembly {
  const Suspending: new (fn: (...args: number[]) => number | Promise<number>) => (...args: number[]) => number;
  function promising(fn: unknown): (...args: number[]) => Promise<number>;
}
