/** Server-sent events: bytes in, events out, no I/O. The rules are the WHATWG's ("Interpreting an event stream"). */

export interface ServerEvent {
  /** `message` where the stream names none. */
  name: string;
  /** The lines of data, joined with a newline. */
  data: string;
}

/**
 * Takes the bytes of one stream in any chunking; the events depend on the bytes alone. `id` and `retry` serve
 * reconnecting, which would be a second run: they are read over, as comments are. An event that the stream leaves
 * unfinished is never given out.
 */
export class SseDecoder {
  readonly #decoder = new TextDecoder('utf-8'); // drops a byte order mark at the start, as it should
  /** The pieces of the line that no line end has closed yet. */
  #line: string[] = [];
  #afterReturn = false;
  #data: string[] = [];
  #name = '';

  /** The events that `chunk` completes. */
  feed(chunk: Uint8Array): ServerEvent[] {
    let text = this.#decoder.decode(chunk, { stream: true });
    if (text === '') return [];
    if (this.#afterReturn && text.startsWith('\n')) text = text.slice(1);
    this.#afterReturn = text.endsWith('\r');
    const lines = text.split(/\r\n?|\n/);
    const unfinished = lines.pop()!;
    const events: ServerEvent[] = [];
    for (const line of lines) {
      this.#line.push(line);
      const event = this.#take(this.#line.join(''));
      this.#line = [];
      if (event) events.push(event);
    }
    if (unfinished) this.#line.push(unfinished);
    return events;
  }

  #take(line: string): ServerEvent | null {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'data') this.#data.push(value);
    else if (field === 'event') this.#name = value;
    return null;
  }

  #dispatch(): ServerEvent | null {
    const [name, data] = [this.#name, this.#data];
    this.#name = '';
    this.#data = [];
    return data.length > 0 ? { name: name || 'message', data: data.join('\n') } : null;
  }
}
