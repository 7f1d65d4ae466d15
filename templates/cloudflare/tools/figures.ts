/**
 * The figures of observed runs, and how they read as text. Pure: values in, values out. `cct monitor` reports the same.
 */
import type { Answer } from '../client.ts';
import type { Metrics } from '../src/api.ts';
import { duration, grouped, money, size, verdict } from './display.ts';
import { plainLine } from './plain.ts';

/** When things happened, in milliseconds since the request was sent; null for what did not happen. */
export interface Timeline {
  started: number | null;
  firstText: number | null;
  sandboxReady: number | null;
  program: number | null;
  firstOutput: number | null;
  result: number | null;
}

/** One run, as it was seen from here. */
export interface Observation {
  timeline: Timeline;
  answer: Answer;
}

/** In the unit of the values. */
export interface Summary {
  count: number;
  min: number;
  median: number;
  /** The smallest value that at least 95 % of the values do not exceed. */
  p95: number;
  max: number;
}

/** Null of no values. */
export function summarise(values: readonly number[]): Summary | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((left, right) => left - right);
  const at = (index: number): number => sorted[index]!;
  const middle = sorted.length >> 1;
  return {
    count: sorted.length,
    min: at(0),
    median: sorted.length % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2,
    p95: at(Math.ceil(sorted.length * 0.95) - 1),
    max: at(sorted.length - 1),
  };
}

/** What is summed up over several runs. */
const MEASURED = [
  'queueMs',
  'firstTokenMs',
  'generationMs',
  'tokensPerSecond',
  'bootMs',
  'executionMs',
  'totalMs',
  'peakMemoryBytes',
] as const satisfies readonly (keyof Metrics)[];
type Measured = (typeof MEASURED)[number];

export interface Totals {
  runs: number;
  succeeded: number;
  /** The cost is null when that of one run is not known. */
  usage: { inputTokens: number; outputTokens: number; costUsd: number | null };
  metrics: Record<Measured, Summary | null>;
}

/** Of all runs together. */
export function totalsOf(runs: readonly Observation[]): Totals {
  const answers = runs.map(({ answer }) => answer);
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const costs = answers.map(({ usage }) => usage?.costUsd ?? null);
  const known = costs.filter((cost) => cost !== null);
  const of = (name: Measured): Summary | null =>
    summarise(answers.map(({ metrics }) => metrics[name]).filter((value) => value !== null));
  return {
    runs: runs.length,
    succeeded: answers.filter(({ success }) => success).length,
    usage: {
      inputTokens: sum(answers.map(({ usage }) => usage?.inputTokens ?? 0)),
      outputTokens: sum(answers.map(({ usage }) => usage?.outputTokens ?? 0)),
      costUsd: known.length === costs.length ? sum(known) : null,
    },
    metrics: Object.fromEntries(MEASURED.map((name) => [name, of(name)])) as Totals['metrics'],
  };
}

/** The figures of one run as the JSON report has them. */
export function figuresOf({ answer, timeline }: Observation) {
  return {
    success: answer.success,
    errorCode: answer.errorCode,
    exitCode: answer.exitCode,
    language: answer.language,
    model: answer.model,
    sandbox: answer.sandbox,
    isolation: answer.isolation,
    sandboxId: answer.sandboxId,
    metrics: answer.metrics,
    usage: answer.usage,
    refusedFiles: answer.refusedFiles,
    truncated: answer.truncated,
    outputLossy: answer.outputLossy,
    outputMayBeIncomplete: answer.outputMayBeIncomplete,
    files: answer.files.length,
    timeline,
  };
}

/** The lines of one run, without its heading. */
export function describeRun({ answer }: Observation): string {
  const { metrics, usage } = answer;
  const first = metrics.firstTokenMs === null ? '' : `first token after ${duration(metrics.firstTokenMs)}`;
  const speed = metrics.tokensPerSecond === null ? '' : perSecond(metrics.tokensPerSecond);
  const details = [first, speed].filter(Boolean).join(', ');
  const facts: [string, string][] = [
    ['Result', `${answer.success ? '✓' : '✗'} ${verdict(answer, answer.refusedFiles.length)}`],
    ['Queue', duration(metrics.queueMs)],
    ['Generation', duration(metrics.generationMs) + (details && ` (${details})`)],
  ];
  if (answer.language !== 'web') {
    facts.push(['Sandbox', duration(metrics.bootMs) + (metrics.spare ? ' (was waiting)' : '')]);
    facts.push(['Run', duration(metrics.executionMs)]);
  }
  facts.push(['Total', duration(metrics.totalMs)]);
  if (usage) {
    facts.push(['Tokens', `${grouped(usage.inputTokens)} in, ${grouped(usage.outputTokens)} out`]);
    facts.push(['Cost', cost(usage.costUsd)]);
  }
  const files = `${answer.files.length} ${answer.files.length === 1 ? 'file' : 'files'} with ${size(metrics.fileBytes)}`;
  facts.push(['Output', `${size(metrics.stdoutBytes)} on stdout, ${size(metrics.stderrBytes)} on stderr, ${files}`]);
  facts.push(['Model', answer.model ?? '']);
  if (answer.language === 'web') {
    facts.push(['Where', 'a page: it runs in a browser, so no sandbox was used']);
  } else {
    const peak = metrics.peakMemoryBytes;
    facts.push(['Memory', peak === null ? 'not measured by this sandbox' : `${size(peak)} at its peak`]);
    facts.push(['Where', `${answer.language} in ${answer.sandbox}: ${answer.isolation}`]);
  }
  return factLines(facts);
}

const ROWS: readonly (readonly [string, Measured, (value: number) => string])[] = [
  ['Queue', 'queueMs', duration],
  ['First token', 'firstTokenMs', duration],
  ['Generation', 'generationMs', duration],
  ['Sandbox', 'bootMs', duration],
  ['Run', 'executionMs', duration],
  ['Total', 'totalMs', duration],
  ['Tokens/s', 'tokensPerSecond', (value) => grouped(Math.round(value))],
  ['Memory', 'peakMemoryBytes', (value) => size(Math.round(value))],
];

/** A table of the phases over all runs, and what they cost together. */
export function describeTotals({ runs, succeeded, usage, metrics }: Totals): string {
  const columns = ['min', 'median', 'p95', 'max'] as const;
  const row = (label: string, cells: readonly string[]): string =>
    `  ${label.padEnd(12)}${cells.map((cell) => cell.padStart(10)).join('')}\n`;
  return [
    row(`${runs} runs`, columns),
    ...ROWS.map(([label, name, shown]) => {
      const of = metrics[name];
      return of
        ? row(
            label,
            columns.map((column) => shown(of[column])),
          )
        : '';
    }),
    factLines([
      ['Succeeded', `${succeeded} of ${runs}`],
      ['Tokens', `${grouped(usage.inputTokens)} in, ${grouped(usage.outputTokens)} out`],
      ['Cost', cost(usage.costUsd)],
    ]),
  ].join('');
}

export function factLines(facts: readonly (readonly [string, string])[]): string {
  return facts.map(([label, text]) => `  ${label.padEnd(12)}${plainLine(text)}\n`).join('');
}

function perSecond(tokens: number): string {
  return `${grouped(Math.round(tokens))} tokens/s`;
}

function cost(usd: number | null): string {
  return usd === null ? 'price not known' : money(usd);
}
