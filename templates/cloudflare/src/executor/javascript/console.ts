/** `console` on two streams, as Node formats it. Not every version of workerd has Node's own `Console`. */
import { formatWithOptions, inspect, type InspectOptions } from 'node:util';

import { define } from './realm';
import { renderTable, tableOf } from './table';

interface Output {
  write(text: string): unknown;
}

interface Options {
  stdout: Output;
  stderr?: Output;
  groupIndentation?: number;
  inspectOptions?: InspectOptions;
}

const METHODS = [
  ...['log', 'info', 'debug', 'warn', 'error', 'dir', 'dirxml', 'trace', 'table', 'assert', 'clear'],
  ...['group', 'groupCollapsed', 'groupEnd', 'count', 'countReset', 'time', 'timeLog', 'timeEnd', 'timeStamp'],
] as const;

const { now } = performance;

export class Console {
  readonly #stdout: Output;
  readonly #stderr: Output;
  readonly #step: number;
  readonly #inspectOptions: InspectOptions;
  readonly #counts = new Map<string, number>();
  readonly #starts = new Map<string, number>();
  #indent = '';

  constructor(streamOrOptions: Output | Options, stderr?: Output) {
    const options: Options =
      'stdout' in streamOrOptions ? streamOrOptions : { stdout: streamOrOptions, ...(stderr ? { stderr } : {}) };
    this.#stdout = options.stdout;
    this.#stderr = options.stderr ?? options.stdout;
    this.#step = options.groupIndentation ?? 2;
    this.#inspectOptions = options.inspectOptions ?? {};
    // Each can be taken off and called alone.
    for (const name of METHODS) define(this, name, this[name].bind(this));
  }

  log(...data: unknown[]): void {
    this.#print(this.#stdout, this.#format(data));
  }

  info(...data: unknown[]): void {
    this.log(...data);
  }

  debug(...data: unknown[]): void {
    this.log(...data);
  }

  dirxml(...data: unknown[]): void {
    this.log(...data);
  }

  error(...data: unknown[]): void {
    this.#print(this.#stderr, this.#format(data));
  }

  warn(...data: unknown[]): void {
    this.error(...data);
  }

  trace(...data: unknown[]): void {
    const error = { name: 'Trace', message: this.#format(data), stack: '' };
    Error.captureStackTrace(error, this.trace);
    // The first line says what V8 makes of an object that is no error.
    const frames = String(error.stack).replace(/^(?! {4}at )[\s\S]*?(?=\n {4}at |$)/, '');
    this.error(`Trace${error.message ? `: ${error.message}` : ''}${frames}`);
  }

  assert(condition?: unknown, ...data: unknown[]): void {
    if (condition) return;
    const [first, ...rest] = data;
    if (typeof first === 'string') this.error(`Assertion failed: ${first}`, ...rest);
    else if (data.length > 0) this.error('Assertion failed:', ...data);
    else this.error('Assertion failed');
  }

  dir(value?: unknown, options?: InspectOptions): void {
    this.#print(this.#stdout, inspect(value, { customInspect: false, ...this.#inspectOptions, ...options }));
  }

  table(data?: unknown, columns?: readonly string[]): void {
    const table = tableOf(data, columns);
    if (table) this.#print(this.#stdout, renderTable(table));
    else this.log(data);
  }

  group(...data: unknown[]): void {
    if (data.length > 0) this.log(...data);
    this.#indent += ' '.repeat(this.#step);
  }

  groupCollapsed(...data: unknown[]): void {
    this.group(...data);
  }

  groupEnd(): void {
    this.#indent = this.#indent.slice(this.#step);
  }

  count(label: unknown = 'default'): void {
    const name = String(label);
    const count = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, count);
    this.log(`${name}: ${count}`);
  }

  countReset(label: unknown = 'default'): void {
    if (!this.#counts.delete(String(label))) process.emitWarning(`Count for '${String(label)}' does not exist`);
  }

  time(label: unknown = 'default'): void {
    const name = String(label);
    if (this.#starts.has(name)) process.emitWarning(`Label '${name}' already exists for console.time()`);
    else this.#starts.set(name, now.call(performance));
  }

  timeLog(label: unknown = 'default', ...data: unknown[]): void {
    const start = this.#starts.get(String(label));
    if (start === undefined) process.emitWarning(`No such label '${String(label)}' for console.timeLog()`);
    else this.log(`${String(label)}: ${duration(now.call(performance) - start)}`, ...data);
  }

  timeEnd(label: unknown = 'default'): void {
    const start = this.#starts.get(String(label));
    this.#starts.delete(String(label));
    if (start === undefined) process.emitWarning(`No such label '${String(label)}' for console.timeEnd()`);
    else this.log(`${String(label)}: ${duration(now.call(performance) - start)}`);
  }

  timeStamp(): void {}

  clear(): void {}

  #format(data: unknown[]): string {
    return formatWithOptions(this.#inspectOptions, ...data);
  }

  #print(stream: Output, text: string): void {
    const indented = this.#indent === '' ? text : this.#indent + text.replaceAll('\n', `\n${this.#indent}`);
    stream.write(`${indented}\n`);
  }
}

function duration(ms: number): string {
  if (ms < 1000) return `${Number(ms.toFixed(3))}ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(3)}s`;
  const padded = (seconds % 60).toFixed(3).padStart(6, '0');
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${padded} (m:ss.mmm)`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}:${padded.slice(0, 2)} (h:mm:ss)`;
}
