// Builds what the Worker's source needs beside it, into build/:
//   executors.ts     the executors that run inside a sandbox, as text
//   playground.ts    the page for browsers, and its policy
//   assets/python/   the Python runtime (see python-assets.mjs)
// and, with --local, the bundles that a bare `workerd` runs on a developer's machine: worker.js and host.js.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { build } from 'esbuild';

import { buildPlayground } from './lib/playground.mjs';
import { findWorkerd } from './lib/workerd.mjs';
import { buildPythonAssets } from './python-assets.mjs';

const { values } = parseArgs({
  options: { project: { type: 'string' }, local: { type: 'boolean', default: false } },
});
const projectDir = path.resolve(values.project ?? path.join(import.meta.dirname, '..'));
const outDir = path.join(projectDir, 'build');
const runtimeModules = ['cloudflare:*', 'node:*'];

/** Bundles one entry point for workerd and returns its text. */
async function bundle(entry, options = {}) {
  const result = await build({
    entryPoints: [path.join(projectDir, entry)],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    conditions: ['workerd', 'worker', 'browser'],
    external: runtimeModules,
    logLevel: 'warning',
    ...options,
  }).catch(() => process.exit(1)); // esbuild has said what is wrong and where
  return result.outputFiles[0].text;
}

/** Writes only what has changed: a watcher that sees a new file would start again. */
async function writeIfChanged(file, text) {
  const before = await readFile(file, 'utf8').catch(() => undefined);
  if (before !== text) await writeFile(file, text);
}

await mkdir(outDir, { recursive: true });
const javascript = await bundle('src/executor/javascript.ts', { minify: true });
const container = await bundle('src/executor/container.ts', { minify: true, platform: 'node', conditions: [] });
await writeIfChanged(
  path.join(outDir, 'executors.ts'),
  `// Made by scripts/build.mjs.
export const JAVASCRIPT_EXECUTOR: string = ${JSON.stringify(javascript)};
export const CONTAINER_RUNNER: string = ${JSON.stringify(container)};
`,
);
const { page, policy } = await buildPlayground(projectDir, bundle);
await writeIfChanged(
  path.join(outDir, 'playground.ts'),
  `// Made by scripts/build.mjs.
export const PAGE: string = ${JSON.stringify(page)};
export const POLICY: string = ${JSON.stringify(policy)};
`,
);
await buildPythonAssets({
  projectDir,
  outDir: path.join(outDir, 'assets', 'python'),
  workerd: await findWorkerd(projectDir),
  log: (line) => console.log(line),
});
if (values.local) {
  await writeIfChanged(path.join(outDir, 'worker.js'), await bundle('src/index.ts', { minifySyntax: true }));
  await writeIfChanged(path.join(outDir, 'host.js'), await bundle('src/host.ts', { minify: true }));
}
