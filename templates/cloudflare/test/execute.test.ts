/** POST /execute: from a question to the program, its run and the answer. Claude is scripted (see answers.ts). */
import { describe, expect, it } from 'vitest';

import type { Env } from '../src/env';
import type { ErrorCode } from '../src/errors';
import { costUsd } from '../src/models';
import { messageEnd, messageStart, ModelScript, programReply, refusal, toolCall } from './answers';
import type { ScriptedAnswer } from './model-server';
import {
  answerOf,
  checkError,
  errorOf,
  eventually,
  eventsOf,
  filesOf,
  open,
  post,
  programOf,
  readUntil,
  streamed,
  told,
} from './worker';

const KEY = 'sk-ant-key-for-tests';
const PYTHON = programOf('python', {
  'main.py': 'import helper\nprint(helper.answer)\n',
  'helper.py': 'answer = 42\n',
});
const JAVASCRIPT = programOf('javascript', { 'main.js': 'console.log("hello")\n' });
const PAGE = programOf('web', { 'index.html': '<h1>Hi</h1>', 'style.css': 'h1 { color: teal }' });
const REPLY = (program: unknown): ScriptedAnswer => ({ chunks: programReply(program) });

/** What Claude is asked is kept by the script. */
async function scripted(...answers: ScriptedAnswer[]): Promise<{ script: ModelScript; env: Partial<Env> }> {
  const script = await ModelScript.of(...answers);
  return { script, env: { ANTHROPIC_BASE_URL: script.url } };
}

async function execute(program: unknown, body: object = {}, env: Partial<Env> = {}) {
  const model = await scripted(REPLY(program));
  return answerOf(await post('/execute', { question: 'Do it.', ...body }, { env: { ...model.env, ...env } }));
}

async function events(program: unknown, body: object = {}) {
  const { env } = await scripted(REPLY(program));
  return eventsOf(await streamed('/execute', { question: 'Do it.', ...body }, env));
}

describe('the answer', () => {
  it('has every field', async () => {
    const answer = await execute(PYTHON);
    expect(answer).toEqual({
      success: true,
      question: 'Do it.',
      code: 'import helper\nprint(helper.answer)\n',
      output: '42\n',
      error: '',
      errorCode: null,
      exitCode: 0,
      language: 'python',
      files: PYTHON['files'],
      refusedFiles: [],
      sandboxId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      sandbox: 'isolate',
      isolation: 'a fresh Dynamic Worker isolate, no network',
      model: 'claude-sonnet-5-5',
      attempts: 1,
      executionTime: answer.metrics.executionMs,
      usage: { inputTokens: 100, outputTokens: 50, costUsd: costUsd('claude-sonnet-5-5', 100, 50) },
      metrics: {
        queueMs: expect.any(Number),
        firstTokenMs: expect.any(Number),
        generationMs: expect.any(Number),
        tokensPerSecond: answer.metrics.tokensPerSecond,
        bootMs: expect.any(Number),
        spare: false,
        executionMs: expect.any(Number),
        totalMs: expect.any(Number),
        peakMemoryBytes: null,
        stdoutBytes: 3,
        stderrBytes: 0,
        fileBytes: 35 + 12,
      },
      truncated: false,
      outputLossy: false,
      outputMayBeIncomplete: false,
    });
    for (const value of Object.values(answer.metrics)) expect(Number(value)).toBeGreaterThanOrEqual(0);
  });

  it('is the same by JSON and by events', async () => {
    const program = programOf('javascript', {
      'main.js': `require('fs').writeFileSync('out.txt', 'written'); console.log('hi'); console.error('ho'); process.exit(3)`,
      '../x': 'unsafe',
    });
    const constant = { sandboxId: '', executionTime: 0, metrics: null };
    const json = await execute(program);
    const [result] = told(await events(program), 'result');
    expect({ ...result, ...constant }).toEqual({ ...json, ...constant });
  });

  it.each([
    ['JavaScript', JAVASCRIPT, 'hello\n'],
    ['TypeScript', programOf('typescript', { 'main.ts': 'enum A { B = 7 }\nconsole.log(A.B as number)' }), '7\n'],
    ['Python', PYTHON, '42\n'],
  ])('has what a %s program printed', async (_, program, output) => {
    expect(await execute(program)).toMatchObject({ success: true, output, language: program['language'] });
  });

  it('of a page has its files, and nothing that ran', async () => {
    expect(await execute(PAGE)).toMatchObject({
      success: true,
      code: '<h1>Hi</h1>',
      output: '',
      error: '',
      errorCode: null,
      exitCode: null,
      language: 'web',
      files: PAGE['files'],
      executionTime: 0,
      metrics: { bootMs: 0, executionMs: 0 },
    });
  });

  it('has the files of the program and those that it wrote, each once', async () => {
    const program = programOf('python', {
      'main.py': `open('keep.txt').read()
open('change.txt', 'w').write('after')
open('data.bin', 'wb').write(bytes([0, 255]))`,
      'keep.txt': 'kept',
      'change.txt': 'before',
    });
    const { files, code } = await execute(program);
    expect(files.map(({ path }) => path).sort()).toEqual(['change.txt', 'data.bin', 'keep.txt', 'main.py']);
    expect(filesOf(files)).toMatchObject({ 'change.txt': 'after', 'data.bin': 'base64:AP8=', 'keep.txt': 'kept' });
    expect(files.find(({ path }) => path === 'main.py')?.content).toBe(code);
  });

  it('keeps the bytes of the program, code fences and all', async () => {
    const content = '```js\nconsole.log(`a\\n${1}`)\r\n```\n\ufeff\u2028"""\n'.repeat(3);
    const program = programOf('python', { 'main.py': 'pass', 'README.md': content });
    expect(filesOf((await execute(program)).files)['README.md']).toBe(content);
  });

  it('of a program that failed says so: 200, its status, stderr as the error', async () => {
    const program = programOf('python', {
      'main.py': 'import sys\nprint("so far")\nprint("no good", file=sys.stderr)\nsys.exit(3)',
    });
    expect(await execute(program)).toMatchObject({
      success: false,
      errorCode: 'program_failed',
      exitCode: 3,
      output: 'so far\n',
      error: 'no good\n',
    });
  });

  it('of a program that failed without a word has a sentence', async () => {
    const program = programOf('javascript', { 'main.js': 'process.exitCode = 4' });
    expect(await execute(program)).toMatchObject({
      errorCode: 'program_failed',
      exitCode: 4,
      output: '',
      error: 'The program ended with status 4.',
    });
  });

  it('of an uncaught error names the file and the line', async () => {
    const program = programOf('javascript', { 'src/main.js': '\n\nnull.x' });
    const { error, exitCode } = await execute(program);
    expect(exitCode).toBe(1);
    expect(error).toContain('src/main.js:3');
    expect(error).toContain('TypeError');
  });
});

describe('unsafe files of a generated program', () => {
  it('are left out and listed; the rest runs', async () => {
    const unsafe = ['../../x', '/etc/x', '.git/hooks/post-checkout', '.claude/settings.json', '.env', 'a\\b', 'a\0b'];
    const program = programOf('python', {
      'main.py': 'import os\nprint(sorted(os.listdir()))',
      ...Object.fromEntries(unsafe.map((path) => [path, 'harm'])),
      'data.txt': '',
    });
    const told_ = await events(program);
    const [result] = told(told_, 'result');
    expect(result).toMatchObject({ success: true, output: "['data.txt', 'main.py']\n" });
    expect(result!.files.map(({ path }) => path)).toEqual(['main.py', 'data.txt']);
    expect(result!.refusedFiles.map(({ path }) => path)).toEqual(unsafe);
    for (const { reason } of result!.refusedFiles) expect(reason).toMatch(/^(is|has|leaves|begins|names) /);
    expect(told(told_, 'program')[0]!.refusedFiles).toEqual(result!.refusedFiles);
  });

  it('that the program writes are listed too', async () => {
    const program = programOf('python', {
      'main.py': `import os
os.makedirs('.git/hooks')
open('.git/hooks/x', 'w').write('harm')
open('CON', 'w').write('harm')
open('fine.txt', 'w').write('fine')`,
      '.env': 'harm',
    });
    const { files, refusedFiles } = await execute(program);
    expect(refusedFiles.map(({ path }) => path)).toEqual(['.env', '.git/hooks/x', 'CON']);
    expect(files.map(({ path }) => path).sort()).toEqual(['fine.txt', 'main.py']);
  });

  const REFUSED: [string, ErrorCode, object][] = [
    ['an unsafe entrypoint', 'unsafe_path', programOf('python', { '../main.py': 'print(1)', 'other.py': '' })],
    ['an entrypoint that is not there', 'model_invalid', { ...PYTHON, entrypoint: 'other.py' }],
    [
      'one path twice',
      'model_invalid',
      { ...PYTHON, files: [...(PYTHON['files'] as []), { path: 'main.py', content: '' }] },
    ],
    ['two paths that differ in case', 'model_invalid', programOf('python', { 'main.py': '', 'Main.py': '' })],
    ['a file where a folder is', 'model_invalid', programOf('python', { 'main.py': '', 'a/b': '', a: '' })],
    ['text that is not Unicode', 'model_invalid', programOf('python', { 'main.py': '"\ud800"' })],
    ['no files', 'model_empty', { ...PYTHON, files: [] }],
  ];

  it.each(REFUSED)('%s: nothing runs', async (_, code, program) => {
    const { env } = await scripted(REPLY(program), REPLY(program), REPLY(program));
    await errorOf(await post('/execute', { question: 'Do it.' }, { env }), code);
    const { env: again } = await scripted(REPLY(program), REPLY(program), REPLY(program));
    const told_ = await eventsOf(await streamed('/execute', { question: 'Do it.' }, again));
    expect(told_.map(({ name }) => name)).not.toContain('attempt');
    expect(told_.at(-1)!.name).toBe('error');
    checkError(told(told_, 'error')[0]!, code);
  });
});

describe('what Claude is asked', () => {
  const asked = async (body: object, env: Partial<Env> = {}) => {
    const model = await scripted(REPLY(PYTHON));
    const answer = await answerOf(
      await post('/execute', { question: 'What is 6 × 7?', ...body }, { env: { ...model.env, ...env } }),
    );
    const [request, ...others] = await model.script.asked();
    expect(others).toEqual([]);
    return { answer, headers: request!.headers, message: JSON.parse(request!.body) as Record<string, any> };
  };

  it('has the question, the caller’s system text, the language and the bound of tokens', async () => {
    const { message } = await asked({ system: 'Talk like a pirate.', language: 'python', maxTokens: 1234 });
    expect(JSON.stringify(message['system'])).toContain('Talk like a pirate.');
    expect(JSON.stringify(message['messages'])).toContain('What is 6 × 7?');
    expect(message['tools'][0].input_schema.properties.language.enum).toEqual(['python']);
    expect(message['max_tokens']).toBe(1234);
  });

  it('goes to the model of the request, else of the Worker, else the default', async () => {
    const models: [object, Partial<Env>, string][] = [
      [{ model: 'opus' }, { DEFAULT_MODEL: 'haiku' }, 'claude-opus-5-5'],
      [{ model: 'my-own-model' }, {}, 'my-own-model'],
      [{}, { DEFAULT_MODEL: 'haiku' }, 'claude-haiku-5-5'],
      [{}, { DEFAULT_MODEL: '' }, 'claude-sonnet-5-5'],
    ];
    for (const [body, env, model] of models) {
      const { message, answer } = await asked(body, env);
      expect(message['model']).toBe(model);
      expect(answer.model).toBe(model);
      expect(answer.usage!.costUsd === null).toBe(model === 'my-own-model');
    }
  });

  it('is paid for with the Worker’s key, which comes back nowhere', async () => {
    const { headers, answer } = await asked({});
    expect(headers['x-api-key'] ?? headers['authorization']).toContain(KEY);
    expect(JSON.stringify(answer)).not.toContain(KEY);
  });
});

describe('when there is no program', () => {
  const FAILURES: [ErrorCode, number, ScriptedAnswer[]][] = [
    ['key_rejected', 1, [refusal(401, 'authentication_error', `invalid x-api-key ${KEY}`)]],
    ['model_not_found', 1, [refusal(404, 'not_found_error', 'model: nope')]],
    ['model_bad_request', 1, [refusal(400, 'invalid_request_error', 'max_tokens: too large')]],
    ['model_rate_limited', 1, [refusal(429, 'rate_limit_error', 'slow down', { headers: { 'retry-after': '86400' } })]],
    ['model_interrupted', 1, [{ chunks: programReply(PYTHON).slice(0, -2) }]],
    ['model_interrupted', 1, [{ chunks: programReply(PYTHON).slice(0, 8), end: 'cut' }]],
    [
      'model_truncated',
      1,
      [{ chunks: [messageStart(), ...toolCall('{"language":"python"'), messageEnd('max_tokens')] }],
    ],
    ['model_refused', 1, [{ chunks: [messageStart(), messageEnd('refusal')] }]],
    ['model_empty', 1, [{ chunks: [messageStart(), messageEnd('end_turn')] }]],
    ['model_invalid', 1, [{ chunks: [messageStart(), ...toolCall('{"language": python}'), messageEnd('tool_use')] }]],
  ];

  it.each(FAILURES)('%s', async (code, calls, answers) => {
    const { script, env } = await scripted(...answers);
    const body = await errorOf(await post('/execute', { question: 'Do it.' }, { env }), code);
    expect(JSON.stringify(body)).not.toContain(KEY);
    expect((await script.asked()).length).toBe(calls);
  });

  it.each([undefined, '', '  '])('because there is no key (%j): nobody is asked', async (key) => {
    const { script, env } = await scripted(REPLY(PYTHON));
    const broken = { ...env, ANTHROPIC_API_KEY: key as string };
    await errorOf(await post('/execute', { question: 'Do it.' }, { env: broken }), 'key_missing');
    expect(await script.asked()).toEqual([]);
  });

  it('no more is paid for when the sandbox cannot start', async () => {
    const { script, env } = await scripted({ chunks: programReply(PYTHON).slice(0, -1), end: 'hang' });
    const RUNNER = { fetch: async () => new Response(null, { status: 503 }) } as unknown as Fetcher;
    await errorOf(await post('/execute', { question: 'Do it.' }, { env: { ...env, RUNNER } }), 'sandbox_unavailable');
    await eventually(async () => expect((await script.asked()).map(({ aborted }) => aborted)).toEqual([true]));
  });
});

describe('the events', () => {
  const names = (list: Awaited<ReturnType<typeof events>>) =>
    list.map(({ name }) => name).filter((name, at, all) => name !== all[at - 1]);
  const WITHOUT_BOOT = ['started', 'generation', 'program', 'attempt', 'stdout', 'result'];

  it.each([
    ['JavaScript', JAVASCRIPT, {}],
    ['JavaScript that was asked for', JAVASCRIPT, { language: 'javascript' }],
    ['Python', PYTHON, {}],
    ['Python that was asked for', PYTHON, { language: 'python' }],
  ])('of %s come in their order', async (_, program, body) => {
    const list = await events(program, body);
    const order = list.map(({ name }) => name);
    expect(names(list.filter(({ name }) => name !== 'boot'))).toEqual(WITHOUT_BOOT);
    expect(order.filter((name) => name === 'boot')).toHaveLength(1);
    expect(order.indexOf('boot')).toBeLessThan(order.indexOf('program'));
  });

  it('of a page have no boot and no attempt', async () => {
    expect(names(await events(PAGE))).toEqual(['started', 'generation', 'program', 'result']);
  });

  it.each([
    ['is named in the reply', PYTHON, {}],
    ['was asked for', PYTHON, { language: 'python' }],
    ['is JavaScript', JAVASCRIPT, {}],
  ])('boot comes while Claude still writes, when the language %s', async (_, program, body) => {
    const { script, env } = await scripted({ chunks: programReply(program).slice(0, -1), end: 'hang' });
    const visit = open('/execute', { question: 'Do it.', ...body }, { env, accept: 'text/event-stream' });
    expect(await readUntil(await visit.response, 'event: boot\n')).not.toContain('event: program\n');
    expect((await script.asked()).map(({ aborted }) => aborted)).toEqual([false]);
    await visit.leave();
  });

  it('hold the program’s text piece by piece, and say what it is and what it printed', async () => {
    const list = await events(PYTHON, { timeout: 12_345 });
    expect(told(list, 'started')).toEqual([
      {
        sandboxId: told(list, 'result')[0]!.sandboxId,
        sandbox: 'isolate',
        isolation: 'a fresh Dynamic Worker isolate, no network',
        model: 'claude-sonnet-5-5',
        language: null,
        timeoutMs: 12_345,
      },
    ]);
    const deltas = told(list, 'generation');
    expect(deltas.length).toBeGreaterThan(5);
    for (const { path, content } of PYTHON['files'] as { path: string; content: string }[]) {
      const text = deltas.filter((delta) => delta.path === path).map(({ delta }) => delta);
      expect(text.join('')).toBe(content);
    }
    expect(told(list, 'program')).toEqual([
      {
        language: 'python',
        entrypoint: 'main.py',
        files: [
          { path: 'main.py', bytes: 35 },
          { path: 'helper.py', bytes: 12 },
        ],
        refusedFiles: [],
      },
    ]);
    expect(told(list, 'attempt')).toEqual([{ number: 1, of: 1 }]);
    expect(told(list, 'boot')).toEqual([{ ms: told(list, 'result')[0]!.metrics.bootMs, spare: false, queueMs: 0 }]);
    expect(
      told(list, 'stdout')
        .map(({ text }) => text)
        .join(''),
    ).toBe('42\n');
  });

  it('name files with their sizes, and never cut a character', async () => {
    const program = programOf('python', {
      'main.py': `import os
for byte in '😀'.encode(): os.write(1, bytes([byte]))
open('out.txt', 'w').write('äö')`,
    });
    const list = await events(program);
    expect(told(list, 'stdout').map(({ text }) => text)).toEqual(['😀']);
    expect(told(list, 'file')).toEqual([{ path: 'out.txt', bytes: 4 }]);
  });

  it('end with the error when generation fails after it has begun', async () => {
    const { env } = await scripted({ chunks: programReply(PYTHON).slice(0, -3), end: 'cut' });
    const list = await eventsOf(await streamed('/execute', { question: 'Do it.' }, env));
    expect(names(list.filter(({ name }) => name !== 'boot'))).toEqual(['started', 'generation', 'error']);
    checkError(told(list, 'error')[0]!, 'model_interrupted');
  });

  it('are none when the request is refused: that is an answer with a status', async () => {
    await errorOf(await streamed('/execute', { question: '' }), 'invalid_request');
    const env = { MAX_CONCURRENT_RUNS: '0' };
    await errorOf(await streamed('/execute', { question: 'Do it.' }, env), 'too_many_runs');
  });
});
