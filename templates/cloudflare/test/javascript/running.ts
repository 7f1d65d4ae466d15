import type { Case } from './case';

export const OUTPUT: Case[] = [
  {
    name: 'console as Node formats it',
    files: `const { log } = console; log('a %s %d %i %j %o %% %c.', 'b', 1.5, 2.7, { x: 1 }, [1], 'css', 'rest');
      console.log({ a: { b: { c: {} } }, f() {}, n: 1n }, [undefined, null, -0], new Map([['k', new Set([1])]]));
      console.info('info'); console.debug('debug'); console.log(); console.log('multi\\nline');
      console.group('group'); console.log('one\\ntwo'); console.group(); console.info('three'); console.groupEnd(); console.groupEnd();
      console.table([{ a: 1, b: 'x' }, { a: 2 }]); console.dir({ a: { b: { c: { d: 1 } } } }, { depth: 0 });
      console.count(); console.count('x'); console.count(); console.countReset(); console.count(); console.log(typeof console.Console, console === (await import('node:console')).default);
      console.log(new Uint8Array(2), Buffer.from('hi'), new Error('e').message, class A {}, new (class B { x = 1 })(), Symbol.iterator);`,
    stdout:
      'a b 1.5 2 {"x":1} [ 1, [length]: 1 ] % . rest\n' +
      "{ a: { b: { c: {} } }, f: [Function: f], n: 1n } [ undefined, null, -0 ] Map(1) { 'k' => Set(1) { 1 } }\n" +
      'info\ndebug\n\nmulti\nline\ngroup\n  one\n  two\n    three\n' +
      "┌─────────┬───┬─────┐\n│ (index) │ a │ b   │\n├─────────┼───┼─────┤\n│ 0       │ 1 │ 'x' │\n│ 1       │ 2 │     │\n└─────────┴───┴─────┘\n" +
      '{ a: [Object] }\ndefault: 1\nx: 1\ndefault: 2\ndefault: 1\nfunction true\n' +
      'Uint8Array(2) [ 0, 0 ] <Buffer 68 69> e [class A] B { x: 1 } Symbol(Symbol.iterator)\n',
  },
  {
    name: 'console on stderr',
    files: `console.error('error'); console.warn('warn %d', 1); console.assert(true, 'not'); console.assert(false, 'asserted'); function f() { console.trace('here') }\nf(); console.log('out')`,
    stdout: 'out\n',
    stderr: [
      'error\nwarn 1\n',
      'Assertion failed: asserted',
      'Trace: here\n    at f (main.mjs:1)\n    at main.mjs:2\n',
    ],
  },
  {
    name: 'console.time',
    files: `console.time('t'); console.timeEnd('t')`,
  },
  {
    name: 'process.stdout: strings, bytes, encodings, callbacks, pipes, spies',
    files: `import { Readable } from 'node:stream'; import { pipeline } from 'node:stream/promises';
      const seen = []; const { write } = process.stdout;
      process.stdout.write('a'); process.stdout.write(new Uint8Array([98])); process.stdout.write('Yw==', 'base64'); process.stdout.write(new DataView(new ArrayBuffer(1)));
      await new Promise((done) => process.stdout.write('d', done)); await new Promise((done) => process.stdout.write('e', 'utf8', done));
      process.stdout.write = (text) => seen.push(text); console.log('spied'); process.stdout.write = write; console.log(seen);
      try { process.stdout.write(5) } catch (error) { console.log(error.code) }
      await pipeline(Readable.from(['x', Buffer.from('y')]), process.stdout, { end: false }); Readable.from(['z\\n']).pipe(process.stdout);
      console.log(process.stdout.isTTY, process.stdout.fd, process.stdout.columns);`,
    stdout: "abc\0de[ 'spied\\n' ]\nERR_INVALID_ARG_TYPE\nxyfalse 1 undefined\nz\n",
  },
  {
    name: 'standard streams through fs',
    files: `import fs from 'node:fs'; console.log(fs.writeSync(1, 'one\\n'), fs.writeSync(2, Buffer.from('-two-'), 1, 3)); fs.writeFileSync('/dev/stdout', 'three\\n'); fs.appendFileSync(1, 'four\\n');
      console.log(JSON.stringify(fs.readFileSync(0, 'utf8')), fs.readFileSync('/dev/stdin').length)`,
    stdout: 'one\n4 3\nthree\nfour\n"" 0\n',
    stderr: ['two'],
  },
  {
    name: 'standard input is at its end',
    files: `import readline from 'node:readline';
      const rl = readline.createInterface({ input: process.stdin, output: process.stdout });
      rl.question('name? ', () => console.log('answered')); rl.on('close', () => console.log('closed'));`,
    stdout: 'name? closed\n',
  },
  {
    name: 'standard input, read to its end',
    files: `let n = 0; for await (const chunk of process.stdin) n++; console.log(n, process.stdin.isTTY)`,
    stdout: '0 false\n',
  },
  {
    name: 'a question that standard input cannot answer',
    files: `import { createInterface } from 'node:readline/promises'; await createInterface({ input: process.stdin, output: process.stdout }).question('name? ')`,
    stdout: 'name? ',
    stderr: ['awaits at its top level'],
    exit: 13,
  },
  {
    name: 'readline over a file and over chunks',
    files: {
      'main.mjs': `import fs from 'node:fs'; import readline from 'node:readline'; import { createInterface } from 'node:readline/promises'; import { Readable } from 'node:stream';
        for await (const line of readline.createInterface({ input: fs.createReadStream('data.txt'), crlfDelay: Infinity })) console.log('[' + line + ']');
        const rl = readline.createInterface({ input: Readable.from(['a\\r', '\\nb\\n\\nc', 'd', Buffer.from([0xc3]), Buffer.from([0xa4])]) });
        rl.on('line', (line) => console.log('line', line)).on('close', () => console.log('close'));
        await new Promise((done) => rl.once('close', done));
        const ask = createInterface({ input: Readable.from(['Ada\\n']) });
        console.log(await ask.question('?'));`,
      'data.txt': 'one\r\ntwo\n\nlast',
    },
    stdout: '[one]\n[two]\n[]\n[last]\nline a\nline b\nline \nline cdä\nclose\nAda\n',
  },
  {
    name: 'warnings',
    files: `process.on('warning', (w) => console.log(w.name)); process.emitWarning('careful'); process.emitWarning('old', 'DeprecationWarning')`,
    stdout: 'Warning\nDeprecationWarning\n',
    stderr: ['(node:1) Warning: careful\n', '(node:1) DeprecationWarning: old\n'],
  },
];

export const ENDING: Case[] = [
  {
    name: 'timers of every kind are waited for, in order',
    files: `import { setTimeout as sleep, setInterval as ticks, setImmediate as soon } from 'node:timers/promises'; import timers from 'node:timers'; import { promisify } from 'node:util';
      process.nextTick(() => console.log('tick')); queueMicrotask(() => console.log('micro')); await new Promise((done) => setImmediate((x) => { console.log('immediate', x); done() }, 1));
      await new Promise((done) => { let n = 0; const interval = setInterval(() => { if (++n === 3) { clearInterval(interval); console.log('interval', n); done() } }, 1) });
      clearTimeout(setTimeout(() => console.log('never'), 1)); clearTimeout(Number(setTimeout(() => console.log('never'), 1))); clearTimeout(undefined); clearTimeout({});
      console.log(await sleep(1, 'slept'), await soon('soon'), await promisify(setTimeout)(1, 'promisified'));
      let k = 0; for await (const v of ticks(1, 'v')) if (++k === 2) { console.log(v, k); break }
      const unref = setTimeout(() => console.log('never'), 1e6).unref(); console.log(unref.hasRef(), typeof unref.refresh, unref.constructor.name);
      await sleep(1000, null, { signal: AbortSignal.abort() }).catch((error) => console.log(error.name));
      setTimeout(function (a, b) { console.log(a + b, this.constructor.name) }, 20, 1, 2); timers.setTimeout(() => console.log('node:timers'), 10); setTimeout(() => console.log('timeout'), 1);`,
    stdout:
      'tick\nmicro\nimmediate 1\ninterval 3\nslept soon promisified\nv 2\nfalse function Timeout\nAbortError\ntimeout\nnode:timers\n3 Timeout\n',
  },
  {
    name: 'work without timers is waited for',
    files: `import zlib from 'node:zlib'; import crypto from 'node:crypto'; import fs from 'node:fs'; import { pipeline } from 'node:stream'; import { once, EventEmitter } from 'node:events';
      zlib.gzip('x'.repeat(1e5), (e, data) => zlib.gunzip(data, (e, text) => console.log('gunzip', text.length)));
      crypto.scrypt('a', 'b', 16, (e, key) => console.log('scrypt', key.length)); crypto.randomBytes(4, (e, b) => console.log('random', b.length));
      fs.promises.writeFile('a.txt', 'x').then(() => fs.readFile('a.txt', 'utf8', (e, text) => { console.log('read', text); fs.unlink('a.txt', () => {}) }));
      crypto.subtle.digest('SHA-256', Buffer.from('x')).then((d) => console.log('digest', d.byteLength));
      (async () => { for (let i = 0; i < 300; i++) await crypto.subtle.digest('SHA-1', Buffer.from('x')); console.log('chain') })();
      const emitter = new EventEmitter(); once(emitter, 'x').then(([v]) => console.log('once', v)); setTimeout(() => emitter.emit('x', 1), 5);`,
    exit: 0,
  },
  {
    name: 'an await that nothing can settle ends with 13',
    files: `console.log('before'); process.on('exit', (code) => console.log('exit', code)); await new Promise(() => {}); console.log('after')`,
    stdout: 'before\nexit 13\n',
    stderr: ['Warning: main.mjs awaits at its top level what can never happen'],
    exit: 13,
  },
  {
    name: 'a promise outside the top level that never settles is nothing to wait for',
    files: {
      'main.js': `(async () => { console.log('in'); await new Promise(() => {}); console.log('never') })(); console.log('end')`,
    },
    stdout: 'in\nend\n',
  },
  {
    name: 'process.exit ends at once, also where it is caught',
    files: `process.on('exit', (code) => { console.log('exit', code, process.exitCode); setTimeout(() => console.log('never'), 0) });
      setTimeout(() => console.log('never'), 0); process.nextTick(() => console.log('never')); Promise.resolve().then(() => console.log('never'));
      console.log('printed');
      try { process.exit(3) } catch (error) { console.log('never', error.message); console.error('never'); process.exit(4) } finally { console.log('never') }
      console.log('never')`,
    stdout: 'printed\nexit 3 3\n',
    exit: 3,
  },
  {
    name: 'process.exit in a timer, in a callback, in a promise, in a listener',
    files: {
      'main.js': `setTimeout(() => { console.log('a'); try { [1].map(() => process.exit(7)) } catch {} console.log('never') }, 1); setInterval(() => {}, 1)`,
    },
    stdout: 'a\n',
    exit: 7,
  },
  {
    name: 'process.exit in a promise',
    files: `Promise.resolve().then(() => process.exit(5)).catch(() => console.log('never')); await new Promise(() => {})`,
    exit: 5,
  },
  {
    name: 'exit codes as strings, large, wrong',
    files: `try { process.exit('nine') } catch (error) { console.log(error.code) } try { process.exitCode = 1.5 } catch (error) { console.log(error.code) } process.exit('257')`,
    stdout: 'ERR_INVALID_ARG_TYPE\nERR_INVALID_ARG_TYPE\n',
    exit: 1,
  },
  {
    name: 'process.exitCode, also set by an exit listener',
    files: `process.exitCode = 4; process.once('exit', (code) => { console.log(code, process.exitCode); process.exitCode = 6 })`,
    stdout: '4 4\n',
    exit: 6,
  },
  {
    name: 'beforeExit can go on',
    files: `let n = 0; process.on('beforeExit', () => { console.log('before', n); if (n++ < 2) setTimeout(() => console.log('more'), 1) })`,
    stdout: 'before 0\nmore\nbefore 1\nmore\nbefore 2\n',
  },
  {
    name: 'an uncaught error: file, line, source, own frames, cause and properties',
    files: {
      'main.mjs': `import { run } from './lib/deep.mjs';\n\nfunction start() {\n  run();\n}\nstart();`,
      'lib/deep.mjs': `export function run() {\n  [1].forEach(() => {\n    throw Object.assign(new TypeError('broken', { cause: new Error('root') }), { code: 'E1' });\n  });\n}`,
    },
    stderr: [
      "lib/deep.mjs:3\n    throw Object.assign(new TypeError('broken', { cause: new Error('root') }), { code: 'E1' });\n\nTypeError: broken\n    at lib/deep.mjs:3\n",
      "  code: 'E1',\n  [cause]: Error: root\n      at lib/deep.mjs:3\n      at Array.forEach (<anonymous>)\n      at run (lib/deep.mjs:2)\n      at start (main.mjs:4)\n      at main.mjs:6\n}",
    ],
    absent: ['executor.js', 'node:', 'Generator', 'program/'],
    exit: 1,
  },
  {
    name: 'async frames',
    files: `async function inner() { await null; throw new Error('late') }\nasync function outer() {\n  await inner();\n}\nawait outer();`,
    stderr: [
      'main.mjs:1\n',
      'Error: late\n    at inner (main.mjs:1)\n    at async outer (main.mjs:3)\n    at async main.mjs:5\n',
    ],
    exit: 1,
  },
  {
    name: 'a rejection that nothing handles',
    files: `setTimeout(() => console.log('never'), 20); Promise.reject(new Error('lost'));\nawait null; process.on('exit', (c) => console.log('exit', c))`,
    stdout: 'exit 1\n',
    stderr: ['main.mjs:1', 'Error: lost\n    at main.mjs:1\n'],
    exit: 1,
  },
  {
    name: 'a rejection that is handled in time, or by a listener',
    files: `const p = Promise.reject(1); process.nextTick(() => p.catch(() => console.log('caught')));
      process.on('unhandledRejection', (reason, promise) => console.log('listener', reason, promise instanceof Promise)); Promise.reject(2); setTimeout(() => console.log('on'), 1)`,
    stdout: 'caught\nlistener 2 true\non\n',
  },
  {
    name: 'uncaughtException listeners',
    files: `process.on('uncaughtException', (error, origin) => console.log(error.message, origin)); setTimeout(() => { throw new Error('one') }, 1); Promise.reject(new Error('two')); throw new Error('main')`,
    stdout: 'main uncaughtException\ntwo unhandledRejection\none uncaughtException\n',
  },
  {
    name: 'an uncaughtException listener that throws itself',
    files: `process.on('uncaughtException', () => { throw new Error('second') }); throw new Error('first')`,
    stderr: ['Error: second'],
    exit: 1,
  },
  ...[
    ['a timer', `setTimeout(() => { throw new Error('here') }, 1)`],
    ['an interval', `setInterval(() => { throw new Error('here') }, 1)`],
    ['an immediate', `setImmediate(() => { throw new Error('here') })`],
    ['a microtask', `queueMicrotask(() => { throw new Error('here') })`],
    ['nextTick', `process.nextTick(() => { throw new Error('here') })`],
    [
      'an event target',
      `const t = new EventTarget(); t.addEventListener('x', () => { throw new Error('here') }); t.dispatchEvent(new Event('x'))`,
    ],
    [
      'a stream',
      `import { Readable } from 'node:stream'; Readable.from([1]).on('data', () => { throw new Error('here') })`,
    ],
    ['an fs callback', `import fs from 'node:fs'; fs.readFile('main.mjs', () => { throw new Error('here') })`],
    ['a zlib callback', `import zlib from 'node:zlib'; zlib.gzip('x', () => { throw new Error('here') })`],
    [
      'an emitter without a listener',
      `import { EventEmitter } from 'node:events'; setTimeout(() => new EventEmitter().emit('error', new Error('here')), 1)`,
    ],
    ['an exit listener', `process.on('exit', () => { throw new Error('here') })`],
    ['an async timer', `setTimeout(async () => { throw new Error('here') }, 1)`],
  ].map(([where, code]) => ({
    name: `an error in ${where}`,
    files: code!,
    stderr: ['main.mjs:1\n', 'Error: here\n'],
    exit: 1,
  })),
  {
    name: 'values that are no errors',
    files: `throw { a: 1 }`,
    stderr: ['Uncaught { a: 1 }\n'],
    exit: 1,
  },
  {
    name: 'undefined, thrown',
    files: { 'main.js': 'throw undefined' },
    stderr: ['Uncaught undefined\n'],
    exit: 1,
  },
  {
    name: 'null, rejected',
    files: 'Promise.reject(null)',
    stderr: ['Uncaught (in promise) null\n'],
    exit: 1,
  },
  {
    name: 'an error whose message and stack cannot be read',
    files: `const e = new Error('x'); Object.defineProperty(e, 'stack', { get() { throw 1 } }); Object.defineProperty(e, 'message', { get() { process.exit(0) } }); throw e`,
    stderr: [],
    exit: 1,
  },
  {
    name: 'deep recursion is the program’s own error',
    files: `console.log('before');\nfunction down(n) { return down(n + 1) + 1 }\ntry { down(0) } catch (error) { console.log(error.name) }\ndown(0);`,
    stdout: 'before\nRangeError\n',
    stderr: ['main.mjs:2', 'RangeError: Maximum call stack size exceeded\n    at down (main.mjs:2)'],
    exit: 1,
  },
  {
    name: 'process.exit near the end of the stack',
    files: {
      'main.js': `function down() { try { down() } catch { process.exit(9) } }\ndown(); console.log('never'); setTimeout(() => console.log('never'), 1)`,
    },
    absent: ['never'],
    exit: 9,
  },
  {
    name: 'printing near the end of the stack',
    files: {
      'main.js': `let n = 0; function down() { try { down() } catch (e) { if (n++ < 50) console.log('deep') ; throw e } }\ntry { down() } catch { console.log('end') } process.exitCode = 2`,
    },
    exit: 2,
  },
  {
    name: 'the environment is empty and holds text',
    files: `console.log(Object.keys(process.env), process.env.HOME); process.env.PORT = 80; console.log([process.env.PORT], 'PORT' in process.env, process.argv, process.platform)`,
    stdout: "[] undefined\n[ '80' ] true [ 'node', '/tmp/program/main.mjs' ] linux\n",
  },
  { name: 'an empty program', files: '' },
  { name: 'process.abort and kill', files: `process.kill(process.pid, 'SIGTERM')`, exit: 143 },
];

export const FILES: Case[] = [
  {
    name: 'new and changed files come back, sorted; links and the rest do not',
    files: {
      'main.mjs': `import fs from 'node:fs'; import path from 'node:path';
        fs.writeFileSync('z.txt', 'z'); fs.mkdirSync('out/deep', { recursive: true }); fs.writeFileSync('out/deep/a.bin', Buffer.from([104, 105])); fs.writeFileSync('out.txt', 'o');
        fs.writeFileSync('same.txt', 'same'); fs.appendFileSync('changed.txt', '!'); fs.unlinkSync('gone.txt'); fs.mkdirSync('empty');
        fs.symlinkSync('/bundle', 'link'); fs.symlinkSync('z.txt', 'link.txt'); fs.writeFileSync('/tmp/elsewhere.txt', 'x'); fs.writeFileSync(path.join(import.meta.dirname, 'abs.txt'), 'abs');
        fs.writeFileSync('é ü.txt', 'names'); process.chdir('out'); fs.writeFileSync('inside.txt', 'in'); process.on('exit', () => fs.writeFileSync('/tmp/program/last.txt', 'l'));
        console.log(fs.readdirSync('/tmp/program').join(), fs.readdirSync('..', { recursive: true }).filter((n) => n.includes('/')).join(), (await fs.promises.readdir('..', { withFileTypes: true })).find((e) => e.name === 'é ü.txt').isFile())`,
      'same.txt': 'same',
      'changed.txt': 'changed',
      'gone.txt': 'gone',
    },
    stdout:
      'abs.txt,changed.txt,empty,link,link.txt,main.mjs,out,out.txt,same.txt,z.txt,é ü.txt out/deep,out/inside.txt,out/deep/a.bin true\n',
    written: {
      'abs.txt': 'abs',
      'changed.txt': 'changed!',
      'last.txt': 'l',
      'out.txt': 'o',
      'out/deep/a.bin': 'hi',
      'out/inside.txt': 'in',
      'z.txt': 'z',
      'é ü.txt': 'names',
    },
  },
  {
    name: 'files come back from a program that fails or exits',
    files: `import fs from 'node:fs'; fs.writeFileSync('a', '1'); try { process.exit(2) } finally { fs.writeFileSync('a', 'late') }`,
    written: { a: '1' },
    exit: 2,
  },
  {
    name: 'too many and too large files are left out',
    files: `import fs from 'node:fs'; fs.writeFileSync('a-big', Buffer.alloc(11 * 1024 * 1024)); fs.mkdirSync('many'); for (let i = 0; i < 1200; i++) fs.writeFileSync('many/' + String(i).padStart(4, '0'), ''); console.log('ok')`,
    stdout: 'ok\n',
    written: Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`many/${String(i).padStart(4, '0')}`, ''])),
  },
  {
    name: 'the folder itself is gone',
    files: `import fs from 'node:fs'; fs.rmSync('/tmp/program', { recursive: true }); console.log('ok')`,
    stdout: 'ok\n',
  },
];
