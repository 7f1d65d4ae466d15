/**
 * The container tier: a full Linux for one run, by Cloudflare's Sandbox SDK. This file is all that knows that SDK.
 *
 * The SDK uploads two files and starts one command; the command is our own runner (executor/container.ts), which
 * lays the program out, runs it under its limits and says the rest. So output stays exact, and little of the SDK is used.
 */
import { getSandbox, parseSSEStream, Sandbox as SdkSandbox, type ExecEvent } from '@cloudflare/sandbox';
import { waitUntil } from 'cloudflare:workers';

import { CONTAINER_RUNNER } from '../../build/executors';
import type { Env } from '../env';
import { ApiError } from '../errors';
import type { Order } from '../executor/order';
import { LIMITS } from '../limits';
import type { Program } from '../program';
import type { Boot, Limits, RunnableLanguage, Sandbox as SandboxInterface, SandboxEvent, Session } from '.';
import { withDeadline } from './deadline';
import { type Frame, readFrames, readRun } from './frames';

/** The Durable Object that owns a container; wrangler.toml names it. Nothing of the Worker's environment reaches it. */
export class Sandbox extends SdkSandbox<Env> {
  override enableInternet = false;
}

/** What is used of the SDK's sandbox. */
export type ContainerHandle = Pick<SdkSandbox, 'writeFile' | 'execStream' | 'destroy'>;

const RUNNER_PATH = '/tmp/cct-runner.mjs';
const ORDER_PATH = '/tmp/cct-order.json';
const FOLDER = '/workspace';
/** nobody: can neither signal the runner nor write to what it says. */
const PROGRAM_USER = 65534;

/** The runner holds a program to its time. Beyond this, in milliseconds, it is the runner that no longer answers. */
const GRACE_MS = 15_000;
/** The SDK's own end for a container of which nobody has heard, should a Worker be stopped before it could destroy it. */
const SLEEP_AFTER = '10m';
const MOST_LINE = 1024 * 1024;
const MOST_COMPLAINT = 500;

export function containerSandbox(env: Env): ContainerSandbox | undefined {
  const namespace = env.SANDBOX as DurableObjectNamespace<Sandbox> | undefined;
  if (!namespace) return undefined;
  // Without a default session a command is a process of its own, whose output comes as it is made and not by lines.
  const options = { enableDefaultSession: false, sleepAfter: SLEEP_AFTER };
  return new ContainerSandbox((id) => getSandbox(namespace, id, options));
}

export class ContainerSandbox implements SandboxInterface {
  readonly name = 'container';
  readonly isolation = 'a fresh Linux container, no network';
  readonly anyLanguage = true;

  constructor(private readonly connect: (id: string) => ContainerHandle) {}

  open(_language: RunnableLanguage, limits: Limits): Session {
    return new ContainerSession(this.connect(crypto.randomUUID()), limits);
  }
}

class ContainerSession implements Session {
  readonly ready: Promise<Boot>;
  private readonly abort = new AbortController();
  private started = false;

  constructor(
    private readonly container: ContainerHandle,
    private readonly limits: Limits,
  ) {
    const start = Date.now();
    // The first call starts the container.
    this.ready = Promise.resolve(container.writeFile(RUNNER_PATH, CONTAINER_RUNNER)).then(
      () => {
        this.started = true;
        return { ms: Date.now() - start, spare: false, queueMs: 0 };
      },
      (error: unknown) => {
        throw new ApiError('sandbox_unavailable', `The container did not start: ${detailOf(error)}.`);
      },
    );
    this.ready.catch(() => undefined); // whoever awaits it is told; nobody may, when generation fails first
  }

  async *run(program: Program): AsyncGenerator<SandboxEvent> {
    const { timeoutMs, outputBytes } = this.limits;
    yield* readRun(withDeadline(this.frames(program), timeoutMs + GRACE_MS), outputBytes, 'runner');
  }

  /** Ends the container for good, also one that is only starting. */
  close(): void {
    if (this.abort.signal.aborted) return;
    this.abort.abort();
    // The answer does not wait for it, and the platform would otherwise drop it with the request.
    waitUntil(this.destroy());
  }

  private async destroy(): Promise<void> {
    const wasStarting = !this.started;
    try {
      await this.container.destroy();
      if (!wasStarting) return;
      await this.ready.catch(() => undefined);
      // A call that was under way may have started it after all.
      await this.container.destroy();
    } catch (error) {
      console.error(`A container could not be destroyed, and sleeps after ${SLEEP_AFTER}: ${detailOf(error)}`);
    }
  }

  private async *frames({ language, entrypoint, files }: Program): AsyncGenerator<Frame> {
    const { container } = this;
    const { signal } = this.abort;
    const order: Order = {
      program: { language, entrypoint, files },
      folder: FOLDER,
      user: PROGRAM_USER,
      timeoutMs: this.limits.timeoutMs,
      outputBytes: this.limits.outputBytes,
      savedFiles: LIMITS.savedFiles,
      savedBytes: LIMITS.savedBytes,
    };
    await untilAborted(container.writeFile(ORDER_PATH, JSON.stringify(order)), signal);
    const events = await untilAborted(container.execStream(`exec node ${RUNNER_PATH} ${ORDER_PATH}`), signal);
    yield* readFrames(streamOf(decoded(parseSSEStream<ExecEvent>(events, signal))), signal);
  }
}

/** The bytes that the runner has written as lines of base64, which arrive in any chunking. Throws when it complains. */
async function* decoded(events: AsyncIterable<ExecEvent>): AsyncGenerator<Uint8Array> {
  let line = '';
  let complaint = '';
  for await (const { type, data = '', error, exitCode } of events) {
    if (type === 'stdout') {
      const parts = (line + data).split('\n');
      line = parts.pop()!;
      if (line.length > MOST_LINE) throw new Error('a line of the runner has no end');
      for (const part of parts) yield Uint8Array.fromBase64(part);
    } else if (type === 'stderr') {
      complaint = (complaint + data).slice(0, MOST_COMPLAINT);
    } else if (type === 'error') {
      throw new Error(error ?? 'the command failed');
    } else if (type === 'complete') {
      if (exitCode !== 0) throw new Error(complaint.trim() || `the runner ended with status ${exitCode}`);
      return;
    }
  }
}

function streamOf(chunks: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await chunks.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await chunks.return(undefined);
    },
  });
}

function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(new Error('the run was given up'));
    if (signal.aborted) giveUp();
    signal.addEventListener('abort', giveUp, { once: true });
    work.then(resolve, reject);
  });
}

function detailOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\.$/, '');
}
