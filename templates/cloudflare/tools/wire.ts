/**
 * JSON that came from a Worker → the values that src/api.ts promises. Strict about the type of what is known, blind to
 * what is new: an answer holds the fields named here and no others.
 */
import type { Answer, Events, Metrics } from '../src/api.ts';
import type { ErrorCode } from '../src/errors.ts';
import type { Language, ProgramFile, RefusedFile } from '../src/program.ts';
import type { SandboxName } from '../src/sandbox/index.ts';
import { ToolError } from './errors.ts';

/** What `GET /health` answers. */
export interface Health {
  status: string;
  /** The Worker's time, as ISO 8601. */
  timestamp: string;
  worker: string;
  version: string;
  /** Which deployment answered, as `cct deploy` named it. */
  deployment: string | null;
  model: string;
  languages: string[];
  sandboxes: string[];
}

export type WorkerEvent = {
  [Name in Exclude<keyof Events, 'error'>]: { name: Name; data: Events[Name] };
}[Exclude<keyof Events, 'error'>];

/** Gives the value back, or throws a ToolError that says where it is wrong. */
type Reader<T> = (value: unknown, where: string) => T;

export function invalid(what: string): ToolError {
  return new ToolError(
    'worker_invalid',
    `The Worker's answer could not be understood: ${what}.`,
    'Something else may answer at this URL, or the Worker is of another version: deploy it again.',
  );
}

const check =
  <T>(holds: (value: unknown) => boolean, kind: string): Reader<T> =>
  (value, where) => {
    if (!holds(value)) throw invalid(`${where} is not ${kind}`);
    return value as T;
  };

const isText = (value: unknown): boolean => typeof value === 'string';
const text: Reader<string> = check(isText, 'text');
const flag: Reader<boolean> = check((value) => typeof value === 'boolean', 'true or false');
const integer: Reader<number> = check(Number.isSafeInteger, 'a whole number');
const number: Reader<number> = check(
  (value) => Number.isFinite(value) && (value as number) >= 0,
  'a number that is not negative',
);
// A newer Worker may know more of these than this version.
const language: Reader<Language> = check(isText, 'text');
const sandbox: Reader<SandboxName> = check(isText, 'text');
const errorCode: Reader<ErrorCode> = check(
  (value) => isText(value) && /^[a-z][a-z0-9_]{0,63}$/.test(`${value}`),
  'a code',
);

const nullable =
  <T>(reader: Reader<T>): Reader<T | null> =>
  (value, where) =>
    value === null ? null : reader(value, where);

/** For a field that a Worker deployed before it was added does not send. */
const added =
  <T>(reader: Reader<T>, otherwise: T): Reader<T> =>
  (value, where) =>
    value === undefined ? otherwise : reader(value, where);

const list =
  <T>(reader: Reader<T>): Reader<T[]> =>
  (value, where) => {
    if (!Array.isArray(value)) throw invalid(`${where} is not a list`);
    return value.map((item, index) => reader(item, `${where}[${index}]`));
  };

const object =
  <T extends object>(fields: { [Name in keyof T]: Reader<T[Name]> }): Reader<T> =>
  (value, where) => {
    if (typeof value !== 'object' || value === null) throw invalid(`${where} is not an object`);
    const read = ([name, reader]: [string, unknown]) => [
      name,
      (reader as Reader<unknown>)((value as Record<string, unknown>)[name], `"${name}" of ${where}`),
    ];
    return Object.fromEntries(Object.entries(fields).map(read)) as T;
  };

const fileFields = object<Required<Omit<ProgramFile, 'encoding'>>>({ path: text, content: text });
const file: Reader<ProgramFile> = (value, where) => {
  const known = fileFields(value, where);
  const { encoding } = value as { encoding?: unknown };
  if (encoding === 'base64') return { ...known, encoding };
  if (encoding === undefined || encoding === 'utf8') return known;
  throw invalid(`"encoding" of ${where} is neither utf8 nor base64`);
};
const announced = object<{ path: string; bytes: number }>({ path: text, bytes: number });
const refusedFiles = list(object<RefusedFile>({ path: text, reason: text }));

const answer = object<Answer>({
  success: flag,
  question: nullable(text),
  code: text,
  output: text,
  error: text,
  errorCode: nullable(errorCode),
  exitCode: nullable(integer),
  language,
  files: list(file),
  refusedFiles,
  sandboxId: text,
  sandbox,
  isolation: text,
  model: nullable(text),
  attempts: number,
  executionTime: number,
  usage: nullable(object({ inputTokens: number, outputTokens: number, costUsd: nullable(number) })),
  metrics: object<Metrics>({
    queueMs: added(number, 0),
    firstTokenMs: added(nullable(number), null),
    generationMs: number,
    tokensPerSecond: added(nullable(number), null),
    bootMs: number,
    spare: added(flag, false),
    executionMs: number,
    totalMs: number,
    peakMemoryBytes: nullable(number),
    stdoutBytes: added(number, 0),
    stderrBytes: added(number, 0),
    fileBytes: added(number, 0),
  }),
  truncated: flag,
  outputLossy: flag,
  outputMayBeIncomplete: flag,
});

const EVENTS: { [Name in keyof Events]: Reader<Events[Name]> } = {
  started: object({
    sandboxId: text,
    sandbox,
    isolation: text,
    model: nullable(text),
    language: nullable(language),
    timeoutMs: number,
  }),
  generation: object({ path: text, delta: text }),
  boot: object({ ms: number, spare: flag, queueMs: added(number, 0) }),
  program: object({ language, entrypoint: text, files: list(announced), refusedFiles }),
  attempt: object({ number, of: number }),
  stdout: object({ text }),
  stderr: object({ text }),
  file: announced,
  result: answer,
  error: object<Events['error']>({
    success: check((value) => value === false, 'false'),
    error: text,
    errorCode,
    hint: text,
    retryable: flag,
  }),
};

const health = object<Health>({
  status: text,
  timestamp: text,
  worker: text,
  version: text,
  deployment: added(nullable(text), null),
  model: text,
  languages: list(text),
  sandboxes: list(text),
});

function parse<T>(json: string, where: string, reader: Reader<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw invalid(`${where} is not valid JSON`);
  }
  return reader(value, where);
}

export const parseHealth = (json: string): Health => parse(json, 'GET /health', health);

/** The error that a Worker's error object stands for. Throws for JSON that is no such object. */
export function parseError(json: string, where: string): ToolError {
  const body = parse(json, where, EVENTS.error);
  return new ToolError(body.errorCode, body.error, body.hint, body.retryable);
}

/** Null for an event that this version does not know. Throws the error that an `error` event carries. */
export function parseEvent(name: string, data: string): WorkerEvent | null {
  const where = `the event "${name}"`;
  if (name === 'error') throw parseError(data, where);
  if (!Object.hasOwn(EVENTS, name)) return null;
  const reader = EVENTS[name as keyof Events] as Reader<unknown>;
  return { name, data: parse(data, where, reader) } as WorkerEvent;
}
