/**
 * The program's modules: linked, then evaluated, as the language has it, for what `convert` made of the files.
 *
 * Evaluation goes through callbacks, not promises: a program that patches `Promise.prototype.then` must not come
 * between its own failure and the exit status.
 */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

import type { ProgramFile } from '../../program';
import type { Builtins } from './builtins';
import { isCode, moduleName, ROOT } from './names';
import { apply, define, defineGetter, NativePromise, ownKeys, whenSettled } from './realm';
import {
  completeScript,
  createModule,
  exportAll,
  hasStarUnderWay,
  includes,
  refuseAsync,
  type Ancestors,
  type CommonJs,
  type Converted,
  type Done,
  type Handle,
  type Module,
} from './record';
import { isRelative, resolveFile, type Files } from './resolve';
import { at } from './stack';

const requireNative = createRequire('file:///');
const { parse } = JSON;
const { existsSync, lstatSync, readFileSync } = fs;
const nextOf = Object.getPrototypeOf(function* () {}).prototype.next as (value?: unknown) => unknown;
const nextOfAsync = Object.getPrototypeOf(async function* () {}).prototype.next as () => Promise<unknown>;

export interface Loader {
  /** Runs the entrypoint; `done` is called once, when its top level has ended. */
  start(done: Done): void;
  createRequire(from: unknown): unknown;
}

export function createLoader(entrypoint: string, files: readonly ProgramFile[], builtins: Builtins): Loader {
  return new ModuleLoader(entrypoint, files, builtins);
}

class ModuleLoader implements Loader {
  readonly #entrypoint: string;
  readonly #builtins: Builtins;
  readonly #modules: Record<string, Module> = { __proto__: null } as never;
  readonly #files: Files;
  readonly #converted: Record<string, Converted> = { __proto__: null } as never;
  readonly #cache: Record<string, CommonJs> = { __proto__: null } as never;
  #main: Module | null = null;

  constructor(entrypoint: string, files: readonly ProgramFile[], builtins: Builtins) {
    this.#entrypoint = entrypoint;
    this.#builtins = builtins;
    const sources: Record<string, true> = { __proto__: null } as never;
    for (const { path } of files) {
      sources[path] = true;
      if (isCode(path) || path === entrypoint) this.#converted[path] = readConverted(path);
    }
    this.#files = {
      has: (path) => sources[path] === true || (!isCode(path) && isFile(`${ROOT}/${path}`)),
      main: (folder) => {
        const name = folder === '' ? 'package.json' : `${folder}/package.json`;
        if (!this.#files.has(name)) return undefined;
        const { main } = parse(readFileSync(`${ROOT}/${name}`, 'utf8')) as { main?: unknown };
        return typeof main === 'string' ? main : undefined;
      },
    };
  }

  start(done: Done): void {
    let main: Module;
    try {
      main = this.#load(this.#entrypoint, this.#entrypoint, 1);
      this.#main = main;
      main.commonjs.parent = null;
      this.#link(main);
    } catch (error) {
      done({ error });
      return;
    }
    this.#evaluate(main, null, done);
  }

  createRequire(from: unknown): unknown {
    const text = String(from);
    const url = text.startsWith('file:') ? text : pathToFileURL(text).href;
    const inside = decodeURIComponent(new URL(url).pathname).slice(ROOT.length + 1);
    return this.#requireFrom(inside || 'index.js');
  }

  // Finding

  /** @throws Node's error for a specifier that leads nowhere. */
  #resolve(specifier: string, from: string, line: number): { builtin: string } | { path: string } {
    const builtin = this.#builtins.nameOf(specifier);
    if (builtin !== null) return { builtin };
    let message: string;
    if (specifier.startsWith('node:')) message = `No such built-in module: ${specifier}`;
    else if (specifier.startsWith('cloudflare:') || specifier.startsWith('workerd:')) {
      message = `Cannot find package '${specifier}' imported from ${from}: the sandbox does not offer it`;
    } else if (!isRelative(specifier)) {
      const name = /^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier;
      message =
        `Cannot find package '${name}' imported from ${from}: ` +
        `only Node's standard library and the program's own files exist in this sandbox`;
    } else {
      const path = resolveFile(specifier, from, this.#files);
      if (path !== null) return { path };
      message = `Cannot find module '${specifier}' imported from ${from}`;
    }
    const error = Object.assign(new Error(message), { code: 'MODULE_NOT_FOUND' });
    throw line > 0 ? at(error, { path: from, line }) : error;
  }

  #find(specifier: string, from: string, line: number): Module {
    const target = this.#resolve(specifier, from, line);
    return 'builtin' in target ? this.#builtin(target.builtin) : this.#load(target.path, from, line);
  }

  #load(path: string, from: string, line: number): Module {
    const known = this.#modules[path];
    if (known) return known;
    const created = createModule(path);
    if (/\.json$/i.test(path)) this.#loadJson(created);
    else {
      const converted = this.#converted[path];
      if (!converted) {
        const why = isCode(path) ? 'it was written while the program ran' : 'it is not JavaScript or TypeScript';
        throw at(new Error(`Cannot import '${path}': ${why}`), { path: from, line });
      }
      if (converted.kind === 'broken') throw at(new SyntaxError(converted.message), { path, line: converted.line });
      define(created, 'converted', converted);
    }
    define(created.commonjs, 'require', this.#requireFrom(path), false);
    this.#modules[path] = created;
    return created;
  }

  #loadJson(module: Module): void {
    const text = readFileSync(`${ROOT}/${module.path}`, 'utf8').replace(/^\uFEFF/, '');
    try {
      module.commonjs.exports = parse(text);
    } catch (error) {
      throw at(new SyntaxError(`${module.path}: ${(error as Error).message}`), { path: module.path, line: 1 });
    }
    completeScript(module);
    module.state = 'evaluated';
  }

  #builtin(name: string): Module {
    const key = `node:${name}`;
    const known = this.#modules[key];
    if (known) return known;
    const created = createModule(key);
    created.commonjs.exports = this.#builtins.load(name);
    completeScript(created);
    created.state = 'evaluated';
    this.#modules[key] = created;
    return created;
  }

  // Linking: everything that a module imports exists and is connected before anything of it runs

  #link(module: Module): void {
    const added: Module[] = [];
    try {
      this.#instantiate(module, added);
      for (let index = 0; index < added.length; index++) {
        const { converted, dependencies } = added[index]!;
        if (converted?.kind !== 'module') continue;
        for (const star of converted.stars) exportAll(added[index]!, dependencies[star]!, null);
      }
      for (let index = 0; index < added.length; index++) {
        const { dependencies } = added[index]!;
        for (let request = 0; request < dependencies.length; request++) this.#check(added[index]!, request);
      }
    } catch (error) {
      for (let index = 0; index < added.length; index++) delete this.#modules[added[index]!.path];
      throw error;
    }
  }

  #instantiate(module: Module, added: Module[]): void {
    if (module.state !== 'new') return;
    module.state = 'linked';
    define(added, added.length, module);
    const { converted } = module;
    if (converted?.kind !== 'module') return;
    const { requests } = converted;
    const parameters: unknown[] = [this.#handle(module)];
    for (let index = 0; index < requests.length; index++) {
      const { specifier, line } = requests[index]!;
      const dependency = this.#find(specifier, module.path, line);
      define(module.dependencies, index, dependency);
      define(parameters, index + 1, dependency.namespace);
    }
    const body = apply(converted.run, undefined, parameters as never);
    module.generator = apply(body, undefined, []);
    // Up to the first `yield`: registers the exports. An async generator does this much at once, too.
    advance(module.generator, converted.async);
    for (let index = 0; index < requests.length; index++) this.#instantiate(module.dependencies[index]!, added);
  }

  /** Only ES modules know their exports before they run; the others are looked at when they have (see `#evaluate`). */
  #check(module: Module, index: number): void {
    const dependency = module.dependencies[index]!;
    const complete = dependency.converted?.kind === 'module' || dependency.state === 'evaluated';
    if (!complete || module.converted?.kind !== 'module') return;
    const { names, specifier, line } = module.converted.requests[index]!;
    for (const name of names) {
      if (name in dependency.namespace || hasStarUnderWay(dependency, null)) continue;
      throw at(new SyntaxError(`The requested module '${specifier}' does not provide an export named '${name}'`), {
        path: module.path,
        line,
      });
    }
  }

  // Evaluation

  /** @param path the modules between the start and this one, to tell a cycle from work under way elsewhere. */
  #evaluate(module: Module, path: Ancestors, done: Done): void {
    if (module.state === 'evaluated' || includes(path, module)) return done(null);
    if (module.state === 'failed') return done(module.failure);
    if (module.state === 'evaluating') {
      module.waiting = { done, next: module.waiting };
      return;
    }
    module.state = 'evaluating';
    const ancestors: Ancestors = { module, parent: path };
    const step = (index: number): void => {
      for (let next = index; next < module.dependencies.length; next++) {
        const dependency = module.dependencies[next]!;
        let settled = false;
        let returned = false;
        let failure: { error: unknown } | null = null;
        this.#evaluate(dependency, ancestors, (result) => {
          settled = true;
          failure = result;
          if (returned) after(next, result);
        });
        returned = true;
        if (!settled) return;
        const problem = failure ?? this.#late(module, next);
        if (problem) return this.#finish(module, problem, done);
      }
      this.#run(module, (failure) => this.#finish(module, failure, done));
    };
    const after = (index: number, failure: { error: unknown } | null): void => {
      const problem = failure ?? this.#late(module, index);
      if (problem) this.#finish(module, problem, done);
      else step(index + 1);
    };
    step(0);
  }

  /** A CommonJS module has shown its exports: now the names can be checked and `export *` filled. */
  #late(module: Module, index: number): { error: unknown } | null {
    const dependency = module.dependencies[index]!;
    if (dependency.converted?.kind === 'module' || module.converted?.kind !== 'module') return null;
    try {
      if (module.converted.stars.includes(index)) exportAll(module, dependency, null);
      this.#check(module, index);
      return null;
    } catch (error) {
      return { error };
    }
  }

  #finish(module: Module, failure: { error: unknown } | null, done: Done): void {
    module.state = failure ? 'failed' : 'evaluated';
    module.failure = failure;
    let waiting = module.waiting;
    module.waiting = null;
    done(failure);
    for (; waiting; waiting = waiting.next) waiting.done(failure);
  }

  #run(module: Module, done: Done): void {
    const { converted } = module;
    let promise: unknown;
    try {
      if (converted?.kind === 'script') promise = this.#callScript(module);
      else promise = advance(module.generator!, converted!.async);
    } catch (error) {
      done({ error });
      return;
    }
    if (!converted!.async) {
      if (converted!.kind === 'script') completeScript(module);
      done(null);
      return;
    }
    whenSettled(
      promise as Promise<unknown>,
      () => {
        if (converted!.kind === 'script') completeScript(module);
        done(null);
      },
      (error) => done({ error }),
    );
  }

  #callScript(module: Module): unknown {
    const { commonjs } = module;
    const { run } = module.converted as Extract<Converted, { kind: 'script' }>;
    define(this.#cache, commonjs.filename, commonjs);
    const body = apply(run, undefined, [this.#handle(module)]);
    return apply(body, commonjs.exports, [
      commonjs.exports,
      commonjs.require,
      commonjs,
      commonjs.filename,
      commonjs.path,
    ]);
  }

  // What the program calls

  #handle(module: Module): Handle {
    const { path, namespace, commonjs } = module;
    const { filename } = commonjs;
    const { href } = pathToFileURL(filename);
    return {
      import: (specifier) => this.#import(specifier, path),
      exports: (getters) => {
        const names = ownKeys(getters);
        for (let index = 0; index < names.length; index++) {
          const name = names[index] as string;
          defineGetter(namespace, name, getters[name]!);
        }
      },
      nameDefault: (fn) => define(fn, 'name', 'default', false),
      meta: {
        __proto__: null,
        dirname: commonjs.path,
        filename,
        main: module === this.#main,
        resolve: (specifier: unknown) => {
          const target = this.#resolve(String(specifier), path, 0);
          return 'builtin' in target ? `node:${target.builtin}` : pathToFileURL(`${ROOT}/${target.path}`).href;
        },
        url: href,
      } as object,
      commonjs: { require: commonjs.require, module: commonjs, __filename: filename, __dirname: commonjs.path },
    };
  }

  #import(specifier: unknown, from: string): Promise<unknown> {
    return new NativePromise((resolve, reject) => {
      const module = this.#find(String(specifier), from, 0);
      this.#link(module);
      this.#evaluate(module, null, (failure) => {
        if (failure) reject(failure.error);
        else resolve(module.namespace);
      });
    });
  }

  #requireFrom(from: string): unknown {
    const resolve = (specifier: unknown): string => {
      const target = this.#resolve(String(specifier), from, 0);
      return 'builtin' in target ? String(specifier) : `${ROOT}/${target.path}`;
    };
    const require = (specifier: unknown): unknown => {
      if (typeof specifier !== 'string') {
        throw Object.assign(new TypeError('The "id" argument must be of type string.'), {
          code: 'ERR_INVALID_ARG_TYPE',
        });
      }
      return this.#require(specifier, from);
    };
    define(require, 'resolve', resolve);
    define(require, 'cache', this.#cache);
    define(require, 'extensions', { '.js': undefined, '.json': undefined });
    defineGetter(require, 'main', () => this.#main?.commonjs);
    return require;
  }

  #require(specifier: string, from: string): unknown {
    const module = this.#find(specifier, from, 0);
    const isScript = module.converted?.kind !== 'module';
    // A cycle: what the other has exported so far.
    if (module.state === 'evaluating' || module.state === 'evaluated') {
      return isScript ? module.commonjs.exports : module.namespace;
    }
    this.#link(module);
    refuseAsync(module, null);
    module.commonjs.parent ??= this.#modules[from]?.commonjs;
    let failure: { error: unknown } | null = null;
    this.#evaluate(module, null, (result) => {
      failure = result;
    });
    if (failure !== null) {
      // As in Node, a module that failed is tried again by the next `require`.
      delete this.#modules[module.path];
      delete this.#cache[module.commonjs.filename];
      throw (failure as { error: unknown }).error;
    }
    return isScript ? module.commonjs.exports : module.namespace;
  }
}

function advance(generator: object, isAsync: boolean): unknown {
  return apply(isAsync ? nextOfAsync : nextOf, generator, []);
}

/** Before anything of the program runs: workerd lets promises settle in the middle of a `require` of its own. */
function readConverted(path: string): Converted {
  return requireNative(`./${moduleName(path)}`) as Converted;
}

function isFile(name: string): boolean {
  return existsSync(name) && lstatSync(name).isFile();
}
