/** On Cloudflare and in `wrangler dev`: a fresh Dynamic Worker per run, with no network, no bindings and no state. */
import type { Env } from '../env';
import { ApiError } from '../errors';
import type { Program } from '../program';
import type { Boot, Ending, Limits, RunnableLanguage, Sandbox, SandboxEvent, Session } from '.';
import { withDeadline } from './deadline';
import { readFrames, readRun } from './frames';
import { runJavascript } from './javascript';
import { loadPython } from './python';

export class IsolateSandbox implements Sandbox {
  readonly name = 'isolate';
  readonly isolation = 'a fresh Dynamic Worker isolate, no network';

  constructor(
    private readonly loader: WorkerLoader,
    private readonly env: Env,
  ) {}

  open(language: RunnableLanguage, limits: Limits): Session {
    return language === 'python'
      ? new PythonSession(this.loader, this.env, limits)
      : new JavascriptSession(this.loader, limits);
  }
}

/** The isolate is made from the program's own modules, so there is nothing to start before they are known. */
class JavascriptSession implements Session {
  readonly ready: Promise<Boot> = Promise.resolve({ ms: 0, spare: false });

  constructor(
    private readonly loader: WorkerLoader,
    private readonly limits: Limits,
  ) {}

  run(program: Program): AsyncIterable<SandboxEvent> {
    const { timeoutMs, outputBytes } = this.limits;
    return held(runJavascript(this.loader, program, { cpuMs: timeoutMs, outputBytes }), this.limits);
  }

  close(): void {}
}

class PythonSession implements Session {
  readonly ready: Promise<Boot>;
  private readonly worker: Promise<Fetcher>;
  private readonly abort = new AbortController();

  constructor(
    loader: WorkerLoader,
    env: Env,
    private readonly limits: Limits,
  ) {
    const start = Date.now();
    this.worker = loadPython(loader, env, limits.timeoutMs);
    this.ready = this.worker
      .then(async (worker) => {
        const response = await worker.fetch('http://sandbox/boot', { method: 'POST', signal: this.abort.signal });
        if (!response.ok) throw new Error(await response.text());
        return { ms: Date.now() - start, spare: false };
      })
      .catch((error: unknown) => {
        throw new ApiError('sandbox_unavailable', `Python did not start: ${String(error)}`);
      });
    this.ready.catch(() => undefined);
  }

  run(program: Program): AsyncIterable<SandboxEvent> {
    const { outputBytes } = this.limits;
    const answer = this.ready.then(async () =>
      (await this.worker).fetch('http://sandbox/run', {
        method: 'POST',
        body: JSON.stringify({ entrypoint: program.entrypoint, files: program.files, outputBytes }),
        signal: this.abort.signal,
      }),
    );
    return held(answer, this.limits);
  }

  close(): void {
    this.abort.abort();
  }
}

/** Reads a run and holds it to its time; what the platform stops becomes the ending that it stands for. */
async function* held(answer: Promise<Response>, limits: Limits): AsyncGenerator<SandboxEvent> {
  for await (const event of withDeadline(read(answer, limits.outputBytes), limits.timeoutMs)) {
    yield event.type === 'exit' ? { ...event, ending: platformEnding(event.ending) } : event;
  }
}

async function* read(answer: Promise<Response>, outputBytes: number): AsyncGenerator<SandboxEvent> {
  let response: Response;
  try {
    response = await answer;
  } catch (error) {
    if (error instanceof ApiError) throw error;
    const detail = error instanceof Error ? error.message : String(error);
    yield { type: 'exit', ending: { kind: 'crashed', detail }, truncated: false, peakMemoryBytes: null };
    return;
  }
  yield* readRun(readFrames(response.body!), outputBytes, 'executor');
}

/** The platform reports its limits as the text of an error. */
function platformEnding(ending: Ending): Ending {
  if (ending.kind !== 'crashed') return ending;
  if (/exceeded (its )?(cpu|time)/i.test(ending.detail)) return { kind: 'timeout' };
  if (/exceeded (its )?memory/i.test(ending.detail)) return { kind: 'memory' };
  return ending;
}
