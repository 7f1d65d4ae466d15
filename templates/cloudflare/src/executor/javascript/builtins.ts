/** Node's own modules as the program gets them. */
import { builtinModules, createRequire } from 'node:module';

import { withoutNetwork } from './network';
import { createReadline } from './readline';
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

/** What the executor makes itself. */
export interface OwnLibraries {
  timers: Timers;
  console: object;
  fs: Library;
  /** Asked for when the program does. */
  module(): unknown;
}

export function createBuiltins(own: OwnLibraries): Builtins {
  const loaded: Record<string, unknown> = { __proto__: null } as never;
  const names = builtinModules.filter((name) => !name.startsWith('_'));
  const known = new Set(names);
  const prefixed = new Set([...names, ...PREFIX_ONLY]);

  const make = (name: string): unknown => {
    if (name === 'timers') return own.timers.timers;
    if (name === 'timers/promises') return own.timers.promises;
    if (name === 'process') return process;
    if (name === 'console') return own.console;
    if (name === 'fs') return own.fs;
    if (name === 'fs/promises') return own.fs['promises'];
    if (name === 'module') return own.module();
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
