import { describe, expect, it } from 'vitest';

import { LANGUAGES } from '../src/api';
import { generate } from '../src/generate';
import {
  blockDelta,
  blockStart,
  blockStop,
  event,
  messageEnd,
  messageStart,
  ModelScript,
  PING,
  programReply,
  toolCall,
} from './answers';
import { codeOf, GOOD, KEY, PROGRAM, REQUEST, run } from './generations';

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
