/** Runs a JavaScript or TypeScript program in a fresh isolate of this runtime. */
import { JAVASCRIPT_EXECUTOR } from '../../build/executors';
import type { Program } from '../program';
import { convert, withoutBroken, type ConvertedModules } from './convert';

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
  options: JavascriptOptions,
): Promise<Response> {
  let modules = convert(program);
  for (;;) {
    try {
      return await runModules(loader, modules, program, options);
    } catch (error) {
      // V8 refused a file when the isolate was loaded, before anything ran: each time at least one file fewer.
      const rest = withoutBroken(modules, error);
      if (!rest) throw error;
      modules = rest;
    }
  }
}

function runModules(
  loader: WorkerLoader,
  modules: ConvertedModules,
  { entrypoint, files }: Program,
  { outputBytes, cpuMs }: JavascriptOptions,
): Promise<Response> {
  const worker = loader.load({
    compatibilityDate: COMPATIBILITY_DATE,
    mainModule: 'executor.js',
    modules: { ...modules, 'executor.js': JAVASCRIPT_EXECUTOR },
    env: {},
    globalOutbound: null,
    ...(cpuMs === undefined ? {} : { limits: { cpuMs } }),
  });
  return worker.getEntrypoint().fetch('http://sandbox/run', {
    method: 'POST',
    body: JSON.stringify({ entrypoint, files, outputBytes }),
  });
}
