/** The Worker's requests, answers and events: the one place where their shapes are written. */
import { z } from 'zod';

import type { ErrorBody, ErrorCode } from './errors';
import { LIMITS } from './limits';
import type { Language, ProgramFile, RefusedFile } from './program';
import type { Boot, SandboxName } from './sandbox';

export const LANGUAGES = ['python', 'javascript', 'typescript', 'web'] as const satisfies readonly Language[];
export const SANDBOXES = ['isolate', 'process', 'container'] as const satisfies readonly SandboxName[];

const text = (most: number) =>
  z
    .string()
    .max(most)
    .refine((value) => value.isWellFormed(), 'must be well-formed Unicode');

const question = text(LIMITS.questionCharacters).refine(
  (value) => /[^\s\0]/.test(value),
  'must say what the program should do',
);

const timeout = z.int().min(LIMITS.timeout.least).max(LIMITS.timeout.most).default(LIMITS.timeout.default);

export const ExecuteRequest = z.object({
  question,
  language: z.enum(LANGUAGES).optional(),
  maxTokens: z.int().min(LIMITS.maxTokens.least).max(LIMITS.maxTokens.most).default(LIMITS.maxTokens.default),
  timeout,
  system: text(LIMITS.systemCharacters).optional(),
  model: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._:@/-]{0,127}$/, 'must be the name of a model')
    .optional(),
  sandbox: z.enum(SANDBOXES).optional(),
});
export type ExecuteRequest = z.infer<typeof ExecuteRequest>;

export const ProgramFileSchema = z.object({
  path: z.string().min(1).max(1024),
  content: z.string(),
  encoding: z.enum(['utf8', 'base64']).optional(),
});

export const ProgramSchema = z.object({
  language: z.enum(LANGUAGES),
  entrypoint: z.string().min(1).max(1024),
  files: z.array(ProgramFileSchema).min(1).max(LIMITS.programFiles),
});

/** `POST /run` takes a program as it is, with how to run it beside it. */
export const RunRequest = ProgramSchema.extend({ timeout, sandbox: z.enum(SANDBOXES).optional() });
export type RunRequest = z.infer<typeof RunRequest>;

export interface Usage {
  inputTokens: number;
  outputTokens: number;
  /** US dollars; null for a model whose price is not known. */
  costUsd: number | null;
}

/**
 * Where time and bytes went. Times are milliseconds of the Worker's clock, which on Cloudflare stands still between two
 * operations of I/O; phases overlap, so they do not add up to the total.
 */
export interface Metrics {
  /** Waiting for a turn: at the gate, and for a sandbox while too many others run. */
  queueMs: number;
  /** From sending the request to Claude to the first sign of its reply; null when no model was asked. */
  firstTokenMs: number | null;
  /** From sending the request to Claude to its last token, calls that failed in passing included; 0 without a model. */
  generationMs: number;
  /** Tokens written in each second from the first one on; null without a model, or when the reply came all at once. */
  tokensPerSecond: number | null;
  /** How long the sandbox took to start, whether or not anybody waited for it. */
  bootMs: number;
  /** A sandbox that had been started ahead of need was waiting. */
  spare: boolean;
  /** From handing over the program to its end. */
  executionMs: number;
  /** From the arrival of the request to its answer. */
  totalMs: number;
  /** Resident memory of the sandbox at its largest, where it can be measured. */
  peakMemoryBytes: number | null;
  /** What the program printed, as far as it was kept. */
  stdoutBytes: number;
  stderrBytes: number;
  /** The size of all `files` together. */
  fileBytes: number;
}

/** The answer of `/execute` and `/run`, and the data of the `result` event. */
export interface Answer {
  success: boolean;
  question: string | null;
  /** The entrypoint's text. */
  code: string;
  /** The exact stdout. */
  output: string;
  /** For people: stderr, or a sentence; empty when there is nothing to say. */
  error: string;
  errorCode: ErrorCode | null;
  /** The program's own status; null when it did not end by itself, or there was nothing to run. */
  exitCode: number | null;
  language: Language;
  /** `/execute`: the program's files and those that it wrote; `/run`: those that it wrote. */
  files: ProgramFile[];
  refusedFiles: RefusedFile[];
  sandboxId: string;
  sandbox: SandboxName;
  isolation: string;
  model: string | null;
  attempts: number;
  executionTime: number;
  usage: Usage | null;
  metrics: Metrics;
  /** stdout and stderr were longer than the limit and end early, or files were left out. */
  truncated: boolean;
  /** Bytes that are not UTF-8 were replaced in `output` or `error`. */
  outputLossy: boolean;
  /** The program was stopped; what it printed just before may be missing. */
  outputMayBeIncomplete: boolean;
}

export interface Events {
  started: {
    sandboxId: string;
    sandbox: SandboxName;
    isolation: string;
    model: string | null;
    language: Language | null;
    timeoutMs: number;
  };
  generation: { path: string; delta: string };
  boot: Boot;
  program: {
    language: Language;
    entrypoint: string;
    files: { path: string; bytes: number }[];
    refusedFiles: RefusedFile[];
  };
  attempt: { number: number; of: number };
  stdout: { text: string };
  stderr: { text: string };
  file: { path: string; bytes: number };
  result: Answer;
  error: ErrorBody;
}

export type Emit = <Name extends keyof Events>(name: Name, data: Events[Name]) => void;
