/** Shows one run as lines of text: the program's stdout on stdout, everything else on stderr, all of it made harmless. */
import path from 'node:path';

import type { Answer, WorkerEvent } from '../client.ts';
import type { SavedFiles } from './outputs.ts';
import { PlainStream, plainLine } from './plain.ts';

type StreamName = 'stdout' | 'stderr';

const MAX_LISTED = 20;

export class Display {
  readonly #output = { stdout: new PlainStream(), stderr: new PlainStream() };
  #code = new PlainStream();
  #codePath: string | null = null;
  #atLineStart = true;
  #hasPrinted = false;
  /** The stream whose last character was no line break. */
  #openLine: StreamName | null = null;

  fact(label: string, lines: string | readonly string[]): void {
    const text = [lines]
      .flat()
      .map(plainLine)
      .join(`\n${' '.repeat(11)}`);
    if (text) this.#say(`  ${label.padEnd(8)} ${text}\n`);
  }

  event(event: WorkerEvent): void {
    switch (event.name) {
      case 'started':
        this.fact('Sandbox', `${event.data.sandbox}: ${event.data.isolation}`);
        this.fact('Model', event.data.model ?? '');
        break;
      case 'generation':
        this.#generation(event.data.path, event.data.delta);
        break;
      case 'program':
        this.#endCode();
        for (const { path, reason } of event.data.refusedFiles) this.fact('Refused', `${path}: it ${reason}`);
        break;
      case 'stdout':
      case 'stderr':
        this.#give(event.name, this.#output[event.name].feed(event.data.text));
        break;
    }
  }

  /** Ends what is half shown, also when an error cut it off. */
  end(): void {
    this.#endCode();
    for (const name of ['stdout', 'stderr'] as const) this.#give(name, this.#output[name].end());
    this.#endLine();
  }

  /** `here` is the folder to which the shown path is relative. */
  receipt(answer: Answer, saved: SavedFiles, here: string): void {
    this.end();
    const { metrics } = answer;
    const mark = answer.success ? (saved.refused.length > 0 ? '!' : '✓') : '✗';
    this.#say(
      `${this.#hasPrinted ? '\n' : ''}${mark} ${verdict(answer, saved.refused.length)}  ${duration(metrics.totalMs)}\n`,
    );
    this.fact('Time', phases(answer).join(', '));
    this.fact('Model', tokens(answer));
    if (metrics.peakMemoryBytes) this.fact('Memory', `${size(metrics.peakMemoryBytes)} at its peak`);
    if (saved.directory !== null) {
      const files = saved.saved.map(
        ({ path, bytes, status }) => `${path}, ${size(bytes)}${status === 'new' ? '' : `, ${status}`}`,
      );
      this.fact('Saved', [`${path.relative(here, saved.directory) || '.'}${path.sep}`, ...listed(files)]);
    }
    this.fact('Refused', listed(saved.refused.map(({ path, reason }) => `${path}: it ${reason}`)));
    this.fact('Note', notes(answer));
  }

  #generation(path: string, delta: string): void {
    if (path !== this.#codePath) {
      this.#endCode();
      this.#codePath = path;
      this.#say(`\n${plainLine(path)}\n`);
    }
    this.#showCode(this.#code.feed(delta));
  }

  /** Each line behind a bar, so that code and what it prints cannot be taken for each other. */
  #showCode(text: string): void {
    for (const line of text.match(/[^\n]*\n|[^\n]+/g) ?? []) {
      this.#say((this.#atLineStart ? '  │ ' : '') + line);
      this.#atLineStart = line.endsWith('\n');
    }
  }

  #endCode(): void {
    this.#showCode(this.#code.end());
    if (!this.#atLineStart) this.#say('\n');
    this.#atLineStart = true;
    if (this.#codePath !== null) this.#say('\n');
    this.#codePath = null;
  }

  #give(name: StreamName, text: string): void {
    if (!text) return;
    if (name !== this.#openLine) this.#endLine();
    this.#hasPrinted = true;
    process[name].write(text);
    this.#openLine = text.endsWith('\n') ? null : name;
  }

  /** What follows on the terminal begins on a line of its own; nothing is added to a stream that is redirected. */
  #endLine(): void {
    if (this.#openLine && process[this.#openLine].isTTY) process.stderr.write('\n');
    this.#openLine = null;
  }

  #say(text: string): void {
    this.#endLine();
    process.stderr.write(text);
  }
}

/** One sentence about how the run ended. */
export function verdict(answer: Answer, refused: number): string {
  let how: string;
  if (answer.success) how = answer.language === 'web' ? 'The page is ready' : 'The program succeeded';
  else if (answer.errorCode === 'program_failed' && answer.exitCode !== null) {
    how = `The program failed with status ${answer.exitCode}`;
  } else how = plainLine(answer.error.trim().split('\n')[0]!).replace(/\.+$/, '') || 'The program failed';
  if (refused === 0) return `${how}.`;
  return `${how}; ${refused} ${refused === 1 ? 'file was' : 'files were'} refused as unsafe.`;
}

function phases({ question, language, metrics }: Answer): string[] {
  const ran = language !== 'web';
  return [
    ...(question === null ? [] : [`generation ${duration(metrics.generationMs)}`]),
    ...(ran ? [`sandbox ${duration(metrics.bootMs)}`, `run ${duration(metrics.executionMs)}`] : []),
  ];
}

function tokens({ model, usage }: Answer): string {
  if (model === null || usage === null) return model ?? '';
  const cost = usage.costUsd === null ? 'price not known' : money(usage.costUsd);
  return `${model}, ${grouped(usage.inputTokens)} tokens in, ${grouped(usage.outputTokens)} out, ${cost}`;
}

function notes(answer: Answer): string[] {
  return [
    answer.truncated ? 'The output was longer than its limit; the rest was dropped (truncated).' : '',
    answer.outputMayBeIncomplete
      ? 'The program was stopped; what it printed last may be missing (outputMayBeIncomplete).'
      : '',
    answer.outputLossy ? 'The output was not all UTF-8; some bytes show as \ufffd (outputLossy).' : '',
  ].filter(Boolean);
}

function listed(lines: readonly string[]): string[] {
  if (lines.length <= MAX_LISTED) return [...lines];
  return [...lines.slice(0, MAX_LISTED), `and ${lines.length - MAX_LISTED} more`];
}

/** Thousands separated by commas, whatever the machine's language. */
export function grouped(count: number): string {
  return count.toLocaleString('en-US');
}

export function money(usd: number): string {
  return usd > 0 && usd < 0.0001 ? 'less than $0.0001' : `$${usd.toFixed(4)}`;
}

export function duration(ms: number): string {
  if (ms < 999.5) return `${ms.toFixed(0)} ms`;
  return `${(ms / 1000).toFixed(ms < 9995 ? 2 : 1)} s`;
}

export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const [value, unit] =
    bytes < 999_500 ? [bytes / 1e3, 'kB'] : bytes < 999_500_000 ? [bytes / 1e6, 'MB'] : [bytes / 1e9, 'GB'];
  return `${value.toFixed(value < 99.95 ? 1 : 0)} ${unit}`;
}
