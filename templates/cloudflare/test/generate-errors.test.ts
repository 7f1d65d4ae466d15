import { describe, expect, it } from 'vitest';

import { generate } from '../src/generate';
import { TIMING } from '../src/generate/upstream';
import {
  apiError,
  blockDelta,
  blockStart,
  blockStop,
  event,
  messageEnd,
  messageStart,
  ModelScript,
  programReply,
  refusal,
  toolCall,
} from './answers';
import { codeOf, GOOD, KEY, messageOf, PROGRAM, REQUEST, run } from './generations';
import type { ScriptedAnswer } from './model-server';

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
