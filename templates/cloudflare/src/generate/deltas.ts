/**
 * Reads the JSON of a program while it arrives and says what can be shown already.
 *
 * Only a preview comes from here: what runs is the complete text, parsed and validated when it has ended. So
 * JSON that is wrong makes this decoder fall silent instead of throwing.
 */
import type { Language } from '../program';

export type Delta = { type: 'language'; language: Language } | { type: 'delta'; path: string; delta: string };

const LANGUAGES: ReadonlySet<string> = new Set(['python', 'javascript', 'typescript', 'web'] satisfies Language[]);

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

type Container = { kind: 'object'; key: string | null; expectsKey: boolean } | { kind: 'array' };

/** Where a string belongs; the others are skipped. */
type Place = 'key' | 'language' | 'path' | 'content' | 'other';

/** `{…, "files": [{"path": …, "content": …}]}`: the depth of a file's own object. */
const FILE_DEPTH = 3;
/** Deeper than this is no program. */
const MAX_DEPTH = 32;

export class ProgramDeltas {
  private readonly stack: Container[] = [];
  private broken = false;
  private announced = false;
  /** The string that is open, and its text so far; of `content` only what has not been given out. */
  private place: Place | null = null;
  private text = '';
  /** What an escape sequence has so far, from its backslash on. */
  private escape = '';
  private path: string | null = null;
  /** Text of a file whose path is not known yet. */
  private held = '';
  private out: Delta[] = [];

  /** Takes the next piece, of any length, and gives what it made known. */
  feed(chunk: string): Delta[] {
    let at = 0;
    while (at < chunk.length && !this.broken) {
      at = this.place === null ? this.structure(chunk, at) : this.string(chunk, at);
    }
    if (this.place === 'content') this.giveContent(false);
    const out = this.out;
    this.out = [];
    return out;
  }

  private structure(chunk: string, at: number): number {
    const top = this.stack.at(-1);
    switch (chunk[at]) {
      case '{':
        this.push({ kind: 'object', key: null, expectsKey: true });
        break;
      case '[':
        this.push({ kind: 'array' });
        break;
      case '}':
      case ']':
        this.pop();
        break;
      case ',':
        if (top?.kind === 'object') top.expectsKey = true;
        break;
      case ':':
        if (top?.kind === 'object') top.expectsKey = false;
        break;
      case '"':
        this.place = this.placeOf(top);
        this.text = '';
        break;
    }
    return at + 1;
  }

  private push(container: Container): void {
    if (this.stack.length === MAX_DEPTH) this.broken = true;
    this.stack.push(container);
    if (this.inFile()) {
      this.path = null;
      this.held = '';
    }
  }

  private pop(): void {
    if (this.stack.pop() === undefined) this.broken = true;
  }

  private inFile(): boolean {
    const [root, files, file] = this.stack;
    return (
      this.stack.length === FILE_DEPTH &&
      root?.kind === 'object' &&
      root.key === 'files' &&
      files?.kind === 'array' &&
      file?.kind === 'object'
    );
  }

  private placeOf(top: Container | undefined): Place {
    if (top?.kind !== 'object') return 'other';
    if (top.expectsKey) return 'key';
    if (this.stack.length === 1) return top.key === 'language' ? 'language' : 'other';
    return this.inFile() && (top.key === 'path' || top.key === 'content') ? top.key : 'other';
  }

  private string(chunk: string, at: number): number {
    if (this.escape) return this.unescape(chunk, at);
    let end = at;
    while (end < chunk.length && chunk[end] !== '"' && chunk[end] !== '\\') end += 1;
    if (this.place !== 'other') this.text += chunk.slice(at, end);
    if (end === chunk.length) return end;
    if (chunk[end] === '"') this.endString();
    else this.escape = '\\';
    return end + 1;
  }

  private unescape(chunk: string, at: number): number {
    this.escape += chunk[at];
    let character: string | undefined;
    if (this.escape[1] === 'u') {
      if (this.escape.length < 6) return at + 1;
      const hex = this.escape.slice(2);
      character = /^[0-9a-fA-F]{4}$/.test(hex) ? String.fromCharCode(Number.parseInt(hex, 16)) : undefined;
    } else {
      character = ESCAPES[this.escape.charAt(1)];
    }
    if (character === undefined) this.broken = true;
    else if (this.place !== 'other') this.text += character;
    this.escape = '';
    return at + 1;
  }

  private endString(): void {
    const { place, text } = this;
    const top = this.stack.at(-1);
    if (place === 'key' && top?.kind === 'object') top.key = text;
    if (place === 'language' && !this.announced && LANGUAGES.has(text)) {
      this.announced = true;
      this.out.push({ type: 'language', language: text as Language });
    }
    if (place === 'content') this.giveContent(true);
    if (place === 'path') {
      this.path = text;
      this.give(this.held);
      this.held = '';
    }
    this.place = null;
    this.text = '';
  }

  /** A pair of surrogates is never torn: its first half waits for the second, unless the string has ended. */
  private giveContent(ended: boolean): void {
    const keep = !ended && /[\ud800-\udbff]$/.test(this.text) ? 1 : 0;
    const ready = this.text.slice(0, this.text.length - keep);
    this.text = this.text.slice(ready.length);
    if (this.path === null) this.held += ready;
    else this.give(ready);
  }

  private give(delta: string): void {
    if (delta && this.path !== null) this.out.push({ type: 'delta', path: this.path, delta });
  }
}
