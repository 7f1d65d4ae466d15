/** The one interface behind which a program runs, wherever that is. */
import type { Language, Program } from '../program';

export interface Limits {
  /** Wall-clock milliseconds from the start of the program. */
  timeoutMs: number;
  /** Bytes of resident memory; only the `process` sandbox can hold a program to it. A container has its instance's. */
  memoryBytes: number;
  /** Bytes of stdout and stderr together; what is beyond is dropped and `truncated` is set. */
  outputBytes: number;
}

/** How a program ended. */
export type Ending =
  | { kind: 'exited'; code: number }
  | { kind: 'timeout' }
  | { kind: 'memory' }
  /** The sandbox went away without an exit status. */
  | { kind: 'crashed'; detail: string };

export type SandboxEvent =
  | { type: 'stdout'; bytes: Uint8Array }
  | { type: 'stderr'; bytes: Uint8Array }
  | { type: 'file'; path: string; bytes: Uint8Array }
  | { type: 'exit'; ending: Ending; truncated: boolean; peakMemoryBytes: number | null };

export interface Boot {
  /** Milliseconds that the start took, whether or not anybody waited for it. */
  ms: number;
  /** A sandbox that had been started ahead of need was waiting. */
  spare: boolean;
  /** Milliseconds before the start in which too many others were running. */
  queueMs: number;
}

/** One sandbox for one run: started before the program is known, used once, then gone. A rejected `ready` is an ApiError. */
export interface Session {
  readonly ready: Promise<Boot>;
  /** Yields output and files as they come, then exactly one `exit`. */
  run(program: Program): AsyncIterable<SandboxEvent>;
  /** Ends the sandbox and everything in it; safe to call at any time and more than once. */
  close(): void;
}

export type RunnableLanguage = Exclude<Language, 'web'>;

export type SandboxName = 'isolate' | 'process' | 'container';

export interface Sandbox {
  readonly name: SandboxName;
  /** One line for people: what holds the program. */
  readonly isolation: string;
  /** Whether a session runs programs of every language, whichever it was opened for. */
  readonly anyLanguage: boolean;
  open(language: RunnableLanguage, limits: Limits): Session;
}
