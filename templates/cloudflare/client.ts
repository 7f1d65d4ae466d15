/**
 * The Worker's HTTP API, typed: one request, then events until the result. Needs nothing but `fetch`.
 *
 *   for await (const event of execute({ url, token }, { question: 'What is 6 times 7?' })) {
 *     if (event.name === 'stdout') process.stdout.write(event.data.text);
 *     if (event.name === 'result') console.log(event.data.success);
 *   }
 *
 * Every failure is a ToolError with `code`, `hint` and `retryable`. Nothing is tried again here: a second `/execute`
 * would be a second generation that somebody pays.
 */
import type { Answer, ExecuteRequest, RunRequest } from './src/api.ts';
import type { Program } from './src/program.ts';
import { ToolError } from './tools/errors.ts';
import { SseDecoder } from './tools/sse.ts';
import { invalid, parseError, parseEvent, parseHealth, type Health, type WorkerEvent } from './tools/wire.ts';

export { ToolError };
export type { Answer, Health, Program, WorkerEvent };

/** Where `npm run dev` listens. */
export const DEFAULT_URL = 'http://localhost:8787';

export interface ClientOptions {
  /** The Worker's address: https, or http on this machine. `DEFAULT_URL` when absent. */
  url?: string | undefined;
  /** The Worker's CCT_TOKEN; `health` needs none. */
  token?: string | undefined;
  /** Ends the request, and with it generation and sandbox; its reason is what is thrown then. */
  signal?: AbortSignal | undefined;
  /** Milliseconds without a byte after which the Worker counts as gone; it sends a comment every 10 s. */
  silenceMs?: number | undefined;
}

type Asked<Request, Required extends keyof Request> = Pick<Request, Required> & Partial<Omit<Request, Required>>;
export type Question = Asked<ExecuteRequest, 'question'>;
export type RunOptions = Partial<Pick<RunRequest, 'timeout' | 'sandbox'>>;

const SILENCE_MS = 45_000;
const HEALTH_MS = 9_000;
const MAX_RESPONSE_BYTES = 64 * 1024 * 1024;
const MAX_SHORT_BYTES = 64 * 1024;

/** `POST /execute`: a question becomes a program that runs. The last event is `result`; leaving early ends the run. */
export function execute(options: ClientOptions, question: Question): AsyncGenerator<WorkerEvent, void> {
  return stream(options, '/execute', question);
}

/** `POST /run`: a program of your own, without a model. The last event is `result`. */
export function run(
  options: ClientOptions,
  program: Program,
  settings: RunOptions = {},
): AsyncGenerator<WorkerEvent, void> {
  return stream(options, '/run', { ...program, ...settings });
}

/** `GET /health`, answered within 9 s or not at all. The token is not sent. */
export async function health({ url, signal, silenceMs = HEALTH_MS }: ClientOptions): Promise<Health> {
  const address = workerUrl(url);
  const late = () => new ToolError('worker_unreachable', `${address} did not answer in time.`, 'Check the URL.', true);
  const connection = new Connection(address, signal, silenceMs, late);
  try {
    const response = await connection.open('/health', { headers: { Accept: 'application/json' } });
    return parseHealth(await connection.text(response));
  } finally {
    connection.close();
  }
}

/** The address without its trailing slash. Throws (`config`) for one to which no token should go. */
export function workerUrl(given: string = DEFAULT_URL): string {
  const refuse = (why: string): ToolError =>
    // The address is not quoted: it may hold a password.
    new ToolError('config', `The Worker's URL ${why}.`, 'It should look like https://cct-sandbox.example.workers.dev');
  // The parser would drop line breaks and turn backslashes round without a word.
  if (!/^[!-~]+$/.test(given) || given.includes('\\') || !URL.canParse(given)) throw refuse('is not a URL');
  const url = new URL(given);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw refuse('is not an https:// URL');
  if (url.username || url.password) throw refuse('must not contain a user name or password');
  if (/[?#]/.test(given)) throw refuse('must not contain a query or fragment');
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    throw refuse('must be https: over http the token would travel in the clear');
  }
  return url.origin + url.pathname.replace(/\/+$/, '');
}

/** Whether a host of a parsed URL names this machine; a name other than localhost may resolve to anything. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

async function* stream(options: ClientOptions, route: string, body: unknown): AsyncGenerator<WorkerEvent, void> {
  const { token, signal, silenceMs = SILENCE_MS } = options;
  if (token !== undefined && !/^[!-~]{1,4096}$/.test(token)) {
    throw new ToolError('config', "The Worker's token must be printable ASCII without spaces.", 'Copy it again.');
  }
  const url = workerUrl(options.url);
  const connection = new Connection(url, signal, silenceMs, () => silent(url));
  try {
    const response = await connection.open(route, {
      method: 'POST',
      headers: {
        Accept: 'text/event-stream',
        'Content-Type': 'application/json',
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify(body),
    });
    const type = response.headers.get('Content-Type') ?? '';
    if (!/^text\/event-stream\s*(;|$)/i.test(type)) {
      throw new ToolError(
        'worker_invalid',
        `${url} answered "${type || 'no content type'}" where a stream of events belongs.`,
        "Check the Worker's URL: something else may answer there.",
      );
    }
    const decoder = new SseDecoder();
    for await (const chunk of connection.chunks(response, MAX_RESPONSE_BYTES)) {
      for (const { name, data } of decoder.feed(chunk)) {
        const event = parseEvent(name, data);
        if (event) yield event;
        if (event?.name === 'result') return;
      }
    }
    throw streamEnded(url);
  } finally {
    // Also when the caller leaves early: the Worker then stops generation and sandbox.
    connection.close();
  }
}

/** One request and its answer. */
class Connection {
  readonly url: string;
  readonly #abort = new AbortController();
  readonly #signal: AbortSignal;
  readonly #silenceMs: number;
  readonly #onSilence: () => ToolError;

  constructor(url: string, signal: AbortSignal | undefined, silenceMs: number, onSilence: () => ToolError) {
    this.url = url;
    this.#silenceMs = silenceMs;
    this.#onSilence = onSilence;
    this.#signal = signal ? AbortSignal.any([signal, this.#abort.signal]) : this.#abort.signal;
  }

  /** Closes the connection, whatever is still to come; safe to call more than once. */
  close(): void {
    this.#abort.abort();
  }

  /** An answer with status 200, its body unread. */
  async open(route: string, request: RequestInit): Promise<Response> {
    let response: Response;
    try {
      response = await this.#unlessSilent(
        fetch(this.url + route, {
          ...request,
          // One connection for each request: an idle one may just have been closed, and nothing is sent twice.
          headers: { ...request.headers, 'Accept-Encoding': 'identity', Connection: 'close' },
          redirect: 'manual',
          signal: this.#signal,
        }),
      );
    } catch (error) {
      this.#signal.throwIfAborted();
      throw unreachable(this.url, error);
    }
    if (response.status !== 200) throw await this.#refusal(response);
    return response;
  }

  async *chunks(response: Response, limit: number): AsyncGenerator<Uint8Array> {
    const reader = response.body?.getReader();
    let size = 0;
    for (;;) {
      let chunk: Uint8Array | undefined;
      try {
        chunk = (await this.#unlessSilent(reader?.read() ?? Promise.resolve(undefined)))?.value;
      } catch {
        this.#signal.throwIfAborted();
        throw streamEnded(this.url);
      }
      if (!chunk) return;
      size += chunk.byteLength;
      if (size > limit) {
        throw new ToolError('worker_invalid', `${this.url} answered more than ${limit} bytes.`, 'Ask for less output.');
      }
      yield chunk;
    }
  }

  async text(response: Response): Promise<string> {
    const decoder = new TextDecoder();
    let text = '';
    for await (const chunk of this.chunks(response, MAX_SHORT_BYTES)) text += decoder.decode(chunk, { stream: true });
    return text + decoder.decode();
  }

  /** The timer runs only while something is awaited: a slow reader is not the Worker's silence. */
  async #unlessSilent<T>(work: Promise<T>): Promise<T> {
    const timer = setTimeout(() => this.#abort.abort(this.#onSilence()), this.#silenceMs);
    try {
      return await work;
    } finally {
      clearTimeout(timer);
    }
  }

  async #refusal(response: Response): Promise<ToolError> {
    const { status } = response;
    if (status >= 300 && status < 400) {
      return new ToolError(
        'worker_invalid',
        `${this.url} redirected elsewhere, which is not followed: the token is for this address alone.`,
        'If the new address is right, give it with --url or CLOUDFLARE_WORKER_URL.',
      );
    }
    try {
      return parseError(await this.text(response), 'the error');
    } catch (error) {
      if (!(error instanceof ToolError) || !['worker_invalid', 'stream_ended'].includes(error.code)) throw error;
      return new ToolError(
        'worker_invalid',
        `${this.url} answered with status ${status} and something else than this API's error.`,
        "Something between here and the Worker may have answered, or the URL is another service's.",
        status === 429 || status >= 500,
      );
    }
  }
}

const REASONS: Record<string, string> = {
  ENOTFOUND: 'its host name could not be resolved',
  EAI_AGAIN: 'its host name could not be resolved',
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was reset',
  UND_ERR_SOCKET: 'the connection was reset',
  UND_ERR_CONNECT_TIMEOUT: 'connecting took too long',
  ETIMEDOUT: 'connecting took too long',
};

function unreachable(url: string, error: unknown): ToolError {
  const { cause } = error as { cause?: { code?: string; message?: string } };
  const code = cause?.code ?? '';
  const isTls = /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_|SELF_SIGNED|UNABLE_TO)/.test(code);
  const reason = REASONS[code] ?? (isTls ? `the TLS connection failed (${code})` : 'no connection came about');
  return new ToolError('worker_unreachable', `${url} could not be reached: ${reason}.`, 'Check the URL.', true);
}

function silent(url: string): ToolError {
  return new ToolError(
    'worker_silent',
    `${url} has sent nothing for too long.`,
    "The run may still have happened; look at the Worker's log before you send it again.",
    true,
  );
}

function streamEnded(url: string): ToolError {
  return new ToolError(
    'stream_ended',
    `${url} ended the stream before the result.`,
    'What was printed so far may be incomplete; run it again.',
    true,
  );
}
