/** The connection to Claude's API: one request, its events as they come, and an end to waiting. */
import Anthropic from '@anthropic-ai/sdk';
import { Stream } from '@anthropic-ai/sdk/core/streaming';

import { ApiError } from '../errors';
import claude from './claude.json';
import { Failure, failure } from './failures';
import type { RawEvent } from './reply';

const OFFICIAL = 'https://api.anthropic.com';

/** Times in milliseconds; tests bring their own. */
export interface Timing {
  /** The longest silence; pings count as life, because a model that thinks for long sends nothing else. */
  stallMs: number;
  /** The longest that one call may take in all. */
  callMs: number;
  /** The wait before the second call; it doubles for the third. */
  backoffMs: number;
  wait: (ms: number, signal: AbortSignal) => Promise<void>;
}

function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal.addEventListener('abort', stop, { once: true });
  });
}

const { stallMs, callMs, backoffMs } = claude.patience;
export const TIMING: Timing = { stallMs, callMs, backoffMs, wait };

/** The SDK adds `/v1/messages` to what it is given, so a base that has `/v1` already would have it twice. */
export function baseUrl(given: string | undefined): string {
  const text = given?.trim();
  if (!text) return OFFICIAL;
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new ApiError('model_unreachable', 'ANTHROPIC_BASE_URL is not a URL.');
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new ApiError('model_unreachable', 'ANTHROPIC_BASE_URL must begin with https:// or http://.');
  }
  if (url.username || url.password || url.search || url.hash) {
    throw new ApiError('model_unreachable', 'ANTHROPIC_BASE_URL may have a host and a path, and nothing else.');
  }
  return url.origin + url.pathname.replace(/\/+$/, '').replace(/\/v1$/, '').replace(/\/+$/, '');
}

export function createClient(key: string, base: string): Anthropic {
  // Everything that the SDK would otherwise read from the environment is given: `process.env` holds the bindings here.
  return new Anthropic({
    apiKey: key,
    baseURL: base,
    maxRetries: 0,
    logLevel: 'off',
    openTelemetry: false,
    // A redirect would carry the key to wherever it points.
    fetchOptions: { redirect: 'manual' },
  });
}

/**
 * The server-sent events of one streamed message, pings included.
 *
 * @param controller aborts the request; it is also aborted here when the API falls silent
 * @throws Failure, and the SDK's own errors for an answer that is not a stream
 */
export async function* streamEvents(
  client: Anthropic,
  params: Anthropic.MessageCreateParamsStreaming,
  controller: AbortController,
  timing: Timing,
): AsyncGenerator<RawEvent, void, undefined> {
  const deadline = Date.now() + timing.callMs;
  /** Awaits one step of the API's; only such waiting counts as its silence. */
  const inTime = async <T>(step: Promise<T>): Promise<T> => {
    const left = deadline - Date.now();
    const [ms, message] =
      left < timing.stallMs
        ? [left, "Claude's API took too long over its reply."]
        : [timing.stallMs, "Claude's API fell silent in the middle of its reply."];
    const timer = setTimeout(() => controller.abort(failure('model_timeout', message)), Math.max(0, ms));
    try {
      return await step;
    } catch (thrown) {
      // The SDK says "aborted" whatever the reason was.
      throw controller.signal.reason instanceof Failure ? controller.signal.reason : thrown;
    } finally {
      clearTimeout(timer);
    }
  };

  const response = await inTime(client.messages.create(params, { signal: controller.signal }).asResponse());
  if (!response.headers.get('content-type')?.includes('text/event-stream')) {
    throw failure('model_unreachable', "What answers at ANTHROPIC_BASE_URL is not Claude's API: it sent no events.");
  }
  const events = Stream.rawEvents(response, controller);
  try {
    for (;;) {
      let next: IteratorResult<RawEvent, unknown>;
      try {
        next = await inTime(events.next());
      } catch (thrown) {
        if (thrown instanceof Failure) throw thrown;
        throw failure('model_interrupted', "The connection to Claude's API broke in the middle of its reply.", true);
      }
      if (next.done) return;
      yield next.value;
    }
  } finally {
    await events.return(undefined);
  }
}
