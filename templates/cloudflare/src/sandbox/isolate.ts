/** On Cloudflare and in `wrangler dev`: a fresh Dynamic Worker per run, with no network, no bindings and no state. */
import type { Env } from '../env';
import { ApiError } from '../errors';
import type { Program } from '../program';
import type { Boot, Ending, Limits, RunnableLanguage, Sandbox, SandboxEvent, Session } from '.';
import { withDeadline } from './deadline';
import { type Frame, readFrames, readRun } from './frames';
import { runJavascript } from './javascript';
import { loadPython } from './python';

export class IsolateSandbox implements Sandbox {
  readonly name = 'isolate';
  readonly isolation = 'a fresh Dynamic Worker isolate, no network';
  readonly anyLanguage = false;

  constructor(
    private readonly loader: WorkerLoader,
    private readonly env: Env,
  ) {}

  open(language: RunnableLanguage, limits: Limits): Session {
    const abort = new AbortController();
    const executor = language === 'python' ? this.python(limits, abort.signal) : this.javascript(limits);
    return {
      ready: executor.ready,
      run: (program) => held(executor.start(program), limits, abort.signal),
      close: () => abort.abort(),
    };
  }

  /** The isolate is made from the program's own modules, so there is nothing to start before they are known. */
  private javascript({ timeoutMs, outputBytes }: Limits): Executor {
    return {
      ready: Promise.resolve({ ms: 0, spare: false, queueMs: 0 }),
      start: (program) => runJavascript(this.loader, program, { cpuMs: timeoutMs, outputBytes }),
    };
  }

  private python({ timeoutMs, outputBytes }: Limits, signal: AbortSignal): Executor {
    const start = Date.now();
    const worker = loadPython(this.loader, this.env, timeoutMs);
    const post = async (path: string, body?: string): Promise<Response> =>
      (await worker).fetch(`http://sandbox/${path}`, { method: 'POST', body: body ?? null, signal });
    const ready = post('boot').then(
      async (response) => {
        if (!response.ok) throw unavailable(await response.text());
        return { ms: Date.now() - start, spare: false, queueMs: 0 };
      },
      (error: unknown) => {
        throw unavailable(error instanceof Error ? error.message : String(error));
      },
    );
    ready.catch(() => undefined); // whoever awaits it is told; nobody may, when generation fails first
    return {
      ready,
      start: ({ entrypoint, files }) => post('run', JSON.stringify({ entrypoint, files, outputBytes })),
    };
  }
}

interface Executor {
  ready: Promise<Boot>;
  /** Answers with the frames of the run. */
  start(program: Program): Promise<Response>;
}

function unavailable(detail: string): ApiError {
  return new ApiError('sandbox_unavailable', `Python did not start: ${detail}.`);
}

/** Reads a run and holds it to its time; what the platform stops becomes the ending that it stands for. */
async function* held(answer: Promise<Response>, limits: Limits, signal: AbortSignal): AsyncGenerator<SandboxEvent> {
  const frames = withDeadline(framesOf(answer, signal), limits.timeoutMs);
  for await (const event of readRun(frames, limits.outputBytes, 'executor')) {
    yield event.type === 'exit' ? { ...event, ending: platformEnding(event.ending) } : event;
  }
}

async function* framesOf(answer: Promise<Response>, signal: AbortSignal): AsyncGenerator<Frame> {
  const { body } = await answer;
  if (body) yield* readFrames(body, signal);
}

/** The platform reports its limits as the text of an error. */
function platformEnding(ending: Ending): Ending {
  if (ending.kind !== 'crashed') return ending;
  if (/exceeded (its )?(cpu|time)/i.test(ending.detail)) return { kind: 'timeout' };
  if (/exceeded (its )?memory/i.test(ending.detail)) return { kind: 'memory' };
  return ending;
}
