/** Shows one run. Everything that came from the Worker is put in as text. */
import type { Answer } from '../../api';
import type { ErrorBody } from '../../errors';
import type { ProgramFile } from '../../program';
import { element, part, shown } from './dom';
import { figures, size } from './figures';
import type { Told } from './stream';

const MOST_FILES = 500;

export class View {
  readonly #status = part('status', HTMLParagraphElement);
  readonly #printed = part('printed', HTMLPreElement);
  readonly #sources = part('sources', HTMLDivElement);
  readonly #files = part('file-list', HTMLUListElement);
  readonly #facts = part('fact-list', HTMLDListElement);
  readonly #notes = part('notes', HTMLUListElement);
  readonly #sourceOf = new Map<string, HTMLPreElement>();
  #links: string[] = [];

  /** Takes everything of the last run away. */
  clear(): void {
    for (const url of this.#links) URL.revokeObjectURL(url);
    this.#links = [];
    this.#sourceOf.clear();
    for (const list of [this.#printed, this.#sources, this.#files, this.#facts, this.#notes]) list.replaceChildren();
    for (const id of ['error', 'program', 'output', 'files', 'facts']) part(id, HTMLElement).hidden = true;
  }

  status(text: string, className = ''): void {
    this.#status.textContent = shown(text);
    this.#status.className = className;
  }

  show(event: Told): void {
    switch (event.name) {
      case 'started':
        return this.status(event.data.model === null ? 'Starting the sandbox…' : 'Claude is thinking…');
      case 'generation':
        this.status(`Claude is writing ${event.data.path}…`);
        return this.#source(event.data.path).append(shown(event.data.delta));
      case 'program':
        this.#refused(event.data.refusedFiles);
        return this.status('Running…');
      case 'stdout':
      case 'stderr':
        part('output', HTMLElement).hidden = false;
        return this.#printed.append(element('span', event.data.text, event.name));
      case 'result':
        return this.#result(event.data);
      case 'error':
        this.status('Failed.', 'failed');
        return this.error(event.data);
      default: // what else happens shows in the result
    }
  }

  error({ error, hint, errorCode }: Pick<ErrorBody, 'error' | 'hint' | 'errorCode'>): void {
    part('error', HTMLElement).hidden = false;
    part('error-text', HTMLHeadingElement).textContent = shown(error);
    part('error-hint', HTMLParagraphElement).textContent = shown(hint);
    part('error-code', HTMLElement).textContent = errorCode;
  }

  #source(path: string): HTMLPreElement {
    const known = this.#sourceOf.get(path);
    if (known) return known;
    part('program', HTMLElement).hidden = false;
    const text = element('pre');
    text.tabIndex = 0;
    text.setAttribute('aria-label', shown(path));
    const details = element('details');
    details.open = true;
    details.append(element('summary', path), text);
    this.#sources.append(details);
    this.#sourceOf.set(path, text);
    return text;
  }

  #result(answer: Answer): void {
    const { success, language, exitCode, metrics } = answer;
    const took = `${(metrics.totalMs / 1000).toFixed(2)} s`;
    if (success && language === 'web') this.status(`The page is ready after ${took}.`, 'succeeded');
    else if (success) this.status(`The program succeeded after ${took}.`, 'succeeded');
    else if (exitCode !== null) this.status(`The program failed with status ${exitCode} after ${took}.`, 'failed');
    else this.status(`${answer.error.split('\n')[0] || 'The program failed.'}`, 'failed');
    this.#say(answer);
    this.#refused(answer.refusedFiles);
    for (const file of answer.files.slice(0, MOST_FILES)) this.#file(file);
    if (answer.files.length > MOST_FILES) {
      this.#files.append(element('li', `and ${answer.files.length - MOST_FILES} more, which the API gives`));
    }
    part('facts', HTMLElement).hidden = false;
    for (const [name, value] of figures(answer)) this.#facts.append(element('dt', name), element('dd', value));
  }

  #say({ truncated, outputMayBeIncomplete, outputLossy }: Answer): void {
    const notes = [
      truncated && 'The output or the files passed a limit; the rest was dropped.',
      outputMayBeIncomplete && 'The program was stopped; what it printed last may be missing.',
      outputLossy && 'The output was not all UTF-8; some bytes show as \u{fffd}.',
    ];
    for (const note of notes) {
      if (!note) continue;
      part('output', HTMLElement).hidden = false;
      this.#notes.append(element('li', note));
    }
  }

  #refused(files: Answer['refusedFiles']): void {
    for (const { path, reason } of files) {
      const text = shown(`${path}: refused, because it ${reason}`);
      if ([...this.#files.children].some((shown) => shown.textContent === text)) continue;
      part('files', HTMLElement).hidden = false;
      this.#files.append(element('li', text, 'failed'));
    }
  }

  /** A link that saves the file. Its type is plain bytes: opened in a tab, a page would run with this page's rights. */
  #file(file: ProgramFile): void {
    const bytes = bytesOf(file);
    const url = URL.createObjectURL(new Blob([bytes], { type: 'application/octet-stream' }));
    this.#links.push(url);
    const link = element('a', file.path);
    link.href = url;
    link.download = file.path.split('/').pop() ?? 'file';
    const item = element('li');
    item.append(link, `  ${size(bytes.length)}`);
    part('files', HTMLElement).hidden = false;
    this.#files.append(item);
  }
}

function bytesOf({ content, encoding }: ProgramFile): Uint8Array<ArrayBuffer> {
  if (encoding !== 'base64') return new TextEncoder().encode(content);
  return Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
}
