/** What both command lines share: reading their arguments, asking the Worker, and ending with the right status. */
import { addAbortSignal } from 'node:stream';
import { parseArgs, type ParseArgsConfig } from 'node:util';

import { health, workerUrl, type Answer, type ClientOptions, type Health } from '../client.ts';
import { LIMITS } from '../src/limits.ts';
import { EXIT, ToolError } from './errors.ts';
import { plainLine } from './plain.ts';

/** Options of every tool. */
export const COMMON_OPTIONS = {
  url: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const satisfies ParseArgsConfig['options'];

export const COMMON_HELP = `  --url URL           the Worker; otherwise CLOUDFLARE_WORKER_URL, otherwise http://localhost:8787 (npm run dev)
  --json              print one JSON object on stdout, nothing else
  --help              print this and end

The Worker's token is read from CCT_TOKEN alone.

Exit status: 0 succeeded, 1 the program failed, 2 usage, 3 configuration, 4 Worker or network, 5 generation failed,
6 time or memory limit, 7 files refused as unsafe, 130 interrupted.
`;

/** The command line itself is wrong. */
export const usage = (message: string): ToolError => new ToolError('usage', message, 'See --help.');

export function parse<Options extends NonNullable<ParseArgsConfig['options']>>(options: Options) {
  try {
    return parseArgs({ options, allowPositionals: true, strict: true });
  } catch (error) {
    // Node's own sentence; what follows it explains how to quote.
    throw usage(`${(error as Error).message.split('. ')[0]}.`);
  }
}

/** The one argument, or standard input for `-`. */
export async function readPrompt(positionals: readonly string[], signal: AbortSignal): Promise<string> {
  const [prompt, ...others] = positionals;
  if (others.length > 0) throw usage('The prompt is more than one argument: put it in quotation marks.');
  if (prompt === undefined) throw usage('There is no prompt.');
  const read = prompt === '-' ? await readInput(signal) : prompt;
  if (!/[^\s\0]/.test(read)) throw usage('The prompt is empty.');
  if (read.length > LIMITS.questionCharacters) throw tooLong();
  return read;
}

async function readInput(signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  let left: number = LIMITS.questionCharacters * 4;
  try {
    for await (const chunk of addAbortSignal(signal, process.stdin)) {
      chunks.push(chunk as Buffer);
      left -= (chunk as Buffer).length;
      if (left < 0) throw tooLong();
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof ToolError ? error : usage('The prompt in standard input is not UTF-8.');
  }
}

function tooLong(): ToolError {
  return usage(`The prompt is longer than ${LIMITS.questionCharacters} characters.`);
}

/** Where to send requests: the flag, then the environment, then `npm run dev`. */
export function connection(url: string | undefined, signal: AbortSignal): ClientOptions {
  const { CLOUDFLARE_WORKER_URL, CCT_TOKEN } = process.env;
  return { url: workerUrl(url ?? (CLOUDFLARE_WORKER_URL || undefined)), token: CCT_TOKEN || undefined, signal };
}

const START_HINT =
  'Start it with "npm run dev" in its folder, or name another Worker with CLOUDFLARE_WORKER_URL or --url.';
const TOKEN_HINT = 'Set CCT_TOKEN to the token of this Worker; that of "npm run dev" stands in .dev.vars.';

/** Asks whether a Worker of ours is there before a token goes to it. */
export async function greet(options: ClientOptions): Promise<Health> {
  const answered = await health(options).catch((error: unknown) => {
    if (!(error instanceof ToolError) || error.code !== 'worker_unreachable') throw error;
    // Only a Worker on this machine has an address without TLS.
    const hint = options.url?.startsWith('http:') ? START_HINT : 'Check the network and the URL.';
    throw new ToolError(error.code, error.message, hint, error.retryable);
  });
  if (!options.token) {
    throw new ToolError('config', 'CCT_TOKEN is not set, and the Worker serves nobody without it.', TOKEN_HINT);
  }
  return answered;
}

/** The exit status of a run. A refused file outweighs how the program ended: somebody has to look at it. */
export function exitOfAnswer(answer: Answer, refused: number = answer.refusedFiles.length): number {
  if (refused > 0) return EXIT.unsafe;
  if (answer.success) return EXIT.ok;
  return ['sandbox_timeout', 'sandbox_oom'].includes(answer.errorCode ?? '') ? EXIT.limit : EXIT.programFailed;
}

/** One JSON object on one line, in ASCII: what could steer a terminal is an escape. */
export function jsonLine(value: unknown): string {
  const escape = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return `${JSON.stringify(value).replace(/[\u007f-\uffff]/g, escape)}\n`;
}

/**
 * Runs a tool and sets the exit status; an error that a person can act on becomes one message. `body` gets a signal
 * that Ctrl-C aborts (a second Ctrl-C ends the process at once) and returns the exit status.
 */
export async function runTool(body: (signal: AbortSignal) => Promise<number>): Promise<void> {
  const abort = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => abort.abort(new ToolError('interrupted', 'Interrupted.')));
  }
  // Whoever read our output has what they wanted.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      process.exit(EXIT.ok);
    });
  }
  try {
    process.exitCode = await body(abort.signal);
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    // The Worker's own hint speaks of headers.
    const { code, message, retryable } = error;
    showError(code === 'unauthorized' ? new ToolError(code, message, TOKEN_HINT, retryable) : error);
    process.exitCode = error.exitCode;
  }
}

function showError(error: ToolError): void {
  if (process.argv.includes('--json')) {
    process.stdout.write(jsonLine(error.toBody()));
    return;
  }
  process.stderr.write(`Error: ${plainLine(error.message)}\n`);
  if (error.hint) process.stderr.write(`Hint:  ${plainLine(error.hint)}\n`);
}
