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
});
