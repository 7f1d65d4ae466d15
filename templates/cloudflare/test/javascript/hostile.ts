import type { Case } from './case';

const NETWORK = 'network access is disabled in this sandbox';

export const NETWORK_CASES: Case[] = [
  {
    name: 'every way out says the same',
    files: `import http, { get } from 'node:http'; import https from 'https'; import http2 from 'node:http2'; import net, { Socket } from 'node:net'; import tls from 'node:tls'; import dns from 'node:dns'; import dnsp from 'node:dns/promises'; import dgram from 'node:dgram';
      const tries = { fetch: () => fetch('http://example.com'), data: () => fetch(new Request('http://169.254.169.254/')), ws: () => new WebSocket('ws://x'), es: () => new EventSource('http://x'),
        get: () => get('http://x'), request: () => https.request('https://x'), server: () => http.createServer(() => {}).listen(0), http2: () => http2.connect('http://x'), net: () => net.connect(80, 'localhost'), socket: () => new Socket().connect(80), netServer: () => net.createServer(), tls: () => tls.connect(443),
        lookup: () => dns.lookup('x', () => {}), resolve: () => dnsp.resolve4('x'), promises: () => dns.promises.lookup('x'), resolver: () => new dns.Resolver(), dgram: () => dgram.createSocket('udp4'), client: () => new http.ClientRequest('http://x') };
      for (const [name, attempt] of Object.entries(tries)) try { await attempt(); console.log(name, 'went out') } catch (error) { if (error.message !== '${NETWORK}' || error.code !== 'ERR_NETWORK_DISABLED') console.log(name, error) }
      console.log(http.STATUS_CODES[404], net.isIP('::1'), typeof dns.getServers, http.METHODS.length > 5)`,
    stdout: 'Not Found 6 function true\n',
  },
  {
    name: 'uncaught, it is one clear line',
    files: `const r = await fetch('https://example.com');`,
    stderr: ['main.mjs:1\n', `\n\nError: ${NETWORK}\n    at main.mjs:1 {\n`],
    exit: 1,
  },
  {
    name: 'the platform is not there',
    files: `for (const name of ['cloudflare:workers', 'cloudflare:sockets', 'workerd:unsafe', 'node-internal:process', '_http_client', 'executor.js', './executor.js', '../executor.js', 'file:///executor.js', '/bundle/executor.js', 'program/main.mjs', '../../bundle/executor.js'])
        await import(name).then(() => console.log(name, 'imported'), (error) => { if (error.code !== 'MODULE_NOT_FOUND') console.log(name, error) });
      import { createRequire } from 'node:module';
      for (const from of [import.meta.url, '/', 'file:///', '/bundle/', 'file:///bundle/x.js']) try { createRequire(from)('./executor.js'); console.log(from) } catch (error) { if (error.code !== 'MODULE_NOT_FOUND') console.log(error) }
      for (const name of ['cloudflare:workers', 'cloudflare:sockets', 'executor.js']) if (process.getBuiltinModule(name)) console.log(name);
      const gone = ['caches', 'HTMLRewriter', 'WebSocketPair', 'IdentityTransformStream', 'FixedLengthStream', 'WorkerGlobalScope', 'ServiceWorkerGlobalScope', 'FetchEvent', 'ExtendableEvent', 'addEventListener', 'dispatchEvent', 'self', 'scheduler', 'origin', 'require', 'exports', 'gc'];
      console.log(gone.filter((name) => typeof globalThis[name] !== 'undefined').join(), JSON.stringify(process.env), Object.keys(globalThis).filter((n) => !/^(set|clear)|^(global|fetch|crypto|performance|navigator|structuredClone|queueMicrotask|atob|btoa)/.test(n)).join());
      console.log(navigator.userAgent.startsWith('Node.js/'), typeof performance.now(), navigator.sendBeacon, process.platform, typeof process.binding);
      try { eval('1') } catch (error) { console.log(error.name) } try { new Function('1') } catch (error) { console.log(error.name) }`,
    stdout: ' {} process,Buffer\ntrue number undefined linux undefined\nEvalError\nEvalError\n',
  },
];

/** Each patches what the executor might use, and then fails: that must show, with nothing of the program in between. */
const patches: Record<string, string> = {
  'the stream writer': `for (const key of Reflect.ownKeys(WritableStreamDefaultWriter.prototype)) try { WritableStreamDefaultWriter.prototype[key] = function (chunk) { leak(this) } } catch {}`,
  'streams and responses': `for (const C of [WritableStream, ReadableStream, TransformStream, Response, Request, TextEncoder, TextDecoder]) { for (const key of Reflect.ownKeys(C.prototype)) if (key !== 'constructor') try { Object.defineProperty(C.prototype, key, { get() { leak(this) }, configurable: true }) } catch {} globalThis[C.name] = function () { leak(this) } }`,
  'JSON, Reflect, Math': `for (const o of [JSON, Reflect, Math]) for (const key of Reflect.ownKeys(o)) try { o[key] = leak } catch {}`,
  promises: `const { then } = Promise.prototype; Promise.prototype.then = function (ok, fail) { leak(this); return then.call(this, ok, () => ok && ok()) }; Promise.prototype.catch = Promise.prototype.finally = leak; for (const key of ['resolve', 'reject', 'all', 'race', 'withResolvers', 'try']) Promise[key] = leak`,
  'the constructor of promises': `Object.defineProperty(Promise.prototype, 'constructor', { get() { leak(this); throw new Error('constructor') } }); Object.defineProperty(Promise, Symbol.species, { get() { leak(this); return function () { throw new Error('species') } } })`,
  thenables: `Object.defineProperty(Object.prototype, 'then', { get() { return undefined }, set() {}, configurable: true })`,
  'typed arrays': `for (const C of [Uint8Array, Object.getPrototypeOf(Uint8Array)]) { for (const key of Reflect.ownKeys(C.prototype)) try { Object.defineProperty(C.prototype, key, { get() { leak(this); throw 1 } }) } catch {} } Uint8Array.prototype.constructor = leak; globalThis.Uint8Array = leak`,
  'Function.prototype': `for (const key of ['call', 'apply', 'bind', 'toString', Symbol.hasInstance]) try { Object.defineProperty(Function.prototype, key, { value: leak }) } catch {}`,
  'Object.prototype': `for (const key of ['get', 'set', 'value', 'writable', 'enumerable', 'configurable', 'next', 'done', 'prev', 'waiting', 'failure', 'error', 'stdout', 'stderr', 'exit', 'hold', 'frames', 'lifecycle', 'module', 'parent', 'encoding', 'ref', 'signal']) Object.defineProperty(Object.prototype, key, { get() { return undefined }, set(v) { leak(v) }, configurable: true })`,
  'Array.prototype': `Array.prototype[Symbol.iterator] = function* () { leak(this) }; for (const key of ['push', 'map', 'forEach', 'find', 'some', 'join', 'slice', 'sort', 'filter']) Array.prototype[key] = leak; for (let i = 0; i < 4; i++) Object.defineProperty(Array.prototype, i, { get() {}, set(v) { leak(v) }, configurable: true })`,
  collections: `for (const C of [Map, Set, WeakMap, WeakSet, WeakRef]) for (const key of ['get', 'set', 'has', 'add', 'delete', 'deref', Symbol.iterator]) if (key in C.prototype) C.prototype[key] = leak`,
  'strings and expressions': `for (const key of Reflect.ownKeys(RegExp.prototype)) try { Object.defineProperty(RegExp.prototype, key, { get() { throw 1 } }) } catch {} for (const key of Reflect.ownKeys(String.prototype)) if (key !== 'constructor') try { String.prototype[key] = leak } catch {}`,
  errors: `Error.prepareStackTrace = (e, sites) => { for (const s of sites) { leak(s.getThis(), s.getFunction()) } return 'forged' }; Object.defineProperty(Error.prototype, 'stack', { get: leak }); Error.prototype.toString = leak; Object.defineProperty(Error, Symbol.hasInstance, { value: () => false }); Error.captureStackTrace = leak; Error.stackTraceLimit = 100`,
  globals: `for (const key of Object.getOwnPropertyNames(globalThis)) if (!['globalThis', 'leak', 'Object', 'Error', 'Reflect'].includes(key)) try { globalThis[key] = leak } catch {}`,
  'the global prototype': `Object.setPrototypeOf(globalThis, null)`,
  timers: `for (const key of ['setTimeout', 'setImmediate', 'setInterval', 'queueMicrotask', 'clearTimeout']) globalThis[key] = leak; process.nextTick = leak`,
  'console and output': `for (const key of Object.keys(console)) console[key] = leak; process.stdout.write = process.stderr.write = leak; process.stdout.destroy(); process.stderr.end()`,
  process: `for (const key of ['exit', 'emit', 'on', 'listenerCount', 'listeners', 'reallyExit']) process[key] = leak; Object.defineProperty(process, 'exitCode', { get: () => 0, set() {} }); globalThis.process = {}`,
  emitters: `const E = process.constructor; for (let p = Object.getPrototypeOf(process); p !== Object.prototype; p = Object.getPrototypeOf(p)) for (const key of ['emit', 'listenerCount', 'on']) Object.defineProperty(p, key, { value: () => 1, configurable: true })`,
  events: `for (const C of [Event, ErrorEvent, EventTarget]) for (const key of Reflect.ownKeys(C.prototype)) if (key !== 'constructor') try { Object.defineProperty(C.prototype, key, { get() { leak(this); return undefined }, configurable: true }) } catch {}`,
  'fs and util': `const fs = process.getBuiltinModule('fs'), util = process.getBuiltinModule('util'); for (const o of [fs, util, fs.promises]) for (const key of Object.keys(o)) try { o[key] = leak } catch {}`,
  generators: `const G = Object.getPrototypeOf(function* () {}).prototype, A = Object.getPrototypeOf(async function* () {}).prototype; for (const P of [G, A]) for (const key of ['next', 'return', 'throw']) Object.defineProperty(P, key, { value: leak })`,
  'everything frozen': `for (const o of [Object, Array, Function, Promise, Error, Map, Uint8Array, RegExp, String, EventTarget, Event]) { Object.freeze(o.prototype); Object.freeze(o) } Object.freeze(globalThis); Object.freeze(process)`,
};

const PRELUDE = `globalThis.leaked = []; globalThis.leak = function (...values) { for (let i = 0; i < values.length; i++) leaked[leaked.length] = values[i]; };`;

const fails: Record<string, string> = {
  'throws at its top level': `throw new Error('honest failure')`,
  'throws later': `await null; throw new Error('honest failure')`,
  rejects: `Promise_reject(new Error('honest failure'))`,
};

/** Calls whatever was seen that looks as if it could write: had the executor leaked, a forged status would be there. */
const ABUSE = `;(function abuse() { const seen = leaked; for (let i = 0; i < seen.length && i < 2000; i++) { const v = seen[i]; if (v === null || v === undefined) continue; for (const k of ['exit', 'stdout', 'stderr', 'file', 'fail', 'release', 'mainSettled', 'done']) { let f; try { f = v[k] } catch {} if (typeof f === 'function' && f !== leak) try { f.call(v, 0) } catch {} } } })();`;

export const FORGERY: Case[] = Object.entries(patches).flatMap(([what, patch]) =>
  Object.entries(fails).map(([how, fail]) => ({
    name: `${what} patched, then ${how}`,
    files: `const { reject } = Promise, Promise_reject = reject.bind(Promise); ${PRELUDE} ${patch}; ${ABUSE} ${fail}`,
    stderr: [],
    exit: 1,
  })),
);

export const UNREACHABLE: Case[] = [
  {
    name: 'an import, however it is spelled, is the program’s own',
    files: `const a = 1, g = 1; const say = (how) => [() => console.log(how, 'GOT'), (e) => console.log(how, e.code)];
      import/**/('cloudflare:workers').then(...say(1)); import
      ('cloudflare:workers').then(...say(2)); void \`\${import('cloudflare:workers').then(...say(3))}\`;
      let n = 1; n++ /import('cloudflare:workers').then(...say(4))/ g; ({}) / import('cloudflare:workers').then(...say(5)) / 1;
      class A { static x = import('cloudflare:workers').then(...say(6)); [import('cloudflare:workers').then(...say(7))]() {} }`,
    stdout: [1, 2, 3, 4, 5, 7, 6].map((how) => `${how} MODULE_NOT_FOUND\n`).join(''),
  },
  {
    name: 'call sites, callers and arguments show nothing of the executor',
    files: {
      'main.js': `const seen = new Set(); Error.prepareStackTrace = (error, sites) => { for (const site of sites) { const file = site.getFileName(); if (file && file.startsWith('program/')) continue; seen.add(site.getFunction()); seen.add(site.getThis()) } return '' };
        Error.stackTraceLimit = Infinity;
        function look() { new Error().stack; try { look.caller } catch {} seen.add(look.caller === null ? undefined : look.caller.name === '' ? undefined : look.caller); }
        function probe() { look(); seen.add(arguments.callee === probe ? undefined : arguments.callee) }
        probe(); console.log({ get x() { probe(); return 1 }, [Symbol.for('nodejs.util.inspect.custom')]() { probe(); return 'i' } });
        process.on('exit', probe); setTimeout(probe, 1); process.nextTick(probe); Promise.resolve().then(probe); process.stdout.write('x', probe);
        require('node:stream').Readable.from([1]).on('data', probe); import('./b.js').then(probe);
        process.on('exit', () => { seen.delete(undefined); seen.delete(globalThis); process.stdout.write(' ' + [...seen].map((v) => typeof v === 'function' ? 'function ' + v.name : Object.prototype.toString.call(v)).filter((t) => !/process|Readable|look|probe|Object\\]/.test(t)).join()) });`,
      'b.js': 'exports.x = 1',
    },
    stdout: 'i\nx ',
  },
  {
    name: 'nothing is left on the global object, on the module or on the process',
    files: {
      'main.js': `console.log(Object.keys(module).join(), module.children.length, module.parent, Object.keys(require).join(), Object.getOwnPropertySymbols(globalThis).map(String).join());
        const found = []; const walk = (o, path, depth) => { if (depth > 3 || (typeof o !== 'object' && typeof o !== 'function') || o === null || seen.has(o)) return; seen.add(o); for (const key of Reflect.ownKeys(o)) { let v; try { v = o[key] } catch { continue } if (/^(frames|lifecycle|#|writer|executor)/.test(String(key))) found.push(path + '.' + String(key)); walk(v, path + '.' + String(key), depth + 1) } }; const seen = new Set();
        walk(globalThis, 'globalThis', 0); walk(process, 'process', 0); walk(module, 'module', 0); walk(require, 'require', 0); walk(console, 'console', 0); console.log(found.join());`,
    },
    stdout: 'id,filename,path,loaded,exports,children,paths,parent 0 null resolve,cache,extensions,main \n\n',
  },
  {
    name: 'what process.exit throws says nothing and cannot be used twice',
    files: `process.on('exit', () => { throw new Error('listener') }); try { process.exit(0) } catch (error) { error.constructor;
 throw new Error('again') }`,
    stderr: ['Error: listener'],
    absent: ['again'],
    exit: 1,
  },
  {
    name: 'an error that ends the run while it is described does not choose the status',
    files: `throw { [Symbol.for('nodejs.util.inspect.custom')]() { process.exit(0) } }`,
    exit: 1,
    stderr: [],
  },
  {
    name: 'an exit listener cannot make a failure a success',
    files: `process.on('exit', () => { process.exitCode = 0; process.exit(0) }); throw new Error('failed')`,
    stderr: ['Error: failed'],
    exit: 1,
  },
  {
    name: 'async hooks and diagnostics channels stay silent',
    files: `import hooks from 'node:async_hooks'; import channel from 'node:diagnostics_channel';
      const seen = []; try { hooks.createHook({ init: (...a) => seen.push(a), before: (...a) => seen.push(a) }).enable() } catch (error) {}
      for (const name of ['http.client.request.start', 'module.import.start', 'console.log', 'net.client.socket']) channel.subscribe(name, (m) => seen.push(m));
      console.log('x'); await import('node:path'); setTimeout(() => console.log(seen.length, typeof hooks.executionAsyncResource()), 1)`,
    stdout: 'x\n0 object\n',
  },
  {
    name: 'output that looks like frames is output',
    files: `process.stdout.write(Buffer.from([4, 0, 0, 0, 4, 0, 0, 0, 0])); process.stdout.write(Buffer.from([5, 0, 0, 0, 2, 123, 125])); throw new Error('failed')`,
    stdout: '\x04\0\0\0\x04\0\0\0\0\x05\0\0\0\x02{}',
    stderr: ['Error: failed'],
    exit: 1,
  },
  {
    name: 'a byte array that lies about itself',
    files: `class Liar extends Uint8Array { static get [Symbol.species]() { return function () { return new Uint8Array(1e6) } } get length() { return 1 } get byteLength() { return 5 } }
      const liar = new Liar([104, 105]); Object.defineProperty(liar, 'constructor', { get() { throw 1 } }); process.stdout.write(liar);
      const b = new ArrayBuffer(4, { maxByteLength: 8 }); const view = new Uint8Array(b); view.fill(33); b.resize(2); process.stdout.write(view);`,
    stdout: 'hi!!',
  },
];
