/** One streamed message of Claude's, read strictly: a program comes out of it or an error, never a part of one. */
import Anthropic from '@anthropic-ai/sdk';

import type { Language, Program } from '../program';
import { type Delta, ProgramDeltas } from './deltas';
import { type Failure, failure, fromApi, quote } from './failures';
import { parseProgram, TOOL_NAME } from './tool';

export interface Usage {
  inputTokens: number;
  outputTokens: number;
}

/** A server-sent event as it came. */
export interface RawEvent {
  event: string | null;
  data: string;
}

/** More than any model can write. */
const MAX_PROGRAM_CHARACTERS = 8 * 1024 * 1024;
/** How much of an answer in prose an error quotes. */
const PROSE_CHARACTERS = 300;

const KNOWN = new Set([
  'message_start',
  'content_block_start',
  'content_block_delta',
  'content_block_stop',
  'message_delta',
  'message_stop',
  'error',
]);

type Json = Record<string, unknown>;

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const malformed = (): Failure => failure('model_failed', "Claude's API sent an event that makes no sense.");

/** Feed it every event in order, then ask for the result; both throw `Failure`. */
export class Reply {
  private readonly deltas = new ProgramDeltas();
  private readonly usage: Usage = { inputTokens: 0, outputTokens: 0 };
  /** The index of the content block that carries the program. */
  private block: unknown = null;
  private json = '';
  private prose = '';
  private closed = false;
  private stopReason: unknown = null;
  private explanation = '';
  private announced: Language | null = null;
  private stopped = false;
  private begun = false;

  /** @param key the API key, which no message may repeat */
  constructor(private readonly key: string) {}

  /** The language that `feed` has told; null as long as it has not. */
  get language(): Language | null {
    return this.announced;
  }

  /** Whether Claude has begun to write, be it only thoughts. */
  get hasBegun(): boolean {
    return this.begun;
  }

  /** Whether nothing more is to come. */
  get ended(): boolean {
    return this.stopped;
  }

  feed({ event, data }: RawEvent): Delta[] {
    // Pings, events without a name and kinds that came after this was written.
    if (event === null || !KNOWN.has(event)) return [];
    let body: unknown;
    try {
      body = JSON.parse(data);
    } catch {
      throw malformed();
    }
    if (!isObject(body)) throw malformed();
    if (event === 'error') throw fromApi(new Anthropic.APIError(undefined, body, undefined, undefined), this.key);
    return this.take(event, body);
  }

  private take(event: string, body: Json): Delta[] {
    switch (event) {
      case 'message_start':
        if (!isObject(body.message)) throw malformed();
        this.count(body.message.usage);
        return [];
      case 'content_block_start':
        this.open(body);
        return [];
      case 'content_block_delta':
        return this.append(body);
      case 'content_block_stop':
        if (this.block !== null && body.index === this.block) this.closed = true;
        return [];
      case 'message_delta':
        if (!isObject(body.delta)) throw malformed();
        this.stopReason = body.delta.stop_reason ?? null;
        if (isObject(body.delta.stop_details) && typeof body.delta.stop_details.explanation === 'string') {
          this.explanation = body.delta.stop_details.explanation;
        }
        this.count(body.usage);
        return [];
      default:
        this.stopped = true;
        return [];
    }
  }

  private open({ content_block: block, index }: Json): void {
    if (!isObject(block) || typeof index !== 'number') throw malformed();
    this.begun = true;
    if (block.type !== 'tool_use') return;
    if (block.name !== TOOL_NAME) {
      throw failure('model_invalid', 'Claude called a tool that it was not given.');
    }
    if (this.block !== null) throw failure('model_invalid', 'Claude handed over more than one program.');
    this.block = index;
  }

  private append({ delta, index }: Json): Delta[] {
    if (!isObject(delta)) throw malformed();
    if (delta.type === 'text_delta' && typeof delta.text === 'string') {
      if (this.prose.length < PROSE_CHARACTERS) this.prose += delta.text;
    }
    if (delta.type !== 'input_json_delta' || index !== this.block) return [];
    if (typeof delta.partial_json !== 'string' || this.closed) throw malformed();
    this.json += delta.partial_json;
    if (this.json.length > MAX_PROGRAM_CHARACTERS) {
      throw failure('model_invalid', "Claude's program is longer than a program can be.");
    }
    const deltas = this.deltas.feed(delta.partial_json);
    for (const known of deltas) if (known.type === 'language') this.announced = known.language;
    return deltas;
  }

  /** Counts are totals, not increments; a later event may leave some out. */
  private count(usage: unknown): void {
    if (!isObject(usage)) return;
    const of = (name: string): number | null => {
      const value = usage[name];
      return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null;
    };
    const input = of('input_tokens');
    if (input !== null) {
      const cached = (of('cache_creation_input_tokens') ?? 0) + (of('cache_read_input_tokens') ?? 0);
      this.usage.inputTokens = Math.max(this.usage.inputTokens, input + cached);
    }
    this.usage.outputTokens = of('output_tokens') ?? this.usage.outputTokens;
  }

  /** Call it when the stream has ended. */
  result(): { program: Program; usage: Usage } {
    if (!this.stopped) throw failure('model_interrupted', "Claude's reply ended before it was complete.", true);
    switch (this.stopReason) {
      case 'tool_use':
      case 'end_turn':
        break;
      case 'max_tokens':
        throw failure('model_truncated', 'Claude reached the limit of tokens before the program was complete.');
      case 'model_context_window_exceeded':
        throw failure('model_truncated', "The prompt and the program do not fit into the model's context window.");
      case 'refusal':
        throw failure('model_refused', this.inProse('Claude declined to write this program'));
      case null:
        throw failure('model_interrupted', "Claude's reply ended without saying why.", true);
      default:
        throw failure('model_invalid', 'Claude stopped for a reason that a program does not have.');
    }
    if (this.block === null) {
      throw failure('model_empty', this.inProse('Claude answered without a program'));
    }
    if (!this.closed) throw failure('model_interrupted', "Claude's program ended before it was complete.");
    return { program: parseProgram(this.json), usage: this.usage };
  }

  private inProse(sentence: string): string {
    const said = quote((this.explanation || this.prose).slice(0, PROSE_CHARACTERS).toWellFormed(), this.key);
    return said ? `${sentence}: ${said}` : `${sentence}.`;
  }
}
