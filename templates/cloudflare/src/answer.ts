/** Puts together the one answer of a run, from everything that is known at its end. */
import type { Answer, Usage } from './api';
import type { ErrorCode } from './errors';
import type { Outcome } from './observe';
import { fileBytes, type Program, type RefusedFile } from './program';
import type { Ending, Limits, Sandbox } from './sandbox';

/** What is known before anything happens. */
export interface Run {
  id: string;
  start: number;
  sandbox: Sandbox;
  limits: Limits;
}

/** Where the program came from; for one that the caller brought, everything is null. */
export interface Origin {
  question: string | null;
  model: string | null;
  usage: Usage | null;
  generationMs: number;
}

/** The machine's word and a sentence for how the program ended; the sentence stands where stderr says nothing. */
function judge(ending: Ending | null, limits: Limits): { errorCode: ErrorCode | null; sentence: string } {
  switch (ending?.kind) {
    case undefined:
      return { errorCode: null, sentence: '' };
    case 'exited':
      return ending.code === 0
        ? { errorCode: null, sentence: '' }
        : { errorCode: 'program_failed', sentence: `The program ended with status ${ending.code}.` };
    case 'timeout':
      return {
        errorCode: 'sandbox_timeout',
        sentence: `The program was stopped after ${limits.timeoutMs / 1000} s, its time limit.`,
      };
    case 'memory':
      return {
        errorCode: 'sandbox_oom',
        sentence: `The program was stopped because it used more memory than its limit.`,
      };
    case 'crashed':
      return { errorCode: 'sandbox_crashed', sentence: `The sandbox ended unexpectedly: ${ending.detail}.` };
  }
}

export function answer(
  run: Run,
  program: Program,
  refusedFiles: RefusedFile[],
  origin: Origin,
  outcome: Outcome,
  bootMs: number,
): Answer {
  const { question, model, usage, generationMs } = origin;
  const { stdout, stderr, ending, truncated, peakMemoryBytes, executionMs } = outcome;
  const { errorCode, sentence } = judge(ending, run.limits);
  const stopped = ending !== null && ending.kind !== 'exited';
  const totalMs = Date.now() - run.start;
  const generated = question === null ? [] : program.files;
  const written = new Set(outcome.files.map(({ path }) => path));
  return {
    success: errorCode === null,
    question,
    code: entrypointText(program),
    output: stdout.text,
    error: stopped && stderr.text ? `${sentence}\n${stderr.text}` : stderr.text || sentence,
    errorCode,
    exitCode: ending?.kind === 'exited' ? ending.code : null,
    language: program.language,
    files: [...generated.filter(({ path }) => !written.has(path)), ...outcome.files],
    refusedFiles,
    sandboxId: run.id,
    sandbox: run.sandbox.name,
    isolation: run.sandbox.isolation,
    model,
    attempts: 1,
    executionTime: executionMs,
    usage,
    metrics: { generationMs, bootMs, executionMs, totalMs, peakMemoryBytes },
    truncated,
    outputLossy: stdout.lossy || stderr.lossy,
    outputMayBeIncomplete: stopped,
  };
}

function entrypointText({ entrypoint, files }: Program): string {
  const file = files.find(({ path }) => path === entrypoint)!;
  return new TextDecoder().decode(fileBytes(file));
}
