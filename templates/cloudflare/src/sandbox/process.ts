/**
 * On a developer's machine: the supervisor starts one throwaway `workerd` per run and holds it to its limits.
 *
 * One request carries the whole session: it starts the process, its body brings the program when that is known, and
 * its connection ends the process when either side goes away.
 */
import { ApiError } from '../errors';
import type { Program } from '../program';
import type { Boot, Limits, RunnableLanguage, Sandbox, SandboxEvent, Session } from '.';
import { BOOTED, parseBoot, readFrames, readRun, type Frame } from './frames';

export class ProcessSandbox implements Sandbox {
  readonly name = 'process';
  readonly isolation = 'a workerd process of its own on this machine, no network';
  readonly anyLanguage = false;

  constructor(private readonly runner: Fetcher) {}

  open(language: RunnableLanguage, limits: Limits): Session {
    return new ProcessSession(this.runner, language, limits);
  }
}

class ProcessSession implements Session {
  readonly ready: Promise<Boot>;
  private readonly frames: Promise<AsyncGenerator<Frame>>;
  private readonly program: WritableStreamDefaultWriter<Uint8Array>;
  private readonly abort = new AbortController();
  private readonly limits: Limits;

  constructor(runner: Fetcher, language: RunnableLanguage, limits: Limits) {
    this.limits = limits;
    const { readable, writable } = new IdentityTransformStream();
    this.program = writable.getWriter();
    this.frames = runner
      .fetch(`http://runner/run?language=${language}`, {
        method: 'POST',
        body: readable,
        signal: this.abort.signal,
      })
      .then((response) => {
        if (!response.ok || !response.body) throw new Error(`the runner answered ${response.status}`);
        return readFrames(response.body);
      });
    this.ready = this.frames
      .then(async (frames) => {
        const { value } = await frames.next();
        if (value?.type !== BOOTED) throw new Error('the sandbox did not start');
        return parseBoot(value.payload);
      })
      .catch((error: unknown) => {
        const detail = error instanceof Error ? error.message : String(error);
        throw new ApiError('sandbox_unavailable', `The sandbox did not start: ${detail}.`);
      });
    this.ready.catch(() => undefined); // whoever awaits it is told; nobody may, when generation fails first
  }

  async *run(program: Program): AsyncGenerator<SandboxEvent> {
    const request = JSON.stringify({ program, limits: this.limits });
    // Not awaited: a runner that takes no program says so, or is gone, and either ends its frames.
    this.program.write(new TextEncoder().encode(request)).catch(() => undefined);
    this.program.close().catch(() => undefined);
    yield* readRun(await this.frames, this.limits.outputBytes, 'runner');
  }

  close(): void {
    this.abort.abort();
  }
}
