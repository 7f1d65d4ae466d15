/** Python in the `isolate` sandbox, through the Worker's routes. */
import { describe, expect, it } from 'vitest';

import { loadPython } from '../src/sandbox/python';
import type { Case } from './javascript/case';
import { ENDING } from './python/ending';
import { NETWORK, UNREACHABLE } from './python/hostile';
import { FILES, OUTPUT, STARTING } from './python/running';
import { answerOf, ENV, post, programOf, streamed } from './worker';

const TABLES: Record<string, Case[]> = {
  'a program': STARTING,
  output: OUTPUT,
  'the end of a run': ENDING,
  'files it wrote': FILES,
  'no network, no platform': NETWORK,
  'the executor cannot be reached': UNREACHABLE,
};

const run = async (files: string | Record<string, string>, more: object = {}) =>
  answerOf(await post('/run', programOf('python', typeof files === 'string' ? { 'main.py': files } : files, more)));

describe.each(Object.entries(TABLES))('%s', (_, cases) => {
  it.each(cases)('$name', async ({ files, stdout, stderr = [], absent = [], exit = 0, written = {} }) => {
    const answer = await run(files);
    const said = `${answer.output}\n${answer.error}`;
    expect(answer.exitCode, said).toBe(exit);
    expect(answer.success).toBe(exit === 0);
    if (stdout !== undefined) expect(answer.output).toBe(stdout);
    for (const text of stderr) expect(answer.error).toContain(text);
    for (const text of absent) expect(said).not.toContain(text);
    expect(Object.fromEntries(answer.files.map(({ path, content }) => [path, content]))).toEqual(written);
    expect(answer.files.map(({ path }) => path)).toEqual(Object.keys(written));
  });
});

describe('a run', () => {
  it('starts from nothing each time, with other random numbers', async () => {
    const program = `import builtins, os, random, uuid
print(hasattr(builtins, 'before'), os.path.exists('/tmp/before'))
print(random.random(), uuid.uuid4())
builtins.before = 1
open('/tmp/before', 'w').close()`;
    const outputs = await Promise.all([run(program), run(program), run(program)]);
    const lines = outputs.map(({ output }) => output.split('\n'));
    expect(lines.map(([first]) => first)).toEqual(Array(3).fill('False False'));
    expect(new Set(lines.map(([, second]) => second)).size).toBe(3);
  });

  it('gives back bytes that are no text', async () => {
    const answer = await run(`import sys\nsys.stdout.buffer.write(b'a\\xff')`);
    expect(answer).toMatchObject({ output: 'a\ufffd', outputLossy: true, exitCode: 0 });
  });

  it('ends with its output cut, and its own status', async () => {
    const answer = await run(`for i in range(30_000): print('x' * 99)\nraise SystemExit(3)`);
    expect(answer).toMatchObject({ truncated: true, exitCode: 3 });
  });

  it('names its events in order', async () => {
    const text = await (await streamed('/run', programOf('python', { 'main.py': 'print(1)' }))).text();
    const names = [...text.matchAll(/^event: (\w+)$/gm)].map(([, name]) => name);
    expect(names.filter((name) => name === 'stdout' || name === 'result')).toEqual(['stdout', 'result']);
  });

  /** What arrives before this contains `text`, from a program that never ends. */
  async function until(program: string, text: string): Promise<void> {
    const worker = await loadPython(ENV.LOADER!, ENV, 10_000);
    const abort = new AbortController();
    const body = { entrypoint: 'main.py', files: [{ path: 'main.py', content: program }], outputBytes: 1000 };
    const response = await worker.fetch('http://sandbox/run', {
      method: 'POST',
      body: JSON.stringify(body),
      signal: abort.signal,
    });
    const reader = response.body!.getReader();
    for (let said = ''; !said.includes(text);) {
      const { value, done } = await reader.read();
      expect(done, said).toBe(false);
      said += new TextDecoder().decode(value);
    }
    await reader.cancel();
    abort.abort();
  }

  it('prints live while it sleeps', () => until('import time\nprint("first")\ntime.sleep(1e6)', 'first'));

  it('prints live while it waits for an event', () =>
    until(
      'import asyncio\nasync def f():\n    print("first")\n    await asyncio.sleep(1e6)\nasyncio.run(f())',
      'first',
    ));

  it('runs one program only', async () => {
    const worker = await loadPython(ENV.LOADER!, ENV, 10_000);
    const request = { method: 'POST', body: JSON.stringify({ entrypoint: 'main.py', files: [], outputBytes: 10 }) };
    await (await worker.fetch('http://sandbox/run', request)).arrayBuffer();
    expect((await worker.fetch('http://sandbox/run', request)).status).toBe(409);
  });
});
