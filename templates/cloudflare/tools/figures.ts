/** The figures of observed runs, and how they read as text. Pure: values in, values out. */
import type { Answer } from '../client.ts';
import { duration, grouped, money, size, verdict } from './display.ts';
import { plainLine } from './plain.ts';

/** When things happened, in milliseconds since the request was sent; null for what did not happen. */
export interface Timeline {
  started: number | null;
  firstToken: number | null;
  sandboxReady: number | null;
  program: number | null;
  firstOutput: number | null;
  result: number | null;
}

/** One run, as it was seen from here. */
export interface Observation {
  timeline: Timeline;
  /** A sandbox that had been started ahead of need was waiting. */
  spareSandbox: boolean;
  stdoutBytes: number;
  stderrBytes: number;
  answer: Answer;
}

/** Milliseconds. */
export interface Summary {
  min: number;
  median: number;
  /** The smallest value that at least 95 % of the values do not exceed. */
  p95: number;
  max: number;
}

export function summarise(values: readonly number[]): Summary {
  const sorted = [...values].sort((left, right) => left - right);
  const at = (index: number): number => sorted[index]!;
  const middle = sorted.length >> 1;
  return {
    min: at(0),
    median: sorted.length % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2,
    p95: at(Math.ceil(sorted.length * 0.95) - 1),
    max: at(sorted.length - 1),
  };
}

const PHASES = { generationMs: 'Generation', bootMs: 'Sandbox', executionMs: 'Run', totalMs: 'Total' } as const;
type Phase = keyof typeof PHASES;

/** Of each phase over all runs; null where one run says it all. */
export function summariseRuns(runs: readonly Observation[]): Record<Phase, Summary> | null {
  if (runs.length < 2) return null;
  const of = (phase: Phase): Summary => summarise(runs.map(({ answer }) => answer.metrics[phase]));
  return {
    generationMs: of('generationMs'),
    bootMs: of('bootMs'),
    executionMs: of('executionMs'),
    totalMs: of('totalMs'),
  };
}

/** The figures of one run as the JSON report has them. */
export function figuresOf({ answer, ...seen }: Observation) {
  return {
    success: answer.success,
    errorCode: answer.errorCode,
    exitCode: answer.exitCode,
    language: answer.language,
    model: answer.model,
    sandbox: answer.sandbox,
    isolation: answer.isolation,
    sandboxId: answer.sandboxId,
    ...seen,
    metrics: answer.metrics,
    usage: answer.usage,
    tokensPerSecond: tokensPerSecond(answer),
    files: answer.files.length,
    fileBytes: fileBytes(answer),
    refusedFiles: answer.refusedFiles,
    truncated: answer.truncated,
    outputLossy: answer.outputLossy,
    outputMayBeIncomplete: answer.outputMayBeIncomplete,
  };
}

/** The lines of one run, without its heading. */
export function describeRun(run: Observation): string {
  const { answer, timeline } = run;
  const { metrics, usage } = answer;
  const first = timeline.firstToken === null ? '' : `first text after ${duration(timeline.firstToken)}`;
  const speed = tokensPerSecond(answer);
  const details = [first, speed === null ? '' : `${speed.toFixed(0)} tokens/s`].filter(Boolean).join(', ');
  const facts: [string, string][] = [
    ['Result', `${answer.success ? '✓' : '✗'} ${verdict(answer, answer.refusedFiles.length)}`],
    ['Generation', duration(metrics.generationMs) + (details && ` (${details})`)],
  ];
  if (answer.language !== 'web') {
    facts.push(['Sandbox', duration(metrics.bootMs) + (run.spareSandbox ? ' (was waiting)' : '')]);
    facts.push(['Run', duration(metrics.executionMs)]);
  }
  facts.push(['Total', duration(metrics.totalMs)]);
  if (usage) {
    facts.push(['Tokens', `${grouped(usage.inputTokens)} in, ${grouped(usage.outputTokens)} out`]);
    facts.push(['Cost', usage.costUsd === null ? 'price not known' : money(usage.costUsd)]);
  }
  const files = `${answer.files.length} ${answer.files.length === 1 ? 'file' : 'files'} with ${size(fileBytes(answer))}`;
  facts.push(['Output', `${size(run.stdoutBytes)} on stdout, ${size(run.stderrBytes)} on stderr, ${files}`]);
  const peak = metrics.peakMemoryBytes;
  facts.push(['Memory', peak === null ? 'not measured by this sandbox' : `${size(peak)} at its peak`]);
  facts.push(['Where', `${answer.language} in ${answer.sandbox}: ${answer.isolation}`]);
  return factLines(facts);
}

/** A table of the phases over all runs, and what they cost together. */
export function describeSummary(summary: Record<Phase, Summary>, runs: readonly Observation[]): string {
  const columns = ['min', 'median', 'p95', 'max'] as const;
  const row = (label: string, cells: readonly string[]): string =>
    `  ${label.padEnd(12)}${cells.map((cell) => cell.padStart(10)).join('')}\n`;
  const succeeded = runs.filter(({ answer }) => answer.success).length;
  const costs = runs.map(({ answer }) => answer.usage?.costUsd ?? null).filter((cost) => cost !== null);
  return [
    row(`${runs.length} runs`, columns),
    ...Object.entries(PHASES).map(([phase, label]) =>
      row(
        label,
        columns.map((column) => duration(summary[phase as Phase][column])),
      ),
    ),
    factLines([
      ['Succeeded', `${succeeded} of ${runs.length}`],
      ['Cost', costs.length < runs.length ? 'price not known' : money(costs.reduce((sum, cost) => sum + cost, 0))],
    ]),
  ].join('');
}

export function factLines(facts: readonly (readonly [string, string])[]): string {
  return facts.map(([label, text]) => `  ${label.padEnd(12)}${plainLine(text)}\n`).join('');
}

function tokensPerSecond({ usage, metrics }: Answer): number | null {
  return usage && metrics.generationMs > 0 ? (usage.outputTokens * 1000) / metrics.generationMs : null;
}

function fileBytes({ files }: Answer): number {
  return files.reduce((sum, { content, encoding }) => sum + Buffer.byteLength(content, encoding ?? 'utf8'), 0);
}
