/** What a request cost in time and bytes, as fields of the answer and as its `Server-Timing` header. */
import type { MiddlewareHandler } from 'hono';

import type { Origin, Run } from './answer';
import type { Metrics } from './api';
import type { Outcome } from './observe';
import { fileBytes, type ProgramFile } from './program';
import type { Boot } from './sandbox';

/** A reply that was written within less came at once, through something that held it back: that is nobody's speed. */
const SHORTEST_WRITING_MS = 20;

/** The metrics of a run that ends now. */
export function measure(
  run: Run,
  { times, usage }: Origin,
  outcome: Outcome,
  boot: Boot | null,
  files: readonly ProgramFile[],
): Metrics {
  const writingMs = times ? times.generationMs - times.firstTokenMs : 0;
  return {
    queueMs: run.gateMs + (boot?.queueMs ?? 0),
    firstTokenMs: times?.firstTokenMs ?? null,
    generationMs: times?.generationMs ?? 0,
    tokensPerSecond:
      usage && writingMs >= SHORTEST_WRITING_MS ? Math.round((usage.outputTokens * 10_000) / writingMs) / 10 : null,
    bootMs: boot?.ms ?? 0,
    spare: boot?.spare ?? false,
    executionMs: outcome.executionMs,
    totalMs: Date.now() - run.start,
    peakMemoryBytes: outcome.peakMemoryBytes,
    stdoutBytes: outcome.stdout.bytes,
    stderrBytes: outcome.stderr.bytes,
    fileBytes: files.reduce((sum, file) => sum + fileBytes(file).byteLength, 0),
  };
}

/** The value of a `Server-Timing` header; a phase that there was not is left out. */
export function serverTiming(metrics: Metrics): string {
  const asked = metrics.firstTokenMs !== null;
  return [
    `queue;dur=${metrics.queueMs}`,
    ...(asked ? [`ttft;dur=${metrics.firstTokenMs}`, `generation;dur=${metrics.generationMs}`] : []),
    `boot;dur=${metrics.bootMs}${metrics.spare ? ';desc="spare"' : ''}`,
    `execution;dur=${metrics.executionMs}`,
    `total;dur=${metrics.totalMs}`,
  ].join(', ');
}

/**
 * Every answer tells how long it took, unless it has told more already. On Cloudflare that is 0 for one that needed no
 * I/O: the clock stands still meanwhile.
 */
export const timed: MiddlewareHandler = async (context, next) => {
  const start = Date.now();
  await next();
  const { headers } = context.res;
  if (!headers.has('Server-Timing')) headers.set('Server-Timing', `total;dur=${Date.now() - start}`);
};
