import type { Program } from '../program';

/** What the Worker tells the runner in a container: one program and how to run it. */
export interface Order {
  program: Pick<Program, 'language' | 'entrypoint' | 'files'>;
  /** An absolute path: where the program's files lie and where it starts. It is made if it is missing. */
  folder: string;
  /** Whose user and group number the program runs under; null leaves it the runner's own. */
  user: number | null;
  /** Milliseconds, from the start of the program. */
  timeoutMs: number;
  /** Bytes of stdout and stderr together. */
  outputBytes: number;
  /** How many files that the program wrote come back, and how many bytes of them. */
  savedFiles: number;
  savedBytes: number;
}
