/**
 * A program's source files as modules that the executor can start: pure text in, pure text out.
 *
 * workerd keeps timers, random numbers and I/O out of a module's top level, so every file becomes a CommonJS
 * module whose only content is a record (`Converted` in executor/javascript/modules.ts) with the file as a function;
 * the executor calls it while it serves the run. Lines stay where they were.
 */
import { transform } from 'sucrase/dist/esm/index.js';
import { TokenType as tt } from 'sucrase/dist/esm/parser/tokenizer/types.js';

import { isCode, isTypescript, moduleName, pathOfModule } from '../executor/javascript/names';
import { fileBytes, type Program, type ProgramFile } from '../program';
import { isImportMeta, isStaticImport, rewriteImportCalls, rewriteModule } from './convert/module';
import { valueNamespace } from './convert/namespaces';
import { Source, SourceError } from './convert/source';

/** Entries of a Worker's module table. */
export type ConvertedModules = Record<string, { cjs: string }>;

/** A file that cannot be parsed becomes a module that fails when it is imported, as in Node; nothing is thrown. */
export function convert(program: Program): ConvertedModules {
  const modules: ConvertedModules = {};
  for (const file of program.files) {
    if (!isCode(file.path) && file.path !== program.entrypoint) continue;
    if (/\.json$/i.test(file.path)) continue;
    const typescript = isTypescript(file.path) || (!isCode(file.path) && program.language === 'typescript');
    modules[moduleName(file.path)] = { cjs: convertFile(file, typescript) };
  }
  return modules;
}

/**
 * The parser here is lenient; V8 is not, and refuses to load the isolate. Given its error, the module that it
 * names becomes one that fails when it is imported.
 *
 * @returns null when the error is about something else.
 */
export function withoutBroken(modules: ConvertedModules, error: unknown): ConvertedModules | null {
  const text = error instanceof Error ? error.message : String(error);
  const match = /SyntaxError: ([\s\S]*?)\n\s*at (program\/\S+?):(\d+)/.exec(text);
  const [, message, name, line] = match ?? [];
  if (!message || !name || !modules[name] || pathOfModule(name) === null) return null;
  const cjs = brokenModule(message, Number(line));
  return modules[name].cjs === cjs ? null : { ...modules, [name]: { cjs } };
}

function convertFile(file: ProgramFile, typescript: boolean): string {
  // Node reads sources as UTF-8 too, whatever they are.
  const text = new TextDecoder().decode(fileBytes(file)).replace(/^#!/, '//');
  try {
    return convertSource(text, file.path, typescript);
  } catch (error) {
    if (error instanceof SourceError) return brokenModule(error.message, error.line);
    if (!(error instanceof Error)) throw error;
    const { line } = (error as { loc?: { line?: number } }).loc ?? {};
    return brokenModule(error.message.replace(/ \(\d+:\d+\)$/, ''), line ?? 1);
  }
}

function convertSource(text: string, path: string, typescript: boolean): string {
  const code = plainJavascript(text, path, typescript);
  const source = new Source(code);
  const words = source.words();
  let handle = '$program';
  while (words.has(handle)) handle += '_';

  source.tokens.forEach((_, index) => {
    if (source.is(index, tt.at)) {
      throw new SourceError('Decorators are not supported: V8 does not run them yet.', source.lineOf(index));
    }
  });
  const isAsync = source.topLevelAwait() >= 0;
  if (!isModule(source, path, words, isAsync)) {
    rewriteImportCalls(source, handle);
    return (
      `module.exports={kind:"script",async:${isAsync},run(${handle}){return ${isAsync ? 'async ' : ''}` +
      `function(exports,require,module,__filename,__dirname){${source.toString()}\n}}}`
    );
  }
  const { requests, stars, prologue, body } = rewriteModule(source, handle, words, typescript);
  const list = requests.map(
    ({ specifier, names, line }) => `{specifier:${specifier},names:[${names.join(',')}],line:${line}}`,
  );
  const starred = stars.map((star) => requests.findIndex(({ namespace }) => namespace === star));
  // TypeScript is mostly written as if it were compiled to CommonJS, whose names are then there beside the imports.
  const commonjs = typescript
    ? `const {require,module,__filename,__dirname}=${handle}.commonjs,exports=module.exports;`
    : '';
  const parameters = [handle, ...requests.map(({ namespace }) => namespace)].join(',');
  return (
    `module.exports={kind:"module",async:${isAsync},requests:[${list.join(',')}],stars:[${starred.join(',')}],` +
    `run(${parameters}){"use strict";${commonjs}return ${isAsync ? 'async ' : ''}function*(){${prologue}${body}\n}}}`
  );
}

function plainJavascript(text: string, path: string, typescript: boolean): string {
  const jsx = /x$/i.test(path);
  const transforms: ('typescript' | 'jsx')[] = [];
  if (typescript) transforms.push('typescript');
  if (jsx) transforms.push('jsx');
  if (typescript) {
    const line = valueNamespace(text, jsx);
    if (line !== null) {
      throw new SourceError('TypeScript namespaces that hold values are not supported: use a file of its own.', line);
    }
  }
  if (transforms.length === 0) return text;
  return transform(text, { transforms, disableESTransforms: true, production: true }).code;
}

/** As Node decides it, except that a script may also use top-level await when it says by its words what it is. */
function isModule(source: Source, path: string, words: Set<string>, isAsync: boolean): boolean {
  const syntax = source.tokens.some(
    (_, index) => isStaticImport(source, index) || isImportMeta(source, index) || source.is(index, tt._export),
  );
  if (syntax || /\.m[jt]s$/i.test(path)) return true;
  return isAsync && !['require', 'module', 'exports', '__filename', '__dirname'].some((word) => words.has(word));
}

function brokenModule(message: string, line: number): string {
  return `module.exports=${JSON.stringify({ kind: 'broken', message, line })}`;
}
