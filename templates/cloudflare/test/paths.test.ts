import { describe, expect, it } from 'vitest';
import { unsafePath } from '../src/paths';
import table from './paths.json';

describe('unsafePath', () => {
  it.each(table.safe)('allows %j', (path) => {
    expect(unsafePath(path)).toBeNull();
  });

  it.each(table.unsafe)('refuses %j', (path) => {
    expect(unsafePath(path)).toBeTypeOf('string');
  });

  // Not in the table: what loads JSON as a module does not take them.
  it.each(['a\ud800b', '\udc00'])('refuses the lone surrogate of %j', (path) => {
    expect(unsafePath(path)).toBe('is not valid Unicode');
  });
});
