/** The journey of one request: a question becomes a program, the program runs, and everything on the way is told. */
import { answer, type Origin, type Run } from './answer';
import type { Answer, Emit, ExecuteRequest, RunRequest, Usage } from './api';
import { checkGivenProgram, withoutUnsafeFiles } from './check';
import type { Env } from './env';
import { ApiError } from './errors';
import { generate, type GenerationTimes } from './generate';
import { LIMITS } from './limits';
import { costUsd, resolveModel } from './models';
import { NOTHING_TO_RUN, observe } from './observe';
import { fileBytes, type Program, type ProgramFile, type RefusedFile } from './program';
import type { Boot, RunnableLanguage, Session } from './sandbox';
import { selectSandbox } from './sandbox/select';

export interface Context {
  env: Env;
  /** Aborted when the client has gone: generation and sandbox stop. */
  signal: AbortSignal;
  emit: Emit;
  /** When the request arrived, by `Date.now()`. */
  start: number;
  /** How long it then waited at the gate. */
  gateMs: number;
}

function begin(request: ExecuteRequest | RunRequest, { env, start, gateMs }: Context): Run {
  return {
    id: crypto.randomUUID(),
    start,
    gateMs,
    sandbox: selectSandbox(env, request.sandbox),
    limits: { timeoutMs: request.timeout, memoryBytes: LIMITS.memory, outputBytes: LIMITS.output },
  };
}

/** `POST /execute`. Throws ApiError when no program could be had or run. */
export async function execute(request: ExecuteRequest, context: Context): Promise<Answer> {
  const { env, signal, emit } = context;
  const run = begin(request, context);
  const model = resolveModel(request.model ?? env.DEFAULT_MODEL);
  announce(run, emit, model, request.language ?? null);

  const slot = new SessionSlot(run, context);
  try {
    if (request.language) slot.open(request.language);
    else slot.guess('javascript');
    const generation = generate(env, { ...request, model }, AbortSignal.any([signal, slot.failed]));
    let written: { program: Program; usage: Usage; times: GenerationTimes } | undefined;
    for await (const event of generation) {
      if (event.type === 'language') slot.open(event.language);
      else if (event.type === 'delta') emit('generation', { path: event.path, delta: event.delta });
      else {
        const { firstTokenMs, generationMs } = event;
        const { inputTokens, outputTokens } = event.usage;
        written = {
          program: event.program,
          usage: { inputTokens, outputTokens, costUsd: costUsd(model, inputTokens, outputTokens) },
          times: { firstTokenMs, generationMs },
        };
      }
    }
    if (!written) throw new ApiError('model_empty', 'Claude answered without a program.');
    const { program, refusedFiles } = withoutUnsafeFiles(written.program);
    return await complete(run, slot, program, refusedFiles, context, {
      question: request.question,
      model,
      usage: written.usage,
      times: written.times,
    });
  } finally {
    slot.close();
  }
}

/** `POST /run`: a program that the caller brings; one bad path refuses all of it. */
export async function runProgram(request: RunRequest, context: Context): Promise<Answer> {
  const { language, entrypoint, files } = request;
  const program: Program = { language, entrypoint, files: files as ProgramFile[] };
  checkGivenProgram(program);
  const run = begin(request, context);
  announce(run, context.emit, null, language);
  const slot = new SessionSlot(run, context);
  try {
    slot.open(language);
    return await complete(run, slot, program, [], context, {
      question: null,
      model: null,
      usage: null,
      times: null,
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
  private kind: 'python' | 'javascript' | 'any' | undefined;
  private told: Session | undefined;
  private readonly failure = new AbortController();

  constructor(
    private readonly run: Run,
    private readonly context: Context,
  ) {
    context.signal.addEventListener('abort', () => this.close());
  }

  /** Aborted when the sandbox that is needed cannot start: no program has to be paid for then. */
  get failed(): AbortSignal {
    return this.failure.signal;
  }

  /** Starts a sandbox before Claude has chosen a language: JavaScript takes milliseconds, and is thrown away as fast. */
  guess(language: RunnableLanguage): void {
    const { sandbox } = this.run;
    const kind = sandbox.anyLanguage ? 'any' : language === 'python' ? 'python' : 'javascript';
    if (this.kind === kind || this.context.signal.aborted) return;
    this.close();
    this.session = sandbox.open(language, this.run.limits);
    this.kind = kind;
  }

  /** Sees to it that the sandbox of this language is starting, and tells when it has. */
  open(language: Program['language']): void {
    if (language === 'web') return this.close();
    this.guess(language);
    const { session } = this;
    if (!session || session === this.told) return;
    this.told = session;
    // One that nobody waits for any more says nothing.
    session.ready.then(
      (boot: Boot) => session === this.session && this.context.emit('boot', boot),
      (reason: unknown) => session === this.session && this.failure.abort(reason),
    );
  }

  close(): void {
    this.session?.close();
    this.session = undefined;
    this.kind = undefined;
  }
}

/** Runs what is to be run, in the sandbox that has been starting meanwhile, and puts the answer together. */
async function complete(
  run: Run,
  slot: SessionSlot,
  program: Program,
  refusedFiles: RefusedFile[],
  { emit, signal }: Context,
  origin: Origin,
): Promise<Answer> {
  slot.open(program.language);
  const { session } = slot;
  const boot = await session?.ready;
  signal.throwIfAborted();
  emit('program', {
    language: program.language,
    entrypoint: program.entrypoint,
    files: program.files.map((file) => ({ path: file.path, bytes: fileBytes(file).byteLength })),
    refusedFiles,
  });
  let outcome = NOTHING_TO_RUN;
  if (session) {
    emit('attempt', { number: 1, of: 1 });
    outcome = await observe(session, program, emit);
  }
  return answer(run, program, [...refusedFiles, ...outcome.refusedFiles], origin, outcome, boot ?? null);
}
