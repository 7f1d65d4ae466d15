/** Which programs may be laid out, and with which of their files. */
import { describe, expect, it } from 'vitest';

import { checkGivenProgram, withoutUnsafeFiles } from '../src/check';
import type { ApiError } from '../src/errors';
import type { Program, ProgramFile } from '../src/program';
import table from './paths.json';

const file = (path: string, content = ''): ProgramFile => ({ path, content });
const program = (...files: (string | ProgramFile)[]): Program => {
  const list = files.map((item) => (typeof item === 'string' ? file(item) : item));
  return { language: 'javascript', entrypoint: list[0]!.path, files: list };
};

function codeOf(work: () => unknown): string | null {
  try {
    work();
    return null;
  } catch (error) {
    return (error as ApiError).code;
  }
}

describe('paths', () => {
  it.each(table.safe)('%j is laid out', (path) => {
    expect(codeOf(() => checkGivenProgram(program(path)))).toBeNull();
    expect(withoutUnsafeFiles(program('start', path))).toEqual({ program: program('start', path), refusedFiles: [] });
  });

  it.each(table.unsafe)(
    '%j is refused, and with it what a caller sent, but only itself of what Claude wrote',
    (path) => {
      expect(codeOf(() => checkGivenProgram(program('start', path)))).toBe('unsafe_path');
      expect(codeOf(() => checkGivenProgram(program(path)))).toBe('unsafe_path');
      expect(codeOf(() => withoutUnsafeFiles(program(path, 'other')))).toBe('unsafe_path');
      expect(withoutUnsafeFiles(program('start', path, 'end'))).toEqual({
        program: program('start', 'end'),
        refusedFiles: [{ path, reason: expect.stringMatching(/./) }],
      });
    },
  );
});

const LAYOUTS: [string, Program][] = [
  ['one path twice', program('a', 'a')],
  ['paths equal but for case', program('src/A.js', 'SRC/a.js')],
  ['paths equal but for their Unicode form', program('é.js', 'e\u0301.js')],
  ['paths that are one after compatibility forms', program('ﬁle.js', 'file.js')],
  ['a folder, then a file in its place', program('a/b/c', 'a/b')],
  ['a file, then a folder in its place', program('a', 'a/b')],
  ['the same, in other letters', program('A/b', 'a')],
  ['an entrypoint that is not there', { ...program('a'), entrypoint: 'b' }],
  ['an entrypoint that is a folder', { ...program('a/b'), entrypoint: 'a' }],
  ['base64 that is none', program({ path: 'a', content: '*', encoding: 'base64' })],
  ['a lone surrogate in text', program(file('a', 'x\udc00'))],
];

describe('a layout', () => {
  it.each(LAYOUTS)('with %s is refused whole', (_, wrong) => {
    expect(codeOf(() => checkGivenProgram(wrong))).toBe('invalid_request');
    expect(codeOf(() => withoutUnsafeFiles(wrong))).toBe('model_invalid');
  });

  it.each([
    ['names that begin alike', program('a', 'ab', 'a.b', 'b/a', 'b/ab')],
    ['deep folders', program('a/b/c/d', 'a/b/c/e', 'a/b/f', 'a/g')],
    [
      'empty and binary files',
      program(
        file('a'),
        { path: 'b', content: '', encoding: 'base64' },
        { path: 'c', content: '/+8=', encoding: 'base64' },
      ),
    ],
    ['emoji and characters beyond the first plane', program(file('a', '😀\u{10ffff}\0'))],
  ])('with %s is fine', (_, right) => {
    expect(codeOf(() => checkGivenProgram(right))).toBeNull();
    expect(withoutUnsafeFiles(right)).toEqual({ program: right, refusedFiles: [] });
  });

  it('is judged without the files that were refused', () => {
    const { program: kept, refusedFiles } = withoutUnsafeFiles(program('a', '.env', '.env', '.ENV'));
    expect(kept).toEqual(program('a'));
    expect(refusedFiles).toHaveLength(3);
  });
});
