/**
 * An ES module as the body of a generator function. It registers its exports as getters and yields: that is the
 * linking, so that cycles see hoisted functions. The rest of it, resumed, is the evaluation.
 * Imports become properties of the namespaces that it is given, so that they stay live.
 */
import { TokenType as tt } from 'sucrase/dist/esm/parser/tokenizer/types.js';

import type { Source } from './source';

/** Another module that this one names; the texts are JavaScript literals, as they stand in the source. */
interface Request {
  specifier: string;
  /** The name of its namespace inside the module. */
  namespace: string;
  /** Names that it must export. */
  names: string[];
  line: number;
}

interface Exports {
  /** An exported name, as a literal, and the expression that it stands for. */
  name: string;
  value: string;
}

export interface ModuleParts {
  requests: Request[];
  /** Namespaces whose every export is exported again. */
  stars: string[];
  /** The first line of the function. */
  prologue: string;
  body: string;
}

/** @param handle the name under which the module reaches the executor. */
export function rewriteModule(source: Source, handle: string, words: Set<string>, typescript: boolean): ModuleParts {
  return new Rewriter(source, handle, words, typescript).rewrite();
}

/** Rewrites what every kind of file may contain: `import(…)` and `import.meta`. */
export function rewriteImportCalls(source: Source, handle: string): void {
  source.tokens.forEach((_, index) => {
    if (source.is(index, tt._import, tt.parenL)) source.replace(index, index, `${handle}.import`);
    else if (isImportMeta(source, index)) source.replace(index, index + 2, `${handle}.meta`);
  });
}

export function isImportMeta(source: Source, index: number): boolean {
  return (
    source.is(index, tt.name, tt.dot, tt.name) &&
    source.text(index) === 'import' &&
    source.text(index + 2) === 'meta' &&
    !source.is(index - 1, tt.dot)
  );
}

export function isStaticImport(source: Source, index: number): boolean {
  return source.is(index, tt._import) && !source.is(index + 1, tt.parenL);
}

class Rewriter {
  private readonly requests = new Map<string, Request>();
  private readonly stars: string[] = [];
  private readonly exports: Exports[] = [];
  /** Names that `export {…}` lists; what they stand for is known when all imports are. */
  private readonly listed: { local: string; name: string }[] = [];
  /** Imported name → the property that it is. */
  private readonly bindings = new Map<string, { request: Request; name: string | null; value: string }>();
  private readonly skipped = new Set<number>();
  private prologue = '';

  constructor(
    private readonly source: Source,
    private readonly handle: string,
    private readonly words: Set<string>,
    private readonly typescript: boolean,
  ) {}

  rewrite(): ModuleParts {
    const { source } = this;
    for (let index = 0; index < source.tokens.length; index++) {
      if (source.tokens[index]!.scopeDepth > 0) continue;
      if (isStaticImport(source, index)) index = this.importStatement(index) - 1;
      else if (source.is(index, tt._export)) this.exportStatement(index);
    }
    rewriteImportCalls(source, this.handle);
    const accessed = this.replaceAccesses();
    for (const { local, name } of this.listed) {
      this.exports.push({ name, value: this.bindings.get(local)?.value ?? local });
    }
    for (const [local, { request, name }] of this.bindings) {
      // TypeScript may list a type among the names that it exports again: nothing is there to be found.
      if (name !== null && (!this.typescript || accessed.has(local))) request.names.push(name);
    }
    const sorted = this.exports.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const getters = sorted.map(({ name, value }) => `[${name}]:()=>${value}`).join(',');
    return {
      requests: [...this.requests.values()],
      stars: this.stars,
      prologue: `${this.handle}.exports({__proto__:null,${getters}});${this.prologue}yield;`,
      body: source.toString(),
    };
  }

  /** @returns the index after the statement. */
  private importStatement(start: number): number {
    const { source } = this;
    let index = start + 1;
    const found: { name: string | null; local: string }[] = [];
    if (source.is(index, tt.name)) {
      found.push({ name: '"default"', local: source.text(index++) });
      if (source.is(index, tt.comma)) index++;
    }
    if (source.is(index, tt.star)) {
      found.push({ name: null, local: source.text(index + 2) });
      index += 3;
    } else if (source.is(index, tt.braceL)) {
      const end = source.afterBrackets(index);
      for (const { first, last } of this.specifiers(index, end)) {
        found.push({ name: this.literal(first), local: source.text(last) });
      }
      index = end;
    }
    if (!source.is(index, tt.string)) index++; // from
    const request = this.request(index);
    for (const { name, local } of found) {
      const value = name === null ? request.namespace : `${request.namespace}[${name}]`;
      this.bindings.set(local, { request, name, value: name === null ? value : property(request.namespace, name) });
    }
    const end = this.afterAttributes(index + 1);
    this.remove(start, end);
    return end;
  }

  private exportStatement(index: number): void {
    const { source } = this;
    const end = source.tokens[index]!.rhsEndIndex ?? index + 1;
    if (source.is(index + 1, tt._default)) this.exportDefault(index, end);
    else if (source.is(index + 1, tt.star)) this.exportStar(index, end);
    else if (source.is(index + 1, tt.braceL)) this.exportList(index, end);
    else {
      source.replace(index, index, '');
      for (const name of this.declared(index + 1, end)) this.exports.push({ name: JSON.stringify(name), value: name });
    }
  }

  private declared(start: number, end: number): string[] {
    const { source } = this;
    let index = start;
    if (source.text(index) === 'async') index++;
    if (source.is(index, tt._function) || source.is(index, tt._class)) {
      return [source.text(source.is(index + 1, tt.star) ? index + 2 : index + 1)];
    }
    return source.declaredAtTop(start, end);
  }

  private exportDefault(index: number, end: number): void {
    const { source } = this;
    const isAsync = source.text(index + 2) === 'async' && !source.newlineBefore(index + 3);
    const keyword = isAsync ? index + 3 : index + 2;
    if (source.is(keyword, tt._function)) {
      const name = source.is(keyword + 1, tt.star) ? keyword + 2 : keyword + 1;
      source.replace(index, index + 1, '');
      if (source.is(name, tt.name)) {
        this.exports.push({ name: '"default"', value: source.text(name) });
        return;
      }
      const local = this.fresh('default');
      source.insertBefore(name, ` ${local}`);
      this.exports.push({ name: '"default"', value: local });
      this.prologue += `${this.handle}.nameDefault(${local});`;
      return;
    }
    if (source.is(index + 2, tt._class, tt.name)) {
      source.replace(index, index + 1, '');
      this.exports.push({ name: '"default"', value: source.text(index + 3) });
      return;
    }
    // As a property the value gets the name that the language gives it: "default".
    const local = this.fresh('default');
    const last = source.is(end - 1, tt.semi) ? end - 2 : end - 1;
    source.replace(index, index + 1, `const {default:${local}}={default:`);
    source.insertAfter(last, source.is(end - 1, tt.semi) ? '}' : '};');
    this.exports.push({ name: '"default"', value: local });
  }

  private exportStar(index: number, end: number): void {
    const { source } = this;
    const named = source.text(index + 2) === 'as';
    const request = this.request(named ? index + 5 : index + 3);
    if (named) this.exports.push({ name: this.literal(index + 3), value: request.namespace });
    else this.stars.push(request.namespace);
    this.remove(index, end);
  }

  private exportList(index: number, end: number): void {
    const { source } = this;
    const close = source.afterBrackets(index + 1);
    const from = source.text(close) === 'from' && source.is(close + 1, tt.string);
    const request = from ? this.request(close + 1) : null;
    for (const { first, last } of this.specifiers(index + 1, close)) {
      const name = this.literal(last);
      if (!request) {
        this.listed.push({ local: source.text(first), name });
        continue;
      }
      const imported = this.literal(first);
      if (!this.typescript) request.names.push(imported);
      this.exports.push({ name, value: property(request.namespace, imported) });
    }
    this.remove(index, end);
  }

  /** `{a, b as c}`: the first and the last token of each entry. */
  private specifiers(open: number, end: number): { first: number; last: number }[] {
    const entries: { first: number; last: number }[] = [];
    let first = open + 1;
    for (let index = open + 1; index < end; index++) {
      if (!this.source.is(index, tt.comma) && index !== end - 1) continue;
      if (index > first) entries.push({ first, last: index - 1 });
      first = index + 1;
    }
    return entries;
  }

  private replaceAccesses(): Set<string> {
    const { source } = this;
    const accessed = new Set<string>();
    if (this.bindings.size === 0) return accessed;
    const shadowed = source.shadowed(this.bindings);
    source.tokens.forEach((token, index) => {
      if (token.type !== tt.name || !source.isAccess(index) || this.skipped.has(index)) return;
      const name = source.text(index);
      const binding = this.bindings.get(name);
      if (!binding || shadowed.has(index)) return;
      accessed.add(name);
      // A call passes the namespace as `this`, which only a function that is not strict could notice;
      // in return the error of a call that fails names what was called.
      source.replace(index, index, source.isShorthand(index) ? `${name}:${binding.value}` : binding.value);
    });
    return accessed;
  }

  /** @param index the token of the specifier. */
  private request(index: number): Request {
    const specifier = this.source.text(index);
    const known = this.requests.get(specifier);
    if (known) return known;
    const leaf = /([\w-]+)(?:\.\w+)?\W*$/.exec(specifier)?.[1] ?? 'module';
    const line = this.source.lineOf(index);
    const request = { specifier, namespace: this.fresh(leaf.replace(/\W/g, '_')), names: [], line };
    this.requests.set(specifier, request);
    return request;
  }

  private fresh(hint: string): string {
    let name = `$${hint}`;
    while (this.words.has(name)) name += '_';
    this.words.add(name);
    return name;
  }

  private literal(index: number): string {
    const text = this.source.text(index);
    return /^['"]/.test(text) ? text : JSON.stringify(text);
  }

  /** `with {type: "json"}` and the semicolon. */
  private afterAttributes(index: number): number {
    const { source } = this;
    let end = index;
    if (
      source.is(end + 1, tt.braceL) &&
      (source.is(end, tt._with) || (source.text(end) === 'assert' && !source.newlineBefore(end)))
    ) {
      end = source.afterBrackets(end + 1);
    }
    return source.is(end, tt.semi) ? end + 1 : end;
  }

  private remove(start: number, end: number): void {
    for (let index = start; index < end; index++) this.skipped.add(index);
    // A statement in its place keeps the lines around it apart.
    this.source.replace(start, end - 1, ';');
  }
}

function property(namespace: string, literal: string): string {
  return /^"[A-Za-z_$][\w$]*"$/.test(literal) ? `${namespace}.${literal.slice(1, -1)}` : `${namespace}[${literal}]`;
}
