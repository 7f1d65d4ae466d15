/** Reads what an executor or the runner says. Everything here comes from outside: nothing is believed unchecked. */
import { BOOTED, EXIT, FILE, OMITTED, STDERR, STDOUT, VERDICT } from '../executor/frame-types';
import { LIMITS } from '../limits';
import type { Boot, Ending, SandboxEvent } from '.';
import { DeadlineError } from './deadline';

/** Written by a runner only; one that comes from an executor ends the run as crashed. */
export { BOOTED, VERDICT };

export interface Frame {
  type: number;
  payload: Uint8Array;
}

const HEADER = 5;
const MOST_PAYLOAD = LIMITS.savedBytes + 64 * 1024 + 2;
/** Bytes. No path of a file that can be saved is longer. */
const MOST_PATH = 1024;

export class FrameError extends Error {}

/**
 * Cuts a byte stream into frames, however it was chunked. Throws FrameError on a frame that is too long or cut.
 *
 * @param signal gives the stream up, also in the middle of a wait for it
 */
export async function* readFrames(stream: ReadableStream<Uint8Array>, signal?: AbortSignal): AsyncGenerator<Frame> {
  let missing = HEADER;
  let chunks: Uint8Array[] = [];
  let held = 0;
  const reader = stream.getReader();
  const giveUp = (): void => void reader.cancel().catch(() => undefined);
  signal?.addEventListener('abort', giveUp, { once: true });
  try {
    if (signal?.aborted) giveUp();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      chunks.push(value);
      held += value.byteLength;
      if (held < missing) continue;
      const pending = concat(chunks, held);
      let start = 0;
      missing = HEADER;
      while (pending.byteLength - start >= HEADER) {
        const size = new DataView(pending.buffer, pending.byteOffset + start + 1, 4).getUint32(0);
        if (size > MOST_PAYLOAD) throw new FrameError('a frame is too long');
        missing = HEADER + size;
        if (pending.byteLength - start < missing) break;
        yield { type: pending[start]!, payload: pending.subarray(start + HEADER, start + missing) };
        start += missing;
        missing = HEADER;
      }
      const rest = pending.subarray(start);
      chunks = rest.byteLength > 0 ? [rest] : [];
      held = rest.byteLength;
    }
  } finally {
    signal?.removeEventListener('abort', giveUp);
    giveUp();
  }
  if (held > 0) throw new FrameError('the last frame was cut');
}

function concat(chunks: Uint8Array[], size: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}

/** Holds output and files of one run to their limits. */
class Allowance {
  truncated = false;
  private output: number;
  private files: number = LIMITS.savedFiles;
  private bytes: number = LIMITS.savedBytes;

  constructor(outputBytes: number) {
    this.output = outputBytes;
  }

  print(bytes: Uint8Array): Uint8Array {
    if (bytes.byteLength > this.output) this.truncated = true;
    const kept = bytes.subarray(0, this.output);
    this.output -= kept.byteLength;
    return kept;
  }

  /** Whether there is still room for a file; one that is left out counts as truncation. */
  file({ path, bytes }: { path: Uint8Array; bytes: Uint8Array }): boolean {
    const fits = this.files > 0 && bytes.byteLength <= this.bytes && path.byteLength <= MOST_PATH;
    if (!fits) this.truncated = true;
    else {
      this.files -= 1;
      this.bytes -= bytes.byteLength;
    }
    return fits;
  }
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function parseFile(payload: Uint8Array): { path: Uint8Array; bytes: Uint8Array } {
  if (payload.byteLength < 2) throw new FrameError('a file frame is too short');
  const end = 2 + ((payload[0]! << 8) | payload[1]!);
  if (payload.byteLength < end) throw new FrameError('a file frame is too short');
  return { path: payload.subarray(2, end), bytes: payload.subarray(end) };
}

interface Verdict {
  ending: Ending;
  truncated: boolean;
  peakMemoryBytes: number | null;
}

function parseVerdict(payload: Uint8Array): Verdict {
  const verdict = JSON.parse(strictUtf8.decode(payload)) as Record<string, unknown>;
  const peakMemoryBytes = typeof verdict['peakMemoryBytes'] === 'number' ? verdict['peakMemoryBytes'] : null;
  const truncated = verdict['truncated'] === true;
  const kind = verdict['kind'];
  if (kind === 'exited' && Number.isInteger(verdict['code'])) {
    return { ending: { kind, code: verdict['code'] as number }, truncated, peakMemoryBytes };
  }
  if (kind === 'timeout' || kind === 'memory') return { ending: { kind }, truncated, peakMemoryBytes };
  return { ending: { kind: 'crashed', detail: String(verdict['detail'] ?? '') }, truncated, peakMemoryBytes };
}

export function parseBoot(payload: Uint8Array): Boot {
  const boot = JSON.parse(strictUtf8.decode(payload)) as Record<string, unknown>;
  return { ms: Number(boot['ms']) || 0, spare: boot['spare'] === true, queueMs: Number(boot['queueMs']) || 0 };
}

/**
 * Frames → events, ending in exactly one `exit`. From an executor the end is its exit frame; from a runner it is
 * the verdict, and the executor's exit frame never reaches us.
 */
export async function* readRun(
  frames: AsyncIterable<Frame>,
  outputBytes: number,
  from: 'executor' | 'runner',
): AsyncGenerator<SandboxEvent> {
  const allowance = new Allowance(outputBytes);
  const exit = (verdict: Verdict): SandboxEvent => ({
    type: 'exit',
    ending: verdict.ending,
    truncated: verdict.truncated || allowance.truncated,
    peakMemoryBytes: verdict.peakMemoryBytes,
  });
  const ended = (ending: Ending) => exit({ ending, truncated: false, peakMemoryBytes: null });
  const crashed = (detail: string) => ended({ kind: 'crashed', detail });
  try {
    for await (const { type, payload } of frames) {
      if (type === STDOUT || type === STDERR) {
        const bytes = allowance.print(payload);
        if (bytes.byteLength > 0) yield type === STDOUT ? { type: 'stdout', bytes } : { type: 'stderr', bytes };
      } else if (type === FILE) {
        const file = parseFile(payload);
        if (allowance.file(file)) yield { type: 'file', path: strictUtf8.decode(file.path), bytes: file.bytes };
      } else if (type === OMITTED) {
        allowance.truncated = true;
      } else if (type === EXIT && from === 'executor' && payload.byteLength === 4) {
        const code = new DataView(payload.buffer, payload.byteOffset, 4).getInt32(0);
        yield ended({ kind: 'exited', code });
        return;
      } else if (type === VERDICT && from === 'runner') {
        yield exit(parseVerdict(payload));
        return;
      } else {
        yield crashed('the sandbox spoke out of turn');
        return;
      }
    }
  } catch (error) {
    if (error instanceof DeadlineError) yield ended({ kind: 'timeout' });
    else yield crashed(error instanceof Error ? error.message : String(error));
    return;
  }
  yield crashed('the sandbox ended without an exit status');
}
