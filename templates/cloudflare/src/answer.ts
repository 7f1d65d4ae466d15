/** Puts together the one answer of a run, from everything that is known at its end. */
import type { Answer, Usage } from './api';
import type { ErrorCode } from './errors';
import type { GenerationTimes } from './generate';
import { measure } from './metrics';
import type { Outcome } from './observe';
import { fileBytes, type Program, type RefusedFile } from './program';
import type { Boot, Ending, Limits, Sandbox } from './sandbox';

/** What is known before anything happens. */
export interface Run {
  id: string;
  /** When the request arrived. */
  start: number;
  /** How long it waited at the gate. */
  gateMs: number;
  sandbox: Sandbox;
  limits: Limits;
}

/** Where the program came from; for one that the caller brought, everything is null. */
export interface Origin {
  question: string | null;
  model: string | null;
  usage: Usage | null;
  times: GenerationTimes | null;
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
  boot: Boot | null,
): Answer {
  const { question, model, usage } = origin;
  const { stdout, stderr, ending, truncated } = outcome;
  const { errorCode, sentence } = judge(ending, run.limits);
  const stopped = ending !== null && ending.kind !== 'exited';
  const generated = question === null ? [] : program.files;
  const written = new Set(outcome.files.map(({ path }) => path));
  const files = [...generated.filter(({ path }) => !written.has(path)), ...outcome.files];
  return {
    success: errorCode === null,
    question,
    code: entrypointText(program),
    output: stdout.text,
    error: stopped && stderr.text ? `${sentence}\n${stderr.text}` : stderr.text || sentence,
    errorCode,
    exitCode: ending?.kind === 'exited' ? ending.code : null,
    language: program.language,
    files,
    refusedFiles,
    sandboxId: run.id,
    sandbox: run.sandbox.name,
    isolation: run.sandbox.isolation,
    model,
    attempts: 1,
    executionTime: outcome.executionMs,
    usage,
    metrics: measure(run, origin, outcome, boot, files),
    truncated,
    outputLossy: stdout.lossy || stderr.lossy,
    outputMayBeIncomplete: stopped,
  };
}

function entrypointText({ entrypoint, files }: Program): string {
  const file = files.find(({ path }) => path === entrypoint)!;
  return new TextDecoder().decode(fileBytes(file));
}
