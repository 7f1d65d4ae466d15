/** Watches one run: tells its output as it comes and keeps what the answer needs. */
import type { Emit } from './api';
import { ApiError } from './errors';
import { unsafePath } from './paths';
import { fileFromBytes, type Program, type ProgramFile, type RefusedFile } from './program';
import type { Ending, Session } from './sandbox';

export interface Printed {
  text: string;
  /** Something was not UTF-8 and has been replaced. */
  lossy: boolean;
  bytes: number;
}

export interface Outcome {
  stdout: Printed;
  stderr: Printed;
  files: ProgramFile[];
  refusedFiles: RefusedFile[];
  /** Null when there was nothing to run. */
  ending: Ending | null;
  truncated: boolean;
  peakMemoryBytes: number | null;
  executionMs: number;
}

const NOTHING: Printed = { text: '', lossy: false, bytes: 0 };

/** For `web`: files, and nothing to start. */
export const NOTHING_TO_RUN: Outcome = {
  stdout: NOTHING,
  stderr: NOTHING,
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
      const { ending, truncated, peakMemoryBytes } = event;
      const cut = truncated || ending.kind !== 'exited';
      return {
        stdout: out.end(cut),
        stderr: err.end(cut),
        files: [...files.values()],
        refusedFiles,
        ending,
        truncated,
        peakMemoryBytes,
        executionMs: Date.now() - start,
      };
    }
  }
  throw new ApiError('internal', 'The sandbox ended without saying how.');
}

/** Tells output as text as it comes, never cutting a character in two. */
class OutputReader {
  private readonly decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true });
  /** Reads the same bytes and fails where the other one replaces. */
  private readonly judge = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  private text = '';
  private lossy = false;
  private bytes = 0;

  constructor(
    private readonly name: 'stdout' | 'stderr',
    private readonly emit: Emit,
  ) {}

  take(bytes: Uint8Array): void {
    this.bytes += bytes.byteLength;
    this.decode(bytes);
  }

  /** @param cut the output was ended from outside: half a character at its end is not the program's doing */
  end(cut: boolean): Printed {
    if (!cut) this.decode();
    return { text: this.text, lossy: this.lossy, bytes: this.bytes };
  }

  private decode(bytes?: Uint8Array): void {
    const options = { stream: bytes !== undefined };
    const text = this.decoder.decode(bytes, options);
    try {
      if (!this.lossy) this.judge.decode(bytes, options);
    } catch {
      this.lossy = true;
    }
    if (text === '') return;
    this.text += text;
    this.emit(this.name, { text });
  }
}
