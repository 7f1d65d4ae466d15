/** A module of the program while it is linked and evaluated, and the object that stands for its exports. */
import { inspect } from 'node:util';

import { ROOT } from './names';
import { define, defineGetter, isObject, ownKeys } from './realm';

/** What `convert` writes into a module. */
export type Converted =
  | { kind: 'broken'; message: string; line: number }
  | { kind: 'script'; async: boolean; run(handle: Handle): (...args: unknown[]) => unknown }
  | {
      kind: 'module';
      async: boolean;
      requests: { specifier: string; names: string[]; line: number }[];
      /** Indices of requests whose exports are all exported again. */
      stars: number[];
      run(handle: Handle, ...namespaces: object[]): () => object;
    };

/** What a converted file reaches the loader through. */
export interface Handle {
  import(specifier: unknown): Promise<unknown>;
  exports(getters: Record<string, () => unknown>): void;
  nameDefault(fn: object): void;
  meta: object;
  commonjs: { require: unknown; module: CommonJs; __filename: string; __dirname: string };
}

export interface CommonJs {
  id: string;
  filename: string;
  path: string;
  loaded: boolean;
  exports: unknown;
  children: unknown[];
  paths: string[];
  /** Who required it first; null for the entrypoint. */
  parent: CommonJs | null | undefined;
  require: unknown;
}

export type Done = (failure: { error: unknown } | null) => void;

export interface Module {
  readonly path: string;
  readonly namespace: Record<string, unknown>;
  readonly converted: Exclude<Converted, { kind: 'broken' }> | null;
  readonly commonjs: CommonJs;
  state: 'new' | 'linked' | 'evaluating' | 'evaluated' | 'failed';
  dependencies: Module[];
  generator: object | null;
  failure: { error: unknown } | null;
  /** Linked list of those that wait for an evaluation under way. */
  waiting: { done: Done; next: Module['waiting'] } | null;
}

/** What every function has; not what a module exports as one. */
const anyFunction = { __proto__: null, length: 0, name: 0, prototype: 0, arguments: 0, caller: 0 };

/** A linked list: nothing of it can be patched. */
export type Ancestors = { module: Module; parent: Ancestors } | null;

export function includes(path: Ancestors, module: Module): boolean {
  for (let entry = path; entry; entry = entry.parent) if (entry.module === module) return true;
  return false;
}

export function createModule(path: string): Module {
  const filename = `${ROOT}/${path}`;
  const namespace = { __proto__: null } as unknown as Record<string, unknown>;
  define(namespace, Symbol.toStringTag, 'Module', false);
  define(namespace, INSPECT, showNamespace, false);
  return {
    path,
    namespace,
    converted: null,
    commonjs: {
      id: filename,
      filename,
      path: filename.slice(0, filename.lastIndexOf('/')),
      loaded: false,
      exports: {},
      children: [],
      paths: [],
      parent: undefined,
      require: undefined,
    },
    state: 'new',
    dependencies: [],
    generator: null,
    failure: null,
    waiting: null,
  };
}

/** `export * from`: every name but `default` that the module does not export itself. */
export function exportAll(module: Module, from: Module, seen: Ancestors): void {
  if (includes(seen, from)) return;
  const names = ownKeys(from.namespace);
  for (let index = 0; index < names.length; index++) {
    const name = names[index];
    if (typeof name !== 'string' || name === 'default' || name in module.namespace) continue;
    defineGetter(module.namespace, name, () => from.namespace[name]);
  }
  if (from.converted?.kind !== 'module') return;
  for (const star of from.converted.stars) exportAll(module, from.dependencies[star]!, { module: from, parent: seen });
}

/** Whether a name may still come, through `export *` of a CommonJS module that has not run. */
export function hasStarUnderWay(module: Module, seen: Ancestors): boolean {
  if (module.converted?.kind !== 'module' || includes(seen, module)) return false;
  for (const star of module.converted.stars) {
    const from = module.dependencies[star];
    if (!from) continue;
    if (from.converted?.kind !== 'module' && from.state !== 'evaluated') return true;
    if (hasStarUnderWay(from, { module, parent: seen })) return true;
  }
  return false;
}

export function refuseAsync(module: Module, seen: Ancestors): void {
  if (module.state === 'evaluated' || includes(seen, module)) return;
  if (module.converted?.async) {
    throw Object.assign(new Error(`require() cannot load ${module.path}, which has a top-level await: use import()`), {
      code: 'ERR_REQUIRE_ASYNC_MODULE',
    });
  }
  for (let index = 0; index < module.dependencies.length; index++) {
    refuseAsync(module.dependencies[index]!, { module, parent: seen });
  }
}

/** A script has run, or a value was loaded: what it exports is what there is to import. */
export function completeScript({ commonjs, namespace }: Module): void {
  const value = commonjs.exports;
  commonjs.loaded = true;
  define(namespace, 'default', value);
  if (!isObject(value)) return;
  const keys = ownKeys(value);
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index]!;
    if (typeof key !== 'string' || key === 'default' || (typeof value === 'function' && key in anyFunction)) continue;
    defineGetter(namespace, key, () => (value as Record<string, unknown>)[key]);
  }
}

const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/** Printed as Node prints a namespace: with the values, where there are any yet. */
function showNamespace(this: Record<string, unknown>, _depth: number, options: object): string {
  const values: Record<string, unknown> = { __proto__: null } as never;
  for (const name of Object.keys(this)) {
    try {
      values[name] = this[name];
    } catch {
      values[name] = undefined;
    }
  }
  return inspect(values, options).replace('[Object: null prototype]', '[Module: null prototype]');
}
