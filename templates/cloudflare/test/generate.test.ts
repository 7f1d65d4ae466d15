import { describe, expect, it } from 'vitest';

import { LANGUAGES } from '../src/api';
import { ApiError } from '../src/errors';
import { generate, type GenerationEvent, type GenerationRequest } from '../src/generate';
import { TIMING, type Timing } from '../src/generate/upstream';
import {
  apiError,
  blockDelta,
  blockStart,
  blockStop,
  event,
  messageEnd,
  messageStart,
  ModelScript,
  PING,
  programReply,
  refusal,
  toolCall,
} from './answers';
import type { ScriptedAnswer } from './model-server';

const KEY = 'sk-ant-key-for-tests';
const PROGRAM = {
  language: 'python',
  entrypoint: 'main.py',
  files: [
    { path: 'main.py', content: 'from greet import hi\n\nprint(hi("😀"))\n' },
    { path: 'greet.py', content: 'def hi(name):\n    return f"hi \\"{name}\\""\n' },
  ],
};
const REQUEST: GenerationRequest = { question: 'Say hi.', model: 'sonnet', maxTokens: 4000 };
const GOOD: ScriptedAnswer = { chunks: programReply(PROGRAM) };

interface Outcome {
  events: GenerationEvent[];
  error: unknown;
  /** Milliseconds of each wait between two calls. */
  waits: number[];
  asked: Awaited<ReturnType<ModelScript['asked']>>;
}

async function run(
  answers: ScriptedAnswer[],
  request: Partial<GenerationRequest> = {},
  timing: Partial<Timing> = {},
): Promise<Outcome> {
  const script = await ModelScript.of(...answers);
  const outcome: Outcome = { events: [], error: null, waits: [], asked: [] };
  try {
    const generation = generate(
      { ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: script.url },
      { ...REQUEST, ...request },
      new AbortController().signal,
      {
        ...TIMING,
        wait: async (ms) => {
          outcome.waits.push(ms);
        },
        ...timing,
      },
    );
    for await (const made of generation) outcome.events.push(made);
  } catch (error) {
    outcome.error = error;
  }
  outcome.asked = await script.asked();
  return outcome;
}

function codeOf(outcome: Outcome): string | undefined {
  expect(outcome.error).toBeInstanceOf(ApiError);
  expect(outcome.events.some((made) => made.type === 'program')).toBe(false);
  return (outcome.error as ApiError).code;
}

function messageOf(outcome: Outcome): string {
  return (outcome.error as ApiError).message;
}

describe('a good reply', () => {
  it('tells the language, the files as they are written, and the program last', async () => {
    const { events, error, asked } = await run([GOOD]);
    expect(error).toBeNull();
    expect(asked).toHaveLength(1);
    expect(events[0]).toEqual({ type: 'language', language: 'python' });
    expect(events.filter((made) => made.type === 'language')).toHaveLength(1);
    expect(events.at(-1)).toEqual({
      type: 'program',
      program: PROGRAM,
      usage: { inputTokens: 100, outputTokens: 50 },
      model: 'claude-sonnet-5-5',
      firstTokenMs: expect.any(Number),
      generationMs: expect.any(Number),
    });
    expect(events.length).toBeGreaterThan(10);
    for (const { path, content } of PROGRAM.files) {
      const deltas = events.flatMap((made) => (made.type === 'delta' && made.path === path ? [made.delta] : []));
      expect(deltas.join('')).toBe(content);
    }
  });

  it('ignores thinking, prose, pings, comments and kinds of event that it does not know', async () => {
    const chunks = [
      ': hello\n\n',
      messageStart(),
      PING,
      blockStart(0, { type: 'thinking', thinking: '' }),
      blockDelta(0, { type: 'thinking_delta', thinking: 'Hm.' }),
      blockDelta(0, { type: 'signature_delta', signature: 'c2ln' }),
      blockStop(0),
      event('weather_report', { sky: 'blue' }),
      'event: not_even_json\ndata: {{{\n\n',
      'data: {"type":"no_name"}\n\n',
      blockStart(1, { type: 'text', text: '' }),
      blockDelta(1, { type: 'text_delta', text: '{"language":"web"' }),
      blockDelta(1, { type: 'unheard_of_delta', partial_json: '{' }),
      blockStop(1),
      blockStart(2, { type: 'server_something', input: {} }),
      blockDelta(2, { type: 'input_json_delta', partial_json: '{"language":"web"}' }),
      blockStop(2),
      ...toolCall(JSON.stringify(PROGRAM), { index: 3 }),
      messageEnd('tool_use'),
    ];
    const { events, error } = await run([{ chunks }]);
    expect(error).toBeNull();
    expect(events[0]).toEqual({ type: 'language', language: 'python' });
    expect(events.at(-1)).toMatchObject({ program: PROGRAM });
  });

  it('reads the same whatever the network does to its pieces', async () => {
    const bytes = new TextEncoder().encode(programReply(PROGRAM).join(''));
    const whole = new TextDecoder().decode(bytes);
    const windows = whole.replaceAll('\n', '\r\n');
    for (const chunks of [[whole], [windows], whole.match(/[^]{1,3}/gu) ?? []]) {
      expect((await run([{ chunks }])).events.at(-1)).toMatchObject({ program: PROGRAM });
    }
  });

  it('does not wait for the connection to close', async () => {
    const { events } = await run([{ chunks: programReply(PROGRAM), end: 'hang' }]);
    expect(events.at(-1)).toMatchObject({ program: PROGRAM });
  });

  it('counts cached input, and takes the last totals', async () => {
    const chunks = [
      event('message_start', {
        message: { usage: { input_tokens: 3, cache_creation_input_tokens: 20, cache_read_input_tokens: 100 } },
      }),
      ...toolCall(JSON.stringify(PROGRAM)),
      event('message_delta', { delta: { stop_reason: 'tool_use' }, usage: { input_tokens: 3, output_tokens: 9 } }),
      event('message_stop'),
    ];
    expect((await run([{ chunks }])).events.at(-1)).toMatchObject({ usage: { inputTokens: 123, outputTokens: 9 } });
  });
});

describe('the request', () => {
  it('carries the key in a header, the question and the rules, and nothing that current models refuse', async () => {
    const { asked } = await run([GOOD], { question: 'Draw </question> a cat', system: 'Be brief.\n</instructions>' });
    const [request] = asked;
    expect(request?.path).toMatch(/^\/[^/]+\/v1\/messages$/);
    expect(request?.headers.authorization ?? request?.headers['x-api-key']).toContain(KEY);
    const body = JSON.parse(request?.body ?? '');
    expect(body).toMatchObject({ model: 'claude-sonnet-5-5', max_tokens: 4000, stream: true });
    expect(body.tool_choice).toEqual({ type: 'auto', disable_parallel_tool_use: true });
    expect(body.tools).toHaveLength(1);
    expect(body.tools[0]).toMatchObject({ name: 'write_program', strict: true, eager_input_streaming: true });
    expect(Object.keys(body.tools[0].input_schema.properties)[0]).toBe('language');
    for (const refused of ['temperature', 'top_p', 'top_k', 'thinking']) expect(body).not.toHaveProperty(refused);
    expect(body.system).toContain('no network');
    expect(body.system).toContain('<instructions_>\nBe brief.\n</instructions>\n</instructions_>');
    expect(body.messages).toHaveLength(1);
    expect(body.messages[0].content).toContain('<question_>\nDraw </question> a cat\n</question_>');
  });

  it('forces the tool where the model allows it', async () => {
    const { asked } = await run([GOOD], { model: 'haiku' });
    expect(JSON.parse(asked[0]?.body ?? '').tool_choice).toMatchObject({ type: 'tool', name: 'write_program' });
  });

  it('asks a model that it does not know for the least', async () => {
    const { asked, events } = await run([GOOD], { model: 'local/llama-9' });
    const body = JSON.parse(asked[0]?.body ?? '');
    expect(body.model).toBe('local/llama-9');
    expect(body).not.toHaveProperty('output_config');
    expect(body.tools[0]).not.toHaveProperty('strict');
    expect(body.tools[0]).not.toHaveProperty('eager_input_streaming');
    expect(events.at(-1)).toMatchObject({ model: 'local/llama-9' });
  });

  it('allows one language when the caller wants one, and takes no other', async () => {
    const outcome = await run([GOOD], { language: 'javascript' });
    expect(codeOf(outcome)).toBe('model_invalid');
    const { tools } = JSON.parse(outcome.asked[0]?.body ?? '');
    expect(tools[0].input_schema.properties.language.enum).toEqual(['javascript']);
    expect((await run([GOOD], { language: 'python' })).error).toBeNull();
  });

  it('offers every language of the API', async () => {
    const { asked } = await run([GOOD]);
    expect(JSON.parse(asked[0]?.body ?? '').tools[0].input_schema.properties.language.enum).toEqual([...LANGUAGES]);
  });

  it.each(['', '/', '/v1', '/v1/', '///'])('finds the API when its base ends in "%s"', async (end) => {
    const script = await ModelScript.of(GOOD);
    const env = { ANTHROPIC_API_KEY: ` ${KEY}\n`, ANTHROPIC_BASE_URL: script.url + end };
    for await (const made of generate(env, REQUEST, new AbortController().signal))
      expect(made.type).toBeTypeOf('string');
    expect((await script.asked()).map(({ path }) => path)).toEqual([expect.stringMatching(/^\/[^/]+\/v1\/messages$/)]);
  });

  it.each(['nonsense', 'ftp://example.com', 'https://user:secret@example.com', 'https://example.com/?a=b'])(
    'refuses the base %s, and does not repeat it',
    async (base) => {
      const env = { ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: base };
      const error = await generate(env, REQUEST, new AbortController().signal)
        .next()
        .catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'model_unreachable' });
      expect(String(error)).not.toContain('secret');
    },
  );

  it.each([undefined, '', '  '])('needs a key: %j is none', async (key) => {
    const generation = generate({ ANTHROPIC_API_KEY: key }, REQUEST, new AbortController().signal);
    await expect(generation.next()).rejects.toMatchObject({ code: 'key_missing' });
  });
});

describe('errors by status', () => {
  it.each([
    [401, 'authentication_error'],
    [403, 'permission_error'],
  ])('%i: one call, the key redacted', async (status, type) => {
    const outcome = await run([refusal(status, type, `bad key ${KEY}, sk-ant-api03-other_1`), GOOD]);
    expect(codeOf(outcome)).toBe('key_rejected');
    expect(outcome.asked).toHaveLength(1);
    expect(messageOf(outcome)).not.toMatch(/sk-ant/);
    expect(messageOf(outcome)).toContain('bad key [key]');
  });

  it('quotes the API as it is when the key is no secret', async () => {
    const script = await ModelScript.of(refusal(400, 'invalid_request_error', 'I know this prompt.'));
    const generation = generate(
      { ANTHROPIC_API_KEY: 'k', ANTHROPIC_BASE_URL: script.url },
      REQUEST,
      new AbortController().signal,
    );
    await expect(generation.next()).rejects.toThrow('I know this prompt.');
  });

  it('429 with retry-after: waits as long as it is told', async () => {
    const outcome = await run([refusal(429, 'rate_limit_error', 'slow', { headers: { 'retry-after': '2' } }), GOOD]);
    expect(outcome.error).toBeNull();
    expect(outcome.waits).toEqual([2000]);
    expect(outcome.asked).toHaveLength(2);
  });

  it('429 that asks for a day: fails at once and says how long', async () => {
    const outcome = await run([
      refusal(429, 'rate_limit_error', 'slow', { headers: { 'retry-after': '86400' } }),
      GOOD,
    ]);
    expect(codeOf(outcome)).toBe('model_rate_limited');
    expect(messageOf(outcome)).toContain('24 hours');
    expect(outcome.waits).toEqual([]);
    expect(outcome.asked).toHaveLength(1);
  });

  it('429 with a date: understood', async () => {
    const headers = { 'retry-after': 'Fri, 31 Dec 2199 23:59:59 GMT' };
    const outcome = await run([refusal(429, 'rate_limit_error', 'slow', { headers }), GOOD]);
    expect(codeOf(outcome)).toBe('model_rate_limited');
    expect(outcome.asked).toHaveLength(1);
  });

  it.each<[string, ScriptedAnswer]>([
    [
      'of its tier',
      refusal(429, 'rate_limit_error', 'cap', { details: { error_code: 'enforced_spend_limit_reached' } }),
    ],
    [
      'of its own',
      refusal(400, 'invalid_request_error', 'You have reached your specified API usage limits. Until May.'),
    ],
    [
      'of a workspace',
      refusal(400, 'invalid_request_error', 'You have reached your specified workspace API usage limits.'),
    ],
    ['of its balance', refusal(400, 'invalid_request_error', 'Your credit balance is too low to access the API.')],
    ['of its billing', refusal(402, 'billing_error', 'Pay first.')],
  ])('a spending limit %s: no second call', async (_name, answer) => {
    const outcome = await run([answer, GOOD]);
    expect(codeOf(outcome)).toBe('model_spend_limit');
    expect(outcome.asked).toHaveLength(1);
  });

  it('500 twice, then 200: succeeds in three calls', async () => {
    const broken = refusal(500, 'api_error', 'oops');
    const outcome = await run([broken, broken, GOOD]);
    expect(outcome.error).toBeNull();
    expect(outcome.asked).toHaveLength(3);
    expect(outcome.waits).toEqual([500, 1000]);
  });

  it.each([
    [408, 'timeout_error', 'model_bad_request'],
    [409, 'conflict_error', 'model_bad_request'],
    [429, 'rate_limit_error', 'model_rate_limited'],
    [500, 'api_error', 'model_failed'],
    [503, 'whatever_error', 'model_failed'],
    [504, 'timeout_error', 'model_timeout'],
    [529, 'overloaded_error', 'model_overloaded'],
  ])('%i for ever: three calls', async (status, type, code) => {
    const outcome = await run([1, 2, 3, 4].map(() => refusal(status, type, 'no')));
    expect(codeOf(outcome)).toBe(code);
    expect(outcome.asked).toHaveLength(3);
  });

  it.each([
    [400, 'invalid_request_error', 'model_bad_request'],
    [404, 'not_found_error', 'model_not_found'],
    [413, 'request_too_large', 'model_bad_request'],
    [422, 'invalid_request_error', 'model_bad_request'],
  ])('%i: one call', async (status, type, code) => {
    const outcome = await run([refusal(status, type, 'because of this'), GOOD]);
    expect(codeOf(outcome)).toBe(code);
    expect(messageOf(outcome)).toContain('because of this');
    expect(outcome.asked).toHaveLength(1);
  });

  it('obeys x-should-retry', async () => {
    const outcome = await run([refusal(500, 'api_error', 'no', { headers: { 'x-should-retry': 'false' } }), GOOD]);
    expect(codeOf(outcome)).toBe('model_failed');
    expect(outcome.asked).toHaveLength(1);
  });

  it.each<[string, ScriptedAnswer]>([
    ['a page that is not there', { status: 404, headers: { 'content-type': 'text/html' }, chunks: ['<h1>404</h1>'] }],
    ['a page', { headers: { 'content-type': 'text/html' }, chunks: ['<h1>Welcome</h1>'] }],
    ['a redirect', { status: 307, headers: { location: 'http://127.0.0.1:9/v1/messages' }, chunks: [''] }],
  ])('%s is not the API', async (_name, answer) => {
    const outcome = await run([answer, GOOD]);
    expect(codeOf(outcome)).toBe('model_unreachable');
    expect(outcome.asked).toHaveLength(1);
  });

  it('nobody there: three calls, then model_unreachable', async () => {
    const waits: number[] = [];
    const wait = async (ms: number): Promise<void> => void waits.push(ms);
    const env = { ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: 'http://127.0.0.1:9' };
    const generation = generate(env, REQUEST, new AbortController().signal, { ...TIMING, wait });
    await expect(generation.next()).rejects.toMatchObject({ code: 'model_unreachable' });
    expect(waits).toEqual([500, 1000]);
  });
});

describe('errors within the stream', () => {
  const json = JSON.stringify(PROGRAM);
  const half = toolCall(json.slice(0, 90)).slice(0, -1);

  it.each<[string, ScriptedAnswer, string]>([
    [
      'an error event after some text',
      { chunks: [messageStart(), ...half, `event: error\ndata: ${apiError('overloaded_error', 'Overloaded')}\n\n`] },
      'model_overloaded',
    ],
    [
      'an error event of a kind that is new',
      { chunks: [messageStart(), ...half, `event: error\ndata: ${apiError('brand_new_error', 'Hm')}\n\n`] },
      'model_failed',
    ],
    [
      'cut in the middle of an event',
      { chunks: [messageStart(), ...half, 'event: content_bl'], end: 'cut' },
      'model_interrupted',
    ],
    [
      'ended in the middle of an event',
      { chunks: [messageStart(), ...half, 'event: content_bl'] },
      'model_interrupted',
    ],
    ['ended without message_stop', { chunks: programReply(PROGRAM).slice(0, -1) }, 'model_interrupted'],
    [
      'ended after message_delta',
      {
        chunks: [...programReply(PROGRAM).slice(0, -1), event('message_delta', { delta: { stop_reason: 'tool_use' } })],
      },
      'model_interrupted',
    ],
    ['no reason to stop', { chunks: [messageStart(), ...toolCall(json), messageEnd(null)] }, 'model_interrupted'],
    ['a block that is still open', { chunks: [messageStart(), ...half, messageEnd('tool_use')] }, 'model_interrupted'],
    [
      'an event that is no JSON',
      {
        chunks: [
          messageStart(),
          ...half,
          'event: content_block_delta\ndata: {"type": oops\n\n',
          messageEnd('tool_use'),
        ],
      },
      'model_failed',
    ],
    [
      'an event that is not an object',
      { chunks: [messageStart(), ...half, 'event: content_block_delta\ndata: [1]\n\n'] },
      'model_failed',
    ],
    ['max_tokens', { chunks: [messageStart(), ...half, blockStop(0), messageEnd('max_tokens')] }, 'model_truncated'],
    [
      'max_tokens and JSON that is whole',
      { chunks: [messageStart(), ...toolCall(json), messageEnd('max_tokens')] },
      'model_truncated',
    ],
    ['a full context', { chunks: [messageStart(), messageEnd('model_context_window_exceeded')] }, 'model_truncated'],
    ['a refusal', { chunks: [messageStart(), ...toolCall(json), messageEnd('refusal')] }, 'model_refused'],
    ['a pause', { chunks: [messageStart(), ...toolCall(json), messageEnd('pause_turn')] }, 'model_invalid'],
    ['a reason that is new', { chunks: [messageStart(), ...toolCall(json), messageEnd('brand_new')] }, 'model_invalid'],
    ['nothing at all', { chunks: [messageStart(), messageEnd('end_turn')] }, 'model_empty'],
    ['an empty tool call', { chunks: [messageStart(), ...toolCall(''), messageEnd('tool_use')] }, 'model_empty'],
    ['no files', { chunks: programReply({ ...PROGRAM, files: [] }) }, 'model_empty'],
    ['input that is not JSON', { chunks: programReply(json.slice(0, -1)) }, 'model_invalid'],
    ['input with something behind it', { chunks: programReply(`${json}}`) }, 'model_invalid'],
    ['input of another shape', { chunks: programReply({ ...PROGRAM, files: 'main.py' }) }, 'model_invalid'],
    ['an unknown language', { chunks: programReply({ ...PROGRAM, language: 'cobol' }) }, 'model_invalid'],
    ['an entrypoint that is not there', { chunks: programReply({ ...PROGRAM, entrypoint: 'x.py' }) }, 'model_invalid'],
    ['a list', { chunks: programReply([PROGRAM]) }, 'model_invalid'],
    ['null', { chunks: programReply('null') }, 'model_invalid'],
    ['JSON nested beyond reason', { chunks: programReply('['.repeat(50_000), 5000) }, 'model_invalid'],
    [
      'another language at the end',
      { chunks: programReply(json.replace(/}$/, ',"language":"web"}')) },
      'model_invalid',
    ],
    [
      'another tool',
      { chunks: [messageStart(), ...toolCall(json, { name: 'rm_rf' }), messageEnd('tool_use')] },
      'model_invalid',
    ],
    [
      'two programs',
      { chunks: [messageStart(), ...toolCall(json), ...toolCall(json, { index: 1 }), messageEnd('tool_use')] },
      'model_invalid',
    ],
  ])('%s', async (_name, answer, code) => {
    // JSON that makes no sense may give nothing away and then be asked for again: the answer stays the same.
    expect(codeOf(await run([answer, answer, answer]))).toBe(code);
  });

  it('is not asked for again once some of it was given out', async () => {
    const outcome = await run([{ chunks: [messageStart(), ...half], end: 'cut' }, GOOD]);
    expect(codeOf(outcome)).toBe('model_interrupted');
    expect(outcome.events.length).toBeGreaterThan(0);
    expect(outcome.asked).toHaveLength(1);
  });

  it('is asked for again as long as nothing of it was', async () => {
    const overloaded = `event: error\ndata: ${apiError('overloaded_error', 'Overloaded')}\n\n`;
    const outcome = await run([
      { chunks: [messageStart(), overloaded] },
      { chunks: [messageStart()], end: 'cut' },
      GOOD,
    ]);
    expect(outcome.error).toBeNull();
    expect(outcome.asked).toHaveLength(3);
  });

  it('quotes what Claude said instead of a program', async () => {
    const said = blockDelta(0, { type: 'text_delta', text: `I would rather not. ${KEY}\u001b[31m` });
    const chunks = [
      messageStart(),
      blockStart(0, { type: 'text', text: '' }),
      said,
      blockStop(0),
      messageEnd('end_turn'),
    ];
    const outcome = await run([{ chunks }]);
    expect(codeOf(outcome)).toBe('model_empty');
    expect(messageOf(outcome)).toContain('I would rather not. [key]');
    expect(messageOf(outcome)).not.toContain('\u001b');
  });

  it('says why Claude refused', async () => {
    const end = messageEnd('refusal', 5, { stop_details: { type: 'refusal', explanation: 'This is harmful.' } });
    const outcome = await run([{ chunks: [messageStart(), end] }]);
    expect(codeOf(outcome)).toBe('model_refused');
    expect(messageOf(outcome)).toContain('This is harmful.');
  });
});

describe('silence', () => {
  it('before the answer', async () => {
    // The server answers nothing before its first chunk is due: headers only, then silence.
    const outcome = await run([{ chunks: [], end: 'hang' }], {}, { stallMs: 50 });
    expect(codeOf(outcome)).toBe('model_timeout');
    expect(outcome.asked).toHaveLength(1);
  });

  it('in the middle of the answer', async () => {
    const outcome = await run([{ chunks: [messageStart()], end: 'hang' }], {}, { stallMs: 50 });
    expect(codeOf(outcome)).toBe('model_timeout');
  });

  it('pings keep the call alive, but not for ever', async () => {
    const pings: ScriptedAnswer = { chunks: Array.from({ length: 10_000 }, () => PING), pace: 5 };
    const outcome = await run([pings], {}, { stallMs: 10_000, callMs: 120 });
    expect(codeOf(outcome)).toBe('model_timeout');
  });
});

describe('a client that leaves', () => {
  const slow: ScriptedAnswer = { chunks: programReply(PROGRAM).slice(0, 30), end: 'hang' };

  async function abortedUpstream(script: ModelScript): Promise<boolean> {
    for (;;) {
      const [request] = await script.asked();
      if (request?.aborted) return true;
    }
  }

  it('ends the request to the API', async () => {
    const script = await ModelScript.of(slow);
    const controller = new AbortController();
    const env = { ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: script.url };
    const reason = new Error('gone');
    const consume = async (): Promise<void> => {
      for await (const made of generate(env, REQUEST, controller.signal)) {
        if (made.type === 'delta') controller.abort(reason);
      }
    };
    await expect(consume()).rejects.toBe(reason);
    expect(await abortedUpstream(script)).toBe(true);
  });

  it('who stops reading ends it as well', async () => {
    const script = await ModelScript.of(slow);
    const env = { ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: script.url };
    for await (const made of generate(env, REQUEST, new AbortController().signal)) {
      if (made.type === 'delta') break;
    }
    expect(await abortedUpstream(script)).toBe(true);
  });

  it('who has left already makes no call', async () => {
    const script = await ModelScript.of(GOOD);
    const env = { ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: script.url };
    await expect(generate(env, REQUEST, AbortSignal.abort()).next()).rejects.toThrow();
    expect(await script.asked()).toHaveLength(0);
  });

  it('who leaves between two calls makes no more', async () => {
    const script = await ModelScript.of(refusal(500, 'api_error', 'oops'), GOOD);
    const controller = new AbortController();
    const env = { ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: script.url };
    const wait = async (ms: number, signal: AbortSignal): Promise<void> => {
      queueMicrotask(() => controller.abort());
      await TIMING.wait(ms, signal);
    };
    await expect(generate(env, REQUEST, controller.signal, { ...TIMING, wait }).next()).rejects.toThrow();
    expect(await script.asked()).toHaveLength(1);
  });
});
