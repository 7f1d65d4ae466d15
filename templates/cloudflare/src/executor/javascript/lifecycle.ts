/**
 * When a run is over, and with which status. This is what a program would have to reach to forge its end,
 * so it uses only realm.ts and closures.
 */
import type { FrameWriter } from '../frames';
import { apply } from './realm';

const later = globalThis.setTimeout;

/**
 * Turns of the event loop without anything to wait for, after which nothing more can happen. Timers are held
 * (see `hold`); everything else that workerd does asynchronously settles within the turn that started it.
 */
const QUIET_TURNS = 2;

/** The same while the top level still awaits: calling that hopeless is a statement about the program. */
const HOPELESS_TURNS = 10;

/** Node's status for a program that ends while its top level still awaits. */
const UNSETTLED = 13;

/** Calls of a small function that fit into the stack when a run can be left from there. */
const HEADROOM = 3000;

function headroom(calls: number): number {
  return calls === 0 ? 0 : headroom(calls - 1) + 1;
}

export interface Host {
  /** Tells the program's own listeners; true when one of them has taken care of it. */
  uncaught(error: unknown, origin: Origin, promise?: unknown): boolean;
  /** `exit` and `beforeExit` listeners. */
  announce(event: 'exit' | 'beforeExit', code: number): void;
  describe(error: unknown, origin: Origin): string;
  sendFiles(): void;
  /** The file that is awaiting, for people. */
  entrypoint: string;
}

export type Origin = 'uncaughtException' | 'unhandledRejection';

export class Lifecycle {
  readonly #frames: FrameWriter;
  #host: Host | null = null;
  #phase: 'running' | 'leaving' | 'exiting' | 'sending' | 'done' = 'running';
  #failed = false;
  #mainSettled = false;
  #exitCode: number | undefined;
  #holds = 0;
  #quiet = 0;
  #watching = false;

  constructor(frames: FrameWriter) {
    this.#frames = frames;
  }

  attach(host: Host): void {
    this.#host = host;
  }

  get over(): boolean {
    return this.#phase === 'sending' || this.#phase === 'done';
  }

  /** What `process.exitCode` reads and sets. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  set exitCode(code: number | undefined) {
    this.#exitCode = code;
  }

  /** Something that will call the program again; `release` exactly once when it no longer will. */
  hold(): void {
    this.#holds++;
  }

  release(): void {
    this.#holds--;
    this.#quiet = 0;
    this.#watch();
  }

  mainSettled(): void {
    this.#mainSettled = true;
    this.watch();
  }

  /** `process.exit`: returns when the status has been sent; the caller then has to stop the program. */
  exit(code: number | undefined): void {
    if (code !== undefined) this.#exitCode = code;
    if (this.#phase === 'running') this.#phase = 'leaving';
    // Near the end of the stack this throws, into the program; the run is then left from where there is more of it.
    headroom(HEADROOM);
    this.#leave();
  }

  #leave(): void {
    if (this.#phase === 'leaving') {
      this.#phase = 'exiting';
      this.#announceExit();
    }
    this.#finish();
  }

  /** An error that nothing in the program caught. */
  fail(error: unknown, origin: Origin = 'uncaughtException', promise?: unknown): void {
    if (this.over) return;
    // What `process.exit` threw, out of a stack that was too full to leave from.
    if (this.#phase === 'leaving') return this.#leave();
    try {
      if (this.#phase === 'running' && this.#host!.uncaught(error, origin, promise)) return;
    } catch (inner) {
      if (this.over) return;
      error = inner;
    }
    this.#failed = true;
    this.#report(error, origin);
    if (this.#phase === 'running') {
      this.#phase = 'leaving';
      this.#exitCode = 1;
    }
    this.#leave();
  }

  #report(error: unknown, origin: Origin): void {
    // Describing runs code of the program (getters, `inspect` methods): it may end the run or throw.
    let text = 'Uncaught error, which cannot be shown\n';
    const phase = this.#phase;
    this.#phase = 'exiting';
    try {
      text = this.#host!.describe(error, origin);
    } catch {
      // The text stays as it is.
    }
    if (this.over) return;
    this.#phase = phase;
    this.#frames.stderr(text);
  }

  #announceExit(): void {
    try {
      this.#host!.announce('exit', this.#status());
    } catch (error) {
      if (this.over) return;
      this.#failed = true;
      this.#report(error, 'uncaughtException');
    }
  }

  #status(): number {
    return this.#failed ? 1 : (this.#exitCode ?? 0);
  }

  #finish(): void {
    if (this.#phase === 'done') return;
    if (this.#phase !== 'sending') {
      this.#phase = 'sending';
      try {
        this.#host!.sendFiles();
      } catch {
        // What the program did to its folder or to Node's modules must not keep its status from being sent.
      }
    }
    this.#frames.exit(this.#status());
    this.#phase = 'done';
  }

  /** Looks, turn by turn, whether anything is left to wait for. */
  watch(): void {
    this.#quiet = 0;
    this.#watch();
  }

  #watch(): void {
    if (this.#watching || this.#phase === 'done') return;
    this.#watching = true;
    apply(later, undefined, [() => this.#turn(), 0]);
  }

  #turn(): void {
    this.#watching = false;
    if (this.#phase === 'done') return;
    if (this.#phase !== 'running') return this.#leave();
    if (this.#holds > 0) return;
    if (++this.#quiet < (this.#mainSettled ? QUIET_TURNS : HOPELESS_TURNS)) return this.#watch();
    if (!this.#mainSettled) {
      this.#exitCode = UNSETTLED;
      this.#frames.stderr(
        `Warning: ${this.#host!.entrypoint} awaits at its top level what can never happen: ` +
          'nothing is left that could settle the promise.\n',
      );
      return this.exit(undefined);
    }
    this.#quiet = 0;
    try {
      this.#host!.announce('beforeExit', this.#status());
    } catch (error) {
      return this.fail(error);
    }
    if (this.#phase !== 'running') return;
    if (this.#holds === 0) this.exit(undefined);
  }
}
