// Makes what a sandbox needs to run Python, from the `pyodide` package alone and without a network:
//   python.js            the executor (src/executor/python.ts)
//   pyodide.asm.*        CPython as WebAssembly and its loader, as they come
//   python_stdlib.zip    the standard library, as it comes
//   snapshot.bin         the memory of a Python that has started (src/executor/python/snapshot.ts)
//   adapters/*.wasm      the modules that the loader would assemble at run time
//   manifest.json        {main, compatibilityDate, compatibilityFlags, modules: [{name, type, file}],
//                        process: {v8Flags, bindings, disk: {binding, files}}}
// `process` is for a workerd of its own: flags for a larger stack, text bindings, and the files that its executor
// reads through a binding to a disk service of this folder, so that its configuration need not embed them.
// By hand: node scripts/python-assets.mjs [--project FOLDER] [--workerd BINARY]
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';

import { build } from 'esbuild';

import { answerFromWorkerd } from './lib/workerd.mjs';
import { PRELOADED_MODULES } from './lib/preloaded-modules.mjs';

const COMPATIBILITY_DATE = '2025-08-01';
/** A deeper stack than V8's 984 KiB; both flags are needed, for the limit and for the stacks that are put aside. */
const STACK_KIB = 32_000;
/** Cloudflare takes no larger file as an asset. */
const LARGEST_ASSET = 25 * 1024 * 1024;
const RUNTIME_FILES = ['pyodide.asm.mjs', 'pyodide.asm.wasm', 'python_stdlib.zip'];
const TYPES = { '.mjs': 'esModule', '.js': 'esModule', '.wasm': 'wasm', '.zip': 'data', '.bin': 'data' };

/**
 * Fills `outDir`; does nothing when it was filled from the same inputs before.
 *
 * @param {{projectDir: string, outDir: string, workerd: string, log: (line: string) => void}} options
 *   `workerd` is the path of the real binary.
 */
export async function buildPythonAssets({ projectDir, outDir, workerd, log }) {
  const require = createRequire(path.join(projectDir, 'package.json'));
  const pyodideDir = path.dirname(require.resolve('pyodide/package.json'));
  const executorDir = path.join(projectDir, 'src/executor/python');
  const maker = await bundle(path.join(executorDir, 'maker.ts'), []);
  const key = await fingerprint([
    maker,
    await bundle(path.join(projectDir, 'src/executor/python.ts'), []),
    PRELOADED_MODULES.join(),
    COMPATIBILITY_DATE,
    await readFile(path.join(pyodideDir, 'package.json')),
    await readFile(require.resolve('workerd/package.json')),
    await readFile(import.meta.filename),
  ]);
  if ((await readFile(path.join(outDir, 'manifest.json'), 'utf8').catch(() => '{}')).includes(key)) return;

  const started = performance.now();
  await mkdir(path.dirname(outDir), { recursive: true });
  const work = `${outDir}.${process.pid}`;
  await rm(work, { recursive: true, force: true });
  await mkdir(work);
  try {
    for (const file of RUNTIME_FILES) await copyFile(path.join(pyodideDir, file), path.join(work, file));
    const { adapters, snapshot } = await makeSnapshot(work, maker, workerd);
    await writeFile(path.join(work, 'snapshot.bin'), snapshot);
    await mkdir(path.join(work, 'adapters'));
    for (const [index, hex] of adapters.entries()) {
      await writeFile(path.join(work, 'adapters', `${index}.wasm`), Buffer.from(hex, 'hex'));
    }
    await writeFile(
      path.join(work, 'python.js'),
      await bundle(path.join(projectDir, 'src/executor/python.ts'), adapters),
    );
    const manifest = {
      main: 'python.js',
      compatibilityDate: COMPATIBILITY_DATE,
      compatibilityFlags: [],
      modules: [
        'python.js',
        ...RUNTIME_FILES,
        'snapshot.bin',
        ...adapters.map((_, index) => `adapters/${index}.wasm`),
      ].map((file) => ({ name: file, type: TYPES[path.extname(file)], file })),
      process: {
        v8Flags: [`--stack-size=${STACK_KIB}`, `--wasm-stack-switching-stack-size=${STACK_KIB + 768}`],
        bindings: { STACK_KIB: String(STACK_KIB) },
        disk: { binding: 'FILES', files: ['snapshot.bin', 'python_stdlib.zip'] },
      },
      key,
    };
    await refuseLargeFiles(work);
    await writeFile(path.join(work, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    await rm(outDir, { recursive: true, force: true });
    await rename(work, outDir);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    log(`Python assets made in ${seconds} s: a snapshot of ${(snapshot.byteLength / 1e6).toFixed(1)} MB`);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** @param {string[]} adapters the bytes of each adapter in hexadecimal */
async function bundle(entry, adapters) {
  const result = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    minify: true,
    external: ['*/pyodide.asm.mjs', '*.wasm', '*.zip', '*.bin'],
    loader: { '.py': 'text' },
    logLevel: 'warning',
    plugins: [adaptersPlugin(adapters)],
  });
  return result.outputFiles[0].text;
}

/** `cct:adapters`: a map from the bytes of an adapter to the module that was compiled from them. */
function adaptersPlugin(adapters) {
  const imports = adapters.map((_, index) => `import m${index} from './adapters/${index}.wasm';`);
  const entries = adapters.map((hex, index) => `['${hex}', m${index}]`);
  const contents = `${imports.join('\n')}\nexport default new Map([${entries.join(', ')}]);\n`;
  return {
    name: 'adapters',
    setup(context) {
      context.onResolve({ filter: /^cct:adapters$/ }, ({ path: name }) => ({ path: name, namespace: 'adapters' }));
      context.onLoad({ filter: /.*/, namespace: 'adapters' }, () => ({ contents, loader: 'js' }));
    },
  };
}

/** Starts Python once in workerd. @returns {Promise<{adapters: string[], snapshot: Buffer}>} */
async function makeSnapshot(work, maker, workerd) {
  await writeFile(path.join(work, 'maker.js'), maker);
  const modules = ['maker.js', ...RUNTIME_FILES];
  try {
    const answer = await answerFromWorkerd({
      workerd,
      dir: work,
      body: JSON.stringify(PRELOADED_MODULES),
      worker: `(
  modules = [${modules.map((file) => `(name = "${file}", ${TYPES[path.extname(file)]} = embed "${file}")`).join(', ')}],
  compatibilityDate = "${COMPATIBILITY_DATE}",
  bindings = [(name = "UNSAFE", unsafeEval = void)],
  globalOutbound = "nowhere",
)`,
    });
    const length = answer.readUInt32LE(0);
    const { adapters } = JSON.parse(answer.toString('utf8', 4, 4 + length));
    return { adapters, snapshot: answer.subarray(4 + length) };
  } finally {
    await rm(path.join(work, 'maker.js'), { force: true });
  }
}

async function fingerprint(parts) {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('hex');
}

async function refuseLargeFiles(dir) {
  for (const file of await readdir(dir, { recursive: true })) {
    const { size } = await stat(path.join(dir, file));
    if (size >= LARGEST_ASSET) throw new Error(`${file} has ${size} bytes; an asset may have ${LARGEST_ASSET}`);
  }
}

if (process.argv[1] === import.meta.filename) {
  const { parseArgs } = await import('node:util');
  const { findWorkerd } = await import('./lib/workerd.mjs');
  const { values } = parseArgs({ options: { project: { type: 'string' }, workerd: { type: 'string' } } });
  const projectDir = path.resolve(values.project ?? path.join(import.meta.dirname, '..'));
  await buildPythonAssets({
    projectDir,
    outDir: path.join(projectDir, 'build/assets/python'),
    workerd: values.workerd ?? (await findWorkerd(projectDir)),
    log: (line) => console.log(line),
  });
}
