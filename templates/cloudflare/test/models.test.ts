import { describe, expect, it } from 'vitest';

import { costUsd, DEFAULT_MODEL, modelSpec, resolveModel } from '../src/models';
import table from '../src/models.json';

describe('models', () => {
  it('every alias and the default are models of the list', () => {
    for (const name of [DEFAULT_MODEL, ...Object.keys(table.aliases)]) {
      expect(modelSpec(resolveModel(name))).not.toBeNull();
    }
  });

  it.each([
    [undefined, 'claude-sonnet-5-5'],
    ['inherit', 'claude-sonnet-5-5'],
    ['Haiku', 'claude-haiku-5-5'],
    ['claude-opus-5-5', 'claude-opus-5-5'],
    ['gpt-oss:20b', 'gpt-oss:20b'],
    ['constructor', 'constructor'],
  ])('%s is %s', (name, full) => {
    expect(resolveModel(name)).toBe(full);
  });

  it('knows a model with its date, and no other', () => {
    expect(modelSpec('claude-haiku-4-5-20251001')).toBe(modelSpec('claude-haiku-4-5'));
    for (const name of ['claude-haiku-4-5-x', 'constructor', '__proto__', '']) expect(modelSpec(name)).toBeNull();
  });

  it('counts by the price of each, in dollars', () => {
    expect(costUsd('claude-sonnet-5-5', 1_000_000, 100_000)).toBe(3);
    expect(costUsd('claude-haiku-5-5', 100_000, 10_000)).toBeCloseTo(0.015, 12);
    expect(costUsd('claude-haiku-5-5', 100_001, 10_000)).toBeCloseTo(0.0750005, 12);
    expect(costUsd('gpt-oss:20b', 1, 1)).toBeNull();
  });
});
