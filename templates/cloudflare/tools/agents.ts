/** The agents of a project, `.claude/agents/**`, as the `system` text of a request. Nothing else of it is read. */
import { constants } from 'node:fs';
import { open, readdir, realpath, stat, type FileHandle } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';

import { unsafePath } from '../src/paths.ts';
import { ToolError } from './errors.ts';

export interface Agent {
  /** `category/leaf`, or the bare leaf of a file that lies in no category. */
  name: string;
  file: string;
  /** The text after the frontmatter. */
  body: string;
  /** The model that it asks for; null when it leaves the choice to others. */
  model: string | null;
}

const MAX_BYTES = 256 * 1024;
const MAX_FOLDERS = 5_000;

/**
 * The nearest folder from `start` upwards that has a `.claude` folder, else `start`. The home folder counts for what
 * stands in it directly alone: its `.claude` is Claude Code's own configuration.
 */
export async function findProject(start: string): Promise<string> {
  const from = path.resolve(start);
  for (let folder = from; ; folder = path.dirname(folder)) {
    const isProject = await isFolder(path.join(folder, '.claude'));
    if (isProject && (folder === from || folder !== path.resolve(homedir()))) return folder;
    if (folder === path.dirname(folder)) return from;
  }
}

/**
 * The agents that the references mean, in the order given; one that is named twice comes once. A reference is
 * `name` or `category/name`. Throws ToolError: `component_invalid`, `component_ambiguous`, `component_not_found`.
 */
export async function loadAgents(project: string, references: readonly string[]): Promise<Agent[]> {
  const names = references.map(checkName);
  const root = path.join(project, '.claude', 'agents');
  const found = names.length > 0 ? await listAgents(root, await realpath(project)) : [];
  const chosen = new Set(names.map((name) => choose(name, found)));
  return Promise.all([...chosen].map((name) => loadAgent(root, name)));
}

/** One named section for each agent, the same text as `cct` sends; undefined without agents. */
export function systemText(agents: readonly Agent[]): string | undefined {
  if (agents.length === 0) return undefined;
  const sections = agents.map(({ name, body }) => section(name, trim(body)));
  if (sections.length > 1) {
    sections.unshift('You work as all of these agents at once. Where they disagree, the earlier one decides.');
  }
  return sections.join('\n\n');
}

function checkName(reference: string): string {
  const name = reference.replace(/\.md$/, '');
  const problem = unsafePath(`${name}.md`);
  if (!problem) return name;
  throw new ToolError(
    'component_invalid',
    `${JSON.stringify(reference.slice(0, 80))} is not the name of an agent: it ${problem}.`,
    'Write "name" or "category/name", for example development-team/python-developer.',
  );
}

function choose(reference: string, names: readonly string[]): string {
  const key = nameKey(reference);
  const isMeant = (name: string): boolean =>
    nameKey(reference.includes('/') ? name : name.slice(name.lastIndexOf('/') + 1)) === key;
  const [first, ...others] = names.filter(isMeant);
  if (first === undefined) {
    const hint = names.length > 0 ? `The agents there are: ${names.slice(0, 20).join(', ')}.` : 'It has no agents.';
    throw new ToolError('component_not_found', `There is no agent named ${reference} in this project.`, hint);
  }
  if (others.length > 0) {
    throw new ToolError(
      'component_ambiguous',
      `${reference} fits several agents: ${[first, ...others].join(', ')}.`,
      'Give the one you mean with its category, or rename one of them.',
    );
  }
  return first;
}

/** Equal for two names that a file system could take for one. */
function nameKey(name: string): string {
  return name.normalize('NFC').toLowerCase();
}

/** The names of all agents, sorted. A link that leaves the project is not followed, a circle of them ends. */
async function listAgents(root: string, project: string): Promise<string[]> {
  const names: string[] = [];
  const seen = new Set<string>();
  const visit = async (folder: string, prefix: string): Promise<void> => {
    const real = await realpath(folder).catch(() => null);
    if (real === null || !isInside(real, project) || seen.has(real) || seen.size > MAX_FOLDERS) return;
    seen.add(real);
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      const name = prefix + entry.name;
      const at = path.join(folder, entry.name);
      if (entry.name.startsWith('.')) continue;
      if (await isFolder(at)) await visit(at, `${name}/`);
      else if (name.endsWith('.md') && !unsafePath(name) && (await isFileInside(at, project))) {
        names.push(name.slice(0, -'.md'.length));
      }
    }
  };
  await visit(root, '');
  return names.sort();
}

async function loadAgent(root: string, name: string): Promise<Agent> {
  const file = path.join(root, `${name}.md`);
  try {
    const text = await readText(await realpath(file));
    const { frontmatter, body } = splitFrontmatter(text);
    return { name, file, body, model: chosenModel(frontmatter) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ToolError('component_invalid', `The agent ${name} cannot be used: ${reason}.`, `Look at ${file}.`);
  }
}

async function readText(file: string): Promise<string> {
  // A pipe would block the open, and a link put here since the path was resolved could lead anywhere.
  const handle: FileHandle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  try {
    if (!(await handle.stat()).isFile()) throw new Error('it is not a regular file');
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAX_BYTES + 1));
    if (bytesRead > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES / 1024} KiB`);
    const text = new TextDecoder('utf-8', { fatal: true }).decode(buffer.subarray(0, bytesRead));
    if (text.includes('\0')) throw new Error('it is not text');
    return text;
  } finally {
    await handle.close();
  }
}

const OPEN = /^(?:[ \t]*\r?\n)*---[ \t]*\r?\n/;
const CLOSE = /(?<=\n)---[ \t]*\r?(?:\n|$)/g;
/** What a first line of metadata looks like; two horizontal rules around prose are no frontmatter. */
const METADATA = /^(?:[ \t]*(?:#.*)?\r?\n)*(?:$|[A-Za-z_][\w-]*[ \t]*:(?:\s|$))/;

function splitFrontmatter(text: string): { frontmatter: string; body: string } {
  const opened = OPEN.exec(text);
  if (!opened) return { frontmatter: '', body: text };
  CLOSE.lastIndex = opened[0].length;
  const closed = CLOSE.exec(text);
  const frontmatter = text.slice(opened[0].length, closed?.index);
  if (!closed || !METADATA.test(frontmatter)) return { frontmatter: '', body: text };
  return { frontmatter, body: text.slice(closed.index + closed[0].length) };
}

/** The value of `model:`: an alias, or a full name, which has one of the marks that a mistyped alias has not. */
function chosenModel(frontmatter: string): string | null {
  const value = /^model[ \t]*:[ \t]+(["']?)([\w.:/@-]{1,128})(?:\[1m\])?\1[ \t]*(?:#.*)?\r?$/m.exec(frontmatter)?.[2];
  return value && /^(sonnet|opus|haiku)$|^[a-z0-9][^-.:/]*[-.:/]/i.test(value) ? value : null;
}

/** The tag grows until no text can end it. */
function section(name: string, text: string): string {
  let tag = 'agent';
  while (text.includes(`</${tag}>`)) tag += '_';
  return `<${tag} name="${name}">\n${text}\n</${tag}>`;
}

/** Without the blank lines before it and the white space after it; its first line keeps its indentation. */
function trim(text: string): string {
  return text.replace(/^(?:[^\S\n]*\n)+/, '').trimEnd();
}

async function isFolder(at: string): Promise<boolean> {
  return stat(at).then(
    (info) => info.isDirectory(),
    () => false,
  );
}

async function isFileInside(at: string, project: string): Promise<boolean> {
  return realpath(at).then(
    (real) => isInside(real, project),
    () => false,
  );
}

function isInside(at: string, folder: string): boolean {
  const relative = path.relative(folder, at);
  return relative === '' || (relative !== '..' && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative));
}
