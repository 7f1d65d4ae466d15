/**
 * Which names a generated file may have. `sandbox/paths.py` of the command line is the same rule, with the same
 * reasons; test/paths.json holds both to it.
 *
 * The rule errs on the strict side: files are written into somebody's folder, on any system, by a program that nobody
 * has read. A name that another system, editor, shell or tool would read as something else is refused, and so
 * is every name that acts by being there: all that begin with a dot, but for the few in `INERT_DOTFILES`.
 */

const INERT_DOTFILES = new Set([
  '.dockerignore',
  '.editorconfig',
  '.gitignore',
  '.gitkeep',
  '.keep',
  '.nojekyll',
  '.prettierignore',
]);

/** Read without being asked for, by coding agents, module loaders and Windows. */
const ACTS_BY_ITSELF = new Set([
  'agents.md',
  'autorun.inf',
  'claude.local.md',
  'claude.md',
  'desktop.ini',
  'gemini.md',
  'node_modules',
]);

const MAX_PATH_BYTES = 1024;
const MAX_NAME_BYTES = 255;
const MAX_SEGMENTS = 32;

const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
/** Not to be seen, or changing the order of what is seen; some file systems drop them (HFS+: `.g<U+200C>it`). */
const INVISIBLE =
  /[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\uffff\u{e0000}-\u{e0fff}]/u;
const LONE_SURROGATE = /[\ud800-\udfff]/u;
const NOT_FOR_WINDOWS = /[<>:"|?*]/;
const DEVICE = /^(con|prn|aux|nul|conin\$|conout\$|com[0-9]|lpt[0-9]) *(\.|$)/;
/** The other name that Windows gives a long one: `git~1` is `.git`. */
const SHORT_NAME = /~[0-9]+(\.[^.]*)?$/;

const encoder = new TextEncoder();

/**
 * Why a file must not be written under this path, as the end of the sentence "`path` …"; null when it may.
 * The path is relative, with `/` between its segments.
 */
export function unsafePath(path: string): string | null {
  if (path === '') return 'is empty';
  if (LONE_SURROGATE.test(path)) return 'is not valid Unicode';
  if (encoder.encode(path).length > MAX_PATH_BYTES) return 'is too long';
  if (path.split('/').length > MAX_SEGMENTS) return 'is nested too deeply';
  if (CONTROL.test(path)) return 'has a control character';
  if (INVISIBLE.test(path)) return 'has an invisible character';
  // What normalises to a dot or a slash becomes one as soon as somebody normalises the name.
  return unsafeForm(path) ?? unsafeForm(path.normalize('NFKC'));
}

function unsafeForm(path: string): string | null {
  if (path.includes('\\')) return 'has a backslash';
  if (path.startsWith('/')) return 'is absolute';
  if (path.startsWith('~')) return 'begins with a tilde';
  const names = path.toLowerCase().split('/');
  for (const [index, name] of names.entries()) {
    const reason = unsafeName(name, index === names.length - 1);
    if (reason) return reason;
  }
  return null;
}

function unsafeName(name: string, isFile: boolean): string | null {
  if (name === '') return 'has an empty segment';
  if (name === '..') return 'leaves its folder';
  if (name === '.') return 'has a "." segment';
  if (NOT_FOR_WINDOWS.test(name)) return 'has a character that Windows does not allow';
  if (encoder.encode(name).length > MAX_NAME_BYTES) return 'has a name that is too long';
  if (name.endsWith('.') || name.startsWith(' ') || name.endsWith(' '))
    return 'has a name with a dot or space at its edge';
  if (DEVICE.test(name)) return 'names a Windows device';
  if (SHORT_NAME.test(name)) return 'has a Windows short name';
  if (name.startsWith('.') && !(isFile && INERT_DOTFILES.has(name))) return 'has a hidden name, which tools may obey';
  if (ACTS_BY_ITSELF.has(name)) return 'has a name that tools obey';
  return null;
}
