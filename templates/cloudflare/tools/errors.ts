/** What can go wrong in the tools, and the exit status that each error code leads to (the same as with `cct`). */
import type { ErrorBody, ErrorCode } from '../src/errors.ts';

export const EXIT = {
  ok: 0,
  programFailed: 1,
  usage: 2,
  config: 3,
  worker: 4,
  generation: 5,
  limit: 6,
  unsafe: 7,
  interrupted: 130,
} as const;

/** Codes of this side; all others are the Worker's. */
export type ToolCode =
  | 'usage'
  | 'config'
  | 'component_not_found'
  | 'component_ambiguous'
  | 'component_invalid'
  | 'output_unwritable'
  | 'unsafe_file'
  | 'worker_unreachable'
  | 'worker_invalid'
  | 'worker_silent'
  | 'stream_ended'
  | 'interrupted';

export const EXIT_OF: Readonly<Record<ErrorCode | ToolCode, number>> = {
  unauthorized: EXIT.config,
  origin_forbidden: EXIT.config,
  not_found: EXIT.worker,
  method_not_allowed: EXIT.worker,
  payload_too_large: EXIT.usage,
  unsupported_media_type: EXIT.worker,
  invalid_json: EXIT.worker,
  invalid_request: EXIT.usage,
  unsafe_path: EXIT.unsafe,
  sandbox_unsupported: EXIT.usage,
  too_many_runs: EXIT.worker,
  not_configured: EXIT.config,
  key_missing: EXIT.config,
  key_rejected: EXIT.config,
  sandbox_unavailable: EXIT.worker,
  model_not_found: EXIT.generation,
  model_bad_request: EXIT.generation,
  model_rate_limited: EXIT.generation,
  model_spend_limit: EXIT.generation,
  model_overloaded: EXIT.generation,
  model_failed: EXIT.generation,
  model_unreachable: EXIT.generation,
  model_timeout: EXIT.generation,
  model_interrupted: EXIT.generation,
  model_refused: EXIT.generation,
  model_truncated: EXIT.generation,
  model_empty: EXIT.generation,
  model_invalid: EXIT.generation,
  program_failed: EXIT.programFailed,
  sandbox_timeout: EXIT.limit,
  sandbox_oom: EXIT.limit,
  sandbox_crashed: EXIT.programFailed,
  internal: EXIT.worker,
  usage: EXIT.usage,
  config: EXIT.config,
  component_not_found: EXIT.usage,
  component_ambiguous: EXIT.usage,
  component_invalid: EXIT.usage,
  output_unwritable: EXIT.config,
  unsafe_file: EXIT.unsafe,
  worker_unreachable: EXIT.worker,
  worker_invalid: EXIT.worker,
  worker_silent: EXIT.worker,
  stream_ended: EXIT.worker,
  interrupted: EXIT.interrupted,
};

/** The exit status of an error code; one that a newer Worker invented counts as the Worker's trouble. */
export function exitOf(code: string): number {
  return Object.hasOwn(EXIT_OF, code) ? EXIT_OF[code as ErrorCode] : EXIT.worker;
}

/** A failure that a person can act on: `message` is one sentence, `hint` says what to do next ("" when nothing). */
export class ToolError extends Error {
  readonly code: string;
  readonly hint: string;
  /** Whether sending the same request again can help. */
  readonly retryable: boolean;

  constructor(code: string, message: string, hint = '', retryable = false) {
    super(message);
    this.name = 'ToolError';
    this.code = code;
    this.hint = hint;
    this.retryable = retryable;
  }

  get exitCode(): number {
    return exitOf(this.code);
  }

  /** The error object of the Worker's API: the same shape wherever an error comes from. */
  toBody(): Omit<ErrorBody, 'errorCode'> & { errorCode: string } {
    return {
      success: false,
      error: this.message,
      errorCode: this.code,
      hint: this.hint,
      retryable: this.retryable,
    };
  }
}
