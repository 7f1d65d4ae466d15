/** What a run took, as pairs of a name and a value for people. */
import type { Answer } from '../../api';

export function figures(answer: Answer): [string, string][] {
  const { metrics, usage, model, language } = answer;
  const ran = language !== 'web';
  const all: [string, string | null][] = [
    ['Total', time(metrics.totalMs)],
    ['Queue', metrics.queueMs > 0 ? time(metrics.queueMs) : null],
    ['Generation', model === null ? null : generation(answer)],
    ['Sandbox start', ran ? time(metrics.bootMs) + (metrics.spare ? ', started ahead' : '') : null],
    ['Run', ran ? time(metrics.executionMs) : null],
    ['Memory', metrics.peakMemoryBytes === null ? null : `${size(metrics.peakMemoryBytes)} at its peak`],
    ['Model', model],
    ['Tokens', usage && `${usage.inputTokens.toLocaleString('en')} in, ${usage.outputTokens.toLocaleString('en')} out`],
    ['Cost', usage && (usage.costUsd === null ? 'not known' : cost(usage.costUsd))],
    ['Sandbox', `${answer.sandbox}: ${answer.isolation}`],
  ];
  return all.filter((pair): pair is [string, string] => pair[1] !== null);
}

function generation({ metrics }: Answer): string {
  const more = [
    metrics.firstTokenMs === null ? '' : `first token after ${time(metrics.firstTokenMs)}`,
    metrics.tokensPerSecond === null ? '' : `${Math.round(metrics.tokensPerSecond)} tokens a second`,
  ];
  return [time(metrics.generationMs), ...more].filter(Boolean).join(', ');
}

function time(ms: number): string {
  return ms < 999.5 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 999_500 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

function cost(dollars: number): string {
  return dollars > 0 && dollars < 0.0001 ? 'less than $0.0001' : `$${dollars.toFixed(4)}`;
}
