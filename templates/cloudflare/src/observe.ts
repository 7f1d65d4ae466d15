/** Watches one run: tells its output as it comes and keeps what the answer needs. */
import type { Emit } from './api';
import { ApiError } from './errors';
import { unsafePath } from './paths';
import { fileFromBytes, type Program, type ProgramFile, type RefusedFile } from './program';
import type { Ending, Session } from './sandbox';

export interface Outcome {
  stdout: Uint8Array;
  stderr: Uint8Array;
  files: ProgramFile[];
  refusedFiles: RefusedFile[];
  /** Null when there was nothing to run. */
  ending: Ending | null;
  truncated: boolean;
  peakMemoryBytes: number | null;
  executionMs: number;
}

/** For `web`: files, and nothing to start. */
export const NOTHING_TO_RUN: Outcome = {
  stdout: new Uint8Array(0),
  stderr: new Uint8Array(0),
  files: [],
  refusedFiles: [],
  ending: null,
  truncated: false,
  peakMemoryBytes: null,
  executionMs: 0,
};

export async function observe(session: Session, program: Program, emit: Emit): Promise<Outcome> {
  const start = Date.now();
  const out = new OutputReader('stdout', emit);
  const err = new OutputReader('stderr', emit);
  const files = new Map<string, ProgramFile>();
  const refusedFiles: RefusedFile[] = [];
  for await (const event of session.run(program)) {
    if (event.type === 'stdout') out.take(event.bytes);
    else if (event.type === 'stderr') err.take(event.bytes);
    else if (event.type === 'file') {
      const reason = unsafePath(event.path);
      if (reason !== null) refusedFiles.push({ path: event.path, reason });
      else {
        files.set(event.path, fileFromBytes(event.path, event.bytes));
        emit('file', { path: event.path, bytes: event.bytes.byteLength });
      }
    } else {
      return {
        stdout: out.end(),
        stderr: err.end(),
        files: [...files.values()],
        refusedFiles,
        ending: event.ending,
        truncated: event.truncated,
        peakMemoryBytes: event.peakMemoryBytes,
        executionMs: Date.now() - start,
      };
    }
  }
  throw new ApiError('internal', 'The sandbox ended without saying how.');
}

/** Tells output as text as it comes, never cutting a character in two, and keeps the exact bytes. */
class OutputReader {
  private readonly decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true });
  private readonly chunks: Uint8Array[] = [];

  constructor(
    private readonly name: 'stdout' | 'stderr',
    private readonly emit: Emit,
  ) {}

  take(bytes: Uint8Array): void {
    this.chunks.push(bytes);
    this.tell(this.decoder.decode(bytes, { stream: true }));
  }

  end(): Uint8Array {
    this.tell(this.decoder.decode());
    const whole = new Uint8Array(this.chunks.reduce((size, chunk) => size + chunk.byteLength, 0));
    let at = 0;
    for (const chunk of this.chunks) {
      whole.set(chunk, at);
      at += chunk.byteLength;
    }
    return whole;
  }

  private tell(text: string): void {
    if (text !== '') this.emit(this.name, { text });
  }
}
