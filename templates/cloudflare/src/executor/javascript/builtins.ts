/** Node's own modules as the program gets them. */
import { builtinModules, createRequire } from 'node:module';

import { withoutNetwork } from './network';
import { createReadline } from './readline';
import type { Stdio } from './stdio';
import type { Timers } from './timers';

const requireNative = createRequire('file:///');

/** Modules that exist only with the prefix `node:`. */
const PREFIX_ONLY = ['sea', 'sqlite', 'test', 'test/reporters'];

type Library = Record<string, unknown>;

export interface Builtins {
  /** The name without `node:`, or null for what is no module of Node. */
  nameOf(specifier: string): string | null;
  load(name: string): unknown;
  names: string[];
}

export function createBuiltins(timers: Timers, stdio: Stdio, moduleLibrary: () => unknown): Builtins {
  const loaded: Record<string, unknown> = { __proto__: null } as never;
  const names = builtinModules.filter((name) => !name.startsWith('_'));
  const known = new Set(names);
  const prefixed = new Set([...names, ...PREFIX_ONLY]);

  const make = (name: string): unknown => {
    if (name === 'timers') return timers.timers;
    if (name === 'timers/promises') return timers.promises;
    if (name === 'process') return process;
    if (name === 'console') return stdio.console;
    if (name === 'module') return moduleLibrary();
    const library = requireNative(`node:${name}`) as Library;
    if (name === 'readline') return createReadline(library);
    if (name === 'readline/promises') return (load('readline') as Library)['promises'];
    return withoutNetwork(name, library) ?? library;
  };
  const load = (name: string): unknown => (loaded[name] ??= make(name));

  return {
    nameOf(specifier) {
      if (!specifier.startsWith('node:')) return known.has(specifier) ? specifier : null;
      const name = specifier.slice(5);
      return prefixed.has(name) ? name : null;
    },
    load,
    names,
  };
}
