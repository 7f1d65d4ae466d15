/** TypeScript's namespaces: those that hold only types vanish, the others are code that the type stripper drops. */
import { transform } from 'sucrase/dist/esm/index.js';
import { TokenType as tt } from 'sucrase/dist/esm/parser/tokenizer/types.js';

import { Source } from './source';

/** The line of the first namespace that exists at run time, or null. */
export function valueNamespace(code: string, jsx: boolean): number | null {
  if (!/\b(namespace|module)\s+[\w$]/.test(code)) return null;
  const source = new Source(code, { typescript: true, jsx });
  for (let index = 0; index < source.tokens.length; index++) {
    if (!/^(namespace|module)$/.test(source.text(index)) || !source.tokens[index]!.isType) continue;
    if (!source.is(index + 1, tt.name)) continue;
    let open = index + 2;
    while (source.is(open, tt.dot)) open += 2;
    if (!source.is(open, tt.braceL)) continue;
    const end = source.afterBrackets(open);
    const inside = code.slice(source.tokens[open]!.end, source.tokens[end - 1]!.start);
    if (!isDeclared(source, index) && holdsValues(inside)) return source.lineOf(index);
    index = end - 1;
  }
  return null;
}

function isDeclared(source: Source, index: number): boolean {
  return source.is(index - 1, tt._declare);
}

function holdsValues(inside: string): boolean {
  const { code } = transform(inside, { transforms: ['typescript'], disableESTransforms: true });
  const source = new Source(code);
  return source.tokens.some((_, index) => !source.is(index, tt.semi) && source.text(index) !== '');
}
