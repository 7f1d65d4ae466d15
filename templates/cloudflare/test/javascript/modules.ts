import type { Case } from './case';

export const MODULES: Case[] = [
  {
    name: 'ES modules: default, named, renamed, namespace, star, live bindings',
    files: {
      'main.mjs': `import def, { count, inc as increment, "a b" as odd } from './lib.mjs';
        import * as all from './lib.mjs';
        import { far, star, nested } from './index.mjs';
        console.log(def(), count, odd);
        increment(); increment();
        console.log(count, all.count, Object.keys(all).join(), far, star, nested.far);
        console.log(all, { count });`,
      'lib.mjs': `export let count = 0; export function inc() { count++ }
        export default function () { return 'default' }
        const odd = 'odd'; export { odd as "a b" };`,
      'index.mjs': `export * from './far.mjs'; export { star } from './star.mjs'; export * as nested from './far.mjs';`,
      'far.mjs': `export const far = 'far'; export default 1;`,
      'star.mjs': `const star = 'star'; export { star };`,
    },
    stdout:
      "default 0 odd\n2 2 a b,count,default,inc far star far\n[Module: null prototype] {\n  'a b': 'odd',\n  count: 2,\n  default: [Function: default],\n  inc: [Function: inc]\n} { count: 2 }\n",
  },
  {
    name: 'names of default exports',
    files: {
      'main.mjs': `import a from './a.mjs'; import b from './b.mjs'; import c from './c.mjs'; import d from './d.mjs';
        console.log(a.name, b.name, c.name, d.name)`,
      'a.mjs': 'export default () => {}\n;[1].map(String)',
      'b.mjs': 'export default class {}\n(function () {})()',
      'c.mjs': 'export default async function* named() {}',
      'd.mjs': 'export default function () {}',
    },
    stdout: 'default default named default\n',
  },
  {
    name: 'imports in the middle, shadowed names, shorthands, statements without semicolons',
    files: {
      'main.mjs': `const first = greet('x')
greet('y')
import { greet, value } from './lib.mjs'
function inner(greet) { return greet + 1 }
const o = { value, greet: 1, f(value) { return value } }
for (const value of [7]) console.log(value)
try { throw 1 } catch (value) { console.log(value) }
console.log(first, inner(1), o, ((value) => value)(3), class { value = value })
{ let value = 5; console.log(value) }
console.log(new (class A { greet() { return value } })().greet(), \`\${value}\`)`,
      'lib.mjs': 'export const value = 1; export function greet(x) { return "hi " + x }',
    },
    stdout: '7\n1\nhi x 2 { value: 1, greet: 1, f: [Function: f] } 3 [class (anonymous)]\n5\n1 1\n',
  },
  {
    name: 'cycles of ES modules see hoisted functions, and constants when they are set',
    files: {
      'main.mjs': `import { b } from './b.mjs'; export function a() { return 'a' + b }; export const c = 1; console.log(a())`,
      'b.mjs': `import { a, c } from './main.mjs'; export const b = 'b'; console.log(a());
        try { c } catch (error) { console.log(error.name) }`,
    },
    stdout: 'ab\nReferenceError\nab\n',
  },
  {
    name: 'the order of evaluation is depth first, once, with top-level await in between',
    files: {
      'main.mjs': `import './a.mjs'; import './b.mjs'; import './a.mjs'; console.log('main')`,
      'a.mjs': `import './c.mjs'; console.log('a'); await new Promise((r) => setTimeout(r, 5)); console.log('a2')`,
      'b.mjs': `import './c.mjs'; console.log('b')`,
      'c.mjs': `console.log('c'); await null; console.log('c2')`,
    },
    stdout: 'c\nc2\na\na2\nb\nmain\n',
  },
  {
    name: 'dynamic import: program files, Node, failures, the same namespace',
    files: {
      'main.mjs': `const a = await import('./lib.mjs'), b = await import('./lib' + '.mjs');
        console.log(a === b, a.x, (await import('node:path')).join('a', 'b'), (await import('os')).default.EOL === '\\n');
        for (const name of ['./no.mjs', 'left-pad', './throws.mjs', './bad.mjs', 'node:nope'])
          await import(name).catch((error) => console.log(error.name, error.message));`,
      'lib.mjs': 'export const x = 1',
      'throws.mjs': 'throw new RangeError("thrown")',
      'bad.mjs': 'let x = ;',
    },
    stdout:
      "true 1 a/b true\nError Cannot find module './no.mjs' imported from main.mjs\n" +
      "Error Cannot find package 'left-pad' imported from main.mjs: only Node's standard library and the program's own files exist in this sandbox\n" +
      'RangeError thrown\nSyntaxError Unexpected token\nError No such built-in module: node:nope\n',
  },
  {
    name: 'CommonJS: exports, cycles, caching, main, parent, JSON, folders, dirname, sloppy mode',
    files: {
      'main.js': `#!/usr/bin/env node
const { value } = require('./lib'); const data = require('./data.json'); const folder = require('./folder');
console.log(value, data.list, folder.name, require('./lib') === require('./lib.js'));
console.log(require.main === module, module.parent, require('./lib').parent, __filename, __dirname, this === exports);
console.log(require.resolve('./lib'), typeof require.cache[__filename], require('./a').done, require('path').sep);
console.log((function () { return this === globalThis })(), (() => arguments.length)());
try { require('./gone') } catch (error) { console.log(error.code, error.message) }
undeclared = 1; console.log(undeclared, delete globalThis.undeclared);`,
      'lib.js': 'exports.value = 42; exports.parent = module.parent.id',
      'data.json': '\uFEFF{"list": [1, 2]}',
      'folder/index.js': 'module.exports = { name: require("../other/package-main").x }',
      'other/package-main/package.json': '{"main": "./src/start.js"}',
      'other/package-main/src/start.js': 'exports.x = __dirname',
      'a.js': 'exports.done = false; const b = require("./b"); exports.done = b.seen === false;',
      'b.js': 'exports.seen = require("./a").done;',
    },
    stdout:
      '42 [ 1, 2 ] /tmp/program/other/package-main/src true\n' +
      'true null /tmp/program/main.js /tmp/program/main.js /tmp/program true\n' +
      '/tmp/program/lib.js object true /\ntrue 5\n' +
      "MODULE_NOT_FOUND Cannot find module './gone' imported from main.js\n1 true\n",
  },
  {
    name: 'one kind of module imports the other',
    files: {
      'main.mjs': `import def, { named } from './lib.cjs'; import * as ns from './fn.cjs'; import data from './data.json' with { type: 'json' };
        import { createRequire } from 'node:module';
        const require = createRequire(import.meta.url);
        console.log(def.named === named, ns.default(), ns.extra, data, require('./data.json') === data, require('./lib.cjs').named);
        console.log(require('./esm.mjs').default, require('./esm.mjs').x);
        try { require('./async.mjs') } catch (error) { console.log(error.code) }`,
      'lib.cjs': 'module.exports = { named: 1 }; import("./esm.mjs").then((m) => console.log("dynamic", m.x))',
      'fn.cjs': 'module.exports = function () { return "fn" }; module.exports.extra = 2',
      'esm.mjs': 'export default "d"; export const x = 1',
      'async.mjs': 'await null; export const y = 2',
      'data.json': '{"a": 1}',
    },
    stdout: 'true fn 2 { a: 1 } true 1\nd 1\nERR_REQUIRE_ASYNC_MODULE\ndynamic 1\n',
  },
  {
    name: 'import.meta and files beside the program',
    files: {
      'src/main.mjs': `import fs from 'node:fs'; import { fileURLToPath } from 'node:url';
        console.log(import.meta.url, import.meta.filename, import.meta.dirname, import.meta.main, import.meta.resolve('./x.mjs'));
        console.log(fileURLToPath(import.meta.url), fs.readFileSync('data.csv', 'utf8'), fs.readFileSync(new URL('../data.csv', import.meta.url), 'utf8'));
        console.log(process.cwd(), fs.readdirSync('.').join(), fs.readFileSync('src/x.mjs', 'utf8'));
        const { main } = await import('./x.mjs'); console.log(main);`,
      'data.csv': 'a,b',
      'src/x.mjs': 'export const { main } = import.meta',
    },
    stdout:
      'file:///tmp/program/src/main.mjs /tmp/program/src/main.mjs /tmp/program/src true file:///tmp/program/src/x.mjs\n' +
      '/tmp/program/src/main.mjs a,b a,b\n/tmp/program data.csv,src export const { main } = import.meta\nfalse\n',
  },
  {
    name: 'a script may use top-level await',
    files: {
      'main.js': 'const fs = require("fs"); await null; console.log(typeof fs.readFileSync, typeof __filename)',
    },
    stdout: 'function string\n',
  },
  {
    name: 'odd file names',
    files: {
      'mä in~1.mjs': `import { x } from './b ö$.mjs'; console.log(x, import.meta.filename)`,
      'b ö$.mjs': 'export const x = 1',
    },
    stdout: '1 /tmp/program/mä in~1.mjs\n',
  },
  {
    name: 'an entrypoint without an extension',
    files: { run: '#!/usr/bin/env node\nconsole.log("ran")' },
    stdout: 'ran\n',
  },
  {
    name: 'a missing export is said before anything runs',
    files: {
      'main.mjs': `console.log('never');\nimport { a,\n nope } from './lib.mjs';`,
      'lib.mjs': 'console.log("never"); export const a = 1',
    },
    stdout: '',
    stderr: [
      "main.mjs:3\n nope } from './lib.mjs';",
      "SyntaxError: The requested module './lib.mjs' does not provide an export named 'nope'",
    ],
    exit: 1,
  },
  {
    name: 'a missing export of Node and of CommonJS',
    files: {
      'main.mjs': `await import('./a.mjs').catch((e) => console.log(e.message)); await import('./b.mjs').catch((e) => console.log(e.message))`,
      'a.mjs': `import { readFileSinc } from 'fs'`,
      'b.mjs': `import { x } from './c.cjs'`,
      'c.cjs': 'module.exports = { y: 1 }',
    },
    stdout:
      "The requested module 'fs' does not provide an export named 'readFileSinc'\n" +
      "The requested module './c.cjs' does not provide an export named 'x'\n",
  },
  {
    name: 'an unknown package',
    files: `\nimport lodash from 'lodash/fp';`,
    stderr: [
      "main.mjs:2\nimport lodash from 'lodash/fp';",
      "Error: Cannot find package 'lodash' imported from main.mjs: only Node's standard library",
    ],
    exit: 1,
  },
  {
    name: 'a syntax error that the converter sees',
    files: 'let a = 1;\nlet b = ;\n',
    stderr: ['main.mjs:2\nlet b = ;\n\nSyntaxError: Unexpected token\n'],
    exit: 1,
  },
  {
    name: 'a syntax error that only V8 sees, in the second file',
    files: { 'main.mjs': 'import "./b.mjs"; console.log("never")', 'b.mjs': 'export const a = 1;\nconst a = 2;' },
    stdout: '',
    stderr: ['b.mjs:2\nconst a = 2;', "SyntaxError: Identifier 'a' has already been declared"],
    exit: 1,
  },
  {
    name: 'a broken file that nothing imports does no harm',
    files: { 'main.mjs': 'console.log("fine")', 'b.js': 'let a; let a;', 'c.js': '{{{', 'd.json': '{' },
    stdout: 'fine\n',
  },
  {
    name: 'a broken JSON file',
    files: { 'main.mjs': 'import a from "./a.json"', 'a.json': '{"a": }' },
    stderr: ['a.json:1', "SyntaxError: a.json: Unexpected token '}'"],
    exit: 1,
  },
  {
    name: 'text that tries to leave its wrapper',
    files: { 'main.js': '}}}; globalThis.escaped = 1; module.exports = {kind: "script", run() { return function () {' },
    stderr: ['main.js:1', 'SyntaxError'],
    exit: 1,
  },
];

export const TYPESCRIPT: Case[] = [
  {
    name: 'types, enums, parameter properties, generics, overloads, satisfies, abstract classes',
    files: {
      'main.ts': `import { Shape, Square, type Named, Kind } from './shapes';
import fs = require('fs');
enum Color { Red, Green = 5, Blue }
const enum Flag { A = 1 << 0, B = 1 << 1, AB = A | B }
enum Text { X = 'x' }
class Point<T extends number = number> {
  declare ghost: string;
  protected z!: T;
  constructor(private readonly x: T, public y?: T) {}
  sum(this: Point): number { return this.x + (this.y ?? 0) }
}
function over(a: string): string; function over(a: number): number; function over(a: any) { return a }
const config = { port: 1 } satisfies Record<string, number>;
const square: Shape & Named = new Square(3);
const identity = async <T,>(value: T): Promise<T> => value;
let maybe: string | undefined; const sure = maybe! as unknown as string;
console.log(Color.Blue, Color[5], Flag.AB, Text.X, new Point(1, 2).sum(), Object.keys(new Point(1)).sort(), over(1), config.port);
console.log(square.area(), square.name, Kind.Square, await identity<number>(4), sure, typeof fs.readFileSync);
if (require.main === module) console.log('main', __filename);`,
      'shapes.ts': `export interface Named { name: string }
export abstract class Shape { abstract area(): number }
export class Square extends Shape implements Named { name = 'square'; constructor(readonly side: number) { super() } override area() { return this.side ** 2 } }
export enum Kind { Square = 'sq' }
export type Id = string; export { Named as N };
declare global { interface Window { x: 1 } }
namespace Types { export interface Inner {} export type Y = 1 }
export default interface Def {}`,
    },
    stdout: "6 Green 3 x 3 [ 'x', 'y', 'z' ] 1 1\n9 square sq 4 undefined function\nmain /tmp/program/main.ts\n",
  },
  {
    name: 'specifiers without and with the wrong extension, an index, types exported again',
    files: {
      'main.ts': `import { a } from './a.js'; import { b } from './b'; import { c } from './lib'; import { d } from './d.mjs';
import type { T } from './a'; import { type T as U, a as again } from './a';
import data from './data.json';
const x: T = a; console.log(x, b, c, d, again, data.ok)`,
      'a.ts': 'export type T = number; export const a: T = 1',
      'b.tsx': 'export const b = 2',
      'lib/index.ts': "export { c, Iface } from './c'; export * from './types'",
      'lib/c.ts': 'export interface Iface {} export const c = 3',
      'lib/types.ts': 'export interface OnlyTypes {}',
      'd.mts': 'export const d = 4',
      'data.json': '{"ok": true}',
    },
    stdout: '1 2 3 4 1 true\n',
  },
  {
    name: 'export = and import =',
    files: {
      'main.ts': `import lib = require('./lib'); import { x } from './x'; console.log(lib.a, x)`,
      'lib.ts': 'export = { a: 1 }',
      'x.cts': 'module.exports = { x: 2 }',
    },
    stdout: '1 2\n',
  },
  {
    name: 'lines stay exact after types are gone',
    files: {
      'main.ts': `interface A {
  a: number;
}
type B =
  | 'x'
  | 'y';
function fail<T>(
  value: T,
): never {
  throw new TypeError(\`no \${value}\`);
}
fail<A>({ a: 1 });`,
    },
    stderr: ['main.ts:10\n  throw new TypeError(`no ${value}`);', 'at fail (main.ts:10)', '(main.ts:12)'],
    exit: 1,
  },
  {
    name: 'decorators',
    files: { 'main.ts': 'function d(x: any) {}\n@d\nclass A {}' },
    stderr: ['main.ts:2\n@d', 'Decorators are not supported'],
    exit: 1,
  },
];
