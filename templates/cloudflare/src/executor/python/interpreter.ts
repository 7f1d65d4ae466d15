/** Starting Python, restoring it from a snapshot, and running one program in it. */
import { WORKING_DIRECTORY } from './files';
import type { Cpython, Exports, Imports } from './cpython';
import source from './sandbox.py';
import { type Snapshot, restorePages } from './snapshot';

const PY_FILE_INPUT = 257;
/** As `python` ends when it cannot write what was printed. */
const OUTPUT_LOST = 120;
const ABORTED = 134;

/** Addresses of the Python objects that outlive the snapshot. */
interface Roots {
  /** `prepare(path) -> code` */
  prepare: number;
  /** `report(error) -> exit status` */
  report: number;
  /** `finish() -> whether all output was written` */
  finish: number;
  /** The dictionary of `__main__`. */
  main: number;
}

/** Thrown through the interpreter when the program leaves without a return: `os._exit`, `abort`. */
class Left {
  constructor(readonly status: number) {}
}

/** Makes leaving the process a value that `runProgram` catches. */
export function patchExits(imports: Imports): void {
  const leave = (status: number): never => {
    throw new Left(status & 0xff);
  };
  imports.env!.exit = leave;
  imports.wasi_snapshot_preview1!.proc_exit = leave;
  imports.env!._abort_js = () => leave(ABORTED);
}

const EAI_NONAME = -2;
const ENETUNREACH = 40; // as WASI numbers it

/** No socket is ever made, so that a program hears "unreachable" at once; Emscripten would try a WebSocket. */
export function patchNetwork(imports: Imports): void {
  imports.env!.__syscall_socket = () => -ENETUNREACH;
  imports.env!.getaddrinfo = () => EAI_NONAME;
  imports.env!.getnameinfo = () => EAI_NONAME;
}

/** Starts Python from nothing and imports what every run shares. @throws Error when it does not start. */
export async function startPython(cpython: Cpython, preload: readonly string[]): Promise<Roots> {
  const { exports: c, cString } = cpython;
  const config = c.PyInitConfig_Create!();
  const set = (name: string, value: number | string): void => {
    const status =
      typeof value === 'number'
        ? (c.PyInitConfig_SetInt as unknown as (config: number, name: number, value: bigint) => number)(
            config,
            cString(name),
            BigInt(value),
          )
        : c.PyInitConfig_SetStr!(config, cString(name), cString(value));
    if (status < 0) throw new Error(`Python has no option ${name}`);
  };
  set('isolated', 0);
  set('safe_path', 0);
  set('utf8_mode', 1);
  set('write_bytecode', 0);
  set('install_signal_handlers', 1);
  // A snapshot fixes the seed of hashes in any case; so the same inputs make the same snapshot.
  set('use_hash_seed', 1);
  set('hash_seed', 1);
  set('home', '/');
  set('program_name', 'python3');
  set('executable', '');
  if ((await WebAssembly.promising(c.Py_InitializeFromInitConfig)(config)) < 0) {
    const message = c.malloc!(4);
    c.PyInitConfig_GetError!(config, message);
    const view = new DataView(cpython.memory().buffer);
    throw new Error(`Python did not start: ${cpython.textAt(view.getUint32(message >>> 0, true))}`);
  }
  c.PyInitConfig_Free!(config);
  // Makes the evaluation loop ask for signals now and then: the moments at which output can leave (see pausing.ts).
  new DataView(cpython.memory().buffer).setInt32(cpython.address('Py_EMSCRIPTEN_SIGNAL_HANDLING'), 1, true);

  const must = (address: number): number => {
    if (address !== 0) return address;
    void WebAssembly.promising(c.PyErr_Print)();
    throw new Error('the preparation of Python failed; its traceback is above');
  };
  const text = (value: string): number => must(c.PyUnicode_FromString!(cString(value)));
  const globals = must(c.PyDict_New!());
  const define = (name: string, value: number): void => {
    must(c.PyDict_SetItemString!(globals, cString(name), value) + 1);
  };
  define('__name__', text('sandbox'));
  define('__builtins__', must(c.PyEval_GetBuiltins!()));
  define('PRELOAD', text(preload.join(' ')));
  const code = must(c.Py_CompileString!(cString(source), cString('<sandbox>'), PY_FILE_INPUT));
  must(await WebAssembly.promising(c.PyEval_EvalCode)(code, globals, globals));
  return {
    prepare: must(c.PyDict_GetItemString!(globals, cString('prepare'))),
    report: must(c.PyDict_GetItemString!(globals, cString('report'))),
    finish: must(c.PyDict_GetItemString!(globals, cString('finish'))),
    main: must(c.PyModule_GetDict!(must(c.PyImport_AddModule!(cString('__main__'))))),
  };
}

export const rootAddresses = ({ prepare, report, finish, main }: Roots): number[] => [prepare, report, finish, main];

/** @returns the roots of the restored interpreter. */
export function restorePython(cpython: Cpython, snapshot: Snapshot, grow: (bytes: number) => void): Roots {
  if (cpython.memory().byteLength < snapshot.memorySize) grow(snapshot.memorySize);
  restorePages(cpython.memory(), snapshot);
  const [prepare, report, finish, main] = snapshot.roots;
  if (!prepare || !report || !finish || !main) throw new Error('the snapshot has no roots');
  return { prepare, report, finish, main };
}

/**
 * Lets Python see the end of the stack before V8 does: V8's own error cannot be caught by the program. Python counts
 * its stack in the interpreter's memory, which most C functions use much less than the machine's: measured per kind
 * of recursion, 1.5 MB (sort keys), 0.3 to 0.6 MB (methods), 0.06 to 0.14 MB (comparing, printing or parsing deeply
 * nested data) of it are in use when V8's default of 984 KiB is full.
 *
 * @param stackKiB what V8 was told to give, if it was told anything.
 */
export function limitRecursion({ exports: c }: Cpython, stackKiB: number | undefined): void {
  const total = c.emscripten_stack_get_base!() - c.emscripten_stack_get_end!();
  // With the default, room for many ordinary calls comes first; a larger stack has room for every kind.
  const size = Math.min(total, stackKiB === undefined ? 256 * 1024 : Math.floor((stackKiB * 1024) / 20));
  const start = c.emscripten_stack_get_base!() - size;
  if (c.PyUnstable_ThreadState_SetStackProtection!(c.PyThreadState_Get!(), start, size) < 0) {
    throw new Error('Python refused the limit of its stack');
  }
}

/**
 * Runs the program whose files are in the working directory to its very end, finalization included.
 *
 * @returns its exit status.
 * @throws RangeError when the program used up the stack, WebAssembly.RuntimeError when it broke the interpreter.
 */
export async function runProgram(cpython: Cpython, roots: Roots, entrypoint: string): Promise<number> {
  const { exports: c } = cpython;
  const call = WebAssembly.promising(c.PyObject_CallOneArg);
  const evaluate = WebAssembly.promising(c.PyEval_EvalCode);
  const release = WebAssembly.promising(c.Py_DecRef);
  try {
    const path = c.PyUnicode_FromString!(cpython.cString(`${WORKING_DIRECTORY}/${entrypoint}`));
    const code = await call(roots.prepare, path);
    const result = code === 0 ? 0 : await evaluate(code, roots.main, roots.main);
    let status = 0;
    if (result === 0) {
      const error = c.PyErr_GetRaisedException!();
      const answer = await call(roots.report, error);
      status = answer === 0 ? 1 : c.PyLong_AsLong!(answer);
      // Its traceback holds the program's variables, and finalization closes only what nothing holds.
      await release(error);
    }
    return await finish(c, roots, status);
  } catch (error) {
    if (error instanceof Left) return error.status;
    throw error;
  }
}

/** Runs exit handlers and finalizers, and flushes what is still open. @returns the exit status. */
async function finish(c: Exports, roots: Roots, status: number): Promise<number> {
  try {
    const written = await WebAssembly.promising(c.PyObject_CallNoArgs)(roots.finish);
    return status === 0 && (written === 0 || c.PyObject_IsTrue!(written) !== 1) ? OUTPUT_LOST : status;
  } catch (error) {
    // Letting go of a long chain of objects can use up the stack; the program itself has ended by then.
    if (error instanceof RangeError) return status;
    throw error;
  }
}
