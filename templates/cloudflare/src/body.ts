/** Request bodies: read no further than a bound, then parsed and held to a schema. */
import type { z } from 'zod';

import { ApiError } from './errors';

/** No request of this API comes near it; deeper ones are made to break whatever walks through them. */
const MOST_NESTING = 16;

/**
 * @param most bytes
 * @throws ApiError `unsupported_media_type`, `payload_too_large`, `invalid_json` or `invalid_request`
 */
export async function parseBody<T>(request: Request, schema: z.ZodType<T>, most: number): Promise<T> {
  const type = request.headers.get('Content-Type') ?? '';
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    throw new ApiError('unsupported_media_type', `The body is ${type || 'of no named type'}, not JSON.`);
  }
  const parsed = schema.safeParse(parseObject(await readText(request, most)));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const field = issue.path.length > 0 ? issue.path.join('.') : 'The body';
  throw new ApiError('invalid_request', `${field}: ${issue.message}.`);
}

async function readText(request: Request, most: number): Promise<string> {
  const tooLarge = new ApiError('payload_too_large', `The body is larger than ${most / 1024} KiB.`);
  if (Number(request.headers.get('Content-Length')) > most) throw tooLarge;
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });
  let size = 0;
  let text = '';
  // A body may also come in chunks, with no length named before.
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > most) throw tooLarge;
    text += decode(decoder, chunk);
  }
  return text + decode(decoder);
}

function decode(decoder: TextDecoder, chunk?: Uint8Array): string {
  try {
    return decoder.decode(chunk, { stream: chunk !== undefined });
  } catch {
    throw new ApiError('invalid_json', 'The body is not UTF-8.');
  }
}

function parseObject(text: string): object {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new ApiError('invalid_json', 'The body is not valid JSON.');
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new ApiError('invalid_json', 'The body is JSON, but not an object.');
  }
  if (isDeeperThan(MOST_NESTING, body)) throw new ApiError('invalid_json', 'The body is nested too deeply.');
  return body;
}

function isDeeperThan(levels: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeperThan(levels - 1, inner));
}
