/** `node:readline` for input that is a stream: workerd's own is a stand-in that reads nothing. */
import { EventEmitter } from 'node:events';
import { StringDecoder } from 'node:string_decoder';

interface Input {
  on(event: string, listener: (...args: never[]) => void): unknown;
  removeListener(event: string, listener: (...args: never[]) => void): unknown;
  resume?(): unknown;
  pause?(): unknown;
}

type Output = { write(text: string): unknown } | null | undefined;

interface Options {
  input?: Input;
  output?: Output;
  prompt?: string;
  signal?: AbortSignal;
}

interface QuestionOptions {
  signal?: AbortSignal;
}

type Answer = (line: string) => void;

/** @returns the exports of `node:readline`, with `promises`. */
export function createReadline(original: Record<string, unknown>): Record<string, unknown> {
  class Interface extends EventEmitter {
    readonly terminal = false;
    readonly input: Input | undefined;
    readonly output: Output;
    line = '';
    cursor = 0;
    closed = false;
    #prompt: string;
    #rest = '';
    #endedWithReturn = false;
    #decoder = new StringDecoder();
    #question: Answer | null = null;
    #paused = false;
    #waiting: string[] = [];
    #inputEnded = false;

    constructor(inputOrOptions: Input | Options, output?: Output) {
      super();
      const options: Options =
        inputOrOptions && 'input' in inputOrOptions ? inputOrOptions : { input: inputOrOptions as Input, output };
      this.input = options.input;
      this.output = options.output;
      this.#prompt = options.prompt ?? '> ';
      this.input?.on('data', this.#onData);
      this.input?.on('end', this.#onEnd);
      this.input?.on('error', this.#onError);
      this.input?.resume?.();
      options.signal?.addEventListener('abort', () => this.close(), { once: true });
    }

    readonly #onData = (chunk: string | Uint8Array): void => {
      const text = this.#rest + (typeof chunk === 'string' ? chunk : this.#decoder.write(chunk));
      // A return at the end of one chunk and a newline at the start of the next are one line's end.
      const lines = (this.#endedWithReturn ? text.replace(/^\n/, '') : text).split(/\r\n|\n|\r/);
      this.#rest = lines.pop() ?? '';
      this.#endedWithReturn = text.endsWith('\r');
      for (const line of lines) this.#take(line);
    };

    readonly #onEnd = (): void => {
      const rest = this.#rest + this.#decoder.end();
      this.#rest = '';
      if (rest) this.#take(rest);
      this.#inputEnded = true;
      if (this.#waiting.length === 0) this.close();
    };

    readonly #onError = (error: Error): void => {
      this.emit('error', error);
    };

    #take(line: string): void {
      if (this.closed) return;
      if (this.#paused) {
        this.#waiting.push(line);
        return;
      }
      const question = this.#question;
      this.#question = null;
      if (question) question(line);
      else this.emit('line', line);
    }

    getPrompt(): string {
      return this.#prompt;
    }

    setPrompt(prompt: string): void {
      this.#prompt = prompt;
    }

    prompt(): void {
      this.output?.write(this.#prompt);
      if (this.#paused) this.resume();
    }

    question(query: string, options?: QuestionOptions | Answer, answer?: Answer): unknown {
      const callback = typeof options === 'function' ? options : answer;
      if (this.closed) throw Object.assign(new Error('readline was closed'), { code: 'ERR_USE_AFTER_CLOSE' });
      if (typeof callback !== 'function') return undefined;
      this.output?.write(query);
      this.#question = callback;
      if (this.#paused) this.resume();
      return undefined;
    }

    pause(): this {
      if (this.#paused) return this;
      this.#paused = true;
      this.input?.pause?.();
      this.emit('pause');
      return this;
    }

    resume(): this {
      if (!this.#paused) return this;
      this.#paused = false;
      this.emit('resume');
      while (!this.#paused && this.#waiting.length > 0) this.#take(this.#waiting.shift()!);
      if (this.#paused) return this;
      if (this.#inputEnded) this.close();
      else this.input?.resume?.();
      return this;
    }

    write(text: unknown): void {
      if (typeof text === 'string') this.#onData(text);
    }

    close(): void {
      if (this.closed) return;
      this.closed = true;
      this.input?.removeListener('data', this.#onData);
      this.input?.removeListener('end', this.#onEnd);
      this.input?.pause?.();
      this.emit('close');
    }

    getCursorPos(): { rows: number; cols: number } {
      return { rows: 0, cols: 0 };
    }

    [Symbol.dispose](): void {
      this.close();
    }

    async *[Symbol.asyncIterator](): AsyncGenerator<string> {
      const lines: string[] = [];
      let wake = (): void => {};
      let failure: { error: unknown } | null = null;
      this.on('line', (line: string) => {
        lines.push(line);
        wake();
      });
      this.on('close', () => wake());
      this.on('error', (error: unknown) => {
        failure = { error };
        wake();
      });
      try {
        for (;;) {
          while (lines.length > 0) yield lines.shift()!;
          if (failure) throw (failure as { error: unknown }).error;
          if (this.closed) return;
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      } finally {
        this.close();
      }
    }
  }

  class PromisesInterface extends Interface {
    override question(query: string, options?: QuestionOptions): Promise<string> {
      return new Promise<string>((resolve, reject) => {
        const { signal } = options ?? {};
        signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
        super.question(query, resolve);
      });
    }
  }

  const create =
    (Class: typeof Interface) =>
    (input: Input | Options, output?: Output): Interface =>
      new Class(input, output);
  return {
    ...original,
    Interface,
    createInterface: create(Interface),
    promises: {
      ...(original['promises'] as object),
      Interface: PromisesInterface,
      createInterface: create(PromisesInterface),
    },
  };
}
