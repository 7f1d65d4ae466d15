/** Runs a JavaScript or TypeScript program in a fresh isolate of this runtime. */
import { JAVASCRIPT_EXECUTOR } from '../../build/executors';
import { createFrameWriter } from '../executor/frames';
import type { Program } from '../program';
import { convert } from './convert';

/** Has Node's APIs on by default and `process.chdir`. */
const COMPATIBILITY_DATE = '2026-11-01';

export interface JavascriptOptions {
  outputBytes: number;
  /** CPU milliseconds; only Cloudflare holds an isolate to them. */
  cpuMs?: number;
}

/** Answers with the run's frames (see executor/frames.ts). A program that cannot be parsed is its own failure: status 1. */
export async function runJavascript(
  loader: WorkerLoader,
  program: Program,
  { outputBytes, cpuMs }: JavascriptOptions,
): Promise<Response> {
  const converted = convert(program);
  if (!converted.ok) {
    const { readable, frames } = createFrameWriter(outputBytes);
    frames.stderr(`${converted.error}\n`);
    frames.exit(1);
    return new Response(readable);
  }
  const worker = loader.load({
    compatibilityDate: COMPATIBILITY_DATE,
    mainModule: 'executor.js',
    modules: { ...converted.modules, 'executor.js': JAVASCRIPT_EXECUTOR },
    env: {},
    globalOutbound: null,
    ...(cpuMs === undefined ? {} : { limits: { cpuMs } }),
  });
  return worker.getEntrypoint().fetch('http://sandbox/run', {
    method: 'POST',
    body: JSON.stringify({ entrypoint: program.entrypoint, files: program.files, outputBytes }),
  });
}
