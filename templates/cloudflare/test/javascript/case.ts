/** One program and what running it must yield. */
export interface Case {
  name: string;
  /** One file (`main.mjs`), or several of which the first starts. */
  files: string | Record<string, string>;
  stdout?: string;
  /** Texts that stderr must contain; without them it must be empty. */
  stderr?: string[];
  /** Texts that must appear nowhere. */
  absent?: string[];
  /** 0 when not given. */
  exit?: number;
  written?: Record<string, string>;
}
