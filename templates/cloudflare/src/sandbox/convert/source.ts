/** A parsed source text: its tokens, what they are to each other, and edits that keep every line where it was. */
import { parse } from 'sucrase/dist/esm/parser/index.js';
import { IdentifierRole, type Token } from 'sucrase/dist/esm/parser/tokenizer/index.js';
import { ContextualKeyword } from 'sucrase/dist/esm/parser/tokenizer/keywords.js';
import { TokenType } from 'sucrase/dist/esm/parser/tokenizer/types.js';

interface Edit {
  start: number;
  end: number;
  text: string;
}

interface Range {
  start: number;
  end: number;
}

const DECLARATIONS = new Set<IdentifierRole | null>([
  IdentifierRole.TopLevelDeclaration,
  IdentifierRole.FunctionScopedDeclaration,
  IdentifierRole.BlockScopedDeclaration,
  IdentifierRole.ObjectShorthandTopLevelDeclaration,
  IdentifierRole.ObjectShorthandFunctionScopedDeclaration,
  IdentifierRole.ObjectShorthandBlockScopedDeclaration,
]);
const OF_FUNCTION = new Set<IdentifierRole | null>([
  IdentifierRole.FunctionScopedDeclaration,
  IdentifierRole.ObjectShorthandFunctionScopedDeclaration,
]);

export class Source {
  readonly tokens: readonly Token[];
  private readonly blocks: (Range & { isFunction: boolean })[];
  private readonly edits: Edit[] = [];

  /** @throws the parser's SyntaxError, with `loc: {line, column}` where it knows. */
  constructor(
    readonly code: string,
    { typescript = false, jsx = false } = {},
  ) {
    const { tokens, scopes } = parse(code, jsx, typescript, false);
    this.tokens = tokens;
    this.blocks = scopes
      .map((scope) => ({
        start: scope.startTokenIndex,
        end: scope.endTokenIndex,
        isFunction: scope.isFunctionScope,
      }))
      .filter((scope) => scope.start > 0 || scope.end < tokens.length);
  }

  type(index: number): TokenType {
    return this.tokens[index]?.type ?? TokenType.eof;
  }

  text(index: number): string {
    const token = this.tokens[index];
    return token ? this.code.slice(token.start, token.end) : '';
  }

  is(index: number, ...types: TokenType[]): boolean {
    return types.every((type, offset) => this.type(index + offset) === type);
  }

  /** The index after the bracket that closes the one at `index`. */
  afterBrackets(index: number): number {
    let depth = 0;
    for (let i = index; i < this.tokens.length; i++) {
      const type = this.type(i);
      if (type === TokenType.braceL || type === TokenType.dollarBraceL) depth++;
      else if (type === TokenType.braceR && --depth === 0) return i + 1;
    }
    return this.tokens.length;
  }

  lineOf(index: number): number {
    return lineAt(this.code, this.tokens[index]?.start ?? this.code.length);
  }

  /** Whether a newline stands between two neighbouring tokens. */
  newlineBefore(index: number): boolean {
    return /[\n\r\u2028\u2029]/.test(this.code.slice(this.tokens[index - 1]?.end ?? 0, this.tokens[index]?.start));
  }

  /** Every word in the source, to choose names that are not among them. */
  words(): Set<string> {
    const words = new Set<string>();
    this.tokens.forEach((token, index) => {
      if (token.type === TokenType.name) words.add(this.text(index));
    });
    return words;
  }

  isAccess(index: number): boolean {
    const role = this.tokens[index]?.identifierRole;
    return role === IdentifierRole.Access || role === IdentifierRole.ObjectShorthand;
  }

  isShorthand(index: number): boolean {
    return this.tokens[index]?.identifierRole === IdentifierRole.ObjectShorthand;
  }

  /** The names that a declaration in this range of tokens adds to the module's top level. */
  declaredAtTop(start: number, end: number): string[] {
    const names: string[] = [];
    for (let i = start; i < end; i++) {
      const role = this.tokens[i]?.identifierRole;
      if (role === IdentifierRole.TopLevelDeclaration || role === IdentifierRole.ObjectShorthandTopLevelDeclaration) {
        names.push(this.text(i));
      }
    }
    return names;
  }

  /** The first `await` outside every function, or -1. */
  topLevelAwait(): number {
    const { tokens } = this;
    const inFunction = new Int32Array(tokens.length + 1);
    for (const scope of this.blocks) {
      if (!scope.isFunction) continue;
      inFunction[scope.start]!++;
      inFunction[scope.end]!--;
    }
    let depth = 0;
    for (let i = 0; i < tokens.length; i++) {
      depth += inFunction[i]!;
      if (depth > 0 || tokens[i]!.contextualKeyword !== ContextualKeyword._await) continue;
      if (tokens[i]!.type !== TokenType.name || tokens[i]!.identifierRole !== null) continue;
      const before = this.type(i - 1);
      if (before !== TokenType.dot && before !== TokenType.questionDot) return i;
    }
    return -1;
  }

  /** The tokens that mean something else than the top level's name, because a scope inside declares it anew. */
  shadowed(names: { has(name: string): boolean }): Set<number> {
    const shadowed = new Set<number>();
    this.tokens.forEach((token, index) => {
      if (token.type !== TokenType.name || !DECLARATIONS.has(token.identifierRole)) return;
      const name = this.text(index);
      if (!names.has(name)) return;
      const scope = this.innermost(index, OF_FUNCTION.has(token.identifierRole));
      for (let i = scope?.start ?? 0; i < (scope?.end ?? 0); i++) {
        if (this.type(i) === TokenType.name && this.text(i) === name) shadowed.add(i);
      }
    });
    return shadowed;
  }

  private innermost(index: number, functionsOnly: boolean): Range | undefined {
    let best: Range | undefined;
    for (const scope of this.blocks) {
      if (functionsOnly && !scope.isFunction) continue;
      if (scope.start > index || index >= scope.end) continue;
      if (!best || scope.end - scope.start < best.end - best.start) best = scope;
    }
    return best;
  }

  /** Replaces the text from one token to another, both included; lines stay where they were. */
  replace(first: number, last: number, text: string): void {
    const start = this.tokens[first]!.start;
    const end = this.tokens[last]!.end;
    const lines = this.code.slice(start, end).split('\n').length - 1;
    this.edits.push({ start, end, text: text + '\n'.repeat(lines) });
  }

  insertBefore(index: number, text: string): void {
    const at = this.tokens[index]!.start;
    this.edits.push({ start: at, end: at, text });
  }

  insertAfter(index: number, text: string): void {
    const at = this.tokens[index]!.end;
    this.edits.push({ start: at, end: at, text });
  }

  toString(): string {
    let result = '';
    let at = 0;
    for (const edit of this.edits.toSorted((a, b) => a.start - b.start || a.end - b.end)) {
      result += this.code.slice(at, edit.start) + edit.text;
      at = edit.end;
    }
    return result + this.code.slice(at);
  }
}

/** A position in a program that cannot be run, and why. */
export class SourceError extends Error {
  constructor(
    message: string,
    readonly line: number,
  ) {
    super(message);
  }
}

export function lineAt(code: string, position: number): number {
  let line = 1;
  for (let i = code.indexOf('\n'); i >= 0 && i < position; i = code.indexOf('\n', i + 1)) line++;
  return line;
}
