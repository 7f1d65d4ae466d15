/** Server-sent events: what happens, told while it happens. */
import type { Answer, Emit } from './api';
import { toApiError } from './errors';

/** A comment line this often keeps an idle stream open and tells the client that the Worker is alive. */
const PING_MS = 10_000;

const HEADERS = { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' };

/**
 * Answers with what `work` emits, ending with exactly one `result` or `error`.
 *
 * @param signal aborted when the client has gone; what fails then is told to nobody
 * @returns when there is a first event
 * @throws what `work` throws before that: nothing has been answered yet, so it can be an answer with a status
 */
export async function eventStream(work: (emit: Emit) => Promise<Answer>, signal: AbortSignal): Promise<Response> {
  const events = new EventStream();
  const first = Promise.withResolvers<void>();
  const emit: Emit = (name, data) => {
    events.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
    first.resolve();
  };
  const ping = setInterval(() => events.write(': ping\n\n'), PING_MS);
  const end = work(emit)
    .then(
      (answer) => emit('result', answer),
      (error: unknown) => {
        if (!events.written) throw error;
        if (!signal.aborted) emit('error', toApiError(error).toBody());
      },
    )
    .finally(() => {
      clearInterval(ping);
      events.close();
    });
  await Promise.race([first.promise, end]);
  return new Response(events.readable, { headers: HEADERS });
}

/** Text that waits until the client takes it; what comes after the client has gone is dropped. */
class EventStream {
  readonly readable: ReadableStream<Uint8Array>;
  written = false;
  private open = true;
  private controller!: ReadableStreamDefaultController<Uint8Array>;
  private readonly encoder = new TextEncoder();

  constructor() {
    this.readable = new ReadableStream({
      start: (controller) => {
        this.controller = controller;
      },
      cancel: () => {
        this.open = false;
      },
    });
  }

  write(text: string): void {
    if (!this.open) return;
    this.written = true;
    this.controller.enqueue(this.encoder.encode(text));
  }

  close(): void {
    if (this.open) this.controller.close();
    this.open = false;
  }
}
