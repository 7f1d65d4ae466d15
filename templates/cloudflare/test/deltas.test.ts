import { describe, expect, it } from 'vitest';

import { type Delta, ProgramDeltas } from '../src/generate/deltas';

/** The texts of all files and the language, from any way to cut `json` into pieces. */
function read(pieces: string[]): { language: string[]; files: Record<string, string>; deltas: Delta[] } {
  const decoder = new ProgramDeltas();
  const deltas = pieces.flatMap((piece) => decoder.feed(piece));
  const files: Record<string, string> = {};
  for (const delta of deltas) {
    if (delta.type === 'delta') files[delta.path] = (files[delta.path] ?? '') + delta.delta;
  }
  return { language: deltas.flatMap((d) => (d.type === 'language' ? [d.language] : [])), files, deltas };
}

/** A fixed sequence that looks random: the tests are the same in every run. */
function sequence(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return state / 4294967296;
  };
}

function cut(text: string, random: () => number, longest: number): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < text.length;) {
    const size = Math.floor(random() * (longest + 1));
    pieces.push(text.slice(at, at + size));
    at += size;
  }
  return pieces;
}

const CONTENTS = [
  '',
  'print("hello")\n',
  'a\\b\\\\"c"\b\f\n\r\t/ \u0000 \u2028',
  '😀👩‍👩‍👧 \ud83d\ude00 é ü 漢字',
  '{"files": [{"path": "fake", "content": "no"}]}',
  '"language": "web", ]}[{',
  'x'.repeat(5000),
];

/** JSON with every character that is not plain ASCII written as an escape. */
function escaped(value: unknown): string {
  return JSON.stringify(value).replace(
    /[^ -~]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

describe('ProgramDeltas', () => {
  const program = {
    language: 'python',
    entrypoint: 'main.py',
    files: CONTENTS.map((content, number) => ({ path: `file ${number} "é".py`, content })),
  };
  const expected = Object.fromEntries(
    program.files.filter((file) => file.content).map((file) => [file.path, file.content]),
  );

  it.each([
    ['compact', JSON.stringify(program)],
    ['indented', JSON.stringify(program, null, 2)],
    ['escaped', escaped(program)],
    [
      'content before path',
      JSON.stringify({ ...program, files: program.files.map(({ path, content }) => ({ content, path })) }),
    ],
    ['language last', JSON.stringify({ files: program.files, entrypoint: 'main.py', language: 'python' })],
  ])('decodes the same files from any cut: %s', (_name, json) => {
    const random = sequence(7);
    const cuts = [[json], [...json].flatMap((c) => c.split(''))];
    for (const longest of [1, 2, 3, 5, 8, 40, 1000]) cuts.push(cut(json, random, longest), cut(json, random, longest));
    for (const pieces of cuts) {
      const { files, language } = read(pieces);
      expect(files).toEqual(expected);
      expect(language).toEqual(['python']);
    }
  });

  it('never tears a pair of surrogates, however it is written', () => {
    for (const json of [JSON.stringify(program), escaped(program)]) {
      for (const delta of read(json.split('')).deltas) {
        if (delta.type === 'delta') expect(delta.delta.isWellFormed()).toBe(true);
      }
    }
  });

  it('gives text while the string is still open', () => {
    const decoder = new ProgramDeltas();
    expect(decoder.feed('{"language":"type')).toEqual([]);
    expect(decoder.feed('script","entrypoint":"a.ts","files":[{"path":"a.ts","content":"let')).toEqual([
      { type: 'language', language: 'typescript' },
      { type: 'delta', path: 'a.ts', delta: 'let' },
    ]);
    expect(decoder.feed(' x = 1;\\')).toEqual([{ type: 'delta', path: 'a.ts', delta: ' x = 1;' }]);
    expect(decoder.feed('n')).toEqual([{ type: 'delta', path: 'a.ts', delta: '\n' }]);
  });

  it('holds text back until it knows the path', () => {
    const decoder = new ProgramDeltas();
    expect(decoder.feed('{"files":[{"content":"one\\ntwo","pa')).toEqual([]);
    expect(decoder.feed('th":"a.js"}')).toEqual([{ type: 'delta', path: 'a.js', delta: 'one\ntwo' }]);
  });

  it.each([
    ['a string elsewhere', '{"note":"path","x":{"path":"p","content":"c"},"files":[]}'],
    ['a file too deep', '{"files":[[{"path":"p","content":"c"}]]}'],
    ['files of another object', '{"a":{"files":[{"path":"p","content":"c"}]}}'],
    ['a file without a path', '{"files":[{"content":"c"}]}'],
    ['an unknown language', '{"language":"cobol"}'],
    ['a language further down', '{"files":[{"language":"python"}]}'],
    ['an unknown escape', '{"files":[{"path":"p","content":"\\xwrong"}]}'],
    ['a wrong number', '{"files":[{"path":"p","content":"\\u00zzwrong"}]}'],
    ['closed too often', ']]]]{"language":"python"}'],
    ['an array all the way down', '['.repeat(100_000)],
    ['no JSON at all', 'Here is your program: print(1)'],
  ])('says nothing of %s', (_name, json) => {
    expect(read([json]).deltas).toEqual([]);
    expect(read(json.slice(0, 200).split('')).deltas).toEqual([]);
  });
});
