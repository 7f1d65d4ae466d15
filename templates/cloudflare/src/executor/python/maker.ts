/**
 * Runs once, inside workerd, when the assets are built: a snapshot fits only the engine and the code that made it.
 * `GET /` answers `u32 little-endian length, JSON {adapters: [hexadecimal]}, snapshot`.
 */
import { type Hooks, loadCpython } from './cpython';
import { patchExits, patchNetwork, rootAddresses, startPython } from './interpreter';
import { Pausing } from './pausing';
import stdlib from './python_stdlib.zip';
import { encodeSnapshot } from './snapshot';

interface Env {
  /** workerd's unsafeEval binding: elsewhere no Worker may compile wasm. */
  UNSAFE: { newWasmModule(bytes: Uint8Array): WebAssembly.Module };
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const preload = await request.json<string[]>();
    const seen = new Map<string, Uint8Array>();
    const messages: Uint8Array[] = [];
    const hooks: Hooks = {
      stdlib: new Uint8Array(stdlib),
      write: (_fd, bytes) => void messages.push(bytes),
      patch(imports) {
        patchExits(imports);
        patchNetwork(imports);
        new Pausing().patch(imports);
      },
      compile(bytes) {
        // Pyodide asks with an empty module whether its own stack switching works; this executor has its own.
        if (bytes.byteLength === 8) throw new WebAssembly.CompileError('no');
        seen.set(bytes.toHex(), bytes);
        return env.UNSAFE.newWasmModule(bytes);
      },
    };
    try {
      const cpython = await loadCpython(hooks);
      const fresh = cpython.memory().slice();
      // Random bytes and the time are in what linking leaves behind: a second instance shows where.
      const other = (await loadCpython(hooks)).memory();
      const roots = await startPython(cpython, preload);
      const snapshot = encodeSnapshot([fresh, other], cpython.memory(), rootAddresses(roots));
      const head = new TextEncoder().encode(JSON.stringify({ adapters: [...seen.keys()] }));
      const length = new Uint8Array(4);
      new DataView(length.buffer).setUint32(0, head.byteLength, true);
      return new Response(new Blob([length, head, snapshot]));
    } catch (error) {
      const said = await new Blob(messages).text();
      return new Response(`${said}${error instanceof Error ? error.stack : String(error)}`, { status: 500 });
    }
  },
} satisfies ExportedHandler<Env>;
