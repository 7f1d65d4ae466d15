/** The playground: one form, one run at a time. */
import { part } from './dom';
import { send } from './stream';
import { View } from './view';

/** A tab's own storage: gone with the tab, sent nowhere, unlike a cookie or an address. */
const TOKEN = 'cct-token';

const ENTRYPOINTS: Record<string, string> = { python: 'main.py', javascript: 'main.js', typescript: 'main.ts' };

const form = part('form', HTMLFormElement);
const text = part('text', HTMLTextAreaElement);
const language = part('language', HTMLSelectElement);
const token = part('token', HTMLInputElement);
const run = part('run', HTMLButtonElement);
const stop = part('stop', HTMLButtonElement);
const view = new View();

let running: AbortController | null = null;

function kind(): 'prompt' | 'program' {
  return new FormData(form).get('kind') === 'program' ? 'program' : 'prompt';
}

/** What is sent: a prompt, or one file that is the whole program. */
function request(): { path: string; body: object } {
  if (kind() === 'prompt') {
    return { path: '/execute', body: { question: text.value, language: language.value || undefined } };
  }
  const entrypoint = ENTRYPOINTS[language.value] ?? 'main.py';
  const files = [{ path: entrypoint, content: text.value }];
  return { path: '/run', body: { language: language.value, entrypoint, files } };
}

async function start(): Promise<void> {
  if (running || !form.reportValidity()) return;
  const { path, body } = request();
  running = new AbortController();
  sessionStorage.setItem(TOKEN, token.value);
  view.clear();
  view.status('Sent…');
  run.disabled = true;
  stop.disabled = false;
  try {
    for await (const event of send(path, body, token.value, running.signal)) {
      view.show(event);
      if (event.name === 'error' && event.data.errorCode === 'unauthorized') token.focus();
    }
  } catch {
    view.status('Stopped.', 'failed');
  } finally {
    const hadFocus = document.activeElement === stop || document.activeElement === document.body;
    running = null;
    run.disabled = false;
    stop.disabled = true;
    if (hadFocus) run.focus();
  }
}

/** A program has a language, and one that a sandbox runs; a prompt leaves it to Claude. */
function adapt(): void {
  const isProgram = kind() === 'program';
  part('text-label', HTMLLabelElement).textContent = isProgram ? 'Program' : 'Prompt';
  text.classList.toggle('program', isProgram);
  text.placeholder = isProgram ? 'print("hello")' : 'What is the 10th Fibonacci number?';
  for (const option of language.options) option.disabled = isProgram && !(option.value in ENTRYPOINTS);
  if (language.selectedOptions[0]?.disabled) language.value = 'python';
}

async function greet(): Promise<void> {
  const line = part('worker', HTMLParagraphElement);
  try {
    const health = (await (await fetch('/health')).json()) as Record<string, unknown>;
    const sandboxes = Array.isArray(health['sandboxes']) ? health['sandboxes'].join(', ') : '';
    line.textContent = `Worker ${String(health['version'])}, model ${String(health['model'])}, sandbox ${sandboxes || 'none'}`;
  } catch {
    line.textContent = 'The Worker does not answer.';
  }
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  void start();
});
form.addEventListener('change', adapt);
text.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void start();
});
stop.addEventListener('click', () => running?.abort());

token.value = sessionStorage.getItem(TOKEN) ?? '';
adapt();
void greet();
