/**
 * Every error code of this Worker: one HTTP status, whether trying again can help, and what to do next.
 * `errors.py` of the command line mirrors this table; a test holds the two equal.
 */

interface ErrorSpec {
  readonly status: number;
  readonly retryable: boolean;
  readonly hint: string;
}

export const ERRORS = {
  // The request
  unauthorized: {
    status: 401,
    retryable: false,
    hint: 'Send the Worker\'s token: "Authorization: Bearer <CCT_TOKEN>".',
  },
  origin_forbidden: { status: 403, retryable: false, hint: 'Add this origin to ALLOWED_ORIGINS in wrangler.toml.' },
  not_found: { status: 404, retryable: false, hint: 'GET / lists the routes.' },
  method_not_allowed: { status: 405, retryable: false, hint: 'GET / lists the routes and their methods.' },
  payload_too_large: { status: 413, retryable: false, hint: 'Send a smaller body; GET / names the limits.' },
  unsupported_media_type: { status: 415, retryable: false, hint: 'Send JSON with "Content-Type: application/json".' },
  invalid_json: { status: 400, retryable: false, hint: 'The body must be one JSON object.' },
  invalid_request: { status: 400, retryable: false, hint: 'GET / describes the fields and their bounds.' },
  unsafe_path: { status: 400, retryable: false, hint: "Use relative paths inside the program's own folder." },
  sandbox_unsupported: { status: 400, retryable: false, hint: 'GET /health lists the sandboxes of this Worker.' },
  too_many_runs: { status: 429, retryable: true, hint: 'Wait for a run to end, or raise MAX_CONCURRENT_RUNS.' },
  // The Worker's own configuration
  not_configured: { status: 503, retryable: false, hint: 'Set a token: npx wrangler secret put CCT_TOKEN' },
  key_missing: { status: 503, retryable: false, hint: 'Set a key: npx wrangler secret put ANTHROPIC_API_KEY' },
  key_rejected: {
    status: 502,
    retryable: false,
    hint: 'Check the Anthropic API key: it may be mistyped, revoked or of another workspace.',
  },
  sandbox_unavailable: {
    status: 503,
    retryable: true,
    hint: 'Dynamic Workers and containers need the Workers Paid plan; locally, run the command again.',
  },
  // Generation
  model_not_found: { status: 502, retryable: false, hint: 'Choose another model with "model".' },
  model_bad_request: {
    status: 502,
    retryable: false,
    hint: "Claude's API refused the request as it was built; the message says why.",
  },
  model_rate_limited: {
    status: 429,
    retryable: true,
    hint: 'Wait and send it again, or check the limits of your Anthropic workspace.',
  },
  model_spend_limit: {
    status: 402,
    retryable: false,
    hint: 'Waiting does not help: look at credits and spend limits in the Claude Console (platform.claude.com).',
  },
  model_overloaded: { status: 503, retryable: true, hint: "Claude's API is overloaded; send it again in a while." },
  model_failed: { status: 502, retryable: true, hint: "Claude's API failed; send it again." },
  model_unreachable: {
    status: 502,
    retryable: true,
    hint: "The Worker could not reach Claude's API; check the network and ANTHROPIC_BASE_URL.",
  },
  model_timeout: { status: 504, retryable: true, hint: "Claude's API stopped answering; send it again." },
  model_interrupted: {
    status: 502,
    retryable: true,
    hint: 'The reply was cut before its end and nothing ran; send it again.',
  },
  model_refused: { status: 502, retryable: false, hint: 'Claude declined; put the question another way.' },
  model_truncated: { status: 502, retryable: false, hint: 'The program did not fit; raise maxTokens or ask for less.' },
  model_empty: {
    status: 502,
    retryable: true,
    hint: 'Claude answered without a program; say what the program should do.',
  },
  model_invalid: {
    status: 502,
    retryable: true,
    hint: "Claude's program was not valid and nothing ran; send it again.",
  },
  // How a run ended: answers with status 200 and "success": false
  program_failed: { status: 200, retryable: false, hint: 'Read the error: the program itself ended with a failure.' },
  sandbox_timeout: { status: 200, retryable: false, hint: 'Raise "timeout", or give the program less to do.' },
  sandbox_oom: { status: 200, retryable: false, hint: 'The program needs less memory, or a larger limit.' },
  sandbox_crashed: { status: 200, retryable: true, hint: 'The sandbox ended without a result; run it again.' },
  // Ours
  internal: { status: 500, retryable: true, hint: 'This is a fault of the Worker; its log has more.' },
} as const satisfies Record<string, ErrorSpec>;

export type ErrorCode = keyof typeof ERRORS;

/** The JSON body of every answer that is an error. */
export interface ErrorBody {
  success: false;
  error: string;
  errorCode: ErrorCode;
  hint: string;
  retryable: boolean;
}

/** A request that could not be served; `message` is one sentence for people. */
export class ApiError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string) {
    super(message);
    this.name = 'ApiError';
    this.code = code;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }

  toBody(): ErrorBody {
    const { hint, retryable } = ERRORS[this.code];
    return { success: false, error: this.message, errorCode: this.code, hint, retryable };
  }
}

/** What is not an ApiError is a fault of ours: its text stays in the log. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  console.error(error);
  return new ApiError('internal', 'The Worker failed in a way that it did not foresee.');
}
