/**
 * Timers as Node has them, counted: a run is over when none is left that would call the program again.
 * The platform's own timers neither tell how many are pending nor report what a callback throws.
 */
import type { Lifecycle } from './lifecycle';
import { apply, define } from './realm';

const later = globalThis.setTimeout;
const forget = globalThis.clearTimeout;
const PROMISIFY = Symbol.for('nodejs.util.promisify.custom');
const LONGEST_MS = 2 ** 31 - 1;

type Callback = (...args: unknown[]) => unknown;

interface WaitOptions {
  signal?: AbortSignal;
  ref?: boolean;
}

/** What `node:timers` and `node:timers/promises` export; the first is global as well. */
export interface Timers {
  timers: Record<string, unknown>;
  promises: Record<string, unknown>;
}

export function createTimers(lifecycle: Lifecycle): Timers {
  /** id → timer, for `clearTimeout(Number(timer))`; inherits nothing, so that ids are all it answers to. */
  const byId: Record<number, Timer> = { __proto__: null } as never;
  let lastId = 0;

  class Timer {
    readonly #id = ++lastId;
    readonly #callback: Callback;
    readonly #args: unknown[];
    readonly #ms: number;
    readonly #repeats: boolean;
    #native: unknown = undefined;
    #pending = false;
    #counted = false;
    #wanted = true;

    constructor(callback: Callback, ms: number, args: unknown[], repeats: boolean) {
      this.#callback = callback;
      this.#args = args;
      this.#ms = ms;
      this.#repeats = repeats;
      this.#start();
    }

    #start(): void {
      this.#native = apply(later, undefined, [() => this.#fire(), this.#ms]);
      this.#pending = true;
      byId[this.#id] = this;
      this.#count();
    }

    /** Keeps the run alive exactly while the timer is pending and has not been told to let go. */
    #count(): void {
      const counts = this.#pending && this.#wanted;
      if (counts === this.#counted) return;
      this.#counted = counts;
      if (counts) lifecycle.hold();
      else lifecycle.release();
    }

    #fire(): void {
      if (lifecycle.over) return;
      if (this.#repeats) this.#native = apply(later, undefined, [() => this.#fire(), this.#ms]);
      else {
        this.#pending = false;
        delete byId[this.#id];
      }
      try {
        apply(this.#callback, this, this.#args);
      } catch (error) {
        lifecycle.fail(error);
      }
      this.#count();
    }

    ref(): this {
      this.#wanted = true;
      this.#count();
      return this;
    }

    unref(): this {
      this.#wanted = false;
      this.#count();
      return this;
    }

    hasRef(): boolean {
      return this.#wanted;
    }

    refresh(): this {
      apply(forget, undefined, [this.#native]);
      this.#start();
      return this;
    }

    close(): this {
      apply(forget, undefined, [this.#native]);
      this.#pending = false;
      delete byId[this.#id];
      this.#count();
      return this;
    }

    [Symbol.toPrimitive](): number {
      return this.#id;
    }

    [Symbol.dispose](): void {
      this.close();
    }

    /** Stops `value` when it is a timer, or the id of one; anything else is ignored, as in Node. */
    static stop(value: unknown): void {
      if (typeof value === 'object' && value !== null && #id in value) value.close();
      else if (typeof value === 'number' || typeof value === 'string') byId[Number(value)]?.close();
    }
  }
  // What people see when they print one.
  define(Timer, 'name', 'Timeout', false);

  const delay = (ms: unknown): number => {
    const number = Number(ms);
    return number >= 1 && number <= LONGEST_MS ? Math.trunc(number) : 1;
  };
  const start = (callback: unknown, ms: number, args: unknown[], repeats: boolean): Timer => {
    if (typeof callback !== 'function') {
      throw Object.assign(new TypeError('The "callback" argument must be of type function.'), {
        code: 'ERR_INVALID_ARG_TYPE',
      });
    }
    return new Timer(callback as Callback, ms, args, repeats);
  };

  const waiting = (ms: number, value: unknown, { signal, ref = true }: WaitOptions = {}): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const abort = (): void => {
        timer.close();
        reject(Object.assign(new DOMException('The operation was aborted', 'AbortError'), { cause: signal!.reason }));
      };
      const timer = start(
        () => {
          signal?.removeEventListener('abort', abort);
          resolve(value);
        },
        ms,
        [],
        false,
      );
      if (!ref) timer.unref();
      if (signal?.aborted) abort();
      else signal?.addEventListener('abort', abort, { once: true });
    });

  async function* every(ms?: unknown, value?: unknown, options?: WaitOptions): AsyncGenerator {
    for (;;) yield await waiting(delay(ms), value, options);
  }

  const setTimeout = (callback: unknown, ms?: unknown, ...args: unknown[]): Timer =>
    start(callback, delay(ms), args, false);
  const setInterval = (callback: unknown, ms?: unknown, ...args: unknown[]): Timer =>
    start(callback, delay(ms), args, true);
  const setImmediate = (callback: unknown, ...args: unknown[]): Timer => start(callback, 0, args, false);
  const wait = (ms?: unknown, value?: unknown, options?: WaitOptions): Promise<unknown> =>
    waiting(delay(ms), value, options);
  const immediate = (value?: unknown, options?: WaitOptions): Promise<unknown> => waiting(0, value, options);
  define(setTimeout, PROMISIFY, wait, false);
  define(setImmediate, PROMISIFY, immediate, false);
  const clear = (name: string): ((timer: unknown) => void) => {
    const stop = (timer: unknown): void => Timer.stop(timer);
    define(stop, 'name', name, false);
    return stop;
  };

  const promises = {
    setTimeout: wait,
    setImmediate: immediate,
    setInterval: every,
    scheduler: { wait: (ms: unknown, options?: WaitOptions) => wait(ms, undefined, options), yield: () => immediate() },
  };
  const timers = {
    setTimeout,
    setInterval,
    setImmediate,
    clearTimeout: clear('clearTimeout'),
    clearInterval: clear('clearInterval'),
    clearImmediate: clear('clearImmediate'),
    promises,
  };
  return { timers, promises };
}
