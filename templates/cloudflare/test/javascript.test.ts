import { describe, expect, it } from 'vitest';

import { moduleName, pathOfModule } from '../src/executor/javascript/names';
import { convert, withoutBroken } from '../src/sandbox/convert';
import { programOf, runProgram } from './harness';
import type { Case } from './javascript/case';
import { FORGERY, NETWORK_CASES, UNREACHABLE } from './javascript/hostile';
import { MODULES, TYPESCRIPT } from './javascript/modules';
import { ENDING, FILES, OUTPUT } from './javascript/running';

const TABLES: Record<string, Case[]> = {
  modules: MODULES,
  TypeScript: TYPESCRIPT,
  output: OUTPUT,
  'the end of a run': ENDING,
  'files it wrote': FILES,
  'no network, no platform': NETWORK_CASES,
  'a failure cannot be forged into a success': FORGERY,
  'the executor cannot be reached': UNREACHABLE,
};

describe.each(Object.entries(TABLES))('%s', (_, cases) => {
  it.each(cases)('$name', async ({ files, stdout, stderr, absent = [], exit = 0, written = {} }) => {
    const program = programOf(typeof files === 'string' ? { 'main.mjs': files } : files);
    const outcome = await runProgram(program);
    expect(outcome, outcome.stderr).toMatchObject({ exit, stray: 0, written });
    expect(Object.keys(outcome.written)).toEqual(Object.keys(written));
    if (stdout !== undefined) expect(outcome.stdout).toBe(stdout);
    if (!stderr) expect(outcome.stderr).toBe('');
    for (const text of stderr ?? []) expect(outcome.stderr).toContain(text);
    for (const text of absent) expect(outcome.stdout + outcome.stderr).not.toContain(text);
  });
});

describe('a run', () => {
  it('starts from nothing each time', async () => {
    const program = programOf({
      'main.mjs': `import fs from 'node:fs'; console.log(globalThis.before, Array.prototype.before, fs.existsSync('/tmp/before'), fs.existsSync('before'));
        globalThis.before = Array.prototype.before = 1; fs.writeFileSync('/tmp/before', ''); fs.writeFileSync('before', '')`,
    });
    for (let run = 0; run < 3; run++) {
      expect(await runProgram(program)).toMatchObject({ stdout: 'undefined undefined false false\n', exit: 0 });
    }
  });

  it('prints live, while it waits', async () => {
    const program = programOf({
      'main.mjs': `console.log('first'); await new Promise((done) => setTimeout(done, 1e6))`,
    });
    const { env } = await import('cloudflare:workers');
    const { runJavascript } = await import('../src/sandbox/javascript');
    const response = await runJavascript((env as { LOADER: WorkerLoader }).LOADER, program, { outputBytes: 100 });
    const reader = response.body!.getReader();
    const { value } = await reader.read();
    expect(new TextDecoder().decode(value!.subarray(5))).toBe('first\n');
    await reader.cancel();
  });

  it('sends one byte more than its limit, so that the reader knows, and keeps its status', async () => {
    const program = programOf({
      'main.mjs': `for (let i = 0; i < 1e4; i++) console.log('x'.repeat(99)); process.exitCode = 3`,
    });
    const outcome = await runProgram(program, 1000);
    expect(outcome.stdout).toHaveLength(1001);
    expect(outcome).toMatchObject({ exit: 3, stray: 0 });
  });

  it('gives back bytes that are no text', async () => {
    const program = programOf({
      'main.mjs': `import fs from 'node:fs'; fs.writeFileSync('copy', Buffer.concat([fs.readFileSync('in.bin'), Buffer.from([0])]))`,
    });
    program.files.push({ path: 'in.bin', content: '/wD+', encoding: 'base64' });
    expect(await runProgram(program)).toMatchObject({ exit: 0, written: { copy: '/wD+AA==' } });
  });
});

describe('conversion', () => {
  const pieces = [
    'import',
    'export',
    'default',
    '{',
    '}',
    '(',
    ')',
    '`',
    '${',
    "'",
    '"',
    '/',
    '*',
    '=>',
    'await',
    'async',
    'class',
    'a',
    ' ',
    '\n',
    ';',
    ',',
    '<!--',
    '-->',
    '=',
    '#',
    '@',
    'namespace',
    'x',
    'from',
    '\\',
    '\u2028',
    '\0',
    '🙂',
    'type',
  ];

  it('has an answer to any text', () => {
    let seed = 1;
    const random = (below: number): number => (seed = (seed * 48271) % 2147483647) % below;
    for (let round = 0; round < 2000; round++) {
      const content = Array.from({ length: random(30) }, () => pieces[random(pieces.length)]).join('');
      for (const path of ['a.mjs', 'a.ts', 'a.tsx', 'a.js']) {
        const { [moduleName(path)]: module } = convert(programOf({ [path]: content }));
        expect(module?.cjs).toMatch(/^module\.exports=\{/);
      }
    }
  });

  it('keeps every line where it was', () => {
    const lines = [
      'import a,',
      '  { b as c } from "./x.mjs";',
      'export default',
      '  class {',
      '}',
      'export {',
      '  a',
      '};',
      'marker();',
      'export * from',
      '  "./y.mjs"',
      'last(a, c);',
    ];
    const { cjs } = convert(programOf({ 'a.mjs': lines.join('\n') }))[moduleName('a.mjs')]!;
    const converted = cjs.split('\n');
    expect(converted.findIndex((line) => line.includes('marker()'))).toBe(lines.indexOf('marker();'));
    expect(converted.findIndex((line) => line.includes('last('))).toBe(lines.length - 1);
  });

  it('names modules so that their paths can be read back', () => {
    for (const path of ['a.js', 'dir/b.ts', 'mä in~1.mjs', '%20?#&.js', '🙂.js', "it's.js"]) {
      expect(moduleName(path)).toMatch(/^program\/[\w./~-]+$/);
      expect(pathOfModule(moduleName(path))).toBe(path);
    }
    expect(pathOfModule('executor.js')).toBeNull();
  });

  it('replaces only what an error names', () => {
    const modules = convert(programOf({ 'a.js': '1', 'b.js': '2' }));
    const error = new Error('Failed to start Worker:\nUncaught SyntaxError: Bad\n  at program/b.js:7');
    const rest = withoutBroken(modules, error)!;
    expect(rest['program/a.js']).toBe(modules['program/a.js']);
    expect(rest['program/b.js']!.cjs).toBe('module.exports={"kind":"broken","message":"Bad","line":7}');
    expect(withoutBroken(rest, error)).toBeNull();
    expect(withoutBroken(modules, new Error('The sandbox is gone.'))).toBeNull();
    expect(withoutBroken(modules, new Error('SyntaxError: Bad\n  at executor.js:7'))).toBeNull();
  });
});
