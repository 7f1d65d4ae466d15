/** What went wrong between this Worker and Claude's API, as one of this Worker's own errors. */
import Anthropic from '@anthropic-ai/sdk';

import { ApiError, type ErrorCode } from '../errors';
import claude from './claude.json';

/** The longest wait that the API can ask for and get. */
export const MAX_RETRY_AFTER_MS = claude.patience.retryAfterMs;

export class Failure extends Error {
  constructor(
    readonly error: ApiError,
    /** Whether the same request may succeed in a moment. */
    readonly transient: boolean = false,
    /** How long the API asked to be left alone; null when it did not say. */
    readonly retryAfterMs: number | null = null,
  ) {
    super(error.message);
    this.name = 'Failure';
  }
}

export function failure(code: ErrorCode, message: string, transient = false): Failure {
  return new Failure(new ApiError(code, message), transient);
}

const LONGEST_QUOTE = 1000;
/** Shorter ones are made up (a local model takes any), and their letters occur in every text. */
const SHORTEST_KEY = 8;

/** Text of the API, fit to be shown: without the key, without control characters, not endless. */
export function quote(text: string, key: string): string {
  const clean = (key.length < SHORTEST_KEY ? text : text.replaceAll(key, '[key]'))
    .replace(/sk-ant-[\w-]+/g, '[key]')
    .replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
    .trim();
  return clean.length > LONGEST_QUOTE ? `${clean.slice(0, LONGEST_QUOTE).toWellFormed()}…` : clean;
}

/** Milliseconds; null when the header is missing or makes no sense. Seconds or an HTTP date, as RFC 9110 has it. */
export function retryAfterMs(headers: Headers | undefined, now: number = Date.now()): number | null {
  const value = headers?.get('retry-after')?.trim();
  if (!value) return null;
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}

function duration(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 120) return `${seconds} seconds`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 120 ? `${minutes} minutes` : `${Math.ceil(minutes / 60)} hours`;
}

/**
 * A limit of money: waiting does not help. Limits that the organization set itself come as 400 with this text, the
 * limit of its tier as 429 with an error code and without retry-after, an empty balance as 400 or 402
 * (platform.claude.com/docs/en/api/errors and /rate-limits, read 2026-11-23).
 */
function isSpendLimit(error: InstanceType<typeof Anthropic.APIError>): boolean {
  if (error.status === 402 || error.errorCode === 'enforced_spend_limit_reached') return true;
  return (
    error.status === 400 &&
    /reached your specified (workspace )?API usage limits|credit balance is too low/i.test(error.apiMessage ?? '')
  );
}

const BY_TYPE: Readonly<Record<string, ErrorCode>> = {
  authentication_error: 'key_rejected',
  permission_error: 'key_rejected',
  billing_error: 'model_spend_limit',
  not_found_error: 'model_not_found',
  invalid_request_error: 'model_bad_request',
  request_too_large: 'model_bad_request',
  rate_limit_error: 'model_rate_limited',
  overloaded_error: 'model_overloaded',
  timeout_error: 'model_timeout',
  api_error: 'model_failed',
};

function codeOf(error: InstanceType<typeof Anthropic.APIError>): ErrorCode {
  if (isSpendLimit(error)) return 'model_spend_limit';
  switch (error.status) {
    case 401:
    case 403:
      return 'key_rejected';
    case 404:
      // Without the API's own word it is not the API that answers there.
      return error.type === 'not_found_error' ? 'model_not_found' : 'model_unreachable';
    case 429:
      return 'model_rate_limited';
    case 529:
      return 'model_overloaded';
  }
  const { status } = error;
  if (status === undefined || status >= 500) return BY_TYPE[error.type ?? ''] ?? 'model_failed';
  if (status >= 400) return 'model_bad_request';
  return 'model_unreachable';
}

const SENTENCES: Partial<Record<ErrorCode, string>> = {
  key_rejected: "Claude's API rejected the key",
  model_spend_limit: 'The limit of what this Anthropic account may spend is reached',
  model_not_found: 'There is no such model for this key',
  model_unreachable: "What answers at ANTHROPIC_BASE_URL is not Claude's API",
  model_rate_limited: "Claude's API is at the rate limit of this key",
  model_overloaded: "Claude's API is overloaded",
  model_timeout: "Claude's API ran out of time",
  model_bad_request: "Claude's API refused the request",
  model_failed: "Claude's API failed",
};

function describe(code: ErrorCode, error: InstanceType<typeof Anthropic.APIError>, key: string): string {
  const status = error.status === undefined ? '' : ` (${error.status})`;
  const detail = error.apiMessage ? `: ${quote(error.apiMessage, key)}` : '.';
  return `${SENTENCES[code] ?? SENTENCES.model_failed}${status}${detail}`;
}

/** An answer with an error status, or an `error` event in a stream that had begun well (then `status` is absent). */
export function fromApi(error: InstanceType<typeof Anthropic.APIError>, key: string): Failure {
  const code = codeOf(error);
  const wait = retryAfterMs(error.headers);
  const transient =
    code !== 'model_spend_limit' &&
    error.headers?.get('x-should-retry') !== 'false' &&
    (error.status === undefined
      ? ['rate_limit_error', 'overloaded_error', 'timeout_error', 'api_error'].includes(error.type ?? '')
      : [408, 409, 429].includes(error.status) || error.status >= 500);
  const message = describe(code, error, key);
  if (transient && wait !== null && wait > MAX_RETRY_AFTER_MS) {
    return new Failure(new ApiError(code, `${message} It asks to wait ${duration(wait)}.`));
  }
  return new Failure(new ApiError(code, message), transient, wait);
}

/** Whatever was thrown while the answer was awaited. */
export function fromThrown(thrown: unknown, key: string): Failure {
  if (thrown instanceof Failure) return thrown;
  if (thrown instanceof ApiError) return new Failure(thrown);
  if (thrown instanceof Anthropic.APIConnectionError) {
    return failure('model_unreachable', "Claude's API could not be reached.", true);
  }
  if (thrown instanceof Anthropic.APIError) return fromApi(thrown, key);
  throw thrown;
}
