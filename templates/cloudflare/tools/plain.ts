/** Text that nobody vouches for, made harmless for a terminal. Pure: text in, text out. */

// All that a terminal may act upon: C0 but for newline and tab, DEL, C1, marks that reorder a line, lone surrogates.
const ACTIVE =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\u{e0000}-\u{e007f}\ud800-\udfff]/gu;
const STRING_END = /[\u0007\u009c\u001b\u0018\u001a\n]/g;
const STRING_STARTS = ']PX^_'; // after ESC: OSC, DCS, SOS, PM, APC
const C1_STRING_STARTS = '\u009d\u0090\u0098\u009e\u009f';

type State =
  | 'text'
  | 'escape' // after ESC
  | 'control' // in a control sequence: parameters up to a final letter
  | 'string'; // in a string for the terminal: a title, the clipboard

/**
 * Takes text in any chunking, also one that cuts a control sequence; what comes out depends on the text alone.
 *
 * Control sequences vanish, colours too. A carriage return becomes a line break, since it could write over what was
 * shown; the one of a CRLF goes. A string for the terminal that is never ended takes the rest of its line.
 */
export class PlainStream {
  #state: State = 'text';
  #afterReturn = false;
  /** The first half of a character outside the basic plane, when a chunk ends with it. */
  #half = '';

  feed(chunk: string): string {
    let text = this.#half + chunk;
    this.#half = /[\ud800-\udbff]$/.exec(text)?.[0] ?? '';
    if (this.#half) text = text.slice(0, -1);
    if (this.#state === 'text' && !this.#afterReturn && !search(ACTIVE, text, 0)) return text;
    const out: string[] = [];
    let at = 0;
    while (at < text.length) {
      if (this.#state === 'text') at = this.#text(text, at, out);
      else if (this.#state === 'string') at = this.#string(text, at);
      else at = this.#sequence(text, at);
    }
    return out.join('');
  }

  /** What was held back until it was clear that nothing follows. */
  end(): string {
    const half = this.#half && this.#state !== 'string' ? '\ufffd' : '';
    const held = (this.#afterReturn ? '\n' : '') + half;
    this.#state = 'text';
    this.#afterReturn = false;
    this.#half = '';
    return held;
  }

  #text(text: string, at: number, out: string[]): number {
    if (this.#afterReturn) {
      this.#afterReturn = false;
      out.push('\n');
      if (text[at] === '\n') return at + 1;
    }
    const found = search(ACTIVE, text, at);
    if (!found) {
      out.push(text.slice(at));
      return text.length;
    }
    out.push(text.slice(at, found.start));
    const { character } = found;
    if (character === '\r') this.#afterReturn = true;
    else if (character === '\u001b') this.#state = 'escape';
    else if (character === '\u009b') this.#state = 'control';
    else if (C1_STRING_STARTS.includes(character)) this.#state = 'string';
    else if (!character.isWellFormed()) out.push('\ufffd');
    else if (character === '\u2028' || character === '\u2029') out.push('\n');
    return found.end;
  }

  #string(text: string, at: number): number {
    const found = search(STRING_END, text, at);
    if (!found) return text.length;
    // ESC and a backslash end the string; any other sequence breaks it off.
    this.#state = found.character === '\u001b' ? 'escape' : 'text';
    return found.character === '\n' ? found.start : found.end;
  }

  /** One character of a sequence; one that does not belong there ends it and is looked at again. */
  #sequence(text: string, at: number): number {
    const character = text[at]!;
    if (this.#state === 'escape') {
      if (character === '[') this.#state = 'control';
      else if (STRING_STARTS.includes(character)) this.#state = 'string';
      else if (!isBetween(' ', character, '/')) {
        this.#state = 'text';
        return isBetween('0', character, '~') ? at + 1 : at;
      }
      return at + 1; // after an intermediate, the final character follows
    }
    if (isBetween(' ', character, '?')) return at + 1;
    this.#state = 'text';
    return isBetween('@', character, '~') ? at + 1 : at;
  }
}

function isBetween(least: string, character: string, most: string): boolean {
  return least <= character && character <= most;
}

function search(pattern: RegExp, text: string, at: number): { character: string; start: number; end: number } | null {
  pattern.lastIndex = at;
  const found = pattern.exec(text);
  return found && { character: found[0], start: found.index, end: pattern.lastIndex };
}

/** `text` without anything that a terminal would act upon; newlines and tabs stay. */
export function plain(text: string): string {
  const stream = new PlainStream();
  return stream.feed(text) + stream.end();
}

/** The same on one line, for a name or a sentence within a line of ours. */
export function plainLine(text: string): string {
  return plain(text).split(/\s+/).filter(Boolean).join(' ');
}
