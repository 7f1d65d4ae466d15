/** The journey of one request: a question becomes a program, the program runs, and everything on the way is told. */
import type { Answer, Emit, ExecuteRequest, RunRequest, Usage } from './api';
import type { Env } from './env';
import { ApiError, type ErrorCode } from './errors';
import { generate } from './generate';
import { LIMITS } from './limits';
import { costUsd, resolveModel } from './models';
import { unsafePath } from './paths';
import { fileBytes, fileFromBytes, type Program, type ProgramFile, type RefusedFile } from './program';
import type { Boot, Ending, Limits, RunnableLanguage, Sandbox, Session } from './sandbox';
import { selectSandbox } from './sandbox/select';

export interface Context {
  env: Env;
  /** Aborted when the client has gone: generation and sandbox stop. */
  signal: AbortSignal;
  emit: Emit;
}

/** What is known before anything happens. */
interface Run {
  id: string;
  start: number;
  sandbox: Sandbox;
  limits: Limits;
}

function begin(request: ExecuteRequest | RunRequest, env: Env): Run {
  return {
    id: crypto.randomUUID(),
    start: Date.now(),
    sandbox: selectSandbox(env, request.sandbox),
    limits: { timeoutMs: request.timeout, memoryBytes: LIMITS.memory, outputBytes: LIMITS.output },
  };
}

/** `POST /execute`. Throws ApiError when no program could be had or run. */
export async function execute(request: ExecuteRequest, context: Context): Promise<Answer> {
  const { env, signal, emit } = context;
  const run = begin(request, env);
  const model = resolveModel(request.model ?? env.DEFAULT_MODEL);
  announce(run, emit, model, request.language ?? null);

  const slot = new SessionSlot(run, context);
  try {
    // JavaScript starts in milliseconds, so it is started before Claude has chosen; Python as soon as it is named.
    slot.open(request.language ?? 'javascript');
    const generation = generate(env, { ...request, model }, signal);
    let written: { program: Program; usage: Usage } | undefined;
    for await (const event of generation) {
      if (event.type === 'language') slot.open(event.language);
      else if (event.type === 'delta') emit('generation', { path: event.path, delta: event.delta });
      else {
        const { inputTokens, outputTokens } = event.usage;
        written = {
          program: event.program,
          usage: { inputTokens, outputTokens, costUsd: costUsd(model, inputTokens, outputTokens) },
        };
      }
    }
    if (!written) throw new ApiError('model_empty', 'Claude answered without a program.');
    const generationMs = Date.now() - run.start;
    const { program, refusedFiles } = withoutUnsafeFiles(written.program);
    return await complete(run, slot, program, refusedFiles, context, {
      question: request.question,
      model,
      usage: written.usage,
      generationMs,
    });
  } finally {
    slot.close();
  }
}

/** `POST /run`: a program that the caller brings; one bad path refuses all of it. */
export async function runProgram(request: RunRequest, context: Context): Promise<Answer> {
  const { language, entrypoint, files } = request;
  const program: Program = { language, entrypoint, files: files as ProgramFile[] };
  for (const path of [entrypoint, ...files.map((file) => file.path)]) {
    const reason = unsafePath(path);
    if (reason !== null) throw new ApiError('unsafe_path', `The path ${JSON.stringify(path)} ${reason}.`);
  }
  checkProgram(program);
  const run = begin(request, context.env);
  announce(run, context.emit, null, language);
  const slot = new SessionSlot(run, context);
  try {
    slot.open(language);
    return await complete(run, slot, program, [], context, {
      question: null,
      model: null,
      usage: null,
      generationMs: 0,
    });
  } finally {
    slot.close();
  }
}

function announce(run: Run, emit: Emit, model: string | null, language: Program['language'] | null): void {
  emit('started', {
    sandboxId: run.id,
    sandbox: run.sandbox.name,
    isolation: run.sandbox.isolation,
    model,
    language,
    timeoutMs: run.limits.timeoutMs,
  });
}

/** Holds the one sandbox of a run, and changes it when another language turns out to be wanted. */
class SessionSlot {
  session: Session | undefined;
  private kind: 'python' | 'javascript' | undefined;

  constructor(
    private readonly run: Run,
    private readonly context: Context,
  ) {
    context.signal.addEventListener('abort', () => this.close());
  }

  open(language: Program['language']): void {
    if (language === 'web') return this.close();
    const kind = language === 'python' ? 'python' : 'javascript';
    if (this.kind === kind || this.context.signal.aborted) return;
    this.close();
    const session = this.run.sandbox.open(language as RunnableLanguage, this.run.limits);
    this.session = session;
    this.kind = kind;
    // One that nobody waits for any more says nothing.
    const tell = (boot: Boot) => this.session === session && this.context.emit('boot', boot);
    session.ready.then(tell, () => undefined);
  }

  close(): void {
    this.session?.close();
    this.session = undefined;
    this.kind = undefined;
  }
}

/** Claude may name files that must not be written anywhere; they are left out and listed, the rest goes on. */
function withoutUnsafeFiles(program: Program): { program: Program; refusedFiles: RefusedFile[] } {
  const entrypointReason = unsafePath(program.entrypoint);
  if (entrypointReason !== null) {
    throw new ApiError('unsafe_path', `The program's entrypoint ${entrypointReason}, so nothing ran.`);
  }
  const refusedFiles: RefusedFile[] = [];
  const files = program.files.filter(({ path }) => {
    const reason = unsafePath(path);
    if (reason !== null) refusedFiles.push({ path, reason });
    return reason === null;
  });
  const kept = { ...program, files };
  try {
    checkProgram(kept);
  } catch (error) {
    throw new ApiError('model_invalid', (error as ApiError).message);
  }
  return { program: kept, refusedFiles };
}

/** What no sandbox could lay out on a disk: two files of one name, a file where a folder is, a missing entrypoint. */
function checkProgram({ entrypoint, files }: Program): void {
  const fold = (path: string) => path.normalize('NFKC').toLowerCase();
  const taken = new Set<string>();
  for (const { path, content, encoding } of files) {
    if (taken.has(fold(path))) throw new ApiError('invalid_request', `Two files are named ${JSON.stringify(path)}.`);
    taken.add(fold(path));
    if (encoding === 'base64' && !isBase64(content)) {
      throw new ApiError('invalid_request', `The content of ${JSON.stringify(path)} is not base64.`);
    }
  }
  for (const { path } of files) {
    for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
      if (taken.has(fold(path.slice(0, at)))) {
        throw new ApiError('invalid_request', `${JSON.stringify(path)} needs a folder where a file is.`);
      }
    }
  }
  if (!files.some(({ path }) => path === entrypoint)) {
    throw new ApiError('invalid_request', `The entrypoint ${JSON.stringify(entrypoint)} is not among the files.`);
  }
}

function isBase64(content: string): boolean {
  try {
    Uint8Array.fromBase64(content);
    return true;
  } catch {
    return false;
  }
}

interface Origin {
  question: string | null;
  model: string | null;
  usage: Usage | null;
  generationMs: number;
}

async function complete(
  run: Run,
  slot: SessionSlot,
  program: Program,
  refusedFiles: RefusedFile[],
  { emit, signal }: Context,
  origin: Origin,
): Promise<Answer> {
  const { language, entrypoint, files } = program;
  slot.open(language);
  if (slot.session) {
    const { session } = slot;
    const boot = await session.ready;
    emit('program', {
      language,
      entrypoint,
      files: files.map((file) => ({ path: file.path, bytes: fileBytes(file).byteLength })),
      refusedFiles,
    });
    emit('attempt', { number: 1, of: 1 });
    const outcome = await observe(session, program, emit);
    for (const { path, reason } of outcome.refusedFiles) refusedFiles.push({ path, reason });
    return answer(run, program, refusedFiles, origin, outcome, boot.ms);
  }
  if (signal.aborted) throw new ApiError('internal', 'The client has gone.');
  emit('program', {
    language,
    entrypoint,
    files: files.map((file) => ({ path: file.path, bytes: fileBytes(file).byteLength })),
    refusedFiles,
  });
  return answer(run, program, refusedFiles, origin, NOTHING_TO_RUN, 0);
}

interface Outcome {
  stdout: Uint8Array;
  stderr: Uint8Array;
  files: ProgramFile[];
  refusedFiles: RefusedFile[];
  ending: Ending | null;
  truncated: boolean;
  peakMemoryBytes: number | null;
  executionMs: number;
}

const NOTHING_TO_RUN: Outcome = {
  stdout: new Uint8Array(0),
  stderr: new Uint8Array(0),
  files: [],
  refusedFiles: [],
  ending: null,
  truncated: false,
  peakMemoryBytes: null,
  executionMs: 0,
};

async function observe(session: Session, program: Program, emit: Emit): Promise<Outcome> {
  const start = Date.now();
  const out = new OutputReader('stdout', emit);
  const err = new OutputReader('stderr', emit);
  const files = new Map<string, ProgramFile>();
  const refusedFiles: RefusedFile[] = [];
  for await (const event of session.run(program)) {
    if (event.type === 'stdout') out.take(event.bytes);
    else if (event.type === 'stderr') err.take(event.bytes);
    else if (event.type === 'file') {
      const reason = unsafePath(event.path);
      if (reason !== null) refusedFiles.push({ path: event.path, reason });
      else {
        files.set(event.path, fileFromBytes(event.path, event.bytes));
        emit('file', { path: event.path, bytes: event.bytes.byteLength });
      }
    } else {
      return {
        stdout: out.end(),
        stderr: err.end(),
        files: [...files.values()],
        refusedFiles,
        ending: event.ending,
        truncated: event.truncated,
        peakMemoryBytes: event.peakMemoryBytes,
        executionMs: Date.now() - start,
      };
    }
  }
  throw new ApiError('internal', 'The sandbox ended without saying how.');
}

/** Tells output as text as it comes, never cutting a character in two, and keeps the exact bytes. */
class OutputReader {
  private readonly decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  private readonly chunks: Uint8Array[] = [];

  constructor(
    private readonly name: 'stdout' | 'stderr',
    private readonly emit: Emit,
  ) {}

  take(bytes: Uint8Array): void {
    this.chunks.push(bytes);
    this.tell(this.decoder.decode(bytes, { stream: true }));
  }

  end(): Uint8Array {
    this.tell(this.decoder.decode());
    const whole = new Uint8Array(this.chunks.reduce((size, chunk) => size + chunk.byteLength, 0));
    let at = 0;
    for (const chunk of this.chunks) {
      whole.set(chunk, at);
      at += chunk.byteLength;
    }
    return whole;
  }

  private tell(text: string): void {
    if (text !== '') this.emit(this.name, { text });
  }
}

/** Decodes what may not be UTF-8; `lossy` says that something had to be replaced. */
function decode(bytes: Uint8Array): { text: string; lossy: boolean } {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return { text, lossy: false };
  } catch {
    return { text, lossy: true };
  }
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

function answer(
  run: Run,
  program: Program,
  refusedFiles: RefusedFile[],
  origin: Origin,
  outcome: Outcome,
  bootMs: number,
): Answer {
  const { question, model, usage, generationMs } = origin;
  const { ending, truncated, peakMemoryBytes, executionMs } = outcome;
  const { errorCode, sentence } = judge(ending, run.limits);
  const stdout = decode(outcome.stdout);
  const stderr = decode(outcome.stderr);
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
