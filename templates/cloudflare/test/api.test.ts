/** The routes, and every request that is refused before anything runs. */
import { describe, expect, it } from 'vitest';

import { ERRORS } from '../src/errors';
import { LIMITS } from '../src/limits';
import { answerOf, ENV, errorOf, HEADERS, ORIGIN, post, programOf, send, streamed, TOKEN } from './worker';

const HELLO = programOf('javascript', { 'main.js': 'console.log("hello")' });
const DEEP = 100_000;

describe('the open routes', () => {
  it('describes itself with its schemas, limits and errors', async () => {
    const response = await send('/');
    expect(response.headers.get('Content-Type')).toBe('application/json');
    const described = await response.json<Record<string, any>>();
    expect(Object.keys(described['routes'])).toEqual(['GET /', 'GET /health', 'POST /execute', 'POST /run']);
    expect(described['routes']['POST /execute'].request.required).toEqual(['question']);
    expect(described['routes']['POST /run'].request.required).toEqual(['language', 'entrypoint', 'files']);
    expect(described['errors']).toEqual(ERRORS);
    expect(described['limits']).toEqual(LIMITS);
  });

  it('says that it is up, and what it can run', async () => {
    const health = await (await send('/health')).json<Record<string, unknown>>();
    expect(health).toEqual({
      status: 'ok',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      worker: 'cct-cloudflare-sandbox',
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      model: ENV.DEFAULT_MODEL,
      languages: ['python', 'javascript', 'typescript', 'web'],
      sandboxes: ['isolate'],
      deployment: null,
    });
  });

  it('says which deployment it is', async () => {
    const response = await send('/health', {}, { CCT_DEPLOYMENT: '7f3a' });
    expect(await response.json()).toMatchObject({ status: 'ok', deployment: '7f3a' });
  });

  it('names no isolate beside a runner, and nothing where there is nothing', async () => {
    const sandboxes = async (env: object) => (await (await send('/health', {}, env)).json<any>()).sandboxes;
    expect(await sandboxes({ RUNNER: {} })).toEqual(['process']);
    expect(await sandboxes({ LOADER: undefined })).toEqual([]);
  });

  it.each(['/', '/health'])('%s needs no token, not even one that is set', async (path) => {
    expect((await send(path, {}, { CCT_TOKEN: undefined as never })).status).toBe(200);
  });
});

describe('what is not there', () => {
  it.each(['/nothing', '/execute/', '/run/../x', '/__proto__', '/constructor'])('%s is not found', async (path) => {
    await errorOf(await send(path, { headers: HEADERS }), 'not_found');
  });

  it.each([
    ['GET', '/execute', 'POST'],
    ['DELETE', '/run', 'POST'],
    ['PUT', '/run', 'POST'],
    ['POST', '/health', 'GET'],
    ['PATCH', '/', 'GET'],
  ])('%s %s names the method that works', async (method, path, allowed) => {
    const response = await send(path, { method, headers: HEADERS });
    await errorOf(response, 'method_not_allowed');
    expect(response.headers.get('Allow')).toBe(allowed);
  });
});

describe('the token', () => {
  const authorized = (authorization: string | null) => {
    const headers = new Headers(HEADERS);
    if (authorization === null) headers.delete('Authorization');
    else headers.set('Authorization', authorization);
    return send('/run', { method: 'POST', headers, body: JSON.stringify(HELLO) });
  };

  it.each([
    ['none', null],
    ['an empty one', ''],
    ['the scheme alone', 'Bearer'],
    ['the token alone', TOKEN],
    ['another scheme', `Basic ${TOKEN}`],
    ['a wrong token', 'Bearer token-for-testt'],
    ['the beginning of it', `Bearer ${TOKEN.slice(0, -1)}`],
    ['more than it', `Bearer ${TOKEN}x`],
    ['two', `Bearer ${TOKEN} ${TOKEN}`],
  ])('refuses %s', async (_, authorization) => {
    await errorOf(await authorized(authorization), 'unauthorized');
  });

  it.each([`Bearer ${TOKEN}`, `bearer ${TOKEN}`, `BEARER  ${TOKEN}`])('accepts "%s"', async (authorization) => {
    expect(await answerOf(await authorized(authorization))).toMatchObject({ output: 'hello\n' });
  });

  it('may be one of two while it is replaced', async () => {
    const next = 'the-token-to-come';
    const run = (token: string, env: object) =>
      post('/run', HELLO, { headers: { Authorization: `Bearer ${token}` }, env });
    for (const token of [TOKEN, next]) {
      expect(await answerOf(await run(token, { CCT_TOKEN_NEXT: next }))).toMatchObject({ output: 'hello\n' });
    }
    await errorOf(await run(`${next}x`, { CCT_TOKEN_NEXT: next }), 'unauthorized');
    await errorOf(await run(next, {}), 'unauthorized');
    // As the local runtime binds a variable that is not set, and as an empty secret.
    for (const empty of [null, '']) {
      await errorOf(await run('null', { CCT_TOKEN_NEXT: empty }), 'unauthorized');
      await errorOf(await run('', { CCT_TOKEN_NEXT: empty }), 'unauthorized');
    }
    // The second one alone opens nothing.
    await errorOf(await run(next, { CCT_TOKEN: undefined, CCT_TOKEN_NEXT: next }), 'not_configured');
  });

  it.each([undefined, ''])('serves nobody when it is not set (%j)', async (token) => {
    const env = { CCT_TOKEN: token as string };
    await errorOf(await post('/run', HELLO, { env }), 'not_configured');
    await errorOf(await post('/execute', { question: 'Hi' }, { env }), 'not_configured');
    await errorOf(await post('/run', HELLO, { env, headers: { Authorization: 'Bearer ' } }), 'not_configured');
    await errorOf(await post('/run', HELLO, { env, headers: { Authorization: 'Bearer undefined' } }), 'not_configured');
    await errorOf(await send('/nothing', {}, env), 'not_configured');
  });
});

describe('pages of other origins', () => {
  const ALLOWED = 'https://app.example';
  const env = { ALLOWED_ORIGINS: ` ${ALLOWED} ,https://two.example, *, null` };

  it.each(['https://evil.example', 'null', 'http://worker.test', `${ALLOWED}.evil.example`, 'https://APP.example'])(
    'refuses %s',
    async (origin) => {
      const refused = await post('/run', HELLO, { headers: { Origin: origin }, env });
      await errorOf(refused, 'origin_forbidden');
      expect(refused.headers.get('Access-Control-Allow-Origin')).toBeNull();
      const headers = { Origin: origin, 'Access-Control-Request-Method': 'POST' };
      await errorOf(await send('/run', { method: 'OPTIONS', headers }, env), 'origin_forbidden');
    },
  );

  it('refuses all of them when none is named', async () => {
    await errorOf(await post('/run', HELLO, { headers: { Origin: ALLOWED } }), 'origin_forbidden');
  });

  it('answers the preflight of one that is named', async () => {
    const headers = { Origin: ALLOWED, 'Access-Control-Request-Method': 'POST' };
    const response = await send('/execute', { method: 'OPTIONS', headers }, env);
    expect(response.status).toBe(204);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'access-control-allow-origin': ALLOWED,
      'access-control-allow-methods': 'GET,POST',
      'access-control-allow-headers': 'Authorization,Content-Type',
    });
    expect(response.headers.get('Access-Control-Allow-Credentials')).toBeNull();
  });

  it('lets one that is named read answers, streams and errors', async () => {
    const headers = { Origin: ALLOWED };
    const responses = [
      await post('/run', HELLO, { headers, env }),
      await post('/run', HELLO, { headers: { ...headers, Accept: 'text/event-stream' }, env }),
      await post('/run', HELLO, { headers: { ...headers, Authorization: '' }, env }),
    ];
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 401]);
    for (const response of responses) expect(response.headers.get('Access-Control-Allow-Origin')).toBe(ALLOWED);
  });

  it("serves the Worker's own pages", async () => {
    expect((await post('/run', HELLO, { headers: { Origin: ORIGIN } })).status).toBe(200);
  });
});

describe('the body', () => {
  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', 'text/json', ''])(
    'must be JSON by its type, not "%s"',
    async (type) => {
      await errorOf(await post('/run', HELLO, { headers: { 'Content-Type': type } }), 'unsupported_media_type');
    },
  );

  it.each(['application/json;charset=utf-8', 'Application/JSON'])('may be %s', async (type) => {
    expect((await post('/run', HELLO, { headers: { 'Content-Type': type } })).status).toBe(200);
  });

  /** Sends the parts one after the other, with no length named before. */
  const chunked = (path: string, parts: Iterable<Uint8Array>) => {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    const written = (async () => {
      for (const part of parts) await writer.write(part);
      await writer.close();
    })();
    written.catch(() => undefined);
    return send(path, { method: 'POST', headers: HEADERS, body: readable });
  };
  const encode = (text: string) => new TextEncoder().encode(text);

  const SIZES = [
    ['/execute', LIMITS.executeBody],
    ['/run', LIMITS.runBody],
  ] as const;

  it.each(SIZES)('of %s may have %d bytes', async (path, most) => {
    const valid = JSON.stringify({ ...HELLO, question: 'Hi', language: 'unknown' });
    await errorOf(await post(path, valid.padEnd(most)), 'invalid_request');
  });

  it.each(SIZES)('of %s may not have one byte more than %d', async (path, most) => {
    await errorOf(await post(path, ' '.repeat(most + 1)), 'payload_too_large');
  });

  it.each(SIZES)('of %s is not read on beyond %d bytes', async (path, most) => {
    let sent = 0;
    function* endless() {
      for (;;) {
        sent += 1024;
        yield new Uint8Array(1024).fill(32);
      }
    }
    await errorOf(await chunked(path, endless()), 'payload_too_large');
    expect(sent).toBeLessThan(most + 1024 * 1024);
  });

  it('may come in pieces that cut characters', async () => {
    const bytes = encode(JSON.stringify(programOf('javascript', { 'main.js': 'console.log("äöü😀")' })));
    const pieces = Array.from(bytes, (byte) => Uint8Array.of(byte));
    expect(await answerOf(await chunked('/run', pieces))).toMatchObject({ output: 'äöü😀\n' });
  });

  it.each([
    ['nothing', ''],
    ['broken JSON', '{"question": "Hi"'],
    ['JSON and more', '{} {}'],
    ['NaN', '{"question": "Hi", "maxTokens": NaN}'],
    ['an array', '[]'],
    ['null', 'null'],
    ['a text', '"question"'],
    ['a number', '1'],
    [`arrays ${DEEP} deep`, '['.repeat(DEEP) + ']'.repeat(DEEP)],
    [`objects ${DEEP} deep`, `${'{"question":'.repeat(DEEP)}1${'}'.repeat(DEEP)}`],
    [
      `arrays ${DEEP} deep in a field that nobody reads`,
      `{"question":"Hi","x":${'['.repeat(DEEP)}${']'.repeat(DEEP)}}`,
    ],
    [`brackets ${DEEP} deep that never close`, '['.repeat(DEEP)],
  ])('may not be %s', async (_, body) => {
    // Nesting takes more bytes than /execute lets through.
    for (const path of body.length > LIMITS.executeBody ? ['/run'] : ['/execute', '/run']) {
      await errorOf(await post(path, body), 'invalid_json');
    }
    expect((await send('/health')).status).toBe(200);
  });

  it('must be UTF-8', async () => {
    const bytes = new Uint8Array([...encode('{"question":"'), 0xff, ...encode('"}')]);
    await errorOf(await chunked('/execute', [bytes]), 'invalid_json');
    await errorOf(await chunked('/execute', [encode('{}'), Uint8Array.of(0xe2, 0x82)]), 'invalid_json');
  });
});

describe('the fields of POST /execute', () => {
  const INVALID: Record<string, unknown[]> = {
    question: [
      undefined,
      null,
      '',
      1,
      true,
      [],
      ['Hi'],
      {},
      ' \n\t',
      '\0\0',
      '\ud800',
      'a\udc00b',
      'x'.repeat(100_001),
    ],
    language: ['ruby', 'Python', '', null, 1, ['python'], '__proto__', 'constructor'],
    maxTokens: [-1, 0, 255, 1e9, 1.5, '1000', null, [1000], true],
    timeout: [-1, 0, 99, 1e9, 300_001, 1000.5, '1000', null],
    system: [1, null, [], '\ud83d', 'x'.repeat(200_001)],
    model: ['', 1, null, 'a b', '../x', '-x', 'x'.repeat(129), 'a\nb', 'modèle'],
    sandbox: ['docker', '', null, 1],
  };
  const cases = Object.entries(INVALID).flatMap(([field, values]) =>
    values.map((value): [string, string, unknown] => [field, JSON.stringify(value)?.slice(0, 20) ?? 'absent', value]),
  );

  it.each(cases)('%s may not be %s', async (field, _, value) => {
    const body = { question: 'Hi', [field]: value };
    const { error } = await errorOf(await post('/execute', body), 'invalid_request');
    expect(error.startsWith(`${field}: `), error).toBe(true);
    // The same for somebody who asked for events: none has been sent yet.
    await errorOf(await streamed('/execute', body), 'invalid_request');
  });

  it.each(['{"question":"Hi","maxTokens":1e999}', '{"question":"Hi","timeout":-1e999}'])(
    'numbers may not be without end: %s',
    async (body) => {
      await errorOf(await post('/execute', body), 'invalid_request');
    },
  );

  it.each(['__proto__', 'constructor', 'prototype', 'toString', 'unknown'])('%s is ignored', async (key) => {
    const extra = `"${key}":{"question":"Hi","language":"python","polluted":true}`;
    const { error } = await errorOf(await post('/execute', `{${extra}}`), 'invalid_request');
    expect(error).toMatch(/^question: /);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    const env = { ANTHROPIC_API_KEY: undefined as never };
    await errorOf(await post('/execute', `{"question":"Hi",${extra}}`, { env }), 'key_missing');
  });
});

describe('the program of POST /run', () => {
  const file = { path: 'main.js', content: 'console.log("ran")' };
  const program = { language: 'javascript', entrypoint: 'main.js', files: [file] };
  const run = (changed: object) => post('/run', { ...program, ...changed });

  it.each([
    ['no files', { files: [] }],
    ['files that are no list', { files: { 'main.js': '' } }],
    ['no language', { language: undefined }],
    ['a language of its own', { language: 'c' }],
    ['no entrypoint', { entrypoint: undefined }],
    ['an entrypoint without a name', { entrypoint: '' }],
    ['a file without a path', { files: [{ content: '' }] }],
    ['a file with an empty path', { files: [file, { path: '', content: '' }] }],
    ['a file without content', { files: [{ path: 'main.js' }] }],
    ['content that is no text', { files: [{ path: 'main.js', content: 1 }] }],
    ['an encoding that is unheard of', { files: [{ ...file, encoding: 'utf16' }] }],
    ['more files than are allowed', { files: Array.from({ length: 201 }, (_, n) => ({ ...file, path: `${n}.js` })) }],
    ['a timeout beyond all bounds', { timeout: 1e9 }],
    ['an entrypoint that is not among the files', { entrypoint: 'other.js' }],
    ['an entrypoint in other letters', { entrypoint: 'Main.js' }],
    ['one path twice', { files: [file, file] }],
    ['paths that differ in case alone', { files: [file, { ...file, path: 'MAIN.js' }] }],
    [
      'paths that differ in Unicode form alone',
      { files: [file, { ...file, path: 'é' }, { ...file, path: 'e\u0301' }] },
    ],
    ['a file where a folder is', { files: [file, { ...file, path: 'main.js/x' }] }],
    ['a folder where a file is', { files: [{ ...file, path: 'a/b/c' }, file, { ...file, path: 'A/b' }] }],
    ['base64 that is none', { files: [file, { path: 'x.bin', content: 'a*b=', encoding: 'base64' }] }],
    ['text that is not Unicode', { files: [{ ...file, content: '"\ud800"' }] }],
  ])('may not have %s', async (_, changed) => {
    await errorOf(await run(changed), 'invalid_request');
    await errorOf(await streamed('/run', { ...program, ...changed }), 'invalid_request');
  });

  it.each([
    '../x',
    '/etc/x',
    '.git/hooks/post-checkout',
    '.GIT/x',
    'git~1/x',
    '.env',
    '.mcp.json',
    'a\\b',
    'a\0b',
    'a\nb',
  ])('may not have a file named %j', async (path) => {
    const body = { ...program, files: [file, { path, content: '' }] };
    const { error } = await errorOf(await post('/run', body), 'unsafe_path');
    expect(error).toContain(JSON.stringify(path));
    await errorOf(await streamed('/run', body), 'unsafe_path');
    await errorOf(await run({ entrypoint: path, files: [{ path, content: '' }] }), 'unsafe_path');
    await errorOf(await run({ entrypoint: path }), 'unsafe_path');
  });

  it.each(['/run', '/execute'])('%s runs in no sandbox that this Worker does not have', async (path) => {
    const body = { ...program, question: 'Hi', sandbox: 'process' };
    await errorOf(await post(path, body), 'sandbox_unsupported');
    await errorOf(await streamed(path, body), 'sandbox_unsupported');
    await errorOf(
      await post(path, { ...body, sandbox: 'isolate' }, { env: { RUNNER: ENV.ASSETS! } }),
      'sandbox_unsupported',
    );
    const none = { env: { LOADER: undefined as never } };
    await errorOf(await post(path, { ...body, sandbox: undefined }, none), 'sandbox_unavailable');
  });
});
