/**
 * Sends a prompt to the Worker, shows what happens, and saves the files that come back. It needs Node 22.18 or newer
 * and nothing else; it never runs a program itself.
 *
 *   node launcher.ts "What is the 10th Fibonacci number?" --agent python-developer
 */
import { stat } from 'node:fs/promises';
import path from 'node:path';

import { execute, type Answer, type Question } from './client.ts';
import { LIMITS } from './src/limits.ts';
import type { Language } from './src/program.ts';
import { findProject, loadAgents, systemText } from './tools/agents.ts';
import {
  COMMON_HELP,
  COMMON_OPTIONS,
  connection,
  exitOfAnswer,
  greet,
  jsonLine,
  parse,
  readPrompt,
  runTool,
  usage,
} from './tools/command.ts';
import { Display } from './tools/display.ts';
import { ToolError } from './tools/errors.ts';
import { freshDirectory, saveFiles, type SavedFiles } from './tools/outputs.ts';

const HELP = `Usage: node launcher.ts "PROMPT" [options]        ("-" reads the prompt from standard input)

Sends the prompt to the Worker, which asks Claude for a program and runs it in a fresh sandbox. The program's output
goes to stdout, everything else to stderr, and its files into cloudflare-<run id>/.

  --agent NAME,…      agents of the project, .claude/agents/**/NAME.md, that Claude works as (repeatable)
  --language LANGUAGE python, javascript, typescript or web; Claude chooses when absent
  --timeout SECONDS   stop the program after this long; ${LIMITS.timeout.default / 1000} by default, at most ${LIMITS.timeout.most / 1000}
  --output DIR        save files into this folder instead; one of the same name is replaced
${COMMON_HELP}`;

const LANGUAGES = Object.keys({ python: 0, javascript: 0, typescript: 0, web: 0 } satisfies Record<Language, 0>);

async function main(signal: AbortSignal): Promise<number> {
  const { values, positionals } = parse({
    ...COMMON_OPTIONS,
    agent: { type: 'string', multiple: true },
    language: { type: 'string' },
    timeout: { type: 'string' },
    output: { type: 'string' },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const place = await findPlace();
  const output = values.output === undefined ? null : path.resolve(place.start, values.output);
  if (
    output !== null &&
    !(await stat(output).then(
      (info) => info.isDirectory(),
      () => true,
    ))
  ) {
    throw usage(`--output ${values.output} is not a folder.`);
  }
  const names = (values.agent ?? [])
    .flatMap((list) => list.split(','))
    .map((name) => name.trim())
    .filter(Boolean);
  const agents = await loadAgents(place.project, names);
  const question: Question = {
    question: await readPrompt(positionals, signal),
    ...given('language', checkLanguage(values.language)),
    ...given('timeout', milliseconds(values.timeout)),
    ...given('system', systemText(agents)),
    ...given('model', agents.find(({ model }) => model !== null)?.model ?? undefined),
  };
  const options = connection(values.url, signal);
  await greet(options);

  const display = values.json ? null : new Display();
  display?.fact('Where', options.url!);
  display?.fact(
    'Agents',
    agents.map(({ name, file }) => `${name} (${path.relative(place.start, file)})`),
  );
  let answer: Answer | undefined;
  try {
    for await (const event of execute(options, question)) {
      display?.event(event);
      if (event.name === 'result') answer = event.data;
    }
  } finally {
    display?.end();
  }
  const { saved, unsaved } = await keep(answer!, output ?? (await freshDirectory(place.outputs, answer!.sandboxId)));
  if (display) display.receipt(answer!, saved, place.start);
  else process.stdout.write(jsonLine(asJson(answer!, saved, unsaved)));
  if (unsaved && display) throw unsaved;
  return unsaved?.exitCode ?? exitOfAnswer(answer!, saved.refused.length);
}

/** Saves the files of an answer. What keeps them from it does not take the answer with it: that was paid for. */
async function keep(answer: Answer, directory: string): Promise<{ saved: SavedFiles; unsaved: ToolError | null }> {
  try {
    return { saved: await saveFiles(answer.files, answer.refusedFiles, directory), unsaved: null };
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    return { saved: { directory: null, saved: [], refused: answer.refusedFiles }, unsaved: error };
  }
}

/** Where the user stands, the project there, and where files go. */
async function findPlace(): Promise<{ start: string; project: string; outputs: string }> {
  // npm runs scripts in the folder of their package.json and keeps the user's own here.
  const isByNpm = process.cwd() === import.meta.dirname && process.env['npm_lifecycle_event'] !== undefined;
  const start = isByNpm ? (process.env['INIT_CWD'] ?? process.cwd()) : process.cwd();
  const project = await findProject(start);
  // In .claude they would become part of the Worker's project, or of Claude Code's settings.
  const isInSettings = path.relative(project, start).split(path.sep)[0] === '.claude';
  return { start, project, outputs: isInSettings ? project : start };
}

function checkLanguage(language: string | undefined): Language | undefined {
  if (language === undefined || LANGUAGES.includes(language)) return language as Language | undefined;
  throw usage(`--language ${language} is none of ${LANGUAGES.join(', ')}.`);
}

function milliseconds(seconds: string | undefined): number | undefined {
  if (seconds === undefined) return undefined;
  const ms = Math.round(Number(seconds) * 1000);
  const { least, most } = LIMITS.timeout;
  if (seconds.trim() !== '' && ms >= least && ms <= most) return ms;
  throw usage(`--timeout takes ${least / 1000} to ${most / 1000} seconds.`);
}

/** A field of a request, or none: what is absent is the Worker's choice. */
function given<Name extends string, T>(name: Name, value: T | undefined): { [K in Name]?: T } {
  return (value === undefined ? {} : { [name]: value }) as { [K in Name]?: T };
}

function asJson(answer: Answer, saved: SavedFiles, unsaved: ToolError | null): object {
  const body = { ...answer, refusedFiles: saved.refused, savedFiles: saved.saved, outputDirectory: saved.directory };
  if (!unsaved) return body;
  // The answer stays, under the error that decides the exit status.
  const { success, error, errorCode } = answer;
  return { ...body, ...unsaved.toBody(), programError: success ? null : { error, errorCode } };
}

await runTool(main);
