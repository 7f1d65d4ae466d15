/** A run, as the Worker tells it while it happens. */
import type { Events } from '../../api';
import type { ErrorBody } from '../../errors';

/** An event with its name and data; one that this page does not know is passed on, too. */
export type Told = { [Name in keyof Events]: { name: Name; data: Events[Name] } }[keyof Events];

/**
 * Sends a request and yields its events; the last one is a `result` or an `error`, whatever happens on the way.
 *
 * @throws {DOMException} AbortError when `signal` ends it
 */
export async function* send(path: string, body: object, token: string, signal: AbortSignal): AsyncGenerator<Told> {
  let ended = false;
  try {
    const response = await fetch(path, {
      method: 'POST',
      headers: {
        Accept: 'text/event-stream',
        'Content-Type': 'application/json',
        Authorization: `Bearer ${token}`,
      },
      body: JSON.stringify(body),
      // A token does not travel on to wherever an answer points.
      redirect: 'error',
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
      signal,
    });
    if (!response.ok || !response.body) {
      yield { name: 'error', data: await refusal(response) };
      return;
    }
    for await (const event of events(response.body)) {
      yield event;
      ended = event.name === 'result' || event.name === 'error';
      if (ended) return;
    }
  } catch (error) {
    if (signal.aborted) throw error;
    if (ended) return;
  }
  yield { name: 'error', data: failure('The connection to the Worker ended before the result.') };
}

async function refusal(response: Response): Promise<ErrorBody> {
  const body: unknown = await response.json().catch(() => null);
  const isOurs = typeof body === 'object' && body !== null && 'errorCode' in body;
  return isOurs ? (body as ErrorBody) : failure(`The Worker answered with status ${response.status}.`);
}

function failure(error: string): ErrorBody {
  const hint = 'Look whether the Worker is still up, then run it again.';
  return { success: false, error, errorCode: 'internal', hint, retryable: true };
}

/** Server-sent events as the Worker writes them: an `event:` and a `data:` line each; comments keep it alive. */
async function* events(body: ReadableStream<Uint8Array>): AsyncGenerator<Told> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const [, name, data] = /^event: (\w+)\ndata: (.*)$/m.exec(block) ?? [];
      if (name !== undefined && data !== undefined) yield { name, data: JSON.parse(data) } as Told;
    }
  }
}
