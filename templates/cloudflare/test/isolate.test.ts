/** POST /run in the isolate sandbox: fresh Dynamic Workers, with the executors and the Python runtime as they are built. */
import { describe, expect, it, vi } from 'vitest';

import type { Answer } from '../src/api';
import { LIMITS } from '../src/limits';
import { bytesOf } from './framing';
import { answerOf, ENV, errorOf, eventsOf, filesOf, open, post, programOf, readUntil, streamed, told } from './worker';

async function run(language: string, files: Record<string, string>, more: object = {}): Promise<Answer> {
  return answerOf(await post('/run', programOf(language, files, more)));
}

const javascript = (code: string, more: object = {}) => run('javascript', { 'main.mjs': code }, more);
const python = (code: string, more: object = {}) => run('python', { 'main.py': code }, more);

describe('a given program', () => {
  it('has an answer without question, model and price', async () => {
    const answer = await javascript('console.log("hello")');
    expect(answer).toEqual({
      success: true,
      question: null,
      code: 'console.log("hello")',
      output: 'hello\n',
      error: '',
      errorCode: null,
      exitCode: 0,
      language: 'javascript',
      files: [],
      refusedFiles: [],
      sandboxId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      sandbox: 'isolate',
      isolation: 'a fresh Dynamic Worker isolate, no network',
      model: null,
      attempts: 1,
      executionTime: answer.metrics.executionMs,
      usage: null,
      metrics: {
        queueMs: expect.any(Number),
        firstTokenMs: null,
        generationMs: 0,
        tokensPerSecond: null,
        bootMs: 0,
        spare: false,
        executionMs: expect.any(Number),
        totalMs: expect.any(Number),
        peakMemoryBytes: null,
        stdoutBytes: 6,
        stderrBytes: 0,
        fileBytes: 0,
      },
      truncated: false,
      outputLossy: false,
      outputMayBeIncomplete: false,
    });
  });

  it('tells its events in their order', async () => {
    const body = programOf('javascript', { 'main.js': 'console.log(1); require("fs").writeFileSync("x", "1")' });
    const events = await eventsOf(await streamed('/run', body));
    expect(events.map(({ name }) => name)).toEqual([
      'started',
      'boot',
      'program',
      'attempt',
      'stdout',
      'file',
      'result',
    ]);
    expect(told(events, 'started')[0]).toMatchObject({ model: null, language: 'javascript', timeoutMs: 30_000 });
  });

  it.each<[string, string, Record<string, string>, string]>([
    [
      'JavaScript of several files',
      'javascript',
      { 'a/main.mjs': 'import { x } from "../lib/x.mjs"; console.log(x)', 'lib/x.mjs': 'export const x = 1' },
      '1\n',
    ],
    ['CommonJS', 'javascript', { 'main.js': 'console.log(require("./x.json").x)', 'x.json': '{"x":2}' }, '2\n'],
    [
      'top-level await',
      'javascript',
      { 'main.mjs': 'console.log(await new Promise((f) => setTimeout(f, 1, 3)))' },
      '3\n',
    ],
    [
      'TypeScript of several files',
      'typescript',
      {
        'main.ts': 'import { E } from "./e";\nclass A { constructor(readonly x: E) {} }\nconsole.log(new A(E.Y).x)',
        'e.ts': 'export enum E { X = 3, Y }',
      },
      '4\n',
    ],
    [
      'Python of several files',
      'python',
      { 'main.py': 'from lib.x import x\nprint(x)', 'lib/__init__.py': '', 'lib/x.py': 'x = 5' },
      '5\n',
    ],
    [
      'Python with asyncio',
      'python',
      {
        'main.py': 'import asyncio\nasync def f():\n  await asyncio.sleep(0.001)\n  return 6\nprint(asyncio.run(f()))',
      },
      '6\n',
    ],
  ])('may be %s', async (_, language, files, output) => {
    expect(await run(language, files)).toMatchObject({ success: true, output, error: '', exitCode: 0, language });
  });

  it('may be a page, of which nothing runs', async () => {
    expect(await run('web', { 'index.html': '<p>' })).toMatchObject({
      success: true,
      code: '<p>',
      exitCode: null,
      files: [],
      executionTime: 0,
    });
  });

  it.each([
    [
      'javascript',
      'main.js',
      `const fs = require('fs'); console.log(fs.readFileSync('d/data.csv', 'utf8').length, [...fs.readFileSync('raw.bin')])`,
    ],
    ['python', 'main.py', `print(len(open('d/data.csv', newline='').read()), list(open('raw.bin', 'rb').read()))`],
  ])('finds its data files, text and binary (%s)', async (language, entrypoint, content) => {
    const files = [
      { path: entrypoint, content },
      { path: 'd/data.csv', content: 'a,b\r\n1,2\r\n' },
      { path: 'raw.bin', content: Uint8Array.of(0, 127, 128, 255).toBase64(), encoding: 'base64' },
    ];
    const answer = await answerOf(await post('/run', { language, entrypoint, files }));
    expect(answer.output.replaceAll(/\s+/g, '')).toBe('10[0,127,128,255]');
    expect(answer.files).toEqual([]);
  });

  it('may have its entrypoint in base64', async () => {
    const content = bytesOf('print("ü")').toBase64();
    const body = { language: 'python', entrypoint: 'm.py', files: [{ path: 'm.py', content, encoding: 'base64' }] };
    expect(await answerOf(await post('/run', body))).toMatchObject({ output: 'ü\n', code: 'print("ü")' });
  });

  it.each([
    [
      'javascript',
      `const fs = require('fs'); fs.mkdirSync('out/deep', { recursive: true });
      fs.writeFileSync('out/deep/ü.txt', 'größe\\r\\n'); fs.writeFileSync('raw.bin', Buffer.from([0, 255]));
      fs.writeFileSync('empty', ''); fs.appendFileSync('changed.txt', '!'); fs.rmSync('removed.txt')`,
    ],
    [
      'python',
      `import os
os.makedirs('out/deep')
open('out/deep/ü.txt', 'w', newline='').write('größe\\r\\n')
open('raw.bin', 'wb').write(bytes([0, 255]))
open('empty', 'w')
open('changed.txt', 'a').write('!')
os.remove('removed.txt')`,
    ],
  ])('gives back the files that it wrote or changed, and no others (%s)', async (language, code) => {
    const { files, success, error } = await run(language, {
      main: code,
      'changed.txt': 'before',
      'same.txt': 'same',
      'removed.txt': '',
    });
    expect(success, error).toBe(true);
    expect(files.map(({ path }) => path)).toEqual(['changed.txt', 'empty', 'out/deep/ü.txt', 'raw.bin']);
    expect(filesOf(files)).toEqual({
      'changed.txt': 'before!',
      empty: '',
      'out/deep/ü.txt': 'größe\r\n',
      'raw.bin': 'base64:AP8=',
    });
  });

  it('names files that it must not have written, and gives them to nobody', async () => {
    const { files, refusedFiles } =
      await javascript(`import fs from 'node:fs'; fs.mkdirSync('.git/hooks', { recursive: true });
      fs.writeFileSync('.git/hooks/pre-commit', 'x'); fs.writeFileSync('.env', 'x'); fs.writeFileSync('fine', 'x')`);
    expect(filesOf(files)).toEqual({ fine: 'x' });
    expect(refusedFiles.map(({ path }) => path)).toEqual(['.env', '.git/hooks/pre-commit']);
  });
});

describe('how a program ends', () => {
  it.each<[string, () => Promise<Answer>, object]>([
    ['process.exit(3)', () => javascript('console.log("a"); process.exit(3)'), { exitCode: 3, output: 'a\n' }],
    ['sys.exit(3)', () => python('import sys\nprint("a")\nsys.exit(3)'), { exitCode: 3, output: 'a\n' }],
    [
      'an uncaught error',
      () => javascript('\nthrow new Error("no")'),
      { exitCode: 1, error: expect.stringContaining('main.mjs:2') },
    ],
    [
      'an uncaught exception',
      () => python('\n1/0'),
      { exitCode: 1, error: expect.stringMatching(/main\.py", line 2[\s\S]*ZeroDivisionError/) },
    ],
    [
      'a rejection',
      () => javascript('\nPromise.reject(new Error("no"))'),
      { exitCode: 1, error: expect.stringContaining('no') },
    ],
    [
      'what cannot be parsed',
      () => javascript('let let = 1'),
      { exitCode: 1, error: expect.stringContaining('main.mjs') },
    ],
    ['what Python cannot parse', () => python('def f(:'), { exitCode: 1, error: expect.stringContaining('main.py') }],
    [
      'recursion without end',
      () => javascript('const f = () => f() + 1; f()'),
      { exitCode: 1, error: expect.stringContaining('RangeError') },
    ],
    [
      'recursion without end in Python',
      () => python('def f(): f()\nf()'),
      { exitCode: 1, error: expect.stringContaining('RecursionError') },
    ],
  ])('by %s', async (_, work, expected) => {
    expect(await work()).toMatchObject({
      success: false,
      errorCode: 'program_failed',
      outputMayBeIncomplete: false,
      ...expected,
    });
  });

  const WAITING: [string, string, string][] = [
    ['JavaScript', 'javascript', 'console.log("before"); console.error("so far"); setInterval(() => {}, 1000)'],
    [
      'JavaScript that never settles',
      'javascript',
      'console.log("before"); console.error("so far"); setInterval(() => {}, 1e8); await new Promise(() => {})',
    ],
    ['Python', 'python', 'import sys, time\nprint("before")\nprint("so far", file=sys.stderr)\ntime.sleep(1000)'],
  ];

  it.each(WAITING)('by its time limit: %s', async (_, language, code) => {
    const name = language === 'python' ? 'main.py' : 'main.mjs';
    const answer = await run(language, { [name]: code }, { timeout: 3000 });
    expect(answer).toMatchObject({
      success: false,
      errorCode: 'sandbox_timeout',
      exitCode: null,
      output: 'before\n',
      error: 'The program was stopped after 3 s, its time limit.\nso far\n',
      outputMayBeIncomplete: true,
      truncated: false,
    });
    expect(await run(language, { [name]: '' })).toMatchObject({ success: true });
  });

  it('with its output cut and out of time, both are said', async () => {
    const code = `process.stdout.write('x'.repeat(${LIMITS.output} + 1)); setInterval(() => {}, 1000)`;
    const answer = await javascript(code, { timeout: 5000 });
    expect(answer).toMatchObject({ errorCode: 'sandbox_timeout', truncated: true, outputMayBeIncomplete: true });
    expect(answer.output).toBe('x'.repeat(LIMITS.output));
  });

  it('as the platform says, when it stops an isolate', async () => {
    const ends = async (message: string) => {
      const stream = () => new ReadableStream({ pull: (controller) => controller.error(new Error(message)) });
      const worker = { fetch: async () => new Response(stream()) };
      const LOADER = { load: () => ({ getEntrypoint: () => worker }) } as unknown as WorkerLoader;
      return answerOf(await post('/run', programOf('javascript', { 'main.js': '' }), { env: { LOADER } }));
    };
    const stopped = { success: false, exitCode: null, outputMayBeIncomplete: true };
    expect(await ends('Worker exceeded CPU time limit.')).toMatchObject({ ...stopped, errorCode: 'sandbox_timeout' });
    expect(await ends('Worker exceeded memory limit.')).toMatchObject({ ...stopped, errorCode: 'sandbox_oom' });
    expect(await ends('it fell')).toMatchObject({
      ...stopped,
      errorCode: 'sandbox_crashed',
      error: 'The sandbox ended unexpectedly: it fell.',
    });
  });
});

describe('output', () => {
  it.each([
    ['javascript', (bytes: number) => `process.stdout.write('é'.repeat(${bytes} / 2))`],
    ['python', (bytes: number) => `import sys\nsys.stdout.write('é' * (${bytes} // 2))`],
  ])('may be one mebibyte and no more (%s)', async (language, code) => {
    const exact = await run(language, { main: code(LIMITS.output) });
    expect(exact).toMatchObject({ success: true, truncated: false, outputLossy: false });
    expect(bytesOf(exact.output)).toHaveLength(LIMITS.output);
    const more = await run(language, { main: code(LIMITS.output + 2) });
    expect(more).toMatchObject({ success: true, truncated: true, outputLossy: false, exitCode: 0 });
    expect(more.output).toBe(exact.output);
  });

  it.each([
    ['javascript', `for (let i = 0; i < 3e5; i++) process.stdout.write('0123456789')`],
    ['python', `import sys\nfor i in range(300_000): sys.stdout.write('0123456789')`],
  ])('in small pieces is cut at the same byte, and the program goes on to its end (%s)', async (language, code) => {
    const answer = await run(language, { main: code });
    expect(answer).toMatchObject({ success: true, truncated: true });
    expect(answer.output).toBe('0123456789'.repeat(1e5).padEnd(LIMITS.output, '0123456789').slice(0, LIMITS.output));
  });

  it('counts stdout and stderr together', async () => {
    const half = LIMITS.output / 2;
    const answer = await javascript(
      `process.stdout.write('o'.repeat(${half})); process.stderr.write('e'.repeat(${half})); process.stdout.write('!')`,
    );
    expect(answer).toMatchObject({ truncated: true, success: true });
    expect([answer.output.length, answer.error.length]).toEqual([half, half]);
  });

  it.each([
    ['javascript', `process.stdout.write(Buffer.from([104, 105, 255, 10]))`],
    ['python', `import os\nos.write(1, bytes([104, 105, 255, 10]))`],
  ])('that is not UTF-8 is flagged (%s)', async (language, code) => {
    expect(await run(language, { main: code })).toMatchObject({
      output: 'hi\ufffd\n',
      outputLossy: true,
      success: true,
    });
  });

  it('that has a replacement character, a byte order mark or control characters is as it was printed', async () => {
    const text = '\ufeff\ufffd\0\u001b]0;title\u0007\r\u2028';
    const answer = await javascript(`process.stdout.write(${JSON.stringify(text)})`);
    expect(answer).toMatchObject({ output: text, outputLossy: false });
  });

  it.each([
    [
      'javascript',
      `const fs = require('fs');
       for (const folder of ['a', 'b']) {
         fs.mkdirSync(folder);
         for (let i = 0; i < 501; i++) fs.writeFileSync(folder + '/' + i, '');
       }`,
    ],
    ['python', `for i in range(1001): open(str(i), 'w')`],
  ])('of more files than a thousand is a thousand, and says so (%s)', async (language, code) => {
    const answer = await run(language, { main: code });
    expect(answer.refusedFiles).toEqual([]);
    expect(answer.files).toHaveLength(LIMITS.savedFiles);
    expect(answer).toMatchObject({ success: true, truncated: true });
  });

  it.each([
    [
      'javascript',
      `require('fs').writeFileSync('big', Buffer.alloc(${LIMITS.savedBytes + 1})); require('fs').writeFileSync('small', 'x')`,
    ],
    ['python', `open('big', 'wb').write(bytes(${LIMITS.savedBytes + 1}))\nopen('small', 'w').write('x')`],
  ])('of a file beyond the bound is left out, and that is said (%s)', async (language, code) => {
    const answer = await run(language, { main: code });
    expect(filesOf(answer.files)).toEqual({ small: 'x' });
    expect(answer).toMatchObject({ success: true, truncated: true });
  });

  it('comes while the program runs', async () => {
    const body = programOf('javascript', { 'main.mjs': 'console.log("first"); setInterval(() => {}, 1000)' });
    const visit = open('/run', body, { accept: 'text/event-stream' });
    const seen = await readUntil(await visit.response, 'event: stdout\n');
    expect(seen).not.toContain('event: result');
    await visit.leave();
  });
});

describe('isolation', () => {
  it('leaves nothing of an earlier run', async () => {
    const code = `import fs from 'node:fs';
      console.log(globalThis.before, fs.existsSync('before'), fs.existsSync('/tmp/before'), process.env.BEFORE);
      globalThis.before = 1; fs.writeFileSync('before', ''); fs.writeFileSync('/tmp/before', ''); process.env.BEFORE = '1'`;
    for (let n = 0; n < 2; n++) expect((await javascript(code)).output).toBe('undefined false false undefined\n');
    const again = `import os, builtins
print(hasattr(builtins, 'before'), os.path.exists('before'), os.path.exists('/tmp/before'), 'BEFORE' in os.environ)
builtins.before = 1
open('before', 'w'); open('/tmp/before', 'w'); os.environ['BEFORE'] = '1'`;
    for (let n = 0; n < 2; n++) expect((await python(again)).output).toBe('False False False False\n');
  });

  it('keeps runs at the same time apart', async () => {
    const answers = await Promise.all(
      [1, 2, 3, 4].map((n) =>
        javascript(`globalThis.n = ${n}; await new Promise((f) => setTimeout(f, 20)); console.log(globalThis.n)`),
      ),
    );
    expect(answers.map(({ output }) => output)).toEqual(['1\n', '2\n', '3\n', '4\n']);
  });

  it('has no network', async () => {
    const url = String(ENV.ANTHROPIC_BASE_URL);
    const { output } =
      await javascript(`for (const url of ${JSON.stringify([url, 'https://example.com', 'http://169.254.169.254/'])})
      await fetch(url).then(() => console.log('reached'), () => console.log('blocked'));`);
    expect(output).toBe('blocked\n'.repeat(3));
    const asked = await python(`import urllib.request
try:
  urllib.request.urlopen(${JSON.stringify(url)})
  print('reached')
except OSError:
  print('blocked')`);
    expect(asked.output).toBe('blocked\n');
  });

  it('holds no secret', async () => {
    const secrets = [ENV.CCT_TOKEN!, ENV.ANTHROPIC_API_KEY!];
    const { output, success } = await javascript(`import * as workers from 'cloudflare:workers';
      console.log(JSON.stringify([process.env, workers.env, Object.keys(globalThis), process.argv]))`);
    const listed = success
      ? output
      : (await javascript('console.log(JSON.stringify([process.env, process.argv]))')).output;
    const environ = (await python('import os, sys\nprint(dict(os.environ), sys.argv)')).output;
    for (const secret of secrets) expect(listed + environ).not.toContain(secret);
    expect(listed.length).toBeGreaterThan(2);
    expect(environ.length).toBeGreaterThan(2);
  });

  it('cannot say how it ended in place of the executor', async () => {
    const { exitCode, success } = await javascript(`
      WritableStreamDefaultWriter.prototype.write = function () { return Promise.resolve(); };
      Response.json = () => new Response('{"success":true}'); console.log = () => {};
      Promise.prototype.then = () => {}; TextEncoder.prototype.encode = () => new Uint8Array([4, 0, 0, 0, 4, 0, 0, 0, 0]);
      JSON.stringify = () => '{"exitCode":0}';
      process.stdout.write('\\x04\\0\\0\\0\\x04\\0\\0\\0\\0');
      throw new Error('no');`);
    expect({ exitCode, success }).toEqual({ exitCode: 1, success: false });
  });
});

describe('the Python runtime', () => {
  it('that does not start is an error of the sandbox, not of the program', async () => {
    const worker = { fetch: async () => new Response('the snapshot is broken', { status: 500 }) };
    const LOADER = { load: () => ({ getEntrypoint: () => worker }) } as unknown as WorkerLoader;
    const body = programOf('python', { 'main.py': '' });
    const { error } = await errorOf(await post('/run', body, { env: { LOADER } }), 'sandbox_unavailable');
    expect(error).toContain('the snapshot is broken');
  });

  it('that was not built is named as what is missing', async () => {
    // What has been read once is kept. The last test of all: the Durable Object does not outlive this.
    vi.resetModules();
    const { loadPython } = await import('../src/sandbox/python');
    const ASSETS = { fetch: async () => new Response(null, { status: 404 }) } as unknown as Fetcher;
    await expect(loadPython(ENV.LOADER!, { ASSETS }, 1000)).rejects.toThrow(
      'the asset python/manifest.json is missing; run: npm run build',
    );
  });
});
