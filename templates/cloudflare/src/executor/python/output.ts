/** What the program prints, on its way from system calls to frames. */
import type { FrameWriter } from '../frames';

/** Enough to keep frames few, little enough to let a program that prints without end feel its reader. */
const FULL = 64 * 1024;
/** Output waits this long for more of it when the program goes on printing. */
const PATIENCE_MS = 5;
/** The first writes of a program go out one by one: it may be about to loop for ever. */
const EAGER_WRITES = 256;

interface Chunk {
  fd: 1 | 2;
  parts: Uint8Array[];
}

export class Output {
  private chunks: Chunk[] = [];
  private size = 0;
  private flushes = 0;
  private flushedAt = 0;

  constructor(private readonly frames: FrameWriter) {}

  /** The program has printed enough, or waited long enough, for a pause to be worth its cost. */
  get due(): boolean {
    if (this.size === 0) return false;
    return this.size >= FULL || this.flushes < EAGER_WRITES || Date.now() - this.flushedAt >= PATIENCE_MS;
  }

  write(fd: 1 | 2, bytes: Uint8Array): void {
    const last = this.chunks.at(-1);
    if (last?.fd === fd) last.parts.push(bytes);
    else this.chunks.push({ fd, parts: [bytes] });
    this.size += bytes.byteLength;
    // Only where the program cannot be paused does more than this ever gather.
    if (this.size >= 4 * FULL) this.flush();
  }

  flush(): void {
    for (const { fd, parts } of this.chunks) {
      const bytes = join(parts);
      if (fd === 1) this.frames.stdout(bytes);
      else this.frames.stderr(bytes);
    }
    this.chunks = [];
    this.size = 0;
  }

  /** Resolves when the reader has taken what was printed so far. */
  async settle(): Promise<void> {
    this.flush();
    await this.frames.drained();
    // The reader's side needs a turn of the event loop to pass the bytes on; the program may not give it another.
    await scheduler.wait(0);
    this.flushes++;
    this.flushedAt = Date.now();
  }
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const bytes = new Uint8Array(parts.reduce((size, part) => size + part.byteLength, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.byteLength;
  }
  return bytes;
}
