/**
 * The two large files of the runtime. A Dynamic Worker has them as modules; a workerd of its own reads them from a disk
 * service, which costs half the time and memory: workerd copies what its configuration embeds more than once.
 */

export interface RuntimeFiles {
  readonly snapshot: Uint8Array;
  readonly stdlib: Uint8Array;
}

/** @param disk a service that answers with the files of the folder of the Python assets. */
export async function readRuntimeFiles(disk: Fetcher | undefined): Promise<RuntimeFiles> {
  const [snapshot, stdlib] = await Promise.all(
    disk
      ? [readFile(disk, 'snapshot.bin'), readFile(disk, 'python_stdlib.zip')]
      : [readModule(import('./snapshot.bin')), readModule(import('./python_stdlib.zip'))],
  );
  return { snapshot: snapshot!, stdlib: stdlib! };
}

async function readModule(module: Promise<{ default: ArrayBuffer }>): Promise<Uint8Array> {
  return new Uint8Array((await module).default);
}

async function readFile(disk: Fetcher, name: string): Promise<Uint8Array> {
  const { ok, body, headers } = await disk.fetch(`http://disk/${name}`);
  const size = Number(headers.get('Content-Length'));
  if (!ok || !body || !(size > 0)) throw new Error(`the runtime's file ${name} is missing`);
  // `arrayBuffer()` would gather the pieces first and then copy them.
  const { value } = await body.getReader({ mode: 'byob' }).readAtLeast(size, new Uint8Array(size));
  if (value?.byteLength !== size) throw new Error(`the runtime's file ${name} is cut`);
  return value;
}
